// SPDX-License-Identifier: Apache-2.0
#include "policy/policy_impl.h"

/* Every hook that has handlers is asked once with a made sample before a generation may serve:
 * a misspelt field is found then, not at the first event. Modules see state->is_dry and change
 * nothing. */

static const char sample_event[] =
    "{\"id\":\"0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11\",\"type\":\"%s\","
    "\"room_id\":\"room-sample\",\"sender_id\":\"@sample:peer.example.com\","
    "\"origin\":\"peer.example.com\",\"origin_ts\":1778939467,\"content\":%s,"
    "\"signatures\":{}}";

static void fill_question(const struct wg_state *state, enum wg_hook hook,
                          const struct wg_event *event, struct wg_question *question)
{
    *question = (struct wg_question){
        .hook = hook,
        .direction = WG_INBOUND,
        .server = wg_str(state->edition->instance->server_name),
        .now_s = 1778939467,
        .remote_address = WG_STR("192.0.2.1"),
        .is_authenticated = true,
        .event = event,
    };
    question->peer.name = WG_STR("peer.example.com");
    question->peer.key_id = WG_STR("00000000");
    question->peer.mode = WG_STR("open");
    question->peer.known_for_s = 86400;
    question->peer.last_seen_s = 1778939400;
    question->peer.key_age_s = 86400;
    question->room.id = WG_STR("room-sample");
    question->room.federated = WG_FLAG_YES;
    question->request.endpoint = wg_str(wg_hook_name(hook));
    question->request.room_id = WG_STR("room-sample");
    question->request.participant = WG_STR("@sample:peer.example.com");
    question->request.limit = 50;
    question->change.new_key_id = WG_STR("11111111");
    question->change.old_key_id = WG_STR("00000000");
    question->change.is_published = true;
    question->attempt.destination = WG_STR("peer.example.com");
    question->attempt.event_id = WG_STR("0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11");
    question->attempt.room_id = WG_STR("room-sample");
    question->attempt.code = WG_STR("CONNECT_FAILED");
    question->attempt.reason = WG_STR("connection refused");
    question->attempt.number = 1;
    question->attempt.age_s = 5;
    question->attempt.next_in_s = 10;
}

static enum wg_code make_event(struct wg_arena *arena, enum wg_hook hook,
                               struct wg_event *ret_event, struct wg_err *err)
{
    const char *text =
        hook == WG_HOOK_INVITE
            ? wg_arena_format(arena, sample_event, "swp.room.member",
                              "{\"membership\":\"invite\",\"participant\":\"@sample:"
                              "chat.example.com\"}")
            : wg_arena_format(arena, sample_event, "swp.room.message",
                              "{\"msgtype\":\"swp.text\",\"body\":\"Hello\"}");

    if (wg_event_parse(wg_str(text), ret_event, err) != WG_OK)
        return wg_while(err, "the sample of hook '%s'", wg_hook_name(hook));
    return WG_OK;
}

static void on_nothing(void *owner)
{
    (void)owner;
}

static enum wg_code ask(struct wg_state *state, enum wg_hook hook, struct wg_arena *arena,
                        struct wg_err *err)
{
    struct wg_event event;
    struct wg_question question;
    struct wg_decision decision;
    struct wg_policy_call *call;

    if (make_event(arena, hook, &event, err) != WG_OK)
        return err->code;
    fill_question(state, hook, &event, &question);
    call = wg_call_ask(state, &question, arena, &decision, on_nothing, NULL);
    if (call) /* it waits, which is as far as a dry run goes */
        wg_policy_cancel(call);
    wg_event_done(&event);
    if (!call && decision.failure != WG_OK)
        return wg_fail(err, decision.failure, "%.*s (trying hook '%s' with a sample)",
                       WG_STR_F(decision.failure_text), wg_hook_name(hook));
    return WG_OK;
}

enum wg_code wg_dry_run(struct wg_state *state, struct wg_err *err)
{
    enum wg_code code = WG_OK;
    struct wg_arena arena;

    state->is_dry = true;
    wg_arena_init(&arena);
    for (int hook = 0; hook < WG_HOOK_COUNT && code == WG_OK; hook++)
        if (state->chains[hook].count > 0)
            code = ask(state, (enum wg_hook)hook, &arena, err);
    wg_arena_done(&arena);
    return code;
}
