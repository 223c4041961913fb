// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>

#include "federation/upstream.h"

/* What a delivery that waits in the store needs beside its body. Header values may be any bytes
 * that HTTP allows; JSON wants UTF-8, so bytes past ASCII are written as the code points of the
 * same number. */

static json_t *text(struct wg_str from)
{
    struct wg_buf utf8;
    json_t *json;

    wg_buf_init(&utf8, 2 * from.len + 1);
    for (size_t i = 0; i < from.len; i++) {
        unsigned char byte = (unsigned char)from.at[i];

        if (byte >= 0x80)
            wg_buf_addc(&utf8, (char)(0xC0 | byte >> 6));
        wg_buf_addc(&utf8, (char)(byte < 0x80 ? byte : 0x80 | (byte & 0x3F)));
    }
    json = json_stringn(utf8.at ? utf8.at : "", utf8.len);
    wg_buf_done(&utf8);
    return json;
}

static struct wg_str untext(const json_t *json, struct wg_arena *arena)
{
    struct wg_str utf8 = wg_str_of(json_string_value(json), json_string_length(json));
    char *bytes;
    size_t len = 0;

    if (!utf8.at)
        return (struct wg_str){NULL, 0};
    bytes = wg_arena_alloc(arena, utf8.len + 1);
    for (size_t i = 0; i < utf8.len; i++) {
        unsigned char byte = (unsigned char)utf8.at[i];

        if (byte >= 0x80 && i + 1 < utf8.len)
            byte = (unsigned char)(byte << 6 | ((unsigned char)utf8.at[++i] & 0x3F));
        bytes[len++] = (char)byte;
    }
    return wg_str_of(bytes, len);
}

static json_t *pack_headers(const struct wg_headers *headers)
{
    json_t *list = json_array();

    for (size_t i = 0; i < headers->count; i++) {
        json_array_append_new(list, text(headers->at[i].name));
        json_array_append_new(list, text(headers->at[i].value));
    }
    return list;
}

static void unpack_headers(const json_t *list, struct wg_arena *arena, struct wg_headers *to)
{
    for (size_t i = 0; i + 1 < json_array_size(list); i += 2)
        wg_headers_add(to, arena, untext(json_array_get(list, i), arena),
                       untext(json_array_get(list, i + 1), arena));
}

void wg_upstream_pack(const struct wg_upstream *upstream, struct wg_buf *out)
{
    json_t *json = json_object();
    char *bytes;

    json_object_set_new(json, "method", text(upstream->message.method));
    json_object_set_new(json, "target", text(upstream->message.target));
    json_object_set_new(json, "authority", text(upstream->message.authority));
    json_object_set_new(json, "headers", pack_headers(&upstream->message.headers));
    json_object_set_new(json, "request_id", text(upstream->request_id));
    json_object_set_new(json, "remote", text(upstream->remote_address));
    json_object_set_new(json, "generation", json_integer((json_int_t)upstream->generation));
    json_object_set_new(json, "labels", pack_headers(&upstream->labels));
    json_object_set_new(json, "held", json_boolean(upstream->is_held));
    bytes = json_dumps(json, JSON_COMPACT);
    wg_buf_adds(out, wg_str(bytes ? bytes : ""));
    free(bytes);
    json_decref(json);
}

enum wg_code wg_upstream_unpack(struct wg_str bytes, struct wg_arena *arena,
                                struct wg_upstream *ret_upstream, struct wg_err *err)
{
    json_t *json = json_loadb(bytes.at, bytes.len, 0, NULL);
    struct wg_upstream upstream = {0};
    struct wg_str target = untext(json_object_get(json, "target"), arena);
    enum wg_code code = WG_CORRUPT;

    upstream.message.method = untext(json_object_get(json, "method"), arena);
    upstream.message.authority = untext(json_object_get(json, "authority"), arena);
    upstream.request_id = untext(json_object_get(json, "request_id"), arena);
    upstream.remote_address = untext(json_object_get(json, "remote"), arena);
    upstream.generation = (uint64_t)json_integer_value(json_object_get(json, "generation"));
    upstream.is_held = json_is_true(json_object_get(json, "held"));
    unpack_headers(json_object_get(json, "headers"), arena, &upstream.message.headers);
    unpack_headers(json_object_get(json, "labels"), arena, &upstream.labels);
    json_decref(json);
    if (target.at && upstream.message.method.at && upstream.message.authority.at)
        code = wg_message_set_target(&upstream.message, target, err);
    if (code != WG_OK)
        return wg_fail(err, WG_CORRUPT, "the stored request cannot be read");
    *ret_upstream = upstream;
    return WG_OK;
}
