// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

size_t wg_utf8_decode(const char *text, size_t len, uint32_t *ret_point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = len ? (unsigned char)text[0] : 0xFF;
    size_t width = first < 0x80   ? 1
                   : first < 0xC2 ? 0
                   : first < 0xE0 ? 2
                   : first < 0xF0 ? 3
                   : first < 0xF5 ? 4
                                  : 0;
    uint32_t point;

    if (width == 0 || width > len)
        return 0;
    point = width == 1 ? first : first & (0x7Fu >> width);
    for (size_t i = 1; i < width; i++) {
        unsigned char next = (unsigned char)text[i];

        if ((next & 0xC0) != 0x80)
            return 0;
        point = point << 6 | (next & 0x3Fu);
    }
    if (point < least[width] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
        return 0;
    *ret_point = point;
    return width;
}

size_t wg_utf8_width(const char *text, size_t len)
{
    uint32_t point;

    return wg_utf8_decode(text, len, &point);
}

bool wg_utf8_is_valid(struct wg_str text)
{
    for (size_t i = 0; i < text.len;) {
        size_t width = wg_utf8_width(text.at + i, text.len - i);

        if (width == 0)
            return false;
        i += width;
    }
    return true;
}
