// SPDX-License-Identifier: Apache-2.0
#include "admin/queue_impl.h"

#include <stdio.h>

#include "base/log.h"
#include "wire/name.h"

/* Looking at the queue: what waits, is held or is dead; one event's story; each destination's
 * share. */

static const char *const states[] = {"waiting", "held", "dead"};

const char *wg_admin_queue_state(enum wg_queue_state state)
{
    return states[state];
}

bool wg_admin_queue_state_parse(struct wg_str text, enum wg_queue_state *ret_state)
{
    for (size_t i = 0; i < WG_COUNT(states); i++) {
        if (wg_str_is(text, states[i])) {
            *ret_state = (enum wg_queue_state)i;
            return true;
        }
    }
    return false;
}

void wg_admin_queue_destination(json_t *json, const struct wg_destination *destination)
{
    json_object_set_new(json, "destination", wg_admin_string(destination->name));
    json_object_set_new(json, "direction",
                        json_string(destination->is_outbound ? "outbound" : "inbound"));
}

static json_t *event_id_json(const uint8_t id[WG_EVENT_KEY])
{
    char text[WG_UUID_TEXT];

    snprintf(text, sizeof text,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", id[0],
             id[1], id[2], id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10], id[11],
             id[12], id[13], id[14], id[15]);
    return json_string(text);
}

static json_t *span(int64_t ms)
{
    return ms == INT64_MAX ? json_null() : json_integer(ms);
}

static json_t *describe(const struct wg_queue_entry *entry, enum wg_queue_state state)
{
    const struct wg_delivery *delivery = &entry->delivery;
    json_t *json = json_object();

    json_object_set_new(json, "event_id", event_id_json(delivery->message.event_id));
    json_object_set_new(json, "state", json_string(wg_admin_queue_state(state)));
    wg_admin_queue_destination(json, &delivery->key.destination);
    json_object_set_new(json, "server", wg_admin_string(delivery->message.server));
    json_object_set_new(json, "sender", wg_admin_string(delivery->message.sender));
    json_object_set_new(json, "room_id", wg_admin_string(delivery->key.room_id));
    json_object_set_new(json, "type", wg_admin_string(delivery->message.type));
    json_object_set_new(json, "order", json_integer((json_int_t)delivery->key.order));
    json_object_set_new(json, "bytes", json_integer(entry->body_bytes));
    json_object_set_new(json, "age_ms", json_integer(delivery->age_ms));
    json_object_set_new(json, "attempts", json_integer(delivery->attempts));
    if (state == WG_QUEUE_WAITING) {
        json_object_set_new(json, "expires_in_ms", span(delivery->expires_in_ms));
        json_object_set_new(json, "due_in_ms", span(entry->due_in_ms));
    } else {
        json_object_set_new(json, state == WG_QUEUE_DEAD ? "ended_at" : "held_at",
                            wg_admin_time(entry->ended_at_ms));
        json_object_set_new(json, "reason", wg_admin_string(entry->reason));
    }
    return json;
}

static void on_page(void *owner, const struct wg_err *err, const struct wg_queue_page *page)
{
    struct wg_admin_request *request = owner;
    const struct wg_queue_list *list = request->state;
    json_t *rows;

    if (!page) {
        wg_admin_fail_err(request, err);
        return;
    }
    rows = json_array();
    for (size_t i = 0; i < page->count; i++)
        json_array_append_new(rows, describe(&page->entries[i], list->filter.state));
    wg_admin_answer(request, 200, wg_admin_list("entries", rows, page->next_cursor));
}

/* @return false after having answered. */
static bool take_filter(struct wg_admin_request *request, struct wg_queue_filter *filter)
{
    static const char *const names[] = {"state", "peer",     "direction",     "room_id",
                                        "type",  "event_id", "older_than_ms", "server"};
    json_t *given = json_object();
    bool is_good;

    for (size_t i = 0; i < WG_COUNT(names); i++) {
        struct wg_str value;

        if (!wg_admin_query(request, names[i], &value)) {
            json_decref(given);
            return false;
        }
        if (value.at)
            json_object_set_new(given, names[i], wg_admin_string(value));
    }
    is_good = wg_admin_queue_filter(request, given, filter);
    json_decref(given);
    return is_good;
}

void wg_admin_queue_list(struct wg_admin_request *request)
{
    struct wg_queue_list *list = wg_arena_new(request->arena, struct wg_queue_list);

    request->state = list;
    if (!take_filter(request, &list->filter) ||
        !wg_admin_page(request, WG_QUEUE_PAGE_MAX, 100, &list->limit, &list->cursor))
        return;
    wg_store_queue_list(request->gateway->store, request->worker->loop, list, on_page, request);
}

/* --- one event --- */

static json_t *describe_attempt(const struct wg_attempt *attempt)
{
    json_t *json = json_object();

    json_object_set_new(json, "number", json_integer(attempt->number));
    json_object_set_new(json, "at", wg_admin_time(attempt->at_ms));
    json_object_set_new(json, "code", json_string(wg_code_name(attempt->code)));
    json_object_set_new(json, "status", json_integer(attempt->status));
    json_object_set_new(json, "ms", json_integer(attempt->took_ms));
    json_object_set_new(json, "reason", wg_admin_string(attempt->reason));
    return json;
}

static json_t *describe_part(const struct wg_story_part *part)
{
    static const char *const names[] = {"ended", "waiting", "held", "dead"};
    json_t *json = json_object();
    json_t *attempts = json_array();

    wg_admin_queue_destination(json, &part->destination);
    json_object_set_new(json, "state", json_string(names[part->state]));
    json_object_set_new(json, "server", wg_admin_string(part->server));
    json_object_set_new(json, "room_id", wg_admin_string(part->room_id));
    if (part->reason.len)
        json_object_set_new(json, "reason", wg_admin_string(part->reason));
    for (size_t i = 0; i < part->attempt_count; i++)
        json_array_append_new(attempts, describe_attempt(&part->attempts[i]));
    json_object_set_new(json, "attempts", attempts);
    return json;
}

static void on_story(void *owner, const struct wg_err *err, const struct wg_story *story)
{
    struct wg_admin_request *request = owner;
    struct wg_str id = wg_admin_capture(request, "event_id");
    json_t *deliveries;

    if (!story) {
        wg_admin_fail_err(request, err);
        return;
    }
    if (story->count == 0) {
        wg_admin_fail(
            request, WG_NOT_FOUND,
            "event '%.*s' is not known: it was never accepted, or its id is older than "
            "queue.remember_ids",
            WG_STR_F(id));
        return;
    }
    deliveries = json_array();
    for (size_t i = 0; i < story->count; i++)
        json_array_append_new(deliveries, describe_part(&story->parts[i]));
    wg_admin_answer(
        request, 200,
        json_pack("{s:o, s:o}", "event_id", wg_admin_string(id), "deliveries", deliveries));
}

void wg_admin_queue_show(struct wg_admin_request *request)
{
    uint8_t key[WG_EVENT_KEY];
    struct wg_str uuid;
    struct wg_err err;

    if (wg_event_id_parse(wg_admin_capture(request, "event_id"), &uuid, &err) != WG_OK) {
        wg_admin_fail_err(request, &err);
        return;
    }
    wg_event_id_key(uuid, key);
    wg_store_story(request->gateway->store, request->worker->loop, key, on_story, request);
}

/* --- destinations, by age of what waits --- */

static void on_destinations(void *owner, const struct wg_err *err,
                            const struct wg_destination_page *page)
{
    struct wg_admin_request *request = owner;
    json_t *rows;

    if (!page) {
        wg_admin_fail_err(request, err);
        return;
    }
    rows = json_array();
    for (size_t i = 0; i < page->count; i++) {
        const struct wg_destination_state *state = &page->states[i];
        json_t *json = json_object();

        wg_admin_queue_destination(json, &state->destination);
        json_object_set_new(json, "waiting", json_integer(state->deliveries));
        json_object_set_new(json, "rooms", json_integer(state->lanes));
        json_object_set_new(json, "bytes", json_integer(state->body_bytes));
        json_object_set_new(json, "oldest_age_ms", json_integer(state->oldest_age_ms));
        json_object_set_new(json, "due_in_ms", span(state->due_in_ms));
        json_object_set_new(json, "suspended", json_boolean(state->is_suspended));
        if (state->is_suspended) {
            json_object_set_new(json, "suspended_for_ms", span(state->suspended_for_ms));
            json_object_set_new(json, "suspended_reason",
                                wg_admin_string(state->suspended_reason));
        }
        json_array_append_new(rows, json);
    }
    wg_admin_answer(request, 200, wg_admin_list("destinations", rows, page->next_cursor));
}

void wg_admin_queue_shape(struct wg_admin_request *request)
{
    struct wg_str cursor;
    size_t limit;

    if (wg_admin_page(request, WG_QUEUE_PAGE_MAX, 100, &limit, &cursor))
        wg_store_destinations(request->gateway->store, request->worker->loop, cursor, limit,
                              on_destinations, request);
}

static void on_suspensions(void *owner, const struct wg_err *err,
                           const struct wg_suspension_page *page)
{
    struct wg_admin_request *request = owner;
    json_t *rows;

    if (!page) {
        wg_admin_fail_err(request, err);
        return;
    }
    rows = json_array();
    for (size_t i = 0; i < page->count; i++) {
        const struct wg_suspension *suspension = &page->suspensions[i];
        json_t *json = json_object();

        wg_admin_queue_destination(json, &suspension->destination);
        json_object_set_new(json, "room_id", wg_admin_string(suspension->room_id));
        json_object_set_new(json, "since", wg_admin_time(suspension->since_ms));
        json_object_set_new(json, "left_ms", span(suspension->left_ms));
        json_object_set_new(json, "reason", wg_admin_string(suspension->reason));
        json_object_set_new(json, "actor", wg_admin_string(suspension->actor));
        json_array_append_new(rows, json);
    }
    wg_admin_answer(request, 200, wg_admin_list("suspensions", rows, page->next_cursor));
}

void wg_admin_queue_suspensions(struct wg_admin_request *request)
{
    struct wg_str cursor;
    size_t limit;

    if (wg_admin_page(request, WG_QUEUE_PAGE_MAX, 100, &limit, &cursor))
        wg_store_suspensions(request->gateway->store, request->worker->loop, cursor, limit,
                             on_suspensions, request);
}
