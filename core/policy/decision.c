// SPDX-License-Identifier: Apache-2.0
#include "policy/policy_impl.h"

enum { DEFAULT_BACKFILL_EVENTS = 100, FAILURE_DEFER_S = 30 };

static void refuse(struct wg_decision *decision, enum wg_code code, const char *reason)
{
    decision->verdict = WG_VERDICT_DENY;
    decision->code = code;
    decision->reason = wg_str(reason);
}

static void default_room(const struct wg_question *question, struct wg_decision *decision)
{
    if (question->room.federated == WG_FLAG_NO)
        refuse(decision, WG_ROOM_FORBIDDEN,
               "this room is not federated; its server's operator can federate it");
}

void wg_decision_default(const struct wg_question *question, struct wg_decision *decision)
{
    decision->verdict = WG_VERDICT_ALLOW;
    decision->code = WG_OK;
    decision->reason = (struct wg_str){NULL, 0};
    decision->policy = WG_STR("default");
    decision->file = (struct wg_str){NULL, 0};
    decision->line = 0;
    switch (question->hook) {
    case WG_HOOK_PEER:
        refuse(decision, WG_PEER_UNKNOWN,
               "no policy of this server admits the peer; its operator can add it to "
               "allowed_peers");
        break;
    case WG_HOOK_ROOM:
    case WG_HOOK_MEMBERS:
        default_room(question, decision);
        break;
    case WG_HOOK_KEY:
        if (!question->change.is_published)
            refuse(decision, WG_BAD_SIGNATURE,
                   "the key is not published in the descriptor of its server");
        break;
    case WG_HOOK_INVITE:
    case WG_HOOK_EVENT:
    case WG_HOOK_BACKFILL:
    case WG_HOOK_PROFILE:
    case WG_HOOK_DELIVERY:
    case WG_HOOK_COUNT:
        break;
    }
}

void wg_decision_bound(const struct wg_question *question, struct wg_decision *decision)
{
    if (question->hook == WG_HOOK_BACKFILL && decision->limit.events < 0)
        decision->limit.events = DEFAULT_BACKFILL_EVENTS;
}

void wg_decision_failed(const struct wg_question *question, enum wg_on_error on_error,
                        struct wg_decision *decision)
{
    static const char reason[] =
        "a policy of this server failed; its operator finds why in the log";

    /* An attempt that failed has a schedule; a script's error must not lose the event. */
    if (question->hook == WG_HOOK_DELIVERY)
        on_error = WG_ON_ERROR_ALLOW;
    switch (on_error) {
    case WG_ON_ERROR_ALLOW:
        decision->verdict = WG_VERDICT_ALLOW;
        decision->code = WG_OK;
        break;
    case WG_ON_ERROR_DEFER:
        decision->verdict = WG_VERDICT_DEFER;
        decision->code = WG_DEFERRED;
        decision->defer_s = FAILURE_DEFER_S;
        decision->reason = wg_str(reason);
        break;
    case WG_ON_ERROR_DENY:
        refuse(decision, question->hook == WG_HOOK_PEER ? WG_PEER_UNKNOWN : WG_POLICY_REJECTED,
               reason);
        break;
    }
}
