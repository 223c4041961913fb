// SPDX-License-Identifier: Apache-2.0
#include "http/escape_impl.h"

#include "base/utf8.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte that an escape at the start of text stands for, or -1. */
static int read_escape(const char *text, size_t len)
{
    int high, low;

    if (len < 3)
        return -1;
    high = hex_value(text[1]);
    low = hex_value(text[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

enum wg_code wg_http_unescape(struct wg_str text, bool is_form, bool is_segment,
                              struct wg_arena *arena, struct wg_str *ret_text,
                              struct wg_err *err)
{
    char *out = wg_arena_alloc(arena, text.len + 1);
    struct wg_str decoded = {out, 0};

    for (size_t i = 0; i < text.len; i++) {
        int byte = (unsigned char)text.at[i];

        if (byte == '%') {
            byte = read_escape(text.at + i, text.len - i);
            if (byte < 0)
                return wg_fail(err, WG_INVALID, "'%%' is not followed by two hex digits");
            if (is_segment && byte == '/')
                return wg_fail(err, WG_INVALID, "an encoded '/' in a path segment");
            i += 2;
        } else if (byte == '+' && is_form) {
            byte = ' ';
        }
        if (byte < 0x20 || byte == 0x7f)
            return wg_fail(err, WG_INVALID, "control byte 0x%02x", (unsigned)byte);
        out[decoded.len++] = (char)byte;
    }
    if (!wg_utf8_is_valid(decoded))
        return wg_fail(err, WG_INVALID, "escapes that are not UTF-8");
    if (is_segment && (wg_str_is(decoded, ".") || wg_str_is(decoded, "..")))
        return wg_fail(err, WG_INVALID, "a dot segment");
    *ret_text = decoded;
    return WG_OK;
}
