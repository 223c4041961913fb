// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "policy/policy_impl.h"

/* Quantities as operators write them: "1d", "1h30m", "50/s", "64KiB", "2026-01-31T12:00:00Z".
 */

struct unit {
    const char *name;
    double factor;
};

static const struct unit durations[] = {{"ms", 0.001}, {"s", 1},      {"m", 60}, {"h", 3600},
                                        {"d", 86400},  {"w", 604800}, {NULL, 0}};
static const struct unit sizes[] = {
    {"", 1},         {"B", 1},           {"KB", 1e3},           {"MB", 1e6}, {"GB", 1e9},
    {"KiB", 1024.0}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}, {NULL, 0}};

/* Takes digits, with one '.' between them, off the front. */
static bool take_number(struct wg_str *text, double *ret_number)
{
    double number = 0;
    double scale = 0;
    size_t i = 0;

    for (; i < text->len && i < 18; i++) {
        char c = text->at[i];

        if (c == '.' && scale == 0 && i > 0) {
            scale = 1;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        number = number * 10 + (c - '0');
        scale *= 10;
    }
    if (i == 0 || text->at[i - 1] == '.')
        return false;
    *ret_number = scale > 0 ? number / scale : number;
    *text = wg_str_of(text->at + i, text->len - i);
    return true;
}

static bool take_unit(struct wg_str *text, const struct unit *units, double *ret_factor)
{
    size_t len = 0;

    while (len < text->len && ((text->at[len] >= 'a' && text->at[len] <= 'z') ||
                               (text->at[len] >= 'A' && text->at[len] <= 'Z')))
        len++;
    for (; units->name; units++) {
        if (!wg_str_is(wg_str_of(text->at, len), units->name))
            continue;
        *ret_factor = units->factor;
        *text = wg_str_of(text->at + len, text->len - len);
        return true;
    }
    return false;
}

enum wg_code wg_units_duration(struct wg_str text, double *ret_seconds, struct wg_err *err)
{
    struct wg_str rest = wg_str_trim(text);
    double total = 0;

    do {
        double number, factor;

        if (!take_number(&rest, &number) || !take_unit(&rest, durations, &factor))
            return wg_fail(err, WG_INVALID,
                           "'%.*s' is not a duration such as \"30s\", \"1h30m\", \"7d\"",
                           (int)(text.len < 64 ? text.len : 64), text.at);
        total += number * factor;
    } while (rest.len > 0);
    *ret_seconds = total;
    return WG_OK;
}

/* "50/s", "60/h", "5/10m" */
enum wg_code wg_units_rate(struct wg_str text, double *ret_per_second, struct wg_err *err)
{
    struct wg_str rest = wg_str_trim(text);
    double number, count = 1, factor;

    if (!take_number(&rest, &number))
        goto bad;
    rest = wg_str_trim(rest);
    if (rest.len < 2 || rest.at[0] != '/')
        goto bad;
    rest = wg_str_trim(wg_str_of(rest.at + 1, rest.len - 1));
    if (rest.len && rest.at[0] >= '0' && rest.at[0] <= '9' && !take_number(&rest, &count))
        goto bad;
    if (!take_unit(&rest, durations, &factor) || rest.len > 0 || !(number > 0) || !(count > 0))
        goto bad;
    *ret_per_second = number / (count * factor);
    return WG_OK;
bad:
    return wg_fail(err, WG_INVALID,
                   "'%.*s' is not a rate such as \"50/s\", \"60/h\", \"5/10m\"",
                   (int)(text.len < 64 ? text.len : 64), text.at);
}

enum wg_code wg_units_size(struct wg_str text, int64_t *ret_bytes, struct wg_err *err)
{
    struct wg_str rest = wg_str_trim(text);
    double number, factor;

    if (take_number(&rest, &number)) {
        rest = wg_str_trim(rest);
        if (take_unit(&rest, sizes, &factor) && rest.len == 0 &&
            number * factor <= 9007199254740992.0) {
            *ret_bytes = (int64_t)llround(number * factor);
            return WG_OK;
        }
    }
    return wg_fail(err, WG_INVALID, "'%.*s' is not a size such as \"64KiB\", \"10MB\"",
                   (int)(text.len < 64 ? text.len : 64), text.at);
}

static bool take_digits(struct wg_str *text, size_t count, char behind, int *ret_number)
{
    uint64_t number;

    if (text->len < count || !wg_str_to_uint(wg_str_of(text->at, count), 9999, &number))
        return false;
    *ret_number = (int)number;
    *text = wg_str_of(text->at + count, text->len - count);
    if (behind) {
        if (text->len == 0 || text->at[0] != behind)
            return false;
        *text = wg_str_of(text->at + 1, text->len - 1);
    }
    return true;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar; years begin in March, so that the
 * leap day is the last of its year. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = y / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
           day_of_year - 719468;
}

static int month_length(int year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && is_leap ? 29 : lengths[month - 1];
}

/* Behind the time of day: "Z" or "+02:00". */
static bool take_offset(struct wg_str *text, int64_t *ret_seconds)
{
    int hours, minutes;
    int sign;

    if (text->len == 1 && (text->at[0] == 'Z' || text->at[0] == 'z')) {
        *ret_seconds = 0;
        return true;
    }
    if (text->len != 6 || (text->at[0] != '+' && text->at[0] != '-'))
        return false;
    sign = text->at[0] == '-' ? -1 : 1;
    *text = wg_str_of(text->at + 1, 5);
    if (!take_digits(text, 2, ':', &hours) || !take_digits(text, 2, 0, &minutes) ||
        hours > 23 || minutes > 59)
        return false;
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

/* RFC 3339, or the date alone (its beginning, UTC). */
enum wg_code wg_units_time(struct wg_str text, int64_t *ret_unix_s, struct wg_err *err)
{
    struct wg_str rest = wg_str_trim(text);
    int year, month, day, hour = 0, minute = 0, second = 0;
    int64_t offset = 0;

    if (!take_digits(&rest, 4, '-', &year) || !take_digits(&rest, 2, '-', &month) ||
        !take_digits(&rest, 2, 0, &day) || month < 1 || month > 12 || day < 1 ||
        day > month_length(year, month))
        goto bad;
    if (rest.len > 0) {
        if (rest.at[0] != 'T' && rest.at[0] != 't' && rest.at[0] != ' ')
            goto bad;
        rest = wg_str_of(rest.at + 1, rest.len - 1);
        if (!take_digits(&rest, 2, ':', &hour) || !take_digits(&rest, 2, ':', &minute) ||
            !take_digits(&rest, 2, 0, &second) || hour > 23 || minute > 59 || second > 60 ||
            !take_offset(&rest, &offset))
            goto bad;
    }
    *ret_unix_s =
        days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    return WG_OK;
bad:
    return wg_fail(err, WG_INVALID,
                   "'%.*s' is not a time such as \"2026-01-31T12:00:00Z\" or \"2026-01-31\"",
                   (int)(text.len < 64 ? text.len : 64), text.at);
}
