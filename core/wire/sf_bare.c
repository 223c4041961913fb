// SPDX-License-Identifier: Apache-2.0
/* Bare items, RFC 9651 4.2.3.1 to 4.2.10. */
#include <sodium.h>

#include "base/utf8.h"
#include "wire/sf_impl.h"

enum wg_code wg_sf_fail(const struct wg_sf_reader *reader, const char *reason)
{
    return wg_fail(reader->err, WG_INVALID, "structured field, byte %zu: %s",
                   (size_t)(reader->at - reader->start), reason);
}

static size_t take_digits(struct wg_sf_reader *reader, int64_t *value, size_t limit)
{
    size_t count = 0;

    for (; reader->at < reader->end && wg_sf_is_digit(*reader->at) && count <= limit; count++)
        *value = *value * 10 + (*reader->at++ - '0');
    return count;
}

/* 4.2.4: 15 digits, or 12 before and 3 behind the point; leading zeros count. */
static enum wg_code read_number(struct wg_sf_reader *reader, struct wg_sf_bare *ret_bare)
{
    bool is_negative = wg_sf_accept(reader, '-');
    int64_t value = 0;
    size_t digits = take_digits(reader, &value, 15);
    enum wg_sf_type type = WG_SF_INTEGER;

    if (digits == 0)
        return wg_sf_fail(reader, "a digit should stand here");
    if (digits > 15)
        return wg_sf_fail(reader, "a number has at most 15 digits");
    if (wg_sf_accept(reader, '.')) {
        size_t fraction;

        if (digits > 12)
            return wg_sf_fail(reader, "a decimal has at most 12 digits before its point");
        fraction = take_digits(reader, &value, 3);
        if (fraction == 0 || fraction > 3)
            return wg_sf_fail(reader, "a decimal has one to three digits behind its point");
        for (; fraction < 3; fraction++)
            value *= 10;
        type = WG_SF_DECIMAL;
    }
    *ret_bare = (struct wg_sf_bare){.type = type, .integer = is_negative ? -value : value};
    return WG_OK;
}

/* 4.2.5. Unescaped in place: the text shrinks, and the copy is ours. */
static enum wg_code read_string(struct wg_sf_reader *reader, struct wg_sf_bare *ret_bare)
{
    char *text, *to;

    reader->at++;
    text = to = (char *)reader->at;
    while (reader->at < reader->end) {
        char c = *reader->at;

        if (c == '"') {
            reader->at++;
            *ret_bare = (struct wg_sf_bare){.type = WG_SF_STRING,
                                            .text = wg_str_of(text, (size_t)(to - text))};
            return WG_OK;
        }
        if (c == '\\') {
            reader->at++;
            if (reader->at == reader->end || (*reader->at != '"' && *reader->at != '\\'))
                return wg_sf_fail(reader, "only \\\" and \\\\ may be escaped in a string");
            c = *reader->at;
        } else if (!wg_sf_is_visible_or_space(c)) {
            return wg_sf_fail(reader, "a string holds printable ASCII only");
        }
        *to++ = c;
        reader->at++;
    }
    return wg_sf_fail(reader, "the string does not end");
}

static enum wg_code read_token(struct wg_sf_reader *reader, struct wg_sf_bare *ret_bare)
{
    const char *start = reader->at++;

    while (reader->at < reader->end && wg_sf_is_token_char(*reader->at))
        reader->at++;
    *ret_bare = (struct wg_sf_bare){.type = WG_SF_TOKEN,
                                    .text = wg_str_of(start, (size_t)(reader->at - start))};
    return WG_OK;
}

/* 4.2.7 would let us read missing padding and non-zero pad bits; then a signature has many
 * texts. libsodium's decoder takes the canonical one only. */
static enum wg_code read_bytes(struct wg_sf_reader *reader, struct wg_sf_bare *ret_bare)
{
    const char *start = ++reader->at;
    const char *stop = memchr(start, ':', (size_t)(reader->end - start));
    size_t text_len, len = 0;
    char *bytes;

    if (!stop)
        return wg_sf_fail(reader, "the byte sequence does not end with ':'");
    text_len = (size_t)(stop - start);
    bytes = wg_arena_alloc(reader->arena, text_len / 4 * 3 + 1);
    if (sodium_base642bin((unsigned char *)bytes, text_len / 4 * 3, start, text_len, NULL, &len,
                          NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return wg_sf_fail(reader, "the byte sequence is not canonical base64 with padding");
    reader->at = stop + 1;
    *ret_bare = (struct wg_sf_bare){.type = WG_SF_BYTES, .text = wg_str_of(bytes, len)};
    return WG_OK;
}

static enum wg_code read_boolean(struct wg_sf_reader *reader, struct wg_sf_bare *ret_bare)
{
    bool is_true;

    reader->at++;
    is_true = wg_sf_accept(reader, '1');
    if (!is_true && !wg_sf_accept(reader, '0'))
        return wg_sf_fail(reader, "a boolean is ?0 or ?1");
    *ret_bare = (struct wg_sf_bare){.type = WG_SF_BOOLEAN, .boolean = is_true};
    return WG_OK;
}

static enum wg_code read_date(struct wg_sf_reader *reader, struct wg_sf_bare *ret_bare)
{
    struct wg_sf_bare number;

    reader->at++;
    if (read_number(reader, &number) != WG_OK)
        return reader->err->code;
    if (number.type != WG_SF_INTEGER)
        return wg_sf_fail(reader, "a date is a whole number of seconds");
    number.type = WG_SF_DATE;
    *ret_bare = number;
    return WG_OK;
}

static int hex_lower(char c)
{
    return wg_sf_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte behind a '%' that was read: two lower-case digits, so that there is one text only.
 */
static bool take_escape(struct wg_sf_reader *reader, char *ret_byte)
{
    int high, low;

    if (reader->end - reader->at < 2)
        return false;
    high = hex_lower(reader->at[0]);
    low = hex_lower(reader->at[1]);
    if (high < 0 || low < 0)
        return false;
    *ret_byte = (char)(high * 16 + low);
    reader->at += 2;
    return true;
}

/* 4.2.10; in place, as strings. */
static enum wg_code read_display_string(struct wg_sf_reader *reader,
                                        struct wg_sf_bare *ret_bare)
{
    char *text, *to;

    reader->at++;
    if (!wg_sf_accept(reader, '"'))
        return wg_sf_fail(reader, "a display string starts with %\"");
    text = to = (char *)reader->at;
    while (reader->at < reader->end) {
        char c = *reader->at++;

        if (c == '"') {
            struct wg_str all = wg_str_of(text, (size_t)(to - text));

            if (!wg_utf8_is_valid(all))
                return wg_sf_fail(reader, "the display string is not UTF-8");
            *ret_bare = (struct wg_sf_bare){.type = WG_SF_DISPLAY_STRING, .text = all};
            return WG_OK;
        }
        if (!wg_sf_is_visible_or_space(c))
            return wg_sf_fail(reader, "a display string is written in printable ASCII");
        if (c == '%' && !take_escape(reader, &c))
            return wg_sf_fail(reader, "'%' is followed by two lower-case hex digits");
        *to++ = c;
    }
    return wg_sf_fail(reader, "the display string does not end");
}

enum wg_code wg_sf_read_bare(struct wg_sf_reader *reader, struct wg_sf_bare *ret_bare)
{
    char c = reader->at < reader->end ? *reader->at : '\0';

    switch (c) {
    case '"':
        return read_string(reader, ret_bare);
    case ':':
        return read_bytes(reader, ret_bare);
    case '?':
        return read_boolean(reader, ret_bare);
    case '@':
        return read_date(reader, ret_bare);
    case '%':
        return read_display_string(reader, ret_bare);
    default:
        if (c == '-' || wg_sf_is_digit(c))
            return read_number(reader, ret_bare);
        if (wg_sf_is_token_start(c))
            return read_token(reader, ret_bare);
        return wg_sf_fail(reader, "a value should stand here");
    }
}
