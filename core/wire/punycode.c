// SPDX-License-Identifier: Apache-2.0
#include "wire/punycode.h"

#include "base/macros.h"

/* RFC 3492 5 */
enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, INITIAL_BIAS = 72 };
enum { LABEL_LIMIT = 63, POINT_FIRST = 0x80, POINT_LAST = 0x10ffff };

/* What no U-label holds, of what somebody might try to hide in one. */
static const struct range {
    uint32_t first, last;
} never[] = {
    {0x80, 0xb6},       /* C1 controls, Latin-1 signs */
    {0xb8, 0xde},       /* Latin-1 signs and capitals */
    {0xf7, 0xf7},       /* division sign */
    {0x37e, 0x37e},     /* Greek question mark: a semicolon */
    {0x386, 0x38f},     /* Greek capitals, but for */
    {0x391, 0x3ab},     /* 0390 */
    {0x400, 0x42f},     /* Cyrillic capitals */
    {0x531, 0x556},     /* Armenian capitals */
    {0x10a0, 0x10c5},   /* Georgian capitals */
    {0x1680, 0x1680},   /* Ogham space */
    {0x2000, 0x200b},   /* spaces */
    {0x200e, 0x206f},   /* marks of direction, invisible operators */
    {0x2100, 0x214d},   /* letter-like forms */
    {0x2460, 0x24ff},   /* enclosed forms */
    {0x2ff0, 0x3004},   /* description characters, ideographic space and full stop */
    {0xd800, 0xf8ff},   /* surrogates, private use */
    {0xfb00, 0xfb1d},   /* presentation forms */
    {0xfdd0, 0xfdef},   /* noncharacters */
    {0xfe00, 0xfe1f},   /* variation selectors, vertical forms */
    {0xfe30, 0xfe72},   /* compatibility forms */
    {0xfeff, 0xffff},   /* byte order mark, half and full width forms, specials */
    {0x1d400, 0x1d7ff}, /* mathematical letters */
    {0xe0000, 0x10ffff} /* tags, variation selectors, private use */
};

static bool is_never(uint32_t point)
{
    /* Latin Extended-A alternates: capitals are even here, odd there. */
    if ((point >= 0x100 && point <= 0x137) || (point >= 0x14a && point <= 0x177))
        return point % 2 == 0;
    if ((point >= 0x139 && point <= 0x148) || (point >= 0x179 && point <= 0x17e))
        return point % 2 == 1;
    for (size_t i = 0; i < WG_COUNT(never); i++) {
        if (point >= never[i].first && point <= never[i].last)
            return true;
    }
    return false;
}

static uint32_t adapt(uint32_t delta, uint32_t count, bool is_first)
{
    uint32_t k = 0;

    delta = is_first ? delta / DAMP : delta / 2;
    delta += delta / count;
    for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
        delta /= BASE - TMIN;
    return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static int digit_of(char c)
{
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    return c >= '0' && c <= '9' ? c - '0' + 26 : -1;
}

/** One generalised variable-length integer. @return false when it is malformed or too large. */
static bool read_delta(struct wg_str *rest, uint32_t bias, uint32_t *ret_delta)
{
    uint64_t delta = 0, weight = 1;

    for (uint32_t k = BASE; rest->len; k += BASE) {
        int digit = digit_of(*rest->at);
        uint32_t threshold = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;

        rest->at++, rest->len--;
        if (digit < 0)
            return false;
        delta += (uint64_t)digit * weight;
        if (delta > UINT32_MAX)
            return false;
        if ((uint32_t)digit < threshold) {
            *ret_delta = (uint32_t)delta;
            return true;
        }
        weight *= BASE - threshold;
        if (weight > UINT32_MAX)
            return false;
    }
    return false;
}

bool wg_punycode_is_plausible(struct wg_str encoded)
{
    uint32_t point = POINT_FIRST, at = 0, bias = INITIAL_BIAS, count = 0;
    struct wg_str rest = encoded;

    if (encoded.len == 0 || encoded.len > LABEL_LIMIT)
        return false;
    for (size_t i = encoded.len - 1; i > 0; i--) {
        if (encoded.at[i] == '-') {
            count = (uint32_t)i;
            rest = wg_str_of(encoded.at + i + 1, encoded.len - i - 1);
            break;
        }
    }
    if (rest.len == 0)
        return false; /* "xn--a-": nothing past ASCII, so no reason for the prefix */
    for (bool is_first = true; rest.len; is_first = false) {
        uint32_t delta;

        if (!read_delta(&rest, bias, &delta))
            return false;
        count++;
        bias = adapt(delta, count, is_first);
        if (delta > UINT32_MAX - at || (at + delta) / count > POINT_LAST - point)
            return false;
        point += (at + delta) / count;
        at = (at + delta) % count + 1;
        if (is_never(point))
            return false;
    }
    return true;
}
