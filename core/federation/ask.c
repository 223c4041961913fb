// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "federation/presence.h"
#include "federation/standing.h"
#include "federation/trail.h"

/* Between the stages and the policy: what a hook is told, and carrying out what it says. */

enum { LABELS_LIMIT = 16 }; /**< of all hooks together */

static void on_decided(void *owner)
{
    struct wg_exchange *x = owner;

    x->policy_call = NULL;
    wg_exchange_run(x);
}

static int64_t since(int64_t now_s, int64_t then_s)
{
    return then_s < 0 ? -1 : now_s > then_s ? now_s - then_s : 0;
}

static void fill_peer(struct wg_exchange *x, struct wg_question *question)
{
    struct wg_peer_facts facts;

    wg_directory_facts(x->worker->gateway->directory, x->peer_name, &facts);
    question->peer.name = x->peer_name;
    question->peer.mode =
        wg_str(wg_standing_mode(x->worker->gateway, x->instance, x->peer_name, NULL));
    question->peer.known_for_s = since(question->now_s, facts.known_since_s);
    question->peer.last_seen_s = facts.last_seen_s;
    question->peer.key_age_s = since(question->now_s, facts.key_since_s);
    question->peer.key_id = wg_arena_copy(x->arena, wg_str(facts.kid));
    wg_notes_labels(x->worker->gateway->notes, x->peer_name, x->arena, &question->peer.labels);
    question->peer.events_24h = facts.events_24h;
    question->peer.failures_24h = facts.failures_24h;
    if (question->peer.known_for_s < 0)
        question->peer.known_for_s = 0;
}

static void fill_change(struct wg_exchange *x, struct wg_question *question)
{
    struct wg_public_key newest;

    question->change.new_key_id = wg_str(x->shown[x->shown_at].kid);
    /* Whatever verifies here was read in the descriptor, over verified TLS. */
    question->change.is_published = true;
    if (wg_keyring_newest(x->worker->gateway->keyring, x->instance->server_name, x->peer_name,
                          &newest))
        question->change.old_key_id = wg_arena_copy(x->arena, wg_str(newest.kid));
}

static void fill_room(struct wg_exchange *x, struct wg_question *question)
{
    struct wg_gateway *gateway = x->worker->gateway;

    question->room.id = x->room_id;
    question->room.federated =
        wg_rooms_flag(gateway->rooms, x->instance->server_name, x->room_id);
    question->room.foreign_participants =
        x->brought.at && x->direction == WG_INBOUND
            ? x->participants_before
            : wg_members_count(gateway->members, x->instance->server_name, x->room_id);
    question->room.has_participant = wg_presence_flag(x);
}

static void fill_question(struct wg_exchange *x, enum wg_hook hook)
{
    struct wg_question *question = &x->question;

    *question = (struct wg_question){
        .hook = hook,
        .direction = x->direction,
        .server = x->instance->server_name,
        .now_s = wg_clock_wall_s(x->worker->gateway->clock),
        .remote_address = wg_str(x->remote_address),
        .is_authenticated = x->is_authenticated,
        .event = x->has_event ? &x->event : NULL,
    };
    fill_peer(x, question);
    fill_room(x, question);
    question->request.endpoint = wg_str(wg_endpoint_name(x->endpoint));
    question->request.room_id = x->room_id;
    question->request.before = x->before;
    question->request.limit = x->limit;
    if (hook == WG_HOOK_KEY)
        fill_change(x, question);
    if (x->local_id.at)
        question->request.participant = wg_str(wg_arena_format(
            x->arena, "@%.*s:%.*s", WG_STR_F(x->local_id), WG_STR_F(x->instance->server_name)));
}

static struct wg_header *label_at(struct wg_exchange *x, struct wg_str name)
{
    for (size_t i = 0; i < x->labels.count; i++)
        if (wg_str_equal(x->labels.at[i].name, name))
            return &x->labels.at[i];
    return NULL;
}

/* Hooks are asked one after the other, "peer" even twice: of one name the last word counts. */
static void keep_labels(struct wg_exchange *x)
{
    for (size_t i = 0; i < x->decision.labels.count; i++) {
        const struct wg_header *label = &x->decision.labels.at[i];
        struct wg_header *there = label_at(x, label->name);

        if (there)
            there->value = label->value;
        else if (x->labels.count < LABELS_LIMIT)
            wg_headers_add(&x->labels, x->arena, label->name, label->value);
    }
}

static int64_t tighter(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void keep_limits(struct wg_exchange *x)
{
    x->limits.events = tighter(x->limits.events, x->decision.limit.events);
    x->limits.bytes = tighter(x->limits.bytes, x->decision.limit.bytes);
    /* The later boundary hides more. */
    if (x->decision.limit.not_before_s > x->limits.not_before_s)
        x->limits.not_before_s = x->decision.limit.not_before_s;
}

/* on_error has decided, maybe to allow: the operator hears of it in any case. */
static void log_failure(const struct wg_exchange *x)
{
    const struct wg_decision *decision = &x->decision;

    wg_log(WG_LOG_ERROR, "policy.failed", "a handler failed; on_error decides",
           WG_F_TEXT("request_id", x->request_id), WG_F_STR("server", x->instance->server_name),
           WG_F_STR("peer", x->peer_name), WG_F_TEXT("hook", wg_hook_name(x->question.hook)),
           WG_F_TEXT("verdict", wg_verdict_name(decision->verdict)),
           WG_F_STR("policy", decision->policy), WG_F_STR("policy_file", decision->file),
           WG_F_INT("policy_line", decision->line),
           WG_F_INT("generation", decision->generation),
           WG_F_TEXT("code", wg_code_name(decision->failure)),
           WG_F_STR("reason", decision->failure_text));
}

/* Only who has proved its name pays: else anybody could make another pay. And never more than
 * the budget: what a call took beyond it, others on this machine took. */
static void note_failure(struct wg_exchange *x)
{
    const struct wg_gateway *gateway = x->worker->gateway;
    int64_t most_us = gateway->config->budget.running_ms * 1000;
    int64_t running_us = x->decision.running_us;

    log_failure(x);
    if (x->decision.failure == WG_BUDGET && x->direction == WG_INBOUND && x->is_authenticated)
        wg_toll_add(&x->worker->toll, x->instance->server_name, x->peer_name,
                    running_us < most_us ? running_us : most_us,
                    wg_clock_mono_ms(gateway->clock));
}

enum wg_stage_result wg_exchange_ask(struct wg_exchange *x, enum wg_hook hook)
{
    if (!x->is_asked) {
        fill_question(x, hook);
        wg_trail_asked(x);
        x->policy_call =
            wg_policy_ask(x->generation, &x->question, x->arena, &x->decision, on_decided, x);
        if (x->policy_call) {
            x->is_asked = true;
            return WG_STAGE_WAIT;
        }
    }
    x->is_asked = false;
    wg_trail_decided(x);
    if (x->decision.failure != WG_OK)
        note_failure(x);
    keep_labels(x);
    keep_limits(x);
    return WG_STAGE_NEXT;
}

static enum wg_stage_result refuse(struct wg_exchange *x, enum wg_code code)
{
    const struct wg_decision *decision = &x->decision;

    /* What broke inside a policy is the operator's to read in the log, not the peer's. */
    if (decision->failure != WG_OK)
        return wg_exchange_fail(
            x, code,
            "this server cannot decide on your request now: tell its operator "
            "the request id");
    if (!decision->reason.len)
        return wg_exchange_fail(x, code, "refused by the policy of '%.*s': ask its operator",
                                WG_STR_F(x->instance->server_name));
    return wg_exchange_fail(x, code, "%.*s", WG_STR_F(decision->reason));
}

enum wg_stage_result wg_exchange_obey(struct wg_exchange *x)
{
    const struct wg_decision *decision = &x->decision;

    switch (decision->verdict) {
    case WG_VERDICT_ALLOW:
        return WG_STAGE_NEXT;
    case WG_VERDICT_DEFER:
        x->retry_after_s = decision->defer_s > 0 ? decision->defer_s : 1;
        return refuse(x, decision->code);
    case WG_VERDICT_DENY:
        return refuse(x, decision->code);
    case WG_VERDICT_QUARANTINE:
        if (!x->has_event)
            return refuse(x, WG_POLICY_REJECTED); /* there is nothing to hold */
        x->is_held = true;
        x->held_reason = decision->reason;
        return WG_STAGE_NEXT;
    case WG_VERDICT_NONE:
        break;
    }
    return refuse(x, WG_POLICY_REJECTED);
}

struct wg_str wg_exchange_clamped_query(struct wg_exchange *x)
{
    struct wg_str rest = x->message->query;
    char *query;

    if (x->endpoint != WG_ENDPOINT_BACKFILL || x->limits.events < 0 ||
        (x->limit >= 0 && x->limit <= x->limits.events))
        return x->message->query;
    query = wg_arena_format(x->arena, "?limit=%lld", (long long)x->limits.events);
    if (rest.len)
        rest = wg_str_of(rest.at + 1, rest.len - 1);
    while (rest.at) {
        struct wg_str part = wg_str_split(&rest, '&');

        if (part.len && !wg_str_starts(part, WG_STR("limit=")) && !wg_str_is(part, "limit"))
            query = wg_arena_format(x->arena, "%s&%.*s", query, WG_STR_F(part));
    }
    return wg_str(query);
}
