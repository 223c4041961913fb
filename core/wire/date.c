// SPDX-License-Identifier: Apache-2.0
#include "wire/date.h"

#include "base/macros.h"

enum { DATE_LEN = 29, DAY_S = 86400 };

static bool number(struct wg_str text, size_t at, size_t len, uint64_t most, int64_t *ret_value)
{
    uint64_t value;

    if (!wg_str_to_uint(wg_str_of(text.at + at, len), most, &value))
        return false;
    *ret_value = (int64_t)value;
    return true;
}

static bool month_of(struct wg_str text, int64_t *ret_month)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int64_t i = 0; i < 12; i++) {
        if (memcmp(text.at + 8, names + 3 * i, 3) == 0) {
            *ret_month = i + 1;
            return true;
        }
    }
    return false;
}

/* Days since 1970 of the proleptic Gregorian calendar; the year begins in March, so that the
 * leap day is its last. */
static int64_t days(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t m = month > 2 ? month - 3 : month + 9;

    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

bool wg_http_date_parse(struct wg_str text, int64_t *ret_s)
{
    int64_t day, month, year, hour, minute, second;

    if (text.len != DATE_LEN || memcmp(text.at + 3, ", ", 2) != 0 ||
        memcmp(text.at + 25, " GMT", 4) != 0 || text.at[7] != ' ' || text.at[11] != ' ' ||
        text.at[16] != ' ' || text.at[19] != ':' || text.at[22] != ':')
        return false;
    if (!number(text, 5, 2, 31, &day) || !month_of(text, &month) ||
        !number(text, 12, 4, 9999, &year) || !number(text, 17, 2, 23, &hour) ||
        !number(text, 20, 2, 59, &minute) || !number(text, 23, 2, 60, &second) || day < 1)
        return false;
    *ret_s = days(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second;
    return true;
}
