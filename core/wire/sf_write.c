// SPDX-License-Identifier: Apache-2.0
/* Serialisation, RFC 9651 4.1: one text for one value. */
#include <inttypes.h>
#include <sodium.h>

#include "base/utf8.h"
#include "wire/sf_impl.h"

static bool number_fits(int64_t value)
{
    return value >= -WG_SF_INTEGER_MAX && value <= WG_SF_INTEGER_MAX;
}

static bool is_key(struct wg_str key)
{
    if (key.len == 0 || !wg_sf_is_key_start(key.at[0]))
        return false;
    for (size_t i = 1; i < key.len; i++)
        if (!wg_sf_is_key_char(key.at[i]))
            return false;
    return true;
}

static enum wg_code write_key(struct wg_str key, struct wg_buf *out, struct wg_err *err)
{
    if (!is_key(key))
        return wg_fail(err, WG_INVALID,
                       "a key of a structured field is lower-case letters, "
                       "digits, '_', '-', '.' and '*'");
    wg_buf_adds(out, key);
    return WG_OK;
}

static void write_decimal(int64_t thousandths, struct wg_buf *out)
{
    uint64_t size = thousandths < 0 ? (uint64_t)-thousandths : (uint64_t)thousandths;
    unsigned fraction = (unsigned)(size % 1000);
    int digits = fraction % 10 ? 3 : fraction % 100 ? 2 : 1;

    for (int i = digits; i < 3; i++)
        fraction /= 10;
    wg_buf_addf(out, "%s%" PRIu64 ".%0*u", thousandths < 0 ? "-" : "", size / 1000, digits,
                fraction);
}

static enum wg_code write_string(struct wg_str text, struct wg_buf *out, struct wg_err *err)
{
    wg_buf_addc(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (!wg_sf_is_visible_or_space(text.at[i]))
            return wg_fail(err, WG_INVALID,
                           "a string of a structured field holds printable ASCII only");
        if (text.at[i] == '"' || text.at[i] == '\\')
            wg_buf_addc(out, '\\');
        wg_buf_addc(out, text.at[i]);
    }
    wg_buf_addc(out, '"');
    return WG_OK;
}

static enum wg_code write_token(struct wg_str text, struct wg_buf *out, struct wg_err *err)
{
    bool is_good = text.len > 0 && wg_sf_is_token_start(text.at[0]);

    for (size_t i = 0; i < text.len && is_good; i++)
        is_good = wg_sf_is_token_char(text.at[i]);
    if (!is_good)
        return wg_fail(err, WG_INVALID, "not a token of structured fields");
    wg_buf_adds(out, text);
    return WG_OK;
}

static void write_bytes(struct wg_str bytes, struct wg_buf *out)
{
    size_t size = sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_ORIGINAL);
    char *room;

    wg_buf_addc(out, ':');
    room = wg_buf_room(out, size);
    if (room) {
        sodium_bin2base64(room, size, (const unsigned char *)bytes.at, bytes.len,
                          sodium_base64_VARIANT_ORIGINAL);
        out->len += size - 1;
    }
    wg_buf_addc(out, ':');
}

static enum wg_code write_display_string(struct wg_str text, struct wg_buf *out,
                                         struct wg_err *err)
{
    if (!wg_utf8_is_valid(text))
        return wg_fail(err, WG_INVALID, "a display string is UTF-8");
    wg_buf_adds(out, WG_STR("%\""));
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (c == '%' || c == '"' || !wg_sf_is_visible_or_space(c))
            wg_buf_addf(out, "%%%02x", (unsigned char)c);
        else
            wg_buf_addc(out, c);
    }
    wg_buf_addc(out, '"');
    return WG_OK;
}

static enum wg_code write_bare(const struct wg_sf_bare *bare, struct wg_buf *out,
                               struct wg_err *err)
{
    switch (bare->type) {
    case WG_SF_INTEGER:
    case WG_SF_DATE:
    case WG_SF_DECIMAL:
        if (!number_fits(bare->integer))
            return wg_fail(err, WG_INVALID,
                           "a number of a structured field has at most 15 digits");
        if (bare->type == WG_SF_DECIMAL)
            write_decimal(bare->integer, out);
        else
            wg_buf_addf(out, "%s%" PRId64, bare->type == WG_SF_DATE ? "@" : "", bare->integer);
        return WG_OK;
    case WG_SF_STRING:
        return write_string(bare->text, out, err);
    case WG_SF_TOKEN:
        return write_token(bare->text, out, err);
    case WG_SF_BYTES:
        write_bytes(bare->text, out);
        return WG_OK;
    case WG_SF_BOOLEAN:
        wg_buf_adds(out, bare->boolean ? WG_STR("?1") : WG_STR("?0"));
        return WG_OK;
    case WG_SF_DISPLAY_STRING:
        return write_display_string(bare->text, out, err);
    case WG_SF_INNER_LIST:
        break;
    }
    return wg_fail(err, WG_INVALID, "an inner list cannot stand here");
}

static bool is_true(const struct wg_sf_bare *bare)
{
    return bare->type == WG_SF_BOOLEAN && bare->boolean;
}

enum wg_code wg_sf_write_params(const struct wg_sf_params *params, struct wg_buf *out,
                                struct wg_err *err)
{
    for (size_t i = 0; i < params->count; i++) {
        const struct wg_sf_param *param = &params->at[i];

        wg_buf_addc(out, ';');
        if (write_key(param->name, out, err) != WG_OK)
            return err->code;
        if (is_true(&param->value))
            continue;
        wg_buf_addc(out, '=');
        if (write_bare(&param->value, out, err) != WG_OK)
            return err->code;
    }
    return wg_buf_status(out, err);
}

static enum wg_code write_plain_item(const struct wg_sf_item *item, struct wg_buf *out,
                                     struct wg_err *err)
{
    if (write_bare(&item->bare, out, err) != WG_OK)
        return err->code;
    return wg_sf_write_params(&item->params, out, err);
}

enum wg_code wg_sf_write_item(const struct wg_sf_item *item, struct wg_buf *out,
                              struct wg_err *err)
{
    if (item->bare.type != WG_SF_INNER_LIST)
        return write_plain_item(item, out, err);
    wg_buf_addc(out, '(');
    for (size_t i = 0; i < item->item_count; i++) {
        if (i > 0)
            wg_buf_addc(out, ' ');
        if (write_plain_item(&item->items[i], out, err) != WG_OK)
            return err->code;
    }
    wg_buf_addc(out, ')');
    return wg_sf_write_params(&item->params, out, err);
}

enum wg_code wg_sf_write_list(const struct wg_sf_members *list, struct wg_buf *out,
                              struct wg_err *err)
{
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            wg_buf_adds(out, WG_STR(", "));
        if (wg_sf_write_item(&list->at[i], out, err) != WG_OK)
            return err->code;
    }
    return wg_buf_status(out, err);
}

enum wg_code wg_sf_write_dictionary(const struct wg_sf_members *dictionary, struct wg_buf *out,
                                    struct wg_err *err)
{
    for (size_t i = 0; i < dictionary->count; i++) {
        const struct wg_sf_item *member = &dictionary->at[i];
        enum wg_code code;

        if (i > 0)
            wg_buf_adds(out, WG_STR(", "));
        if (write_key(member->key, out, err) != WG_OK)
            return err->code;
        if (is_true(&member->bare)) {
            code = wg_sf_write_params(&member->params, out, err);
        } else {
            wg_buf_addc(out, '=');
            code = wg_sf_write_item(member, out, err);
        }
        if (code != WG_OK)
            return code;
    }
    return wg_buf_status(out, err);
}
