// SPDX-License-Identifier: Apache-2.0
#include "federation/peers.h"

#include <stdlib.h>

#include "federation/directory_impl.h"
#include "wire/json.h"
#include "wire/name.h"

enum { HOUR_S = 3600 };

/* Which word a count has in JSON. */
static const char *const count_names[WG_PEER_COUNTS] = {"events_received_24h",
                                                        "requests_refused_24h",
                                                        "events_sent_24h",
                                                        "attempts_failed_24h",
                                                        "allowed",
                                                        "denied",
                                                        "deferred",
                                                        "quarantined"};

static int64_t hour_now(const struct wg_directory *directory)
{
    return wg_clock_wall_s(directory->clock) / HOUR_S;
}

static struct wg_peer_activity *activity_of(struct wg_peer_record *record)
{
    if (!record->activity)
        record->activity = wg_new(struct wg_peer_activity);
    return record->activity;
}

/* The window moves by the hour: the hour that is running and the 23 before it. */
static struct wg_peer_hour *hour_of(struct wg_peer_activity *activity, int64_t hour)
{
    struct wg_peer_hour *slot = &activity->hours[hour % WG_PEER_HOURS];

    if (slot->hour != hour)
        *slot = (struct wg_peer_hour){.hour = hour};
    return slot;
}

void wg_peers_count(struct wg_directory *directory, struct wg_str name, enum wg_peer_count what)
{
    struct wg_directory_shard *shard = wg_directory_enter(directory, name);
    struct wg_peer_record *record = wg_map_get(&shard->records, name);

    if (record) {
        hour_of(activity_of(record), hour_now(directory))->counts[what]++;
        wg_peer_series_count(directory, record, what);
        record->is_changed = true;
    }
    pthread_mutex_unlock(&shard->lock);
}

int64_t wg_directory_sum(const struct wg_peer_record *record, int64_t now_s,
                         enum wg_peer_count what)
{
    int64_t hour = now_s / HOUR_S;
    int64_t sum = 0;

    for (size_t i = 0; record->activity && i < WG_PEER_HOURS; i++) {
        const struct wg_peer_hour *slot = &record->activity->hours[i];

        if (slot->hour > hour - WG_PEER_HOURS && slot->hour <= hour)
            sum += slot->counts[what];
    }
    return sum;
}

void wg_directory_note_error(struct wg_peer_record *record, int64_t now_s,
                             const struct wg_peer_error *error)
{
    json_t *json = json_pack("{s:I, s:s, s:s, s:s, s:b}", "at", (json_int_t)now_s, "direction",
                             error->direction, "stage", error->stage, "code", error->code,
                             "proven", error->is_proven);

    json_object_set_new(json, "reason", json_stringn(error->reason.at, error->reason.len));
    json_decref(record->last_error);
    record->last_error = json;
    record->is_changed = true;
}

void wg_peers_error(struct wg_directory *directory, struct wg_str name,
                    const struct wg_peer_error *error)
{
    struct wg_directory_shard *shard = wg_directory_enter(directory, name);
    struct wg_peer_record *record = wg_map_get(&shard->records, name);

    if (record)
        wg_directory_note_error(record, wg_clock_wall_s(directory->clock), error);
    pthread_mutex_unlock(&shard->lock);
}

/* ---- for people ---- */

static void add_time(json_t *json, const char *member, int64_t at_s)
{
    json_object_set_new(json, member, at_s > 0 ? json_integer(at_s) : json_null());
}

static json_t *describe_keys(const struct wg_peer_record *record)
{
    json_t *keys = json_array();

    for (size_t i = 0; i < record->key_count; i++) {
        char text[WG_PUBLIC_KEY_TEXT];

        wg_public_key_write(&record->keys[i].key, text);
        json_array_append_new(keys, json_pack("{s:s, s:s, s:I, s:I}", "kid",
                                              record->keys[i].key.kid, "public_key", text,
                                              "first_seen", (json_int_t)record->keys[i].first_s,
                                              "last_seen", (json_int_t)record->keys[i].last_s));
    }
    return keys;
}

static json_t *describe_descriptor(const struct wg_peer *peer)
{
    json_t *json = json_pack("{s:b}", "common_version", peer->descriptor.speaks_v1);

    add_time(json, "fetched_at", peer->fetched_at_s);
    add_time(json, "certificate_until", peer->certificate_until_s);
    json_object_set_new(
        json, "protocol_versions",
        json_stringn(peer->descriptor.versions.at, peer->descriptor.versions.len));
    return json;
}

static void add_counts(json_t *json, const struct wg_peer_record *record, int64_t now_s)
{
    json_t *verdicts = json_object();

    for (int i = 0; i < WG_PEER_COUNTS; i++)
        json_object_set_new(
            i < WG_PEER_ALLOWED ? json : verdicts, count_names[i],
            json_integer(wg_directory_sum(record, now_s, (enum wg_peer_count)i)));
    json_object_set_new(json, "verdicts_24h", verdicts);
}

static json_t *describe_clock(const struct wg_peer_record *record)
{
    return json_pack("{s:I, s:I, s:s}", "skew_s", (json_int_t)record->skew_s, "seen_at",
                     (json_int_t)record->skew_at_s, "from", record->skew_from);
}

/* Under the lock of its shard. */
static json_t *describe(const struct wg_directory *directory,
                        const struct wg_peer_record *record)
{
    int64_t now_s = wg_clock_wall_s(directory->clock);
    int64_t now_ms = wg_clock_mono_ms(directory->clock);
    json_t *json = json_pack("{s:s}", "server_name", record->name);

    add_time(json, "first_seen", record->known_since_s);
    add_time(json, "last_seen", record->last_seen_s);
    json_object_set_new(json, "last_error",
                        record->last_error ? json_copy(record->last_error) : json_null());
    add_counts(json, record, now_s);
    if (record->skew_from)
        json_object_set_new(json, "clock", describe_clock(record));
    json_object_set_new(json, "keys", describe_keys(record));
    json_object_set_new(json, "descriptor",
                        record->box ? describe_descriptor(&record->box->peer) : json_null());
    if (record->failures && record->retry_at_ms > now_ms)
        json_object_set_new(json, "discovery_retry_in_s",
                            json_integer((record->retry_at_ms - now_ms + 999) / 1000));
    return json;
}

json_t *wg_peers_describe(struct wg_directory *directory, struct wg_str name)
{
    struct wg_directory_shard *shard = wg_directory_enter(directory, name);
    struct wg_peer_record *record = wg_map_get(&shard->records, name);
    json_t *json = record ? describe(directory, record) : NULL;

    pthread_mutex_unlock(&shard->lock);
    return json;
}

/* ---- pages: the limit smallest names behind after, as a heap with the largest on top, so that
 * a page costs one look at each name ---- */

struct page {
    struct wg_str *names;
    size_t count, limit;
};

static int compare(struct wg_str a, struct wg_str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.at, b.at, len) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_names(const void *a, const void *b)
{
    return compare(*(const struct wg_str *)a, *(const struct wg_str *)b);
}

static void sink(struct page *page, size_t at)
{
    for (;;) {
        size_t largest = at;

        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < page->count; child++) {
            if (compare(page->names[child], page->names[largest]) > 0)
                largest = child;
        }
        if (largest == at)
            return;
        struct wg_str name = page->names[at];
        page->names[at] = page->names[largest];
        page->names[largest] = name;
        at = largest;
    }
}

static void rise(struct page *page, size_t at)
{
    while (at > 0 && compare(page->names[at], page->names[(at - 1) / 2]) > 0) {
        struct wg_str name = page->names[at];

        page->names[at] = page->names[(at - 1) / 2];
        page->names[(at - 1) / 2] = name;
        at = (at - 1) / 2;
    }
}

static void offer(struct page *page, struct wg_str name, struct wg_arena *arena)
{
    if (page->count < page->limit) {
        page->names[page->count++] = wg_arena_copy(arena, name);
        rise(page, page->count - 1);
    } else if (compare(name, page->names[0]) < 0) {
        page->names[0] = wg_arena_copy(arena, name);
        sink(page, 0);
    }
}

/* What was only ever asked for in vain is no peer yet, unless there is a reason to show. */
static bool is_listed(const struct wg_peer_record *record)
{
    return record->box || record->key_count || record->activity || record->last_error;
}

size_t wg_peers_list(struct wg_directory *directory, struct wg_str after,
                     struct wg_arena *arena, struct wg_str *ret_names, size_t limit)
{
    struct page page = {ret_names, 0, limit};

    for (size_t i = 0; limit && i < WG_DIRECTORY_SHARDS; i++) {
        struct wg_directory_shard *shard = &directory->shards[i];
        size_t cursor = 0;
        struct wg_str name;
        void *record;

        pthread_mutex_lock(&shard->lock);
        while (wg_map_next(&shard->records, &cursor, &name, &record)) {
            if (is_listed(record) && (!after.at || compare(name, after) > 0))
                offer(&page, name, arena);
        }
        pthread_mutex_unlock(&shard->lock);
    }
    qsort(ret_names, page.count, sizeof *ret_names, compare_names);
    return page.count;
}

bool wg_peers_forget(struct wg_directory *directory, struct wg_str name)
{
    struct wg_directory_shard *shard = wg_directory_enter(directory, name);
    struct wg_peer_record *record = wg_map_get(&shard->records, name);
    bool is_forgotten = record && !record->is_fetching;

    if (is_forgotten) {
        wg_peer_series_leave(directory, record);
        wg_directory_record_free(wg_map_take(&shard->records, name));
    }
    pthread_mutex_unlock(&shard->lock);
    return is_forgotten;
}

/* ---- what is stored ---- */

size_t wg_peers_take_changed(struct wg_directory *directory, struct wg_arena *arena,
                             struct wg_str *ret_names, size_t limit)
{
    size_t count = 0;

    for (size_t i = 0; i < WG_DIRECTORY_SHARDS && count < limit; i++) {
        struct wg_directory_shard *shard = &directory->shards[i];
        size_t cursor = 0;
        struct wg_str name;
        void *value;

        pthread_mutex_lock(&shard->lock);
        while (count < limit && wg_map_next(&shard->records, &cursor, &name, &value)) {
            struct wg_peer_record *record = value;

            if (!record->is_changed || (record->last_seen_s < 0 && !record->activity))
                continue;
            record->is_changed = false;
            ret_names[count++] = wg_arena_copy(arena, name);
        }
        pthread_mutex_unlock(&shard->lock);
    }
    return count;
}

static json_t *write_hours(const struct wg_peer_activity *activity)
{
    json_t *hours = json_array();

    for (size_t i = 0; activity && i < WG_PEER_HOURS; i++) {
        const struct wg_peer_hour *slot = &activity->hours[i];
        json_t *row;

        if (!slot->hour)
            continue;
        row = json_array();
        json_array_append_new(row, json_integer(slot->hour));
        for (size_t k = 0; k < WG_PEER_COUNTS; k++)
            json_array_append_new(row, json_integer(slot->counts[k]));
        json_array_append_new(hours, row);
    }
    return hours;
}

json_t *wg_peers_document(struct wg_directory *directory, struct wg_str name)
{
    struct wg_directory_shard *shard = wg_directory_enter(directory, name);
    const struct wg_peer_record *record = wg_map_get(&shard->records, name);
    json_t *json = NULL;

    if (record) {
        json =
            json_pack("{s:I, s:I, s:o, s:o}", "first_seen", (json_int_t)record->known_since_s,
                      "last_seen", (json_int_t)record->last_seen_s, "keys",
                      describe_keys(record), "hours", write_hours(record->activity));
        if (record->last_error)
            json_object_set_new(json, "last_error", json_copy(record->last_error));
        if (record->skew_from)
            json_object_set_new(json, "clock", describe_clock(record));
    }
    pthread_mutex_unlock(&shard->lock);
    return json;
}

static void read_keys(struct wg_peer_record *record, const json_t *keys)
{
    const json_t *item;
    size_t i;

    json_array_foreach(keys, i, item)
    {
        struct wg_key_seen *seen = &record->keys[record->key_count];
        struct wg_err ignored;

        if (record->key_count < WG_DIRECTORY_FORMER_KEYS &&
            wg_public_key_parse(wg_json_string(item, "public_key"), &seen->key, &ignored) ==
                WG_OK &&
            wg_json_integer(item, "first_seen", &seen->first_s) &&
            wg_json_integer(item, "last_seen", &seen->last_s))
            record->key_count++;
    }
}

static void read_hours(struct wg_peer_record *record, const json_t *hours)
{
    const json_t *row;
    size_t i;

    json_array_foreach(hours, i, row)
    {
        int64_t hour = (int64_t)json_number_value(json_array_get(row, 0));
        struct wg_peer_hour *slot;

        if (hour <= 0)
            continue;
        slot = hour_of(activity_of(record), hour);
        for (size_t k = 0; k < WG_PEER_COUNTS; k++)
            slot->counts[k] = (uint32_t)json_number_value(json_array_get(row, k + 1));
    }
}

static void read_error(struct wg_peer_record *record, const json_t *error)
{
    int64_t at_s = 0;

    if (!json_is_object(error))
        return;
    (void)wg_json_integer(error, "at", &at_s);
    record->last_error = json_copy((json_t *)(uintptr_t)error);
    json_object_set_new(record->last_error, "at", json_integer(at_s));
}

static void read_clock(struct wg_peer_record *record, const json_t *clock)
{
    if (!wg_json_integer(clock, "skew_s", &record->skew_s) ||
        !wg_json_integer(clock, "seen_at", &record->skew_at_s))
        return;
    record->skew_from = wg_str_is(wg_json_string(clock, "from"), "date") ? "date" : "signature";
}

enum wg_code wg_peers_restore(struct wg_directory *directory, struct wg_str name,
                              const json_t *document, struct wg_err *err)
{
    struct wg_directory_shard *shard;
    struct wg_peer_record *record;

    if (wg_server_name_check(name, true, err) != WG_OK)
        return err->code;
    shard = wg_directory_enter(directory, name);
    record = wg_directory_record(directory, shard, name);
    if (record) { /* else there are more of them stored than may be remembered now */
        (void)wg_json_integer(document, "first_seen", &record->known_since_s);
        (void)wg_json_integer(document, "last_seen", &record->last_seen_s);
        read_keys(record, json_object_get(document, "keys"));
        read_hours(record, json_object_get(document, "hours"));
        read_error(record, json_object_get(document, "last_error"));
        read_clock(record, json_object_get(document, "clock"));
    }
    pthread_mutex_unlock(&shard->lock);
    return WG_OK;
}
