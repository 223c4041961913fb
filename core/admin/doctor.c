// SPDX-License-Identifier: Apache-2.0
#include "admin/doctor_impl.h"
#include "federation/audit.h"
#include "wire/name.h"

static void step(void *owner);

const struct doctor_row *doctor_row_of(const struct doctor *doctor, const char *id)
{
    for (size_t i = 0; i < doctor->row_count; i++) {
        if (strcmp(doctor->rows[i].check->id, id) == 0)
            return &doctor->rows[i];
    }
    return NULL;
}

struct wg_public_key doctor_our_key(const struct doctor *doctor)
{
    return wg_identity_public_key(doctor->request->instance->identity,
                                  wg_clock_wall_s(doctor->request->gateway->clock));
}

/* ---- work under way, and its early end ---- */

/* Each callback still comes, and ends the check. */
static void cancel_work(struct doctor *doctor)
{
    if (doctor->fetch)
        wg_http_fetch_cancel(doctor->fetch);
    if (doctor->survey)
        wg_dial_cancel(doctor->survey);
    for (size_t i = 0; i < doctor->address_count; i++) {
        if (doctor->addresses[i].dial)
            wg_dial_cancel(doctor->addresses[i].dial);
    }
}

static void on_deadline(void *owner)
{
    struct doctor *doctor = owner;

    doctor->is_late = true;
    cancel_work(doctor);
}

static void on_fetched(void *owner, const struct wg_http_response *response,
                       const struct wg_err *err)
{
    struct doctor *doctor = owner;
    struct wg_err late;

    doctor->fetch = NULL;
    if (!response && doctor->is_late) {
        wg_fail(&late, WG_TIMEOUT, "no answer within %d s", DOCTOR_STEP_MS / 1000);
        err = &late;
    }
    doctor->on_answer(doctor, response, err);
}

void doctor_fetch_with(struct doctor *doctor, struct wg_http_client *client,
                       const struct wg_http_request *request,
                       void (*on_answer)(struct doctor *doctor,
                                         const struct wg_http_response *response,
                                         const struct wg_err *err))
{
    doctor->on_answer = on_answer;
    doctor->fetch = wg_http_fetch(client, request, on_fetched, doctor);
}

void doctor_fetch(struct doctor *doctor, const struct wg_http_request *request,
                  void (*on_answer)(struct doctor *doctor,
                                    const struct wg_http_response *response,
                                    const struct wg_err *err))
{
    doctor_fetch_with(doctor, doctor->request->worker->client, request, on_answer);
}

void wg_admin_doctor_stop(struct wg_admin *admin)
{
    for (struct doctor *doctor = admin->doctors; doctor; doctor = doctor->next) {
        doctor->is_stopping = true;
        cancel_work(doctor);
    }
}

/* ---- the answer ---- */

static const char *const result_names[] = {"pending", "ok", "failed", "skipped"};

static json_t *row_json(const struct doctor_row *row)
{
    json_t *json = json_pack("{s:s, s:s, s:s}", "id", row->check->id, "title",
                             row->check->title, "result", result_names[row->result]);

    json_object_set_new(json, "seen", wg_admin_string(row->seen));
    if (row->remedy.at)
        json_object_set_new(json, "remedy", wg_admin_string(row->remedy));
    if (row->details)
        json_object_set(json, "details", row->details);
    json_object_set_new(json, "took_ms", json_integer(row->took_ms));
    return json;
}

static size_t count(const struct doctor *doctor, enum doctor_result result)
{
    size_t found = 0;

    for (size_t i = 0; i < doctor->row_count; i++)
        found += doctor->rows[i].result == result;
    return found;
}

static json_t *report(const struct doctor *doctor)
{
    const struct wg_admin_request *request = doctor->request;
    size_t failed = count(doctor, DOCTOR_FAILED);
    json_t *json = json_object();
    json_t *rows = json_array();

    if (doctor->peer.at) {
        json_object_set_new(json, "peer", wg_admin_string(doctor->peer));
        json_object_set_new(json, "server_name",
                            wg_admin_string(request->instance->server_name));
    }
    json_object_set_new(json, "healthy", json_boolean(failed == 0));
    json_object_set_new(json, "failed", json_integer((json_int_t)failed));
    json_object_set_new(json, "skipped",
                        json_integer((json_int_t)count(doctor, DOCTOR_SKIPPED)));
    for (size_t i = 0; i < doctor->row_count; i++)
        json_array_append_new(rows, row_json(&doctor->rows[i]));
    json_object_set_new(json, "checks", rows);
    json_object_set_new(
        json, "took_ms",
        json_integer(wg_clock_mono_ms(request->gateway->clock) - doctor->started_ms));
    return json;
}

/* Whoever asks makes us connect to others: that is written down. */
static void audit(struct doctor *doctor)
{
    struct wg_audit_row row = wg_admin_audit(doctor->request, "federation.doctor");
    json_t *failed = json_array();

    for (size_t i = 0; i < doctor->row_count; i++) {
        if (doctor->rows[i].result == DOCTOR_FAILED)
            json_array_append_new(failed, json_string(doctor->rows[i].check->id));
    }
    row.peer = doctor->peer;
    row.room_id = doctor->room_id;
    row.extra = wg_admin_text(doctor->request, json_pack("{s:o}", "failed", failed));
    wg_audit_append(doctor->request->gateway, &row, 1);
}

static void finish(struct doctor *doctor)
{
    struct wg_admin_request *request = doctor->request;
    struct doctor **link = &doctor->admin->doctors;
    json_t *json = report(doctor);

    while (*link != doctor)
        link = &(*link)->next;
    *link = doctor->next;
    for (size_t i = 0; i < doctor->row_count; i++)
        json_decref(doctor->rows[i].details);
    wg_timer_free(doctor->deadline);
    if (doctor->peer.at)
        audit(doctor);
    wg_admin_answer(request, 200, json);
}

/* ---- the walk ---- */

void doctor_end(struct doctor *doctor, enum doctor_result result)
{
    struct doctor_row *row = &doctor->rows[doctor->at];

    if (!WG_CHECK(doctor->is_in_step))
        return;
    doctor->is_in_step = false;
    row->result = result;
    if (doctor->is_stopping && result == DOCTOR_FAILED) {
        doctor_see(doctor, "the gateway is stopping");
        row->remedy = (struct wg_str){NULL, 0};
        row->result = DOCTOR_SKIPPED;
    }
    row->took_ms = wg_clock_mono_ms(doctor->request->gateway->clock) - doctor->step_started_ms;
    wg_timer_stop(doctor->deadline);
    doctor->at++;
    wg_loop_post(doctor->request->worker->loop, step, doctor);
}

/* @return whether the check at hand cannot be made; its row then says why. */
static bool skip(struct doctor *doctor, int64_t now_ms)
{
    const char *needs = doctor->rows[doctor->at].check->needs;
    const struct doctor_row *before = needs ? doctor_row_of(doctor, needs) : NULL;

    if (doctor->is_stopping || !doctor->request->worker->client)
        doctor_see(doctor, "the gateway is stopping");
    else if (now_ms - doctor->started_ms > DOCTOR_WALK_MS)
        doctor_see(doctor, "no time left: the checks before it took over %d s",
                   DOCTOR_WALK_MS / 1000);
    else if (before && before->result != DOCTOR_OK)
        doctor_see(doctor, "not tried: needs '%s'", before->check->title);
    else
        return false;
    doctor->rows[doctor->at].result = DOCTOR_SKIPPED;
    return true;
}

static void step(void *owner)
{
    struct doctor *doctor = owner;
    int64_t now_ms = wg_clock_mono_ms(doctor->request->gateway->clock);

    while (doctor->at < doctor->row_count && skip(doctor, now_ms))
        doctor->at++;
    if (doctor->at == doctor->row_count) {
        finish(doctor);
        return;
    }
    doctor->is_in_step = true;
    doctor->is_late = false;
    doctor->step_started_ms = now_ms;
    wg_timer_start(doctor->deadline, DOCTOR_STEP_MS);
    doctor->rows[doctor->at].check->run(doctor);
}

/* ---- the request ---- */

static bool is_wanted(const struct doctor *doctor, enum doctor_subject subject)
{
    switch (subject) {
    case DOCTOR_OF_PEER:
        return doctor->peer.at != NULL;
    case DOCTOR_OF_ROOM:
        return doctor->peer.at && doctor->room_id.at;
    case DOCTOR_OF_SELF:
        return !doctor->peer.at;
    }
    return false;
}

static void start(struct wg_admin_request *request, struct wg_str peer, struct wg_str room_id)
{
    struct doctor *doctor = wg_arena_new(request->arena, struct doctor);

    doctor->request = request;
    doctor->admin = request->admin;
    doctor->peer = peer;
    doctor->room_id = room_id;
    doctor->started_ms = wg_clock_mono_ms(request->gateway->clock);
    doctor->deadline = wg_timer_new(request->worker->loop, on_deadline, doctor);
    doctor->is_stopping = request->admin->is_stopping;
    doctor->next = request->admin->doctors;
    request->admin->doctors = doctor;
    for (size_t i = 0; i < doctor_check_count; i++) {
        if (is_wanted(doctor, doctor_checks[i].subject))
            doctor->rows[doctor->row_count++].check = &doctor_checks[i];
    }
    step(doctor);
}

static bool has_room(struct wg_admin_request *request)
{
    size_t running = 0;

    for (struct doctor *doctor = request->admin->doctors; doctor; doctor = doctor->next)
        running++;
    if (running < DOCTOR_RUNS_MAX)
        return true;
    wg_admin_header(request, "retry-after", WG_STR("10"));
    wg_admin_fail(request, WG_RATE_LIMITED,
                  "%d examinations are under way already: ask again when one has ended",
                  DOCTOR_RUNS_MAX);
    return false;
}

/* @return false after having answered. */
static bool take_text(struct wg_admin_request *request, const char *member,
                      struct wg_str *ret_text)
{
    const json_t *value = json_object_get(request->body, member);

    *ret_text = (struct wg_str){NULL, 0};
    if (!value)
        return true;
    if (!json_is_string(value)) {
        wg_admin_fail(request, WG_INVALID, "%s: must be a string", member);
        return false;
    }
    *ret_text = wg_arena_copy(request->arena, wg_json_string(request->body, member));
    return true;
}

static bool is_good(struct wg_admin_request *request, struct wg_str peer, struct wg_str room_id)
{
    struct wg_err err;

    if (room_id.at && !peer.at) {
        wg_admin_fail(request, WG_INVALID, "a room is examined together with a peer");
    } else if (room_id.at && wg_room_id_check(room_id, &err) != WG_OK) {
        wg_admin_fail_err(request, &err);
    } else if (peer.at && !request->instance) {
        wg_admin_fail(request, WG_INVALID,
                      "%zu instances live here: say for which one with ?server_name=NAME "
                      "(`wavegate doctor PEER --server NAME`)",
                      request->gateway->instance_count);
    } else if (peer.at && wg_gateway_instance(request->gateway, peer)) {
        wg_admin_fail(request, WG_INVALID,
                      "'%.*s' lives behind this gateway itself: ask without a name",
                      WG_STR_F(peer));
    } else {
        return true;
    }
    return false;
}

void wg_admin_doctor(struct wg_admin_request *request)
{
    static const char *const members[] = {"peer", "room_id", NULL};
    struct wg_str peer, room_id;

    if (wg_admin_members(request, members) && take_text(request, "peer", &peer) &&
        take_text(request, "room_id", &room_id) && is_good(request, peer, room_id) &&
        has_room(request))
        start(request, peer, room_id);
}
