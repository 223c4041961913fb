// SPDX-License-Identifier: Apache-2.0
#include "policy/kv_impl.h"

#include "base/alloc.h"

enum { ENTRY_OVERHEAD = 160 };

struct wg_kv *wg_kv_new(const struct wg_clock *clock)
{
    struct wg_kv *kv = wg_new(struct wg_kv);

    kv->clock = clock;
    wg_kv_kept_init(kv);
    for (size_t i = 0; i < WG_KV_SHARDS; i++) {
        pthread_mutex_init(&kv->shards[i].lock, NULL);
        wg_map_init(&kv->shards[i].map);
    }
    return kv;
}

static void free_entry(void *value)
{
    struct wg_kv_entry *entry = value;

    wg_kv_value_done(&entry->value);
    wg_free(entry->key);
    wg_free(entry);
}

struct wg_kv *wg_kv_free(struct wg_kv *kv)
{
    if (!kv)
        return NULL;
    for (size_t i = 0; i < WG_KV_SHARDS; i++) {
        wg_map_done(&kv->shards[i].map, free_entry);
        pthread_mutex_destroy(&kv->shards[i].lock);
    }
    wg_kv_kept_done(kv);
    wg_free(kv);
    return NULL;
}

void wg_kv_value_done(struct wg_kv_value *value)
{
    if (value->type == WG_KV_TEXT)
        wg_free((char *)(uintptr_t)value->text.at);
    *value = (struct wg_kv_value){.type = WG_KV_NONE};
}

static struct wg_kv_value copy_value(const struct wg_kv_value *value)
{
    struct wg_kv_value copy = *value;

    if (value->type == WG_KV_TEXT)
        copy.text.at = wg_strdup(value->text);
    return copy;
}

static size_t size_of(const struct wg_kv_entry *entry)
{
    return ENTRY_OVERHEAD + 2 * entry->key_len +
           (entry->value.type == WG_KV_TEXT ? entry->value.text.len : 0);
}

struct wg_kv_shard *wg_kv_lock(struct wg_kv *kv, struct wg_str key)
{
    struct wg_kv_shard *shard = &kv->shards[wg_hash(key.at, key.len) % WG_KV_SHARDS];

    pthread_mutex_lock(&shard->lock);
    return shard;
}

static void unlink_entry(struct wg_kv_shard *shard, struct wg_kv_entry *entry)
{
    *(entry->newer ? &entry->newer->older : &shard->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &shard->oldest) = entry->newer;
    entry->newer = entry->older = NULL;
}

static void link_newest(struct wg_kv_shard *shard, struct wg_kv_entry *entry)
{
    entry->older = shard->newest;
    entry->newer = NULL;
    *(entry->older ? &entry->older->newer : &shard->oldest) = entry;
    shard->newest = entry;
}

static void drop(struct wg_kv *kv, struct wg_kv_shard *shard, struct wg_kv_entry *entry)
{
    wg_kv_changed(kv, entry);
    if (entry->is_kept)
        atomic_fetch_sub(&kv->kept, 1);
    unlink_entry(shard, entry);
    shard->count--;
    shard->bytes -= size_of(entry);
    wg_map_take(&shard->map, wg_str_of(entry->key, entry->key_len));
    free_entry(entry);
}

/* The living entry, which is the newest from now on; NULL when there is none. */
static struct wg_kv_entry *find(struct wg_kv *kv, struct wg_kv_shard *shard, struct wg_str key)
{
    struct wg_kv_entry *entry = wg_map_get(&shard->map, key);

    if (!entry)
        return NULL;
    if (entry->expires_at_ms && entry->expires_at_ms <= wg_clock_mono_ms(kv->clock)) {
        drop(kv, shard, entry);
        return NULL;
    }
    unlink_entry(shard, entry);
    link_newest(shard, entry);
    return entry;
}

static void make_room(struct wg_kv *kv, struct wg_kv_shard *shard)
{
    while (shard->oldest && (shard->count > WG_KV_ENTRY_LIMIT / WG_KV_SHARDS ||
                             shard->bytes > WG_KV_BYTES_LIMIT / WG_KV_SHARDS))
        drop(kv, shard, shard->oldest);
}

static void put(struct wg_kv *kv, struct wg_kv_shard *shard, struct wg_str key,
                const struct wg_kv_value *value, int64_t ttl_ms)
{
    struct wg_kv_entry *entry = find(kv, shard, key);

    if (value->type == WG_KV_NONE) {
        if (entry)
            drop(kv, shard, entry);
        return;
    }
    if (entry) {
        shard->bytes -= size_of(entry);
        wg_kv_value_done(&entry->value);
    } else {
        entry = wg_new(struct wg_kv_entry);
        entry->key = wg_strdup(key);
        entry->key_len = key.len;
        wg_map_put(&shard->map, key, entry);
        link_newest(shard, entry);
        shard->count++;
        entry->is_kept = wg_kv_keep(kv, key);
    }
    entry->value = copy_value(value);
    entry->expires_at_ms = ttl_ms > 0 ? wg_clock_mono_ms(kv->clock) + ttl_ms : 0;
    shard->bytes += size_of(entry);
    wg_kv_changed(kv, entry);
    make_room(kv, shard);
}

static enum wg_code check(struct wg_str key, const struct wg_kv_value *value,
                          struct wg_err *err)
{
    if (key.len == 0 || key.len > WG_KV_KEY_LIMIT)
        return wg_fail(err, WG_TOO_LARGE, "a key has 1 to %d bytes, not %zu", WG_KV_KEY_LIMIT,
                       key.len);
    if (value->type == WG_KV_TEXT && value->text.len > WG_KV_VALUE_LIMIT)
        return wg_fail(err, WG_TOO_LARGE, "a value has at most %d bytes, not %zu",
                       WG_KV_VALUE_LIMIT, value->text.len);
    return WG_OK;
}

void wg_kv_get(struct wg_kv *kv, struct wg_str key, struct wg_kv_value *ret_value)
{
    struct wg_kv_shard *shard = wg_kv_lock(kv, key);
    const struct wg_kv_entry *entry = find(kv, shard, key);

    *ret_value = entry ? copy_value(&entry->value) : (struct wg_kv_value){.type = WG_KV_NONE};
    pthread_mutex_unlock(&shard->lock);
}

enum wg_code wg_kv_set(struct wg_kv *kv, struct wg_str key, const struct wg_kv_value *value,
                       int64_t ttl_ms, struct wg_err *err)
{
    struct wg_kv_shard *shard;

    if (check(key, value, err) != WG_OK)
        return err->code;
    shard = wg_kv_lock(kv, key);
    put(kv, shard, key, value, ttl_ms);
    pthread_mutex_unlock(&shard->lock);
    return WG_OK;
}

enum wg_code wg_kv_add(struct wg_kv *kv, struct wg_str key, const struct wg_kv_value *value,
                       int64_t ttl_ms, struct wg_err *err)
{
    struct wg_kv_shard *shard;
    bool is_there;

    if (check(key, value, err) != WG_OK)
        return err->code;
    shard = wg_kv_lock(kv, key);
    is_there = find(kv, shard, key) != NULL;
    if (!is_there)
        put(kv, shard, key, value, ttl_ms);
    pthread_mutex_unlock(&shard->lock);
    return is_there ? wg_fail(err, WG_EXISTS, "the key has a value") : WG_OK;
}

enum wg_code wg_kv_incr(struct wg_kv *kv, struct wg_str key, int64_t by, int64_t ttl_ms,
                        int64_t *ret_value, struct wg_err *err)
{
    struct wg_kv_value value = {.type = WG_KV_INTEGER, .integer = by};
    enum wg_code code = WG_OK;
    struct wg_kv_shard *shard;
    struct wg_kv_entry *entry;

    if (check(key, &value, err) != WG_OK)
        return err->code;
    shard = wg_kv_lock(kv, key);
    entry = find(kv, shard, key);
    if (!entry) {
        put(kv, shard, key, &value, ttl_ms > 0 ? ttl_ms : 0);
    } else if (entry->value.type != WG_KV_INTEGER) {
        code = wg_fail(err, WG_INVALID, "the value is no whole number");
    } else if (__builtin_add_overflow(entry->value.integer, by, &value.integer)) {
        code = wg_fail(err, WG_INVALID, "the number would be too large");
    } else {
        entry->value.integer = value.integer;
        wg_kv_changed(kv, entry);
    }
    pthread_mutex_unlock(&shard->lock);
    if (code == WG_OK)
        *ret_value = value.integer;
    return code;
}

static bool is_same(const struct wg_kv_value *a, const struct wg_kv_value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case WG_KV_BOOLEAN:
        return a->boolean == b->boolean;
    case WG_KV_INTEGER:
        return a->integer == b->integer;
    case WG_KV_NUMBER:
        return a->number == b->number;
    case WG_KV_TEXT:
        return wg_str_equal(a->text, b->text);
    case WG_KV_NONE:
        break;
    }
    return true;
}

enum wg_code wg_kv_cas(struct wg_kv *kv, struct wg_str key, const struct wg_kv_value *expected,
                       const struct wg_kv_value *value, int64_t ttl_ms, bool *ret_done,
                       struct wg_err *err)
{
    static const struct wg_kv_value none = {.type = WG_KV_NONE};
    struct wg_kv_shard *shard;
    const struct wg_kv_entry *entry;
    bool is_expected;

    if (check(key, value, err) != WG_OK)
        return err->code;
    shard = wg_kv_lock(kv, key);
    entry = find(kv, shard, key);
    is_expected = is_same(entry ? &entry->value : &none, expected);
    if (is_expected)
        put(kv, shard, key, value, ttl_ms);
    pthread_mutex_unlock(&shard->lock);
    *ret_done = is_expected;
    return WG_OK;
}
