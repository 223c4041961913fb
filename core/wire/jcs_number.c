// SPDX-License-Identifier: Apache-2.0
/* ECMAScript's Number::toString (ECMA-262 6.1.6.1.20), which RFC 8785 3.2.2.3 prescribes: the
 * fewest digits that read back as the same double, and of those the nearest to it. */
#include "wire/json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"

enum { DIGITS_MAX = 17, POWERS = 23 };

/** 0.d1d2d3... times ten to the power of point. */
struct decimal {
    char digits[DIGITS_MAX + 3];
    int count;
    int point;
};

static size_t write_whole(uint64_t value, char *out)
{
    char digits[20];
    size_t count = 0;

    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    for (size_t i = 0; i < count; i++)
        out[i] = digits[count - 1 - i];
    return count;
}

/* A decimal s / 10^k with s < 10^15 and k <= 22 has both parts exact in a double, so one
 * correctly rounded division tells whether it reads back as value; the first k that does has
 * the fewest digits, and at most 15 digits determine themselves (DBL_DIG). Prices, ratios and
 * fractional seconds all end here, without printf. */
static bool try_short(double value, struct decimal *ret_decimal)
{
    static const double powers[POWERS] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                          1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                          1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

    for (int k = 1; k < POWERS && value * powers[k] < 1e15; k++) {
        double whole = nearbyint(value * powers[k]);
        double again = whole / powers[k];

        if (whole >= 1 && again >= value && again <= value) {
            ret_decimal->count = (int)write_whole((uint64_t)whole, ret_decimal->digits);
            ret_decimal->point = ret_decimal->count - k;
            return true;
        }
    }
    return false;
}

/** The count digits nearest to value. printf writes the point of the locale: skipped over. */
static void round_to(double value, int count, struct decimal *ret_decimal)
{
    char text[WG_JCS_NUMBER_TEXT];
    const char *at = text;

    snprintf(text, sizeof text, "%.*e", count - 1, value);
    for (ret_decimal->count = 0; *at && *at != 'e'; at++) {
        if (*at >= '0' && *at <= '9' && ret_decimal->count < DIGITS_MAX)
            ret_decimal->digits[ret_decimal->count++] = *at;
    }
    ret_decimal->point = *at ? (int)strtol(at + 1, NULL, 10) + 1 : 1;
}

static bool reads_back(const struct decimal *decimal, double value)
{
    char text[WG_JCS_NUMBER_TEXT + 16];
    double again;

    snprintf(text, sizeof text, "%.*se%d", decimal->count, decimal->digits,
             decimal->point - decimal->count);
    again = strtod(text, NULL);
    return again >= value && again <= value;
}

/** The next decimal of as many digits. */
static void step_up(struct decimal *decimal)
{
    int i = decimal->count - 1;

    while (i >= 0 && decimal->digits[i] == '9')
        decimal->digits[i--] = '0';
    if (i >= 0) {
        decimal->digits[i]++;
    } else {
        decimal->digits[0] = '1';
        decimal->point++;
    }
}

static void find_shortest(double value, struct decimal *ret_decimal)
{
    int exponent;
    /* Above a power of two doubles lie twice as far apart as below: there the decimal that
     * reads back can be the next one up when the nearest, below, does not. */
    bool is_power = frexp(value, &exponent) <= 0.5;
    /* A normal double that 15 digits determine prints as those digits and zeros; a subnormal
     * has fewer to give. */
    int count = value >= DBL_MIN ? DBL_DIG : 1;

    for (; count < DIGITS_MAX; count++) {
        round_to(value, count, ret_decimal);
        if (reads_back(ret_decimal, value))
            break;
        if (is_power) {
            step_up(ret_decimal);
            if (reads_back(ret_decimal, value))
                break;
        }
    }
    if (count == DIGITS_MAX)
        round_to(value, count, ret_decimal);
    while (ret_decimal->count > 1 && ret_decimal->digits[ret_decimal->count - 1] == '0')
        ret_decimal->count--;
}

/* Steps 7 to 14 of Number::toString: k is count, n is point. */
static size_t lay_out(const struct decimal *decimal, char *out, size_t size)
{
    const int k = decimal->count, n = decimal->point;
    const char *digits = decimal->digits;
    int len;

    if (n > 0 && n <= 21 && k <= n)
        len = snprintf(out, size, "%.*s%.*s", k, digits, n - k, "000000000000000000000");
    else if (n > 0 && n <= 21)
        len = snprintf(out, size, "%.*s.%.*s", n, digits, k - n, digits + n);
    else if (n > -6 && n <= 0)
        len = snprintf(out, size, "0.%.*s%.*s", -n, "000000", k, digits);
    else if (k == 1)
        len = snprintf(out, size, "%ce%+d", digits[0], n - 1);
    else
        len = snprintf(out, size, "%c.%.*se%+d", digits[0], k - 1, digits + 1, n - 1);
    return (size_t)len;
}

size_t wg_jcs_number(double value, char ret_text[WG_JCS_NUMBER_TEXT])
{
    struct decimal decimal;
    size_t len = 0;

    if (!isfinite(value))
        return 0;
    if (value < 0) { /* not signbit(): -0 prints as 0 */
        ret_text[len++] = '-';
        value = -value;
    }
    if (value < 9007199254740992.0 && (double)(uint64_t)value >= value) {
        len += write_whole((uint64_t)value, ret_text + len);
        ret_text[len] = '\0';
        return len;
    }
    if (!try_short(value, &decimal))
        find_shortest(value, &decimal);
    return len + lay_out(&decimal, ret_text + len, WG_JCS_NUMBER_TEXT - len);
}
