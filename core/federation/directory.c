// SPDX-License-Identifier: Apache-2.0
#include "federation/directory_impl.h"

#include <stdatomic.h>

#include "wire/name.h"

struct wg_directory *wg_directory_new(const struct wg_clock *clock, size_t limit,
                                      bool allow_ip_literals)
{
    struct wg_directory *directory = wg_new(struct wg_directory);

    directory->clock = clock;
    directory->shard_limit = limit / WG_DIRECTORY_SHARDS + 1;
    directory->allow_ip_literals = allow_ip_literals;
    for (size_t i = 0; i < WG_DIRECTORY_SHARDS; i++)
        pthread_mutex_init(&directory->shards[i].lock, NULL);
    pthread_mutex_init(&directory->series.lock, NULL);
    return directory;
}

void wg_directory_record_free(void *value)
{
    struct wg_peer_record *record = value;

    if (record->box)
        (void)wg_peer_unref(&record->box->peer);
    json_decref(record->last_error);
    wg_free(record->activity);
    wg_free(record->standings);
    wg_free(record->name);
    wg_free(record);
}

struct wg_directory *wg_directory_free(struct wg_directory *directory)
{
    for (size_t i = 0; directory && i < WG_DIRECTORY_SHARDS; i++) {
        wg_map_done(&directory->shards[i].records, wg_directory_record_free);
        pthread_mutex_destroy(&directory->shards[i].lock);
    }
    if (directory)
        wg_peer_series_done(directory);
    wg_free(directory);
    return NULL;
}

void wg_directory_on_failure(struct wg_directory *directory,
                             void (*on_failure)(void *owner, struct wg_str name,
                                                const struct wg_err *err, int64_t retry_s),
                             void *owner)
{
    directory->on_failure = on_failure;
    directory->on_failure_owner = owner;
}

const struct wg_peer *wg_peer_unref(const struct wg_peer *peer)
{
    struct wg_peer_box *box = (struct wg_peer_box *)(void *)(uintptr_t)peer;

    if (box && atomic_fetch_sub(&box->references, 1) == 1) {
        wg_arena_done(&box->arena);
        wg_free(box);
    }
    return NULL;
}

struct wg_directory_shard *wg_directory_enter(struct wg_directory *directory,
                                              struct wg_str name)
{
    struct wg_directory_shard *shard =
        &directory->shards[wg_hash(name.at, name.len) % WG_DIRECTORY_SHARDS];

    pthread_mutex_lock(&shard->lock);
    return shard;
}

/* A stranger's record makes room; one that has proved itself stays. */
static bool make_room(struct wg_directory_shard *shard)
{
    size_t cursor = 0;
    struct wg_str name;
    void *value;

    while (wg_map_next(&shard->records, &cursor, &name, &value)) {
        struct wg_peer_record *record = value;

        if (record->last_seen_s >= 0 || record->activity || record->is_fetching)
            continue;
        (void)wg_map_take(&shard->records, name);
        wg_directory_record_free(record);
        return true;
    }
    return false;
}

struct wg_peer_record *wg_directory_record(struct wg_directory *directory,
                                           struct wg_directory_shard *shard, struct wg_str name)
{
    struct wg_peer_record *record = wg_map_get(&shard->records, name);

    if (record)
        return record;
    if (shard->records.count >= directory->shard_limit && !make_room(shard))
        return NULL;
    record = wg_new(struct wg_peer_record);
    record->name = wg_strdup(name);
    record->known_since_s = -1;
    record->last_seen_s = -1;
    record->refetch_after_ms = INT64_MIN;
    record->held_until_ms = INT64_MIN;
    (void)wg_map_put(&shard->records, name, record);
    return record;
}

static const struct wg_peer *peer_ref(struct wg_peer_record *record)
{
    atomic_fetch_add(&record->box->references, 1);
    return &record->box->peer;
}

static void wait_for_fetch(struct wg_peer_record *record, const struct wg_lookup_how *how)
{
    struct wg_directory_waiter *waiter = wg_new(struct wg_directory_waiter);

    *waiter =
        (struct wg_directory_waiter){record->waiters, how->loop, how->on_known, how->owner};
    record->waiters = waiter;
}

/* Under the shard's lock. *ret_fetch: the caller is the one to fetch. */
static enum wg_lookup look_up(struct wg_peer_record *record, int64_t now_ms,
                              const struct wg_lookup_how *how, const struct wg_peer **ret_peer,
                              int64_t *ret_retry_s, bool *ret_fetch, struct wg_err *err)
{
    bool is_fresh = record->box && now_ms < record->expires_at_ms;

    if (record->is_fetching && (how->is_refresh || how->is_forced || !is_fresh)) {
        wait_for_fetch(record, how);
        return WG_LOOKUP_WAIT;
    }
    if (is_fresh && !how->is_forced &&
        (!how->is_refresh || now_ms < record->refetch_after_ms)) {
        *ret_peer = peer_ref(record);
        return WG_LOOKUP_FOUND;
    }
    if (now_ms < record->retry_at_ms && !how->is_forced) {
        if (is_fresh) { /* the refetch failed lately: what is at hand is still good */
            *ret_peer = peer_ref(record);
            return WG_LOOKUP_FOUND;
        }
        *err = record->failure;
        *ret_retry_s = (record->retry_at_ms - now_ms + 999) / 1000;
        return WG_LOOKUP_FAILED;
    }
    if (how->is_refresh || how->is_forced)
        record->refetch_after_ms = now_ms + WG_REFETCH_GAP_MS;
    record->is_fetching = true;
    wait_for_fetch(record, how);
    *ret_fetch = true;
    return WG_LOOKUP_WAIT;
}

enum wg_lookup wg_directory_lookup(struct wg_directory *directory, struct wg_str name,
                                   const struct wg_lookup_how *how,
                                   const struct wg_peer **ret_peer, int64_t *ret_retry_s,
                                   struct wg_err *err)
{
    struct wg_directory_shard *shard;
    struct wg_peer_record *record;
    enum wg_lookup result = WG_LOOKUP_FAILED;
    bool is_mine = false;

    if (wg_server_name_check(name, directory->allow_ip_literals, err) != WG_OK) {
        *ret_retry_s = 0;
        return WG_LOOKUP_FAILED;
    }
    shard = wg_directory_enter(directory, name);
    record = wg_directory_record(directory, shard, name);
    if (record) {
        result = look_up(record, wg_clock_mono_ms(directory->clock), how, ret_peer, ret_retry_s,
                         &is_mine, err);
    } else {
        wg_fail(err, WG_PEER_UNREACHABLE, "too many servers are known to look up one more");
        *ret_retry_s = 60;
    }
    pthread_mutex_unlock(&shard->lock);
    if (is_mine)
        wg_directory_fetch(directory, name, how);
    return result;
}

bool wg_directory_is_known(struct wg_directory *directory, struct wg_str name)
{
    struct wg_directory_shard *shard = wg_directory_enter(directory, name);
    struct wg_peer_record *record = wg_map_get(&shard->records, name);
    bool is_known =
        record && record->box && wg_clock_mono_ms(directory->clock) < record->expires_at_ms;

    pthread_mutex_unlock(&shard->lock);
    return is_known;
}

bool wg_directory_saw(struct wg_directory *directory, struct wg_str name)
{
    struct wg_directory_shard *shard = wg_directory_enter(directory, name);
    struct wg_peer_record *record = wg_map_get(&shard->records, name);
    int64_t now_s = wg_clock_wall_s(directory->clock);
    bool is_news = record && record->last_seen_s != now_s;

    if (record) {
        record->last_seen_s = now_s;
        record->is_changed = true;
        if (record->known_since_s < 0)
            record->known_since_s = now_s;
    }
    pthread_mutex_unlock(&shard->lock);
    return is_news;
}

void wg_directory_facts(struct wg_directory *directory, struct wg_str name,
                        struct wg_peer_facts *ret_facts)
{
    struct wg_directory_shard *shard = wg_directory_enter(directory, name);
    struct wg_peer_record *record = wg_map_get(&shard->records, name);

    *ret_facts = (struct wg_peer_facts){-1, -1, -1, 0, 0, ""};
    if (record) {
        int64_t now_s = wg_clock_wall_s(directory->clock);

        ret_facts->events_24h = wg_directory_sum(record, now_s, WG_PEER_RECEIVED);
        ret_facts->failures_24h = wg_directory_sum(record, now_s, WG_PEER_REFUSED);
        ret_facts->known_since_s = record->known_since_s;
        ret_facts->last_seen_s = record->last_seen_s;
        if (record->key_count) {
            ret_facts->key_since_s = record->keys[0].first_s;
            memcpy(ret_facts->kid, record->keys[0].key.kid, sizeof ret_facts->kid);
        }
    }
    pthread_mutex_unlock(&shard->lock);
}

bool wg_directory_key_ever(struct wg_directory *directory, struct wg_str name,
                           struct wg_str kid, struct wg_public_key *ret_key,
                           int64_t *ret_first_s)
{
    struct wg_directory_shard *shard = wg_directory_enter(directory, name);
    struct wg_peer_record *record = wg_map_get(&shard->records, name);
    bool is_found = false;

    for (size_t i = 0; record && i < record->key_count && !is_found; i++) {
        if (wg_str_is(kid, record->keys[i].key.kid)) {
            *ret_key = record->keys[i].key;
            *ret_first_s = record->keys[i].first_s;
            is_found = true;
        }
    }
    pthread_mutex_unlock(&shard->lock);
    return is_found;
}

size_t wg_peer_keys(const struct wg_peer *peer, struct wg_str kid, int64_t now_s,
                    const struct wg_public_key **ret_keys, size_t limit)
{
    size_t count = 0;

    for (size_t i = 0; i < peer->descriptor.key_count && count < limit; i++) {
        const struct wg_descriptor_key *key = &peer->descriptor.keys[i];

        /* keys[0] is public_key: what the descriptor says signs now, whatever its validity
         * says. */
        if (i > 0 && (now_s < key->valid_from_s || now_s > key->valid_until_s))
            continue;
        if (!kid.at || wg_str_is(kid, key->key.kid))
            ret_keys[count++] = &key->key;
    }
    return count;
}

/* Keys are remembered in the order they were first seen, newest first, to verify history. */
static void remember_key(struct wg_peer_record *record, const struct wg_public_key *key,
                         int64_t now_s)
{
    for (size_t i = 0; i < record->key_count; i++) {
        if (wg_public_key_equal(&record->keys[i].key, key)) {
            record->keys[i].last_s = now_s;
            return;
        }
    }
    if (record->key_count == WG_DIRECTORY_FORMER_KEYS)
        record->key_count--;
    memmove(&record->keys[1], &record->keys[0], record->key_count * sizeof record->keys[0]);
    record->keys[0] = (struct wg_key_seen){*key, now_s, now_s};
    record->key_count++;
}

static int64_t note_failure(struct wg_peer_record *record, const struct wg_err *err,
                            int64_t now_ms)
{
    int64_t wait_ms = WG_BACKOFF_FIRST_MS;

    for (unsigned i = 0; i < record->failures && wait_ms < WG_BACKOFF_LAST_MS; i++)
        wait_ms *= 2;
    if (wait_ms > WG_BACKOFF_LAST_MS)
        wait_ms = WG_BACKOFF_LAST_MS;
    record->failure = *err;
    record->failures++;
    record->retry_at_ms = now_ms + wait_ms;
    return wait_ms / 1000;
}

static int64_t fail_discovery(struct wg_directory *directory, struct wg_peer_record *record,
                              const struct wg_err *err, const struct wg_err *told)
{
    struct wg_peer_error error = {.direction = "outbound",
                                  .stage = "discover",
                                  .code = wg_code_answer(told->code),
                                  .reason = wg_str(err->text),
                                  .is_proven = true};

    wg_directory_note_error(record, wg_clock_wall_s(directory->clock), &error);
    return note_failure(record, told, wg_clock_mono_ms(directory->clock));
}

static void note_success(struct wg_peer_record *record, struct wg_peer_box *box, int64_t age_s,
                         int64_t now_ms)
{
    if (record->box)
        (void)wg_peer_unref(&record->box->peer);
    record->box = box;
    record->expires_at_ms = now_ms + age_s * 1000;
    record->failures = 0;
    record->retry_at_ms = INT64_MIN;
    record->is_changed = true;
    for (size_t i = box->peer.descriptor.key_count; i > 0; i--)
        remember_key(record, &box->peer.descriptor.keys[i - 1].key, box->peer.fetched_at_s);
}

static void wake(struct wg_directory_waiter *waiters)
{
    while (waiters) {
        struct wg_directory_waiter *next = waiters->next;

        wg_loop_post(waiters->loop, waiters->on_known, waiters->owner);
        wg_free(waiters);
        waiters = next;
    }
}

void wg_directory_settle(struct wg_directory *directory, struct wg_str name,
                         struct wg_peer_box *box, int64_t age_s, const struct wg_err *err,
                         const struct wg_err *told)
{
    struct wg_directory_shard *shard = wg_directory_enter(directory, name);
    struct wg_peer_record *record = wg_map_get(&shard->records, name);
    struct wg_directory_waiter *waiters = NULL;
    int64_t now_ms = wg_clock_mono_ms(directory->clock);
    int64_t retry_s = 0;

    if (WG_CHECK(record && record->is_fetching)) {
        if (box)
            note_success(record, box, age_s, now_ms);
        else if (told->code != WG_CANCELLED)
            retry_s = fail_discovery(directory, record, err, told);
        waiters = record->waiters;
        record->waiters = NULL;
        record->is_fetching = false;
    }
    pthread_mutex_unlock(&shard->lock);
    if (!box && directory->on_failure && told->code != WG_CANCELLED)
        directory->on_failure(directory->on_failure_owner, name, err, retry_s);
    wake(waiters);
}
