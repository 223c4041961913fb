// SPDX-License-Identifier: Apache-2.0
/* JSON Canonicalization Scheme, RFC 8785. */
#include "wire/jcs_impl.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/macros.h"

enum { FEW_MEMBERS = 32 };

struct member {
    const char *key;
    size_t len;
    const json_t *value;
};

static enum wg_code write_value(const json_t *json, unsigned depth, struct wg_buf *out,
                                struct wg_err *err);

/* UTF-8 sorts by code point. UTF-16 does too, but for U+E000 to U+FFFF (first byte EE or EF),
 * which come behind the surrogates that everything past them (F0 and up) is written with. */
static int compare_keys(const struct member *a, const struct member *b)
{
    size_t shorter = a->len < b->len ? a->len : b->len, i = 0;
    unsigned char x, y;

    while (i < shorter && a->key[i] == b->key[i])
        i++;
    if (i == shorter)
        return (a->len > b->len) - (a->len < b->len);
    x = (unsigned char)a->key[i];
    y = (unsigned char)b->key[i];
    if ((x >= 0xee) && (y >= 0xee) && (x >= 0xf0) != (y >= 0xf0))
        return x >= 0xf0 ? -1 : 1;
    return x < y ? -1 : 1;
}

static int compare_members(const void *a, const void *b)
{
    return compare_keys(a, b);
}

static void sort_members(struct member *members, size_t count)
{
    if (count > FEW_MEMBERS) {
        qsort(members, count, sizeof *members, compare_members);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct member member = members[i];
        size_t place = i;

        for (; place > 0 && compare_keys(&members[place - 1], &member) > 0; place--)
            members[place] = members[place - 1];
        members[place] = member;
    }
}

/* 3.2.2.2: a short escape where one exists, lower-case \u00xx for the other controls. */
static void write_escape(unsigned char byte, struct wg_buf *out)
{
    static const char shorts[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                  ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    static const char hex[] = "0123456789abcdef";

    if (shorts[byte])
        wg_buf_add(out, (const char[]){'\\', shorts[byte]}, 2);
    else
        wg_buf_add(out, (const char[]){'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]}, 6);
}

static void write_string(const char *text, size_t len, struct wg_buf *out)
{
    size_t start = 0;

    wg_buf_addc(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        wg_buf_add(out, text + start, i - start);
        write_escape(byte, out);
        start = i + 1;
    }
    wg_buf_add(out, text + start, len - start);
    wg_buf_addc(out, '"');
}

static enum wg_code write_members(struct member *members, size_t count, unsigned depth,
                                  struct wg_buf *out, struct wg_err *err)
{
    sort_members(members, count);
    wg_buf_addc(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            wg_buf_addc(out, ',');
        write_string(members[i].key, members[i].len, out);
        wg_buf_addc(out, ':');
        if (write_value(members[i].value, depth, out, err) != WG_OK)
            return err->code;
    }
    wg_buf_addc(out, '}');
    return WG_OK;
}

static bool is_left_out(const char *key, const char *const *left_out)
{
    for (; *left_out; left_out++) {
        if (strcmp(key, *left_out) == 0)
            return true;
    }
    return false;
}

static enum wg_code write_object(const json_t *object, const char *const *left_out,
                                 unsigned depth, struct wg_buf *out, struct wg_err *err)
{
    struct member few[FEW_MEMBERS], *members = few;
    json_t *walked = (json_t *)(uintptr_t)object; /* jansson's iterators want it so */
    size_t count = 0;
    enum wg_code code;

    if (json_object_size(object) > FEW_MEMBERS) {
        members = wg_try_alloc(json_object_size(object) * sizeof *members);
        if (!members)
            return wg_fail(err, WG_TOO_LARGE, "no memory to sort an object of %zu members",
                           json_object_size(object));
    }
    for (void *i = json_object_iter(walked); i; i = json_object_iter_next(walked, i)) {
        const char *key = json_object_iter_key(i);

        if (!is_left_out(key, left_out))
            members[count++] =
                (struct member){key, json_object_iter_key_len(i), json_object_iter_value(i)};
    }
    code = write_members(members, count, depth, out, err);
    if (members != few)
        wg_free(members);
    return code;
}

static enum wg_code write_array(const json_t *array, unsigned depth, struct wg_buf *out,
                                struct wg_err *err)
{
    wg_buf_addc(out, '[');
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i)
            wg_buf_addc(out, ',');
        if (write_value(json_array_get(array, i), depth, out, err) != WG_OK)
            return err->code;
    }
    wg_buf_addc(out, ']');
    return WG_OK;
}

static enum wg_code write_number(const json_t *number, struct wg_buf *out, struct wg_err *err)
{
    char text[WG_JCS_NUMBER_TEXT];
    size_t len = wg_jcs_number(json_number_value(number), text);

    if (len == 0)
        return wg_fail(err, WG_INVALID, "JSON has no NaN and no infinity");
    wg_buf_add(out, text, len);
    return WG_OK;
}

static const char *const none_left_out[] = {NULL};

static enum wg_code write_value(const json_t *json, unsigned depth, struct wg_buf *out,
                                struct wg_err *err)
{
    /* Parsed text is within it already; trees that scripts build need not be, or may be loops.
     */
    if ((json_is_object(json) || json_is_array(json)) && ++depth > WG_JSON_DEPTH_LIMIT)
        return wg_fail(err, WG_INVALID, "JSON nested deeper than %d", WG_JSON_DEPTH_LIMIT);
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return write_object(json, none_left_out, depth, out, err);
    case JSON_ARRAY:
        return write_array(json, depth, out, err);
    case JSON_STRING:
        write_string(json_string_value(json), json_string_length(json), out);
        return WG_OK;
    case JSON_INTEGER:
    case JSON_REAL:
        return write_number(json, out, err);
    case JSON_TRUE:
        wg_buf_adds(out, WG_STR("true"));
        return WG_OK;
    case JSON_FALSE:
        wg_buf_adds(out, WG_STR("false"));
        return WG_OK;
    case JSON_NULL:
        break;
    }
    wg_buf_adds(out, WG_STR("null"));
    return WG_OK;
}

enum wg_code wg_jcs_write(const json_t *json, struct wg_buf *out, struct wg_err *err)
{
    if (write_value(json, 0, out, err) != WG_OK)
        return err->code;
    return wg_buf_status(out, err);
}

enum wg_code wg_jcs_write_without(const json_t *object, const char *const *left_out,
                                  struct wg_buf *out, struct wg_err *err)
{
    if (write_object(object, left_out, 1, out, err) != WG_OK)
        return err->code;
    return wg_buf_status(out, err);
}
