// SPDX-License-Identifier: Apache-2.0
#include "policy/list_impl.h"
#include "wire/name.h"

static bool has(struct wg_str text, const char *part)
{
    return memmem(text.at, text.len, part, strlen(part));
}

static struct wg_str behind(struct wg_str text, size_t skipped)
{
    return wg_str_of(text.at + skipped, text.len - skipped);
}

bool wg_list_is_like_address(struct wg_str text)
{
    size_t colons = 0, others = 0;

    for (size_t i = 0; i < text.len; i++) {
        char byte = text.at[i];

        if (byte == ':')
            colons++;
        else if (byte != '.' && byte != '/' && (byte < '0' || byte > '9'))
            others++;
    }
    return text.len && (others == 0 || colons >= 2 || text.at[0] == '[');
}

size_t wg_list_fold(struct wg_str text, char *ret_key)
{
    size_t i = 0;

    /* The local part of a participant is the server's own business, its case as well. */
    if (text.len && text.at[0] == '@') {
        i = wg_str_find(text, ':');
        memcpy(ret_key, text.at, i);
    } else if (text.len > 1 && text.at[text.len - 1] == '.') {
        text.len--; /* the root's dot, as in "example.com." */
    }
    for (; i < text.len; i++) {
        char byte = text.at[i];

        ret_key[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
    }
    return text.len;
}

static enum wg_code glob_check(struct wg_str key, struct wg_err *err)
{
    static const char host[] = "abcdefghijklmnopqrstuvwxyz0123456789-.:[]*?";
    static const char participant[] = "abcdefghijklmnopqrstuvwxyz0123456789-.:[]*?"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ@_=+~";
    const char *allowed = key.at[0] == '@' ? participant : host;

    for (size_t i = 0; i < key.len; i++) {
        if (!key.at[i] || !strchr(allowed, key.at[i]))
            return wg_fail(err, WG_INVALID,
                           "a pattern holds the letters of a server name, '*' and '?' only");
    }
    return WG_OK;
}

static enum wg_code suffix_check(struct wg_str below, struct wg_err *err)
{
    if (wg_str_find(below, ':') != below.len)
        return wg_fail(err, WG_INVALID, "'*.' stands for every port; write *.%.*s",
                       (int)wg_str_find(below, ':'), below.at);
    return wg_server_name_check(below, false, err);
}

static enum wg_code address_check(struct wg_str key, struct wg_err *err)
{
    struct wg_cidr cidr;
    size_t colon = wg_str_find(key, ':');
    bool is_dotted = wg_str_find(key, '.') < colon;

    if (key.at[0] == '[' || (is_dotted && colon < key.len))
        return wg_fail(err, WG_INVALID,
                       "an address stands for every port; write it alone, like 192.0.2.1 or "
                       "2001:db8::1");
    return wg_cidr_parse(key, &cidr, err);
}

/* What people write where a host belongs, with what they meant. */
static enum wg_code name_check(struct wg_str key, struct wg_err *err)
{
    struct wg_str host = key;

    if (has(key, "://")) {
        host =
            behind(key, (size_t)((const char *)memmem(key.at, key.len, "://", 3) - key.at) + 3);
        return wg_fail(err, WG_INVALID, "a URL; write the host alone: %.*s",
                       (int)wg_str_find(host, '/'), host.at);
    }
    if (key.at[0] == '.')
        return wg_fail(err, WG_INVALID, "write *%.*s for every name below %.*s", WG_STR_F(key),
                       (int)key.len - 1, key.at + 1);
    if (has(key, ","))
        return wg_fail(err, WG_INVALID,
                       "a table needs a first line that names its columns, such as "
                       "domain,severity,reason, and a name that ends in .csv");
    return wg_server_name_check(key, true, err);
}

enum wg_code wg_list_form(struct wg_str text, char ret_key[WG_LIST_KEY_LIMIT + 1],
                          size_t *ret_len, enum wg_list_kind *ret_kind, struct wg_err *err)
{
    struct wg_str key = {ret_key, 0}, local, server;
    enum wg_list_kind kind = WG_LIST_NAME;
    enum wg_code code;

    if (text.len == 0)
        return wg_fail(err, WG_INVALID, "no server name, address or participant");
    if (text.len > WG_LIST_KEY_LIMIT)
        return wg_fail(err, WG_INVALID, "an entry has at most %d bytes", WG_LIST_KEY_LIMIT);
    key.len = wg_list_fold(text, ret_key);
    ret_key[key.len] = '\0';
    if (wg_str_starts(key, WG_STR("*.")) && !strpbrk(ret_key + 2, "*?")) {
        kind = WG_LIST_SUFFIX;
        code = suffix_check(behind(key, 2), err);
    } else if (strpbrk(ret_key, "*?")) {
        kind = WG_LIST_GLOB;
        code = glob_check(key, err);
    } else if (key.at[0] == '@') {
        kind = WG_LIST_PARTICIPANT;
        code = wg_participant_parse(key, &local, &server, err);
    } else if (wg_list_is_like_address(key)) {
        kind = WG_LIST_ADDRESS;
        code = address_check(key, err);
    } else {
        code = name_check(key, err);
    }
    if (code != WG_OK)
        return code;
    *ret_len = key.len;
    *ret_kind = kind;
    return WG_OK;
}
