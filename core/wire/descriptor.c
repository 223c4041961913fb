// SPDX-License-Identifier: Apache-2.0
#include "wire/descriptor.h"

#include "base/macros.h"
#include "wire/endpoint_impl.h"
#include "wire/json.h"
#include "wire/name.h"

enum { VERSIONS_LIMIT = 16, VERSION_LIMIT_BYTES = 32 };

static enum wg_code read_name(const json_t *json, struct wg_str expected, struct wg_err *err)
{
    struct wg_str name = wg_json_string(json, "server_name");

    if (!name.at)
        return wg_fail(err, WG_INVALID, "member 'server_name' is missing or not a string");
    if (wg_server_name_check(name, true, err) != WG_OK)
        return wg_while(err, "member 'server_name'");
    if (!wg_str_equal(name, expected))
        return wg_fail(err, WG_INVALID,
                       "member 'server_name' is '%.*s', but the descriptor of '%.*s' was asked "
                       "for",
                       WG_STR_F(name), WG_STR_F(expected));
    return WG_OK;
}

static bool is_version(struct wg_str version)
{
    if (version.len == 0 || version.len > VERSION_LIMIT_BYTES)
        return false;
    for (size_t i = 0; i < version.len; i++) {
        if (version.at[i] <= ' ' || version.at[i] >= 0x7f || version.at[i] == ',')
            return false;
    }
    return true;
}

static enum wg_code read_versions(const json_t *json, struct wg_arena *arena,
                                  struct wg_descriptor *descriptor, struct wg_err *err)
{
    const json_t *versions = json_object_get(json, "protocol_versions");
    const char *joined = "";

    if (!json_is_array(versions) || json_array_size(versions) > VERSIONS_LIMIT)
        return wg_fail(err, WG_INVALID,
                       "member 'protocol_versions' must be an array of at most %d strings",
                       VERSIONS_LIMIT);
    for (size_t i = 0; i < json_array_size(versions); i++) {
        const json_t *item = json_array_get(versions, i);
        struct wg_str version = wg_str_of(json_string_value(item), json_string_length(item));

        if (!is_version(version))
            return wg_fail(err, WG_INVALID,
                           "member 'protocol_versions' holds something else than versions "
                           "such as \"v1\"");
        descriptor->speaks_v1 |= wg_str_is(version, WG_SPOKEN_VERSION);
        joined = wg_arena_format(arena, "%s%s%.*s", joined, i ? ", " : "", WG_STR_F(version));
    }
    descriptor->versions = wg_str(joined);
    return WG_OK;
}

static enum wg_code read_time(const json_t *entry, const char *member, int64_t absent,
                              int64_t *ret_time, struct wg_err *err)
{
    *ret_time = absent;
    if (!json_object_get(entry, member) || wg_json_integer(entry, member, ret_time))
        return WG_OK;
    return wg_fail(err, WG_INVALID, "'%s' must be whole seconds since 1970", member);
}

static enum wg_code read_key(const json_t *entry, struct wg_descriptor_key *ret_key,
                             struct wg_err *err)
{
    struct wg_str text = wg_json_string(entry, "public_key");
    struct wg_str kid = wg_json_string(entry, "kid");
    struct wg_descriptor_key key;

    if (!text.at || !kid.at)
        return wg_fail(err, WG_INVALID, "must be an object with 'kid' and 'public_key'");
    if (wg_public_key_parse(text, &key.key, err) != WG_OK)
        return wg_while(err, "'public_key'");
    if (!wg_str_is(kid, key.key.kid))
        return wg_fail(err, WG_INVALID, "'kid' of this key must be '%s'", key.key.kid);
    if (read_time(entry, "valid_from", INT64_MIN, &key.valid_from_s, err) != WG_OK ||
        read_time(entry, "valid_until", INT64_MAX, &key.valid_until_s, err) != WG_OK)
        return err->code;
    if (key.valid_from_s > key.valid_until_s)
        return wg_fail(err, WG_INVALID, "'valid_from' is after 'valid_until'");
    *ret_key = key;
    return WG_OK;
}

/* public_key may stand in "keys" too, to say how long it is valid. */
static enum wg_code put_key(struct wg_descriptor *descriptor,
                            const struct wg_descriptor_key *key, bool *is_current_said,
                            struct wg_err *err)
{
    for (size_t i = 0; i < descriptor->key_count; i++) {
        if (strcmp(descriptor->keys[i].key.kid, key->key.kid) != 0)
            continue;
        if (i > 0 || *is_current_said ||
            !wg_public_key_equal(&descriptor->keys[i].key, &key->key))
            return wg_fail(err, WG_INVALID, "kid '%s' stands twice", key->key.kid);
        *is_current_said = true;
        descriptor->keys[0] = *key;
        return WG_OK;
    }
    if (descriptor->key_count == WG_DESCRIPTOR_KEYS_LIMIT)
        return wg_fail(err, WG_INVALID, "more than %d keys", WG_DESCRIPTOR_KEYS_LIMIT);
    descriptor->keys[descriptor->key_count++] = *key;
    return WG_OK;
}

static enum wg_code read_keys(const json_t *json, struct wg_descriptor *descriptor,
                              struct wg_err *err)
{
    const json_t *keys = json_object_get(json, "keys");
    struct wg_str current = wg_json_string(json, "public_key");
    bool is_current_said = false;

    if (!current.at)
        return wg_fail(err, WG_INVALID, "member 'public_key' is missing or not a string");
    if (wg_public_key_parse(current, &descriptor->keys[0].key, err) != WG_OK)
        return wg_while(err, "member 'public_key'");
    descriptor->keys[0].valid_from_s = INT64_MIN;
    descriptor->keys[0].valid_until_s = INT64_MAX;
    descriptor->key_count = 1;
    if (keys && !json_is_array(keys))
        return wg_fail(err, WG_INVALID, "member 'keys' is not an array");
    for (size_t i = 0; i < json_array_size(keys); i++) {
        struct wg_descriptor_key key;

        if (read_key(json_array_get(keys, i), &key, err) != WG_OK ||
            put_key(descriptor, &key, &is_current_said, err) != WG_OK)
            return wg_while(err, "member 'keys', entry %zu", i + 1);
    }
    return WG_OK;
}

static enum wg_code read_endpoints(const json_t *json, struct wg_arena *arena,
                                   struct wg_descriptor *descriptor, struct wg_err *err)
{
    const struct {
        const char *name, *placeholder;
        struct wg_str *ret;
    } rows[] = {
        {"send", NULL, &descriptor->send},
        {"profile", "{local_id}", &descriptor->profile},
        {"members", "{room_id}", &descriptor->members},
        {"backfill", "{room_id}", &descriptor->backfill},
    };
    const json_t *endpoints = json_object_get(json, "endpoints");

    if (!json_is_object(endpoints))
        return wg_fail(err, WG_INVALID, "member 'endpoints' is missing or not an object");
    for (size_t i = 0; i < WG_COUNT(rows); i++) {
        struct wg_str path = wg_json_string(endpoints, rows[i].name);

        if (!path.at)
            return wg_fail(err, WG_INVALID, "endpoint '%s' is missing or not a string",
                           rows[i].name);
        if (wg_endpoint_check(path, rows[i].placeholder, err) != WG_OK)
            return wg_while(err, "endpoint '%s'", rows[i].name);
        *rows[i].ret = wg_arena_copy(arena, path);
    }
    return WG_OK;
}

static enum wg_code read_members(const json_t *json, struct wg_str expected_name,
                                 struct wg_arena *arena, struct wg_descriptor *descriptor,
                                 struct wg_err *err)
{
    if (!json_is_object(json))
        return wg_fail(err, WG_INVALID, "not a JSON object");
    if (read_name(json, expected_name, err) != WG_OK ||
        read_versions(json, arena, descriptor, err) != WG_OK ||
        read_keys(json, descriptor, err) != WG_OK)
        return err->code;
    return read_endpoints(json, arena, descriptor, err);
}

enum wg_code wg_descriptor_parse(struct wg_str text, struct wg_str expected_name,
                                 struct wg_arena *arena, struct wg_descriptor *ret_descriptor,
                                 struct wg_err *err)
{
    struct wg_descriptor descriptor = {.speaks_v1 = false};
    enum wg_code code;
    json_t *json;

    if (text.len > WG_DESCRIPTOR_LIMIT_BYTES)
        return wg_fail(err, WG_INVALID, "over the limit of %d bytes",
                       WG_DESCRIPTOR_LIMIT_BYTES);
    if (wg_json_parse(text, &json, err) != WG_OK)
        return err->code;
    code = read_members(json, expected_name, arena, &descriptor, err);
    json_decref(json);
    if (code != WG_OK)
        return code;
    descriptor.server_name = wg_arena_copy(arena, expected_name);
    *ret_descriptor = descriptor;
    return WG_OK;
}

static void write_key(const struct wg_descriptor_key *key, struct wg_buf *out)
{
    char text[WG_PUBLIC_KEY_TEXT];

    wg_public_key_write(&key->key, text);
    wg_buf_addf(out, "{\"kid\":\"%s\",\"public_key\":\"%s\"", key->key.kid, text);
    if (key->valid_from_s != INT64_MIN)
        wg_buf_addf(out, ",\"valid_from\":%lld", (long long)key->valid_from_s);
    if (key->valid_until_s != INT64_MAX)
        wg_buf_addf(out, ",\"valid_until\":%lld", (long long)key->valid_until_s);
    wg_buf_addc(out, '}');
}

enum wg_code wg_descriptor_write(struct wg_str server_name,
                                 const struct wg_descriptor_key *keys, size_t key_count,
                                 struct wg_buf *out, struct wg_err *err)
{
    static const char base[] = "/_scaiwave/federation/" WG_SPOKEN_VERSION;
    char text[WG_PUBLIC_KEY_TEXT];

    if (key_count == 0 || key_count > WG_DESCRIPTOR_KEYS_LIMIT)
        return wg_fail(err, WG_INVALID, "a descriptor has 1 to %d keys",
                       WG_DESCRIPTOR_KEYS_LIMIT);
    wg_public_key_write(&keys[0].key, text);
    wg_buf_adds(out, WG_STR("{\"server_name\":\""));
    wg_buf_add_json(out, server_name);
    wg_buf_addf(out, "\",\"public_key\":\"%s\",\"protocol_versions\":[\"%s\"],", text,
                WG_SPOKEN_VERSION);
    wg_buf_addf(out, "\"endpoints\":{\"send\":\"%s/send\",", base);
    wg_buf_addf(out, "\"profile\":\"%s/profile/{local_id}\",", base);
    wg_buf_addf(out, "\"members\":\"%s/rooms/{room_id}/members\",", base);
    wg_buf_addf(out, "\"backfill\":\"%s/rooms/{room_id}/backfill\"}", base);
    for (size_t i = 0; key_count > 1 && i < key_count; i++) {
        wg_buf_adds(out, i ? WG_STR(",") : WG_STR(",\"keys\":["));
        write_key(&keys[i], out);
    }
    wg_buf_adds(out, key_count > 1 ? WG_STR("]}") : WG_STR("}"));
    return wg_buf_status(out, err);
}
