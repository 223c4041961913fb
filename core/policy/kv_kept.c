// SPDX-License-Identifier: Apache-2.0
#include "policy/kv_kept.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "policy/kv_impl.h"
#include "wire/json.h"

/* A document is {"type", "value", "expires_at"}; the value is always text, since JSON's numbers
 * are doubles and its strings UTF-8. */

static char marked;

void wg_kv_kept_init(struct wg_kv *kv)
{
    pthread_mutex_init(&kv->kept_lock, NULL);
    wg_map_init(&kv->changed);
}

void wg_kv_kept_done(struct wg_kv *kv)
{
    for (size_t i = 0; i < atomic_load(&kv->prefix_count); i++)
        wg_free(kv->prefixes[i]);
    wg_map_done(&kv->changed, NULL);
    pthread_mutex_destroy(&kv->kept_lock);
}

enum wg_code wg_kv_persist(struct wg_kv *kv, struct wg_str prefix, struct wg_err *err)
{
    enum wg_code code = WG_OK;
    bool is_there = false;
    size_t count;

    pthread_mutex_lock(&kv->kept_lock);
    count = atomic_load(&kv->prefix_count);
    for (size_t i = 0; i < count && !is_there; i++)
        is_there = wg_str_is(prefix, kv->prefixes[i]);
    if (!is_there && count == WG_KV_PREFIX_LIMIT) {
        code = wg_fail(err, WG_FULL, "more than %d prefixes are kept", WG_KV_PREFIX_LIMIT);
    } else if (!is_there) {
        kv->prefixes[count] = wg_strdup(prefix);
        atomic_store(&kv->prefix_count, count + 1);
    }
    pthread_mutex_unlock(&kv->kept_lock);
    return code;
}

static bool has_prefix(struct wg_kv *kv, struct wg_str key)
{
    size_t count = atomic_load(&kv->prefix_count);

    for (size_t i = 0; i < count; i++)
        if (wg_str_starts(key, wg_str(kv->prefixes[i])))
            return true;
    return false;
}

bool wg_kv_keep(struct wg_kv *kv, struct wg_str key)
{
    if (!has_prefix(kv, key))
        return false;
    if (atomic_fetch_add(&kv->kept, 1) < WG_KV_KEPT_LIMIT)
        return true;
    atomic_fetch_sub(&kv->kept, 1);
    return false;
}

static void mark(struct wg_kv *kv, struct wg_str key)
{
    pthread_mutex_lock(&kv->kept_lock);
    (void)wg_map_put(&kv->changed, key, &marked);
    pthread_mutex_unlock(&kv->kept_lock);
}

void wg_kv_changed(struct wg_kv *kv, const struct wg_kv_entry *entry)
{
    if (entry->is_kept)
        mark(kv, wg_str_of(entry->key, entry->key_len));
}

size_t wg_kv_take_changed(struct wg_kv *kv, struct wg_arena *arena, struct wg_str *ret_keys,
                          size_t limit)
{
    size_t count = 0;
    size_t cursor = 0;
    struct wg_str key;
    void *value;

    pthread_mutex_lock(&kv->kept_lock);
    while (count < limit && wg_map_next(&kv->changed, &cursor, &key, &value)) {
        ret_keys[count++] = wg_arena_copy(arena, key);
        (void)wg_map_take(&kv->changed, key);
    }
    pthread_mutex_unlock(&kv->kept_lock);
    return count;
}

/* ---- documents ---- */

static json_t *write_bytes(struct wg_str text)
{
    size_t size = sodium_base64_ENCODED_LEN(text.len, sodium_base64_VARIANT_ORIGINAL);
    char *encoded = wg_alloc(size);
    json_t *json;

    sodium_bin2base64(encoded, size, (const unsigned char *)text.at, text.len,
                      sodium_base64_VARIANT_ORIGINAL);
    json = json_pack("{s:s, s:s}", "type", "bytes", "value", encoded);
    wg_free(encoded);
    return json;
}

static json_t *write_value(const struct wg_kv_value *value)
{
    char text[64];

    switch (value->type) {
    case WG_KV_BOOLEAN:
        return json_pack("{s:s, s:s}", "type", "boolean", "value",
                         value->boolean ? "true" : "false");
    case WG_KV_INTEGER:
        snprintf(text, sizeof text, "%" PRId64, value->integer);
        return json_pack("{s:s, s:s}", "type", "integer", "value", text);
    case WG_KV_NUMBER:
        snprintf(text, sizeof text, "%.17g", value->number);
        return json_pack("{s:s, s:s}", "type", "number", "value", text);
    case WG_KV_TEXT:
        return write_bytes(value->text);
    case WG_KV_NONE:
        break;
    }
    return NULL;
}

json_t *wg_kv_document(struct wg_kv *kv, struct wg_str key)
{
    struct wg_kv_shard *shard = wg_kv_lock(kv, key);
    const struct wg_kv_entry *entry = wg_map_get(&shard->map, key);
    int64_t now_ms = wg_clock_mono_ms(kv->clock);
    json_t *json = NULL;

    if (entry && entry->is_kept && (!entry->expires_at_ms || entry->expires_at_ms > now_ms))
        json = write_value(&entry->value);
    if (json && entry->expires_at_ms)
        json_object_set_new(
            json, "expires_at",
            json_integer(wg_clock_wall_ms(kv->clock) + entry->expires_at_ms - now_ms));
    pthread_mutex_unlock(&shard->lock);
    return json;
}

/* Its text is to be freed with wg_kv_value_done(). */
static bool read_bytes(struct wg_str encoded, struct wg_kv_value *value)
{
    char *text = wg_alloc(encoded.len + 1);
    size_t len;

    if (sodium_base642bin((unsigned char *)text, encoded.len + 1, encoded.at, encoded.len, NULL,
                          &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0) {
        wg_free(text);
        return false;
    }
    *value = (struct wg_kv_value){.type = WG_KV_TEXT, .text = wg_str_of(text, len)};
    return true;
}

static bool read_value(const json_t *document, struct wg_kv_value *value)
{
    struct wg_str type = wg_json_string(document, "type");
    struct wg_str text = wg_json_string(document, "value");
    char *end;

    *value = (struct wg_kv_value){.type = WG_KV_NONE};
    if (!text.at)
        return false;
    errno = 0;
    if (wg_str_is(type, "boolean")) {
        value->type = WG_KV_BOOLEAN;
        value->boolean = wg_str_is(text, "true");
        return true;
    }
    if (wg_str_is(type, "integer")) {
        value->type = WG_KV_INTEGER;
        value->integer = strtoll(text.at, &end, 10);
        return !*end && !errno;
    }
    if (wg_str_is(type, "number")) {
        value->type = WG_KV_NUMBER;
        value->number = strtod(text.at, &end);
        return !*end;
    }
    return wg_str_is(type, "bytes") && read_bytes(text, value);
}

enum wg_code wg_kv_restore(struct wg_kv *kv, struct wg_str key, const json_t *document,
                           struct wg_err *err)
{
    struct wg_kv_value value;
    int64_t expires_at_ms = 0;
    int64_t ttl_ms = 0;
    enum wg_code code;

    if (!read_value(document, &value))
        return wg_fail(err, WG_INVALID, "it is no value");
    if (wg_json_integer(document, "expires_at", &expires_at_ms))
        ttl_ms = expires_at_ms - wg_clock_wall_ms(kv->clock);
    if ((expires_at_ms && ttl_ms <= 0) || !has_prefix(kv, key)) {
        wg_kv_value_done(&value);
        mark(kv, key);
        return WG_OK;
    }
    code = wg_kv_set(kv, key, &value, ttl_ms, err);
    wg_kv_value_done(&value);
    pthread_mutex_lock(&kv->kept_lock);
    (void)wg_map_take(&kv->changed, key); /* it is stored already */
    pthread_mutex_unlock(&kv->kept_lock);
    return code;
}
