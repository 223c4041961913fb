// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_impl.h"
#include "base/log.h"
#include "federation/restore.h"
#include "store/document.h"
#include "wire/name.h"

enum { KEY_LIMIT_BYTES = 1024 };

struct flag_change {
    struct wg_str room_id, key;
    enum wg_flag before, after;
    struct wg_audit_row audit;
};

static json_t *flag_json(enum wg_flag flag)
{
    return flag == WG_FLAG_UNSET ? json_null() : json_boolean(flag == WG_FLAG_YES);
}

static void answer_flag(struct wg_admin_request *request, struct wg_str room_id)
{
    enum wg_flag flag =
        wg_rooms_flag(request->gateway->rooms, request->instance->server_name, room_id);

    int64_t count =
        wg_members_count(request->gateway->members, request->instance->server_name, room_id);

    wg_admin_answer(request, 200,
                    json_pack("{s:o, s:o, s:o, s:o}", "room_id", wg_admin_string(room_id),
                              "server", wg_admin_string(request->instance->server_name),
                              "federate", flag_json(flag), "foreign_participants",
                              count < 0 || count == WG_MEMBERS_UNCOUNTABLE
                                  ? json_null()
                                  : json_integer(count)));
}

/* @return false after having answered. */
static bool take_room(struct wg_admin_request *request, struct wg_str *ret_room_id)
{
    struct wg_err err;

    *ret_room_id = wg_admin_capture(request, "room_id");
    if (wg_room_id_check(*ret_room_id, &err) == WG_OK)
        return true;
    wg_admin_fail_err(request, &err);
    return false;
}

void wg_admin_room_get(struct wg_admin_request *request)
{
    struct wg_str room_id;

    if (take_room(request, &room_id))
        answer_flag(request, room_id);
}

static void on_stored(struct wg_admin_request *request, const struct wg_err *err)
{
    struct flag_change *change = request->state;
    struct wg_err told;

    if (err->code == WG_OK || err->code == WG_NOT_FOUND) {
        answer_flag(request, change->room_id);
        return;
    }
    if (wg_rooms_set(request->gateway->rooms, request->instance->server_name, change->room_id,
                     change->before, &told) != WG_OK) /* its place is taken by now */
        wg_log(WG_LOG_ERROR, "admin.flag_lost",
               "a room's flag could neither be kept nor stored",
               WG_F_STR("room", change->room_id), WG_F_TEXT("reason", told.text));
    wg_admin_fail_err(request, err);
}

static void on_put(void *owner, const struct wg_err *err, int64_t version)
{
    (void)version;
    on_stored(owner, err);
}

static void on_deleted(void *owner, const struct wg_err *err)
{
    on_stored(owner, err);
}

static void store(struct wg_admin_request *request)
{
    struct flag_change *change = request->state;
    struct wg_document_put put = {
        .namespace = WG_STR(WG_STORED_ROOMS),
        .key = change->key,
        .value = change->after == WG_FLAG_YES ? WG_STR("{\"federate\":true}")
                                              : WG_STR("{\"federate\":false}"),
        .expected_version = WG_DOCUMENT_ANY,
        .audit = &change->audit,
        .audit_count = 1,
    };

    change->audit = wg_admin_audit(request, "federation.room.federate");
    change->audit.room_id = change->room_id;
    change->audit.extra =
        wg_admin_text(request, json_pack("{s:o, s:o}", "before", flag_json(change->before),
                                         "after", flag_json(change->after)));
    if (change->after == WG_FLAG_UNSET)
        wg_store_document_delete(request->gateway->store, request->worker->loop, &put,
                                 on_deleted, request);
    else
        wg_store_document_put(request->gateway->store, request->worker->loop, &put, on_put,
                              request);
}

static bool take_flag(struct wg_admin_request *request, enum wg_flag *ret_flag)
{
    static const char *const names[] = {"federate", NULL};
    const json_t *value = json_object_get(request->body, "federate");

    if (!wg_admin_members(request, names))
        return false;
    if (!json_is_boolean(value) && !json_is_null(value)) {
        wg_admin_fail(request, WG_INVALID,
                      "federate: must be true, false, or null for 'the instance decides'");
        return false;
    }
    *ret_flag = json_is_null(value)   ? WG_FLAG_UNSET
                : json_is_true(value) ? WG_FLAG_YES
                                      : WG_FLAG_NO;
    return true;
}

void wg_admin_room_put(struct wg_admin_request *request)
{
    struct flag_change *change = wg_arena_new(request->arena, struct flag_change);
    struct wg_rooms *rooms = request->gateway->rooms;
    struct wg_str server_name = request->instance->server_name;
    struct wg_buf key;
    struct wg_err err;

    request->state = change;
    if (!take_room(request, &change->room_id) || !take_flag(request, &change->after))
        return;
    wg_buf_init(&key, KEY_LIMIT_BYTES);
    wg_rooms_key(server_name, change->room_id, &key);
    change->key = wg_arena_copy(request->arena, wg_buf_str(&key));
    wg_buf_done(&key);
    change->before = wg_rooms_flag(rooms, server_name, change->room_id);
    if (wg_rooms_set(rooms, server_name, change->room_id, change->after, &err) == WG_OK)
        store(request);
    else
        wg_admin_fail_err(request, &err);
}
