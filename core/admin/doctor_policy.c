// SPDX-License-Identifier: Apache-2.0
#include "admin/doctor_impl.h"
#include "policy/trace.h"

/* What our policies say of a peer, asked in a way that nothing counts. */

static int64_t since(int64_t now_s, int64_t then_s)
{
    return then_s < 0 || then_s > now_s ? 0 : now_s - then_s;
}

static void fill_peer(struct doctor *doctor, struct wg_question *question)
{
    struct wg_arena *arena = doctor->request->arena;
    struct wg_peer_facts facts;
    char ip[WG_IP_TEXT] = "";

    wg_directory_facts(doctor->request->gateway->directory, doctor->peer, &facts);
    wg_notes_labels(doctor->request->gateway->notes, doctor->peer, arena,
                    &question->peer.labels);
    question->peer.name = doctor->peer;
    question->peer.known_for_s = since(question->now_s, facts.known_since_s);
    question->peer.last_seen_s = facts.last_seen_s;
    question->peer.key_age_s =
        facts.key_since_s < 0 ? -1 : since(question->now_s, facts.key_since_s);
    question->peer.key_id = wg_arena_copy(arena, wg_str(facts.kid));
    question->peer.events_24h = facts.events_24h;
    question->peer.failures_24h = facts.failures_24h;
    if (doctor->address_count)
        wg_ip_write(&doctor->addresses[0].candidate.ip, ip);
    question->remote_address = wg_arena_copy(arena, wg_str(ip));
}

static void begin_question(struct doctor *doctor, enum wg_hook hook,
                           enum wg_direction direction, struct wg_question *ret_question)
{
    *ret_question = (struct wg_question){
        .hook = hook,
        .direction = direction,
        .server = doctor->request->instance->server_name,
        .now_s = wg_clock_wall_s(doctor->request->gateway->clock),
        .is_authenticated = true,
        .is_dry = true,
        .room.foreign_participants = -1,
        .request.limit = -1,
    };
    fill_peer(doctor, ret_question);
}

static void on_decided(void *owner)
{
    (void)owner; /* never: a handler that waits is cancelled */
}

static void ask(struct doctor *doctor, struct wg_question *question,
                struct doctor_verdict *ret_verdict)
{
    struct wg_worker *worker = doctor->request->worker;
    struct wg_policy_generation *generation =
        wg_policy_pin(worker->policy, doctor->request->instance->index);
    struct wg_policy_call *call;

    *ret_verdict = (struct doctor_verdict){.trace.arena = doctor->request->arena};
    question->trace = &ret_verdict->trace;
    call = wg_policy_ask(generation, question, doctor->request->arena, &ret_verdict->decision,
                         on_decided, NULL);
    ret_verdict->is_waiting = call != NULL;
    if (call)
        wg_policy_cancel(call);
    wg_policy_unpin(generation);
}

void doctor_ask_key(struct doctor *doctor, struct wg_str old_kid, struct wg_str new_kid,
                    struct doctor_verdict *ret_verdict)
{
    struct wg_question question;

    begin_question(doctor, WG_HOOK_KEY, WG_INBOUND, &question);
    question.change.old_key_id = old_kid;
    question.change.new_key_id = new_kid;
    question.change.is_published = true;
    ask(doctor, &question, ret_verdict);
}

void doctor_ask_room(struct doctor *doctor, enum wg_direction direction,
                     struct doctor_verdict *ret_verdict)
{
    struct wg_question question;

    begin_question(doctor, WG_HOOK_ROOM, direction, &question);
    question.room.id = doctor->room_id;
    question.room.federated =
        wg_rooms_flag(doctor->request->gateway->rooms, doctor->request->instance->server_name,
                      doctor->room_id);
    ask(doctor, &question, ret_verdict);
}

static const char *place_of(struct doctor *doctor, struct wg_str policy, struct wg_str file,
                            int line)
{
    if (!file.at)
        return "the hook's default";
    return wg_arena_format(doctor->request->arena, "%.*s, %.*s:%d", WG_STR_F(policy),
                           WG_STR_F(file), line);
}

const char *doctor_verdict_text(struct doctor *doctor, const struct doctor_verdict *verdict)
{
    struct wg_arena *arena = doctor->request->arena;
    const struct wg_decision *decision = &verdict->decision;
    const char *place = place_of(doctor, decision->policy, decision->file, decision->line);

    if (verdict->is_waiting && verdict->trace.count) {
        const struct wg_trace_step *step = &verdict->trace.steps[verdict->trace.count - 1];

        return wg_arena_format(arena, "%s asks somebody else, which is not done here",
                               place_of(doctor, step->policy, step->file, step->line));
    }
    if (decision->failure != WG_OK)
        return wg_arena_format(arena, "%.*s failed: %.*s", WG_STR_F(decision->policy),
                               WG_STR_F(decision->failure_text));
    if (decision->verdict == WG_VERDICT_DEFER)
        return wg_arena_format(arena, "not now, for %lld s: %.*s (%s)",
                               (long long)decision->defer_s, WG_STR_F(decision->reason), place);
    if (decision->verdict == WG_VERDICT_ALLOW)
        return wg_arena_format(arena, "yes (%s)", place);
    return wg_arena_format(arena, "no, %s: %.*s (%s)", wg_code_answer(decision->code),
                           WG_STR_F(decision->reason), place);
}

static void set_text(json_t *json, const char *name, struct wg_str text)
{
    if (text.at)
        json_object_set_new(json, name, wg_admin_string(text));
}

/* Every handler asked, in order, and what it said. */
static json_t *trace_json(const struct wg_trace *trace)
{
    json_t *asked = json_array();

    for (size_t i = 0; i < trace->count; i++) {
        const struct wg_trace_step *step = &trace->steps[i];
        json_t *row = json_object();

        set_text(row, "policy", step->policy);
        set_text(row, "file", step->file);
        json_object_set_new(row, "line", json_integer(step->line));
        json_object_set_new(row, "answer", json_string(step->answer));
        set_text(row, "text", step->text);
        json_array_append_new(asked, row);
    }
    return asked;
}

static json_t *verdict_json(const struct doctor_verdict *verdict)
{
    const struct wg_decision *decision = &verdict->decision;
    json_t *json =
        json_pack("{s:s}", "verdict",
                  verdict->is_waiting ? "waiting" : wg_verdict_name(decision->verdict));

    json_object_set_new(json, "asked", trace_json(&verdict->trace));
    if (verdict->is_waiting)
        return json;
    set_text(json, "policy", decision->policy);
    set_text(json, "file", decision->file);
    if (decision->file.at)
        json_object_set_new(json, "line", json_integer(decision->line));
    set_text(json, "reason", decision->reason);
    return json;
}

/* ---- hook peer, both ways ---- */

/* "*.example.com" names every server below it. */
static bool names_peer(wg_names names, struct wg_str peer)
{
    for (; names && *names; names++) {
        struct wg_str name = wg_str(*names);

        if (wg_str_equal_nocase(name, peer))
            return true;
        if (wg_str_starts(name, WG_STR("*.")) &&
            wg_str_ends(peer, wg_str_of(name.at + 1, name.len - 1)))
            return true;
    }
    return false;
}

static const struct wg_config_federation *document_of(const struct doctor *doctor)
{
    return wg_policy_document(doctor->request->gateway->policy,
                              doctor->request->instance->index);
}

static const char *admit_remedy(struct doctor *doctor, const struct wg_decision *decision)
{
    const struct wg_config_federation *document = document_of(doctor);
    const char *act = NULL;

    if (decision->failure != WG_OK)
        return "mend that policy: `wavegate policy check`; until then on_error decides";
    if (names_peer(document->denied_peers, doctor->peer))
        act = "take it out of denied_peers";
    else if (document->default_mode == WG_MODE_CLOSED)
        act = "set default_mode to invite_only and add it to allowed_peers";
    else if (document->default_mode == WG_MODE_INVITE_ONLY &&
             !names_peer(document->allowed_peers, doctor->peer))
        act = "add it to allowed_peers";
    if (act && (!decision->file.at || wg_str_is(decision->policy, "standard")))
        return wg_arena_format(doctor->request->arena,
                               "if you want to federate with it, %s: PUT "
                               "/v1/admin/federation/policy, or the configuration",
                               act);
    if (!decision->file.at)
        return "a policy has to admit it: wavegate.use(\"standard\") goes by allowed_peers";
    return wg_arena_format(doctor->request->arena,
                           "if you want to federate with it, change %.*s:%d, or the list it "
                           "goes by (`wavegate lists lookup %.*s`)",
                           WG_STR_F(decision->file), decision->line, WG_STR_F(doctor->peer));
}

static void judge_peer(struct doctor *doctor, enum wg_direction direction)
{
    struct wg_question question;
    struct doctor_verdict verdict;

    begin_question(doctor, WG_HOOK_PEER, direction, &question);
    ask(doctor, &question, &verdict);
    doctor_see(doctor, "%s", doctor_verdict_text(doctor, &verdict));
    doctor_detail(doctor, "hook", verdict_json(&verdict));
    if (verdict.is_waiting) {
        doctor_end(doctor, DOCTOR_SKIPPED);
    } else if (verdict.decision.verdict == WG_VERDICT_ALLOW) {
        doctor_end(doctor, DOCTOR_OK);
    } else {
        doctor_advise(doctor, "%s", admit_remedy(doctor, &verdict.decision));
        doctor_end(doctor, DOCTOR_FAILED);
    }
}

void doctor_peer_inbound(struct doctor *doctor)
{
    judge_peer(doctor, WG_INBOUND);
}

void doctor_peer_outbound(struct doctor *doctor)
{
    judge_peer(doctor, WG_OUTBOUND);
}

/* ---- hook backfill: what they get when they ask for history ---- */

static const struct wg_trace_step *last_limit(const struct wg_trace *trace)
{
    for (size_t i = trace->count; i > 0; i--) {
        if (strcmp(trace->steps[i - 1].answer, "limit") == 0)
            return &trace->steps[i - 1];
    }
    return NULL;
}

static void judge_limits(struct doctor *doctor, const struct doctor_verdict *verdict,
                         int64_t now_s)
{
    const struct wg_decision *decision = &verdict->decision;
    const struct wg_trace_step *step = last_limit(&verdict->trace);
    const char *place =
        step ? place_of(doctor, step->policy, step->file, step->line) : "the default";

    if (decision->limit.events == 0) {
        doctor_see(doctor, "they get none: the limit is 0 events a request (%s)", place);
        doctor_advise(doctor, "raise max_backfill_events_per_request (100 is usual, at most "
                              "1000): PUT /v1/admin/federation/policy, or that policy");
        doctor_end(doctor, DOCTOR_FAILED);
    } else if (decision->limit.not_before_s > now_s) {
        doctor_see(doctor, "they get none: all before %s is hidden (%s)",
                   doctor_day(doctor, decision->limit.not_before_s), place);
        doctor_advise(doctor, "set hide_history_before to a moment in the past");
        doctor_end(doctor, DOCTOR_FAILED);
    } else {
        doctor_see(
            doctor, "at most %lld events a request%s%s (%s)", (long long)decision->limit.events,
            decision->limit.not_before_s > 0 ? ", none from before " : "",
            decision->limit.not_before_s > 0 ? doctor_day(doctor, decision->limit.not_before_s)
                                             : "",
            place);
        doctor_end(doctor, DOCTOR_OK);
    }
}

void doctor_peer_history(struct doctor *doctor)
{
    struct wg_question question;
    struct doctor_verdict verdict;

    begin_question(doctor, WG_HOOK_BACKFILL, WG_INBOUND, &question);
    question.room.id = WG_STR("room-doctor");
    question.request.endpoint = wg_str(wg_endpoint_name(WG_ENDPOINT_BACKFILL));
    question.request.room_id = question.room.id;
    question.request.limit = 100;
    ask(doctor, &question, &verdict);
    if (verdict.is_waiting) {
        doctor_see(doctor, "%s", doctor_verdict_text(doctor, &verdict));
        doctor_end(doctor, DOCTOR_SKIPPED);
    } else if (verdict.decision.verdict != WG_VERDICT_ALLOW) {
        doctor_see(doctor, "they get none: %s", doctor_verdict_text(doctor, &verdict));
        doctor_advise(doctor, "that is what that policy says: change it there if they are to "
                              "have history");
        doctor_end(doctor, DOCTOR_FAILED);
    } else {
        judge_limits(doctor, &verdict, question.now_s);
    }
}
