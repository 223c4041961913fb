// SPDX-License-Identifier: Apache-2.0
#include "wire/endpoint_impl.h"

#include "base/macros.h"
#include "wire/descriptor.h"

enum { ENDPOINT_LIMIT_BYTES = 1024 };

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static bool is_one_of(char byte, const char *set)
{
    return byte && strchr(set, byte);
}

/* RFC 3986 pchar, and '%' with the two hexadecimal digits it needs. */
static bool is_path_byte(struct wg_str segment, size_t i)
{
    if (segment.at[i] == '%')
        return i + 2 < segment.len && is_one_of(segment.at[i + 1], "0123456789abcdefABCDEF") &&
               is_one_of(segment.at[i + 2], "0123456789abcdefABCDEF");
    return is_one_of(segment.at[i], ALNUM "-._~!$&'()*+,;=:@");
}

/* WHATWG parsers take "%2e" for a dot when they look for dot segments. */
static bool is_dots(struct wg_str segment)
{
    size_t dots = 0;

    for (size_t i = 0; i < segment.len; dots++) {
        if (segment.at[i] == '.')
            i++;
        else if (wg_str_equal_nocase(wg_str_of(segment.at + i, segment.len - i < 3 ? 0 : 3),
                                     WG_STR("%2e")))
            i += 3;
        else
            return false;
    }
    return dots == 1 || dots == 2;
}

static enum wg_code segment_check(struct wg_str segment, struct wg_err *err)
{
    if (is_dots(segment))
        return wg_fail(err, WG_INVALID, "a dot segment in '%.*s'", WG_STR_F(segment));
    for (size_t i = 0; i < segment.len; i++) {
        unsigned char byte = (unsigned char)segment.at[i];

        if (!is_path_byte(segment, i))
            return wg_fail(err, WG_INVALID,
                           "the byte 0x%02x has no place in an absolute path (no query, no "
                           "fragment, no other template than the documented one)",
                           byte);
    }
    return WG_OK;
}

enum wg_code wg_endpoint_check(struct wg_str path, const char *placeholder, struct wg_err *err)
{
    struct wg_str rest = path;
    size_t found = 0;

    if (path.len == 0 || path.at[0] != '/' || (path.len > 1 && path.at[1] == '/'))
        return wg_fail(
            err, WG_INVALID,
            "not an absolute path on the server's own origin; it must begin with one "
            "'/'");
    if (path.len > ENDPOINT_LIMIT_BYTES)
        return wg_fail(err, WG_INVALID, "longer than %d bytes", ENDPOINT_LIMIT_BYTES);
    while (rest.at) {
        struct wg_str segment = wg_str_split(&rest, '/');

        if (placeholder && wg_str_is(segment, placeholder))
            found++;
        else if (segment_check(segment, err) != WG_OK)
            return err->code;
    }
    if (placeholder && found != 1)
        return wg_fail(err, WG_INVALID, "'%s' must stand in it exactly once", placeholder);
    return WG_OK;
}

/** All but RFC 3986's unreserved characters as %XX. */
static struct wg_str percent_encoded(struct wg_str value, struct wg_arena *arena)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = wg_arena_alloc(arena, 3 * value.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.at[i];

        if (is_one_of(value.at[i], ALNUM "-._~")) {
            out[len++] = value.at[i];
        } else {
            out[len++] = '%';
            out[len++] = hex[byte >> 4];
            out[len++] = hex[byte & 15];
        }
    }
    return wg_str_of(out, len);
}

struct wg_str wg_endpoint_expand(struct wg_str template_text, struct wg_str value,
                                 struct wg_arena *arena)
{
    size_t open = wg_str_find(template_text, '{');
    size_t close = wg_str_find(template_text, '}');
    struct wg_str filled;

    if (close == template_text.len || open > close)
        return wg_arena_copy(arena, template_text);
    filled = percent_encoded(value, arena);
    return wg_str(wg_arena_format(arena, "%.*s%.*s%.*s", (int)open, template_text.at,
                                  WG_STR_F(filled), (int)(template_text.len - close - 1),
                                  template_text.at + close + 1));
}
