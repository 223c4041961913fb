// SPDX-License-Identifier: Apache-2.0
#include "wire/json.h"

#include <math.h>

/* Past it a double no longer tells a number from its neighbour (RFC 7493 2.2). */
static const double whole_limit = 9007199254740992.0; /* 2^53 */

static enum wg_code fail_at(struct wg_err *err, struct wg_str text, size_t at,
                            const char *reason)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < at; i++) {
        unsigned char byte = (unsigned char)text.at[i];

        if (byte == '\n')
            line++, column = 1;
        else if ((byte & 0xc0) != 0x80) /* columns count characters, as jansson's do */
            column++;
    }
    return wg_fail(err, WG_INVALID, "JSON, line %zu, column %zu: %s", line, column, reason);
}

/* Before jansson builds a tree whose depth the sender chose (its own limit is 2048). */
static enum wg_code depth_check(struct wg_str text, struct wg_err *err)
{
    size_t depth = 0;
    bool is_quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        char byte = text.at[i];

        if (is_quoted) {
            if (byte == '\\')
                i++;
            else if (byte == '"')
                is_quoted = false;
        } else if (byte == '"') {
            is_quoted = true;
        } else if (byte == '[' || byte == '{') {
            if (++depth > WG_JSON_DEPTH_LIMIT)
                return fail_at(err, text, i, "nested deeper than 64");
        } else if ((byte == ']' || byte == '}') && depth) {
            depth--;
        }
    }
    return WG_OK;
}

enum wg_code wg_json_parse(struct wg_str text, json_t **ret_json, struct wg_err *err)
{
    /* The double of every number at once: an int64 would print digits RFC 8785 does not. */
    const size_t flags =
        JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL;
    size_t nul = wg_str_find(text, '\0');
    json_error_t failure;
    json_t *json;

    if (text.len == 0)
        return wg_fail(err, WG_INVALID, "JSON: empty, where one value should stand");
    if (wg_str_starts(text, WG_STR("\xef\xbb\xbf")))
        return fail_at(err, text, 0, "begins with a byte order mark (RFC 8259 8.1)");
    /* With JSON_DECODE_ANY jansson takes a NUL for the end and accepts what stands before. */
    if (nul < text.len)
        return fail_at(err, text, nul, "a NUL byte");
    if (depth_check(text, err) != WG_OK)
        return err->code;
    json = json_loadb(text.at, text.len, flags, &failure);
    if (!json)
        return wg_fail(err, WG_INVALID, "JSON, line %d, column %d: %s", failure.line,
                       failure.column, failure.text);
    *ret_json = json;
    return WG_OK;
}

struct wg_str wg_json_string(const json_t *object, const char *member)
{
    const json_t *value = json_object_get(object, member);

    if (!json_is_string(value))
        return (struct wg_str){NULL, 0};
    return wg_str_of(json_string_value(value), json_string_length(value));
}

bool wg_json_integer(const json_t *object, const char *member, int64_t *ret_value)
{
    const json_t *value = json_object_get(object, member);
    double number;

    if (!json_is_number(value))
        return false;
    number = json_number_value(value);
    if (!(fabs(number) < whole_limit) || trunc(number) < number || trunc(number) > number)
        return false;
    *ret_value = (int64_t)number;
    return true;
}
