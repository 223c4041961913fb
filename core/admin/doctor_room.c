// SPDX-License-Identifier: Apache-2.0
#include "admin/doctor_impl.h"
#include "wire/json.h"

/* One room that the operator named, on both sides. */

static const char *const flag_words[] = {"not set", "false", "true"};

/* ---- here: the flag, and hook room both ways ---- */

void doctor_room_here(struct doctor *doctor)
{
    const struct wg_admin_request *request = doctor->request;
    enum wg_flag flag =
        wg_rooms_flag(request->gateway->rooms, request->instance->server_name, doctor->room_id);

    doctor_detail(doctor, "flag", json_string(flag_words[flag]));
    for (int direction = WG_INBOUND; direction <= WG_OUTBOUND; direction++) {
        struct doctor_verdict verdict;

        doctor_ask_room(doctor, (enum wg_direction)direction, &verdict);
        if (verdict.is_waiting || verdict.decision.verdict == WG_VERDICT_ALLOW)
            continue;
        doctor_see(doctor, "%s events of it are refused, its flag is %s: %s",
                   direction == WG_INBOUND ? "their" : "our", flag_words[flag],
                   doctor_verdict_text(doctor, &verdict));
        if (flag == WG_FLAG_NO)
            doctor_advise(doctor,
                          "if it is to be federated: PUT /v1/admin/rooms/%.*s/federate "
                          "{\"federate\": true}",
                          WG_STR_F(doctor->room_id));
        else
            doctor_advise(doctor, "that is what that policy says: change it there");
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    doctor_see(doctor, "open both ways, its flag is %s", flag_words[flag]);
    doctor_end(doctor, DOCTOR_OK);
}

/* ---- there: its members, its history ---- */

static struct wg_str target(struct doctor *doctor, struct wg_str endpoint, const char *query)
{
    struct wg_arena *arena = doctor->request->arena;
    struct wg_str path = wg_endpoint_expand(endpoint, doctor->room_id, arena);

    return wg_str(wg_arena_format(arena, "%.*s%s", WG_STR_F(path), query));
}

/* @return false after having ended the check. */
static bool is_answered(struct doctor *doctor, const struct wg_http_response *response,
                        const struct wg_err *err)
{
    struct wg_str refusal, sw_code;

    if (!response) {
        doctor_no_answer(doctor, err);
        return false;
    }
    if (response->status == 200)
        return true;
    refusal = wg_admin_refusal(doctor->request, response, &sw_code);
    doctor_see(doctor, "they %.*s", WG_STR_F(refusal));
    if (wg_str_is(sw_code, "SW_ROOM_FORBIDDEN"))
        doctor_advise(doctor,
                      "it is not federated on their side: ask them to set its flag there (PUT "
                      "/v1/admin/rooms/%.*s/federate)",
                      WG_STR_F(doctor->room_id));
    else if (response->status == 404)
        doctor_advise(doctor, "they have no such room, or nobody of ours is in it: is the id "
                              "right?");
    else
        doctor_advise(doctor, "ask their operator why");
    doctor_end(doctor, DOCTOR_FAILED);
    return false;
}

static void on_members(struct doctor *doctor, const struct wg_http_response *response,
                       const struct wg_err *err)
{
    struct wg_err parse_err;
    json_t *json = NULL;

    if (!is_answered(doctor, response, err))
        return;
    if (wg_json_parse(response->body, &json, &parse_err) != WG_OK)
        json = NULL;
    doctor_see(doctor, "they show us its %zu members",
               json_array_size(json_object_get(json, "members")));
    json_decref(json);
    doctor_end(doctor, DOCTOR_OK);
}

void doctor_room_there(struct doctor *doctor)
{
    doctor_ask_peer(doctor, "GET", target(doctor, doctor->descriptor.members, ""), on_members);
}

static void on_history(struct doctor *doctor, const struct wg_http_response *response,
                       const struct wg_err *err)
{
    struct wg_err parse_err;
    json_t *json = NULL;
    size_t count;

    if (!is_answered(doctor, response, err))
        return;
    if (wg_json_parse(response->body, &json, &parse_err) != WG_OK ||
        !json_is_array(json_object_get(json, "events"))) {
        doctor_see(doctor, "their answer has no list \"events\"");
        doctor_advise(doctor, "tell them: no backfill from them can work");
        doctor_end(doctor, DOCTOR_FAILED);
        json_decref(json);
        return;
    }
    count = json_array_size(json_object_get(json, "events"));
    json_decref(json);
    doctor_see(doctor, count ? "they give it out" : "they answer 200 with no events");
    if (count == 0)
        doctor_advise(doctor, "their max_backfill_events_per_request is 0, they hide history "
                              "(hide_history_before), or the room has none: ask them which");
    doctor_end(doctor, count ? DOCTOR_OK : DOCTOR_FAILED);
}

void doctor_room_history(struct doctor *doctor)
{
    doctor_ask_peer(doctor, "GET", target(doctor, doctor->descriptor.backfill, "?limit=1"),
                    on_history);
}
