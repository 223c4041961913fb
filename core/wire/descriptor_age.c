// SPDX-License-Identifier: Apache-2.0
#include "wire/descriptor.h"

static int64_t clamp(int64_t age_s)
{
    if (age_s < WG_DESCRIPTOR_AGE_MIN_S)
        return WG_DESCRIPTOR_AGE_MIN_S;
    return age_s < WG_DESCRIPTOR_AGE_MAX_S ? age_s : WG_DESCRIPTOR_AGE_MAX_S;
}

/** The next directive; a comma inside a quoted string does not end it (RFC 9111 5.2). */
static struct wg_str next_directive(struct wg_str *rest)
{
    bool is_quoted = false;
    size_t i = 0;

    for (; i < rest->len && (is_quoted || rest->at[i] != ','); i++) {
        if (rest->at[i] == '"')
            is_quoted = !is_quoted;
        else if (rest->at[i] == '\\' && is_quoted && i + 1 < rest->len)
            i++;
    }
    struct wg_str directive = wg_str_of(rest->at, i);
    *rest = i < rest->len ? wg_str_of(rest->at + i + 1, rest->len - i - 1) : (struct wg_str){0};
    return wg_str_trim(directive);
}

static struct wg_str unquoted(struct wg_str value)
{
    if (value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"')
        return wg_str_of(value.at + 1, value.len - 2);
    return value;
}

static int64_t max_age(struct wg_str value)
{
    uint64_t age_s = 0;

    value = unquoted(value);
    if (wg_str_to_uint(value, INT64_MAX, &age_s))
        return (int64_t)age_s;
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return 0; /* RFC 9111 4.2.1: freshness that makes no sense is stale */
    }
    return value.len ? INT64_MAX : 0;
}

int64_t wg_descriptor_age_s(struct wg_str cache_control)
{
    struct wg_str rest = cache_control;
    int64_t least_s = INT64_MAX;
    bool is_said = false;

    while (rest.at) {
        struct wg_str value = next_directive(&rest);
        struct wg_str name = wg_str_split(&value, '=');
        int64_t age_s;

        if (wg_str_equal_nocase(name, WG_STR("max-age")))
            age_s = max_age(value);
        else if (wg_str_equal_nocase(name, WG_STR("no-store")) ||
                 wg_str_equal_nocase(name, WG_STR("no-cache")))
            age_s = 0;
        else
            continue;
        is_said = true;
        if (age_s < least_s)
            least_s = age_s;
    }
    return is_said ? clamp(least_s) : WG_DESCRIPTOR_AGE_DEFAULT_S;
}
