// SPDX-License-Identifier: Apache-2.0
#include "base/str.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool wg_str_equal_nocase(struct wg_str a, struct wg_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    }
    return true;
}

bool wg_str_starts(struct wg_str a, struct wg_str prefix)
{
    return a.len >= prefix.len && wg_str_equal(wg_str_of(a.at, prefix.len), prefix);
}

bool wg_str_ends(struct wg_str a, struct wg_str suffix)
{
    return a.len >= suffix.len &&
           wg_str_equal(wg_str_of(a.at + (a.len - suffix.len), suffix.len), suffix);
}

struct wg_str wg_str_trim(struct wg_str a)
{
    while (a.len && (a.at[0] == ' ' || a.at[0] == '\t')) {
        a.at++;
        a.len--;
    }
    while (a.len && (a.at[a.len - 1] == ' ' || a.at[a.len - 1] == '\t'))
        a.len--;
    return a;
}

size_t wg_str_find(struct wg_str a, char byte)
{
    const char *hit = a.len ? memchr(a.at, byte, a.len) : NULL;

    return hit ? (size_t)(hit - a.at) : a.len;
}

struct wg_str wg_str_split(struct wg_str *rest, char separator)
{
    size_t at = wg_str_find(*rest, separator);
    struct wg_str part = {rest->at, at};

    if (at == rest->len)
        *rest = (struct wg_str){NULL, 0};
    else
        *rest = (struct wg_str){rest->at + at + 1, rest->len - at - 1};
    return part;
}

bool wg_str_to_uint(struct wg_str a, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (a.len == 0)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        uint64_t digit = (uint64_t)(unsigned char)a.at[i] - '0';

        if (a.at[i] < '0' || a.at[i] > '9' || value > (max - digit) / 10 || digit > max)
            return false;
        value = value * 10 + digit;
    }
    *ret_value = value;
    return true;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t wg_str_distance(struct wg_str a, struct wg_str b, size_t limit)
{
    size_t row[65];

    if (a.len > 64 || b.len > 64)
        return wg_str_equal(a, b) ? 0 : limit + 1;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = corner + (a.at[i - 1] != b.at[j - 1]);

            corner = row[j];
            row[j] = least(change, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.len] > limit ? limit + 1 : row[b.len];
}

const char *wg_str_nearest(struct wg_str written, const char *const *names)
{
    const char *best = NULL;
    size_t limit = written.len < 4 ? 1 : written.len / 3 + 1;

    for (size_t i = 0; names[i]; i++) {
        size_t distance = wg_str_distance(written, wg_str(names[i]), limit);

        if (distance <= limit) {
            best = names[i];
            if (distance == 0)
                return best;
            limit = distance - 1;
        }
    }
    return best;
}
