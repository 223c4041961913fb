// SPDX-License-Identifier: Apache-2.0
#include "admin/event_impl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "store/queue.h"
#include "wire/name.h"

enum { ROWS_MAX = 200 }; /* of the audit: an event for many peers has one for each */

static const char *kind_of(const struct wg_audit_row *row, const json_t *json)
{
    if (json_object_get(json_object_get(json, "extra"), "endpoint"))
        return "request";
    return wg_str_is(row->verdict, "delivered") || wg_str_is(row->verdict, "dead") ? "delivery"
                                                                                   : "act";
}

static void on_rows(void *owner, const struct wg_err *err, const struct wg_audit_page *page);
static void on_story(void *owner, const struct wg_err *err, const struct wg_story *story);

struct asking {
    uint8_t key[WG_EVENT_KEY];
    struct wg_str id;
    struct wg_audit_search search;
    json_t *story;
};

static void search(struct wg_admin_request *request)
{
    struct asking *asking = request->state;

    wg_store_audit_search(request->gateway->store, request->worker->loop, &asking->search,
                          on_rows, request);
}

void wg_admin_event_story(struct wg_admin_request *request)
{
    struct asking *asking = wg_arena_new(request->arena, struct asking);
    struct wg_str uuid;
    struct wg_err err;

    if (wg_event_id_parse(wg_admin_capture(request, "event_id"), &uuid, &err) != WG_OK) {
        wg_admin_fail_err(request, &err);
        return;
    }
    request->state = asking;
    wg_event_id_key(uuid, asking->key);
    asking->id = wg_arena_copy(request->arena, uuid);
    for (size_t i = 0; i < uuid.len; i++)
        ((char *)(uintptr_t)asking->id.at)[i] = (char)tolower((unsigned char)uuid.at[i]);
    asking->search = (struct wg_audit_search){
        .event_id = asking->id, .is_oldest_first = true, .with_trace = true, .limit = ROWS_MAX};
    asking->story =
        json_pack("{s:o, s:[]}", "event_id", wg_admin_string(asking->id), "timeline");
    search(request);
}

/* --- rows of the audit --- */

static void add_row(json_t *timeline, const struct wg_audit_row *row)
{
    json_t *json = wg_admin_audit_json(row);
    json_t *trace = wg_admin_event_trace(row->trace);

    json_object_del(json, "event_id"); /* stands once, above all */
    json_object_set_new(json, "kind", json_string(kind_of(row, json)));
    if (trace)
        json_object_set_new(json, "trace", trace);
    json_array_append_new(timeline, json);
}

/* A page may end before it is full, when finding its rows took long. */
static void on_rows(void *owner, const struct wg_err *err, const struct wg_audit_page *page)
{
    struct wg_admin_request *request = owner;
    struct asking *asking = request->state;
    json_t *timeline = json_object_get(asking->story, "timeline");

    if (!page) {
        json_decref(asking->story);
        wg_admin_fail_err(request, err);
        return;
    }
    for (size_t i = 0; i < page->count; i++)
        add_row(timeline, &page->rows[i]);
    if (!page->is_end && json_array_size(timeline) < ROWS_MAX) {
        asking->search.limit = ROWS_MAX - json_array_size(timeline);
        asking->search.cursor = wg_arena_copy(request->arena, page->next_cursor);
        search(request);
        return;
    }
    if (!page->is_end)
        json_object_set_new(asking->story, "cut", json_true());
    wg_store_story(request->gateway->store, request->worker->loop, asking->key, on_story,
                   request);
}

/* --- where its deliveries are, and each attempt --- */

static json_t *describe_attempt(const struct wg_story_part *part,
                                const struct wg_attempt *attempt)
{
    bool is_sent = attempt->code == WG_OK;
    json_t *json =
        json_pack("{s:s, s:o, s:I, s:o, s:s, s:o, s:I, s:s, s:I, s:I}", "kind", "attempt", "at",
                  wg_admin_time(attempt->at_ms), "at_ms", (json_int_t)attempt->at_ms,
                  "destination", wg_admin_string(part->destination.name), "direction",
                  part->destination.is_outbound ? "outbound" : "inbound", "server",
                  wg_admin_string(part->server), "number", (json_int_t)attempt->number,
                  "outcome", is_sent ? "sent" : "failed", "status", (json_int_t)attempt->status,
                  "ms", (json_int_t)attempt->took_ms);

    if (!is_sent) {
        json_object_set_new(json, "code", json_string(wg_code_name(attempt->code)));
        json_object_set_new(json, "reason", wg_admin_string(attempt->reason));
    }
    return json;
}

static json_t *describe_part(const struct wg_story_part *part)
{
    static const char *const states[] = {"ended", "waiting", "held", "dead"};

    return json_pack("{s:o, s:s, s:o, s:s, s:o, s:I}", "destination",
                     wg_admin_string(part->destination.name), "direction",
                     part->destination.is_outbound ? "outbound" : "inbound", "server",
                     wg_admin_string(part->server), "state", states[part->state], "reason",
                     wg_admin_string(part->reason), "attempts",
                     (json_int_t)part->attempt_count);
}

/* At the same moment a request comes before the attempt it led to, and that before what came of
 * it. */
static int rank(const json_t *entry)
{
    const char *kind = json_string_value(json_object_get(entry, "kind"));

    return strcmp(kind, "request") == 0 ? 0 : strcmp(kind, "attempt") == 0 ? 1 : 2;
}

static int by_time(const void *a, const void *b)
{
    const json_t *one = *(json_t *const *)a, *other = *(json_t *const *)b;
    json_int_t at = json_integer_value(json_object_get(one, "at_ms"));
    json_int_t other_at = json_integer_value(json_object_get(other, "at_ms"));
    json_int_t number = json_integer_value(json_object_get(one, "number"));
    json_int_t other_number = json_integer_value(json_object_get(other, "number"));

    if (at != other_at)
        return at < other_at ? -1 : 1;
    if (rank(one) != rank(other))
        return rank(one) - rank(other);
    return number < other_number ? -1 : number > other_number;
}

static void sort(struct wg_admin_request *request, json_t *timeline)
{
    size_t count = json_array_size(timeline);
    json_t **entries = wg_arena_alloc(request->arena, (count + 1) * sizeof(json_t *));

    for (size_t i = 0; i < count; i++)
        entries[i] = json_incref(json_array_get(timeline, i));
    qsort(entries, count, sizeof(json_t *), by_time);
    for (size_t i = 0; i < count; i++)
        json_array_set_new(timeline, i, entries[i]);
}

static void not_known(struct wg_admin_request *request, struct wg_str id)
{
    wg_admin_fail(request, WG_NOT_FOUND,
                  "event '%.*s' is not known here: it never came to this gateway (what was "
                  "refused and could not be read has no id: look at the audit of the peer), "
                  "or that is longer ago than audit.keep, or another gateway stands before "
                  "that server",
                  WG_STR_F(id));
}

static void on_story(void *owner, const struct wg_err *err, const struct wg_story *found)
{
    struct wg_admin_request *request = owner;
    struct asking *asking = request->state;
    json_t *story = asking->story, *timeline = json_object_get(story, "timeline");
    json_t *parts;

    if (!found || (found->count == 0 && json_array_size(timeline) == 0)) {
        json_decref(story);
        if (found)
            not_known(request, asking->id);
        else
            wg_admin_fail_err(request, err);
        return;
    }
    parts = json_array();
    for (size_t i = 0; i < found->count; i++) {
        json_array_append_new(parts, describe_part(&found->parts[i]));
        for (size_t k = 0; k < found->parts[i].attempt_count; k++)
            json_array_append_new(
                timeline, describe_attempt(&found->parts[i], &found->parts[i].attempts[k]));
    }
    sort(request, timeline);
    wg_admin_event_conclude(story, parts);
    json_decref(parts);
    wg_admin_answer(request, 200, story);
}
