// SPDX-License-Identifier: Apache-2.0
#include "admin/doctor_impl.h"
#include "store/audit.h"

/* The rooms we share with a peer, as the audit knows them: which were refused lately, by whom,
 * and what our flag says. A flag has to be set on both sides. */

enum { ROOMS_MAX = 64, ROWS_MAX = 1000, SINCE_MS = 7 * 24 * 3600 * 1000 };

struct room {
    struct wg_str id;
    bool has_in, has_out;            /* a row was seen: the newest decides */
    bool is_refused_in;              /* by us */
    bool is_refused_out, is_by_them; /* by our own policy, or by them */
    struct wg_str policy;            /* of ours that refused */
};

struct rooms {
    struct doctor *doctor;
    struct room at[ROOMS_MAX];
    size_t count;
    struct wg_audit_search search;
    size_t looked_at; /* rows */
};

static struct room *room_of(struct rooms *rooms, struct wg_str id)
{
    for (size_t i = 0; i < rooms->count; i++) {
        if (wg_str_equal(rooms->at[i].id, id))
            return &rooms->at[i];
    }
    if (rooms->count == ROOMS_MAX)
        return NULL;
    rooms->at[rooms->count].id = wg_arena_copy(rooms->doctor->request->arena, id);
    return &rooms->at[rooms->count++];
}

/* Rows come newest first. */
static void note_row(struct rooms *rooms, const struct wg_audit_row *row)
{
    bool is_inbound = wg_str_is(row->direction, "inbound");
    bool is_forbidden = wg_str_is(row->code, "SW_ROOM_FORBIDDEN");
    bool is_of_traffic = is_inbound || wg_str_is(row->direction, "outbound");
    struct room *room = is_of_traffic && row->room_id.len ? room_of(rooms, row->room_id) : NULL;

    if (!room || (is_inbound ? room->has_in : room->has_out))
        return;
    if (is_inbound) {
        room->has_in = true;
        room->is_refused_in = is_forbidden;
    } else {
        room->has_out = true;
        room->is_refused_out = is_forbidden;
        room->is_by_them = wg_str_is(row->action, "federation.send.failed");
    }
    if (is_forbidden && row->policy.len)
        room->policy = wg_arena_copy(rooms->doctor->request->arena, row->policy);
}

static enum wg_flag flag_of(const struct rooms *rooms, const struct room *room)
{
    const struct wg_admin_request *request = rooms->doctor->request;

    return wg_rooms_flag(request->gateway->rooms, request->instance->server_name, room->id);
}

static bool is_troubled(const struct rooms *rooms, const struct room *room)
{
    return room->is_refused_in || room->is_refused_out || flag_of(rooms, room) == WG_FLAG_NO;
}

static const char *trouble_of(const struct rooms *rooms, const struct room *room)
{
    struct wg_arena *arena = rooms->doctor->request->arena;

    if (flag_of(rooms, room) == WG_FLAG_NO)
        return wg_arena_format(arena, "%.*s is not federated on our side (its flag is false)",
                               WG_STR_F(room->id));
    if (room->is_refused_out && room->is_by_them)
        return wg_arena_format(arena,
                               "%.*s is not federated on their side: they refused our "
                               "last event there",
                               WG_STR_F(room->id));
    return wg_arena_format(arena, "%.*s is refused by our policy (%.*s)", WG_STR_F(room->id),
                           WG_STR_F(room->policy));
}

static const char *remedy_of(const struct rooms *rooms, const struct room *room)
{
    struct wg_arena *arena = rooms->doctor->request->arena;

    if (flag_of(rooms, room) == WG_FLAG_NO)
        return wg_arena_format(arena,
                               "if it is to be federated: PUT /v1/admin/rooms/%.*s/federate "
                               "{\"federate\": true}; it has to be set on both sides",
                               WG_STR_F(room->id));
    if (room->is_refused_out && room->is_by_them)
        return "ask them to federate that room on their side (PUT "
               "/v1/admin/rooms/{room_id}/federate there); ours is open";
    return "change that policy, or set the room's flag: PUT /v1/admin/rooms/{room_id}/federate";
}

static void judge(struct rooms *rooms)
{
    struct doctor *doctor = rooms->doctor;
    const struct room *first = NULL;
    size_t troubled = 0;

    for (size_t i = 0; i < rooms->count; i++) {
        if (!is_troubled(rooms, &rooms->at[i]))
            continue;
        if (!first)
            first = &rooms->at[i];
        troubled++;
    }
    doctor_detail(doctor, "rooms", json_integer((json_int_t)rooms->count));
    doctor_detail(doctor, "troubled", json_integer((json_int_t)troubled));
    if (rooms->count == 0) {
        doctor_see(doctor, "none was shared with them in 7 days");
        doctor_end(doctor, DOCTOR_OK);
    } else if (!first) {
        doctor_see(doctor, "%zu shared in 7 days, none refused", rooms->count);
        doctor_end(doctor, DOCTOR_OK);
    } else {
        doctor_see(doctor, "%s%s", trouble_of(rooms, first),
                   troubled > 1
                       ? wg_arena_format(doctor->request->arena, "; and %zu more of %zu",
                                         troubled - 1, rooms->count)
                       : "");
        doctor_advise(doctor, "%s", remedy_of(rooms, first));
        doctor_end(doctor, DOCTOR_FAILED);
    }
}

static void on_page(void *owner, const struct wg_err *err, const struct wg_audit_page *page);

/* A page may end before it is full, when finding its rows took long. */
static void search(struct rooms *rooms)
{
    struct wg_admin_request *request = rooms->doctor->request;

    wg_store_audit_search(request->gateway->store, request->worker->loop, &rooms->search,
                          on_page, rooms);
}

static void on_page(void *owner, const struct wg_err *err, const struct wg_audit_page *page)
{
    struct rooms *rooms = owner;

    if (!page) {
        doctor_see(rooms->doctor, "the audit does not answer: %s", err->text);
        doctor_advise(rooms->doctor, "see the log and the disk of the data folder");
        doctor_end(rooms->doctor, DOCTOR_FAILED);
        return;
    }
    for (size_t i = 0; i < page->count; i++)
        note_row(rooms, &page->rows[i]);
    rooms->looked_at += page->count;
    if (page->is_end || rooms->looked_at >= ROWS_MAX) {
        judge(rooms);
    } else if (rooms->doctor->is_late || rooms->doctor->is_stopping) {
        doctor_see(rooms->doctor, "the audit of 7 days was not looked through in time");
        doctor_advise(rooms->doctor, "`wavegate audit --since 7d --peer %.*s` shows it",
                      WG_STR_F(rooms->doctor->peer));
        doctor_end(rooms->doctor, DOCTOR_SKIPPED);
    } else {
        rooms->search.cursor = wg_arena_copy(rooms->doctor->request->arena, page->next_cursor);
        search(rooms);
    }
}

void doctor_peer_rooms(struct doctor *doctor)
{
    struct wg_admin_request *request = doctor->request;
    struct rooms *rooms = wg_arena_new(request->arena, struct rooms);

    rooms->search = (struct wg_audit_search){
        .since_ms = wg_clock_wall_ms(request->gateway->clock) - SINCE_MS,
        .server = request->instance->server_name,
        .peer = doctor->peer,
        .limit = WG_AUDIT_PAGE_MAX,
    };
    rooms->doctor = doctor;
    search(rooms);
}
