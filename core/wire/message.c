// SPDX-License-Identifier: Apache-2.0
#include "wire/message.h"

#include "base/buf.h"

void wg_headers_add(struct wg_headers *headers, struct wg_arena *arena, struct wg_str name,
                    struct wg_str value)
{
    if (headers->count == headers->capacity) {
        size_t capacity = headers->capacity ? headers->capacity * 2 : 16;
        struct wg_header *at = wg_arena_alloc(arena, capacity * sizeof *at);

        if (headers->count)
            memcpy(at, headers->at, headers->count * sizeof *at);
        headers->at = at;
        headers->capacity = capacity;
    }
    if (!value.at) /* an empty value is not an absent one */
        value = WG_STR("");
    headers->at[headers->count++] = (struct wg_header){name, value};
}

struct wg_str wg_headers_get(const struct wg_headers *headers, const char *name)
{
    for (size_t i = 0; i < headers->count; i++)
        if (wg_str_is(headers->at[i].name, name))
            return headers->at[i].value;
    return (struct wg_str){0};
}

size_t wg_headers_count(const struct wg_headers *headers, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < headers->count; i++)
        count += wg_str_is(headers->at[i].name, name);
    return count;
}

struct wg_str wg_headers_joined(const struct wg_headers *headers, const char *name,
                                struct wg_arena *arena)
{
    size_t len = 0, count = 0;
    char *joined, *to;

    for (size_t i = 0; i < headers->count; i++)
        if (wg_str_is(headers->at[i].name, name))
            len += headers->at[i].value.len + 2, count++;
    if (count < 2)
        return wg_headers_get(headers, name);
    joined = to = wg_arena_alloc(arena, len);
    for (size_t i = 0; i < headers->count; i++) {
        struct wg_str value = headers->at[i].value;

        if (!wg_str_is(headers->at[i].name, name))
            continue;
        if (value.len)
            memcpy(to, value.at, value.len);
        memcpy(to + value.len, ", ", 2);
        to += value.len + 2;
    }
    return wg_str_of(joined, len - 2);
}

void wg_headers_remove(struct wg_headers *headers, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < headers->count; i++)
        if (!wg_str_is(headers->at[i].name, name))
            headers->at[kept++] = headers->at[i];
    headers->count = kept;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Beyond RFC 3986 this keeps out what URL libraries of signers rewrite before they sign, so
 * that a target has the same bytes in every base. */
static enum wg_code check_characters(struct wg_str target, struct wg_err *err)
{
    for (size_t i = 0; i < target.len; i++) {
        unsigned char c = (unsigned char)target.at[i];

        if (c <= 0x20 || c >= 0x7f)
            return wg_fail(err, WG_INVALID,
                           "the request target has the byte 0x%02x; percent-encode it", c);
        if (c == '#')
            return wg_fail(err, WG_INVALID, "the request target has a fragment ('#')");
        if (strchr("{}|\"<>\\^`", c))
            return wg_fail(err, WG_INVALID,
                           "the request target has a '%c' as such; percent-encode it", c);
        if (c == '%' &&
            (target.len - i < 3 || !is_hex(target.at[i + 1]) || !is_hex(target.at[i + 2])))
            return wg_fail(err, WG_INVALID,
                           "the request target has a '%%' without two hex digits behind it");
    }
    return WG_OK;
}

/** "." or "..", also with dots written as %2e. */
static bool is_dot_segment(struct wg_str segment)
{
    size_t dots = 0;

    for (size_t i = 0; i < segment.len; dots++) {
        struct wg_str rest = wg_str_of(segment.at + i, segment.len - i);

        if (rest.at[0] == '.')
            i++;
        else if (rest.len >= 3 && wg_str_equal_nocase(wg_str_of(rest.at, 3), WG_STR("%2e")))
            i += 3;
        else
            return false;
    }
    return dots == 1 || dots == 2;
}

static enum wg_code check_path(struct wg_str path, struct wg_err *err)
{
    struct wg_str rest = path;

    while (rest.at)
        if (is_dot_segment(wg_str_split(&rest, '/')))
            return wg_fail(err, WG_INVALID,
                           "the request target has a dot segment; resolve it before sending");
    return WG_OK;
}

/** Cuts "scheme://authority" off an absolute-form target (RFC 9112 3.2.2). */
static enum wg_code split_absolute(struct wg_str *target, struct wg_str *ret_authority,
                                   struct wg_err *err)
{
    size_t colon = wg_str_find(*target, ':'), end;
    struct wg_str scheme = wg_str_of(target->at, colon), authority;

    if (target->len - colon < 3 || memcmp(target->at + colon, "://", 3) != 0 ||
        !(wg_str_equal_nocase(scheme, WG_STR("https")) ||
          wg_str_equal_nocase(scheme, WG_STR("http"))))
        return wg_fail(err, WG_INVALID,
                       "the request target is neither a path nor an http or https URI");
    authority = wg_str_of(target->at + colon + 3, target->len - colon - 3);
    for (end = 0; end < authority.len && authority.at[end] != '/' && authority.at[end] != '?';)
        end++;
    *target = wg_str_of(authority.at + end, authority.len - end);
    authority.len = end;
    if (authority.len == 0 || wg_str_find(authority, '@') < authority.len)
        return wg_fail(err, WG_INVALID,
                       "the request target's authority is empty or carries user information");
    *ret_authority = authority;
    return WG_OK;
}

enum wg_code wg_message_set_target(struct wg_message *message, struct wg_str target,
                                   struct wg_err *err)
{
    struct wg_str authority = message->authority, rest = target, path, query = {0};
    size_t mark;

    if (target.len == 0)
        return wg_fail(err, WG_INVALID, "the request target is empty");
    if (check_characters(target, err) != WG_OK)
        return err->code;
    if (wg_str_is(target, "*"))
        rest = WG_STR("");
    else if (target.at[0] != '/' && split_absolute(&rest, &authority, err) != WG_OK)
        return err->code;
    mark = wg_str_find(rest, '?');
    path = wg_str_of(rest.at, mark);
    if (mark < rest.len)
        query = wg_str_of(rest.at + mark, rest.len - mark);
    if (check_path(path, err) != WG_OK)
        return err->code;
    message->target = target;
    message->authority = authority;
    message->path = path.len ? path : WG_STR("/");
    message->query = query;
    return WG_OK;
}
