// SPDX-License-Identifier: Apache-2.0
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "cli/top_impl.h"

/* One character, cleaned: what is no text, or has no width of its own, is a '?'. */
static int next_character(const char **text, char shown[MB_LEN_MAX + 1])
{
    mbstate_t state = {0};
    wchar_t c;
    size_t len = mbrtowc(&c, *text, strlen(*text), &state);
    int width = len > MB_LEN_MAX ? -1 : wcwidth(c);

    if (len > MB_LEN_MAX || len == 0) {
        len = 1;
        width = -1;
    }
    if (width <= 0) {
        strcpy(shown, "?");
        width = 1;
    } else {
        memcpy(shown, *text, len);
        shown[len] = '\0';
    }
    *text += len;
    return width;
}

/* @return the columns taken. */
static int write_text(struct wg_buf *out, const char *text, int columns)
{
    char shown[MB_LEN_MAX + 1];
    int taken = 0;

    while (*text) {
        int width = next_character(&text, shown);

        if (columns >= 0 && taken + width > columns)
            break;
        taken += width;
        if (out)
            wg_buf_adds(out, wg_str(shown));
    }
    return taken;
}

void top_add_text(struct wg_buf *out, const char *text, int columns)
{
    int taken = write_text(out, text, columns);

    if (columns > taken)
        wg_buf_addf(out, "%*s", columns - taken, "");
}

void top_add_right(struct wg_buf *out, const char *text, int columns)
{
    int taken = write_text(NULL, text, columns);

    if (columns > taken)
        wg_buf_addf(out, "%*s", columns - taken, "");
    (void)write_text(out, text, columns);
}

static const char *scaled(double number, double step, const char *units, char text[16])
{
    while (number >= step * 0.9995 && units[1]) {
        number /= step;
        units++;
    }
    snprintf(text, 16, number < 9.95 && number != floor(number) ? "%.1f%.*s" : "%.0f%.*s",
             number, *units != ' ', units);
    return text;
}

const char *top_count(double number, char text[16])
{
    return scaled(number > 0 ? number : 0, 1000, " kMGT", text);
}

const char *top_bytes(double bytes, char text[16])
{
    char number[16];

    snprintf(text, 16, "%sB", scaled(bytes > 0 ? bytes : 0, 1024, " kMGT", number));
    return text;
}

const char *top_age(double seconds, char text[16])
{
    if (seconds < 0)
        snprintf(text, 16, "0s");
    else if (seconds < 120)
        snprintf(text, 16, "%.0fs", seconds);
    else if (seconds < 2 * 3600)
        snprintf(text, 16, "%.0fm", floor(seconds / 60));
    else if (seconds < 48 * 3600)
        snprintf(text, 16, "%.0fh", floor(seconds / 3600));
    else
        snprintf(text, 16, "%.0fd", fmin(floor(seconds / 86400), 99999));
    return text;
}

const char *top_ms(double ms, char text[16])
{
    if (ms < 0)
        snprintf(text, 16, "-");
    else if (ms < 9.95)
        snprintf(text, 16, "%.1fms", ms);
    else if (ms < 9950)
        snprintf(text, 16, "%.0fms", ms);
    else
        snprintf(text, 16, "%.0fs", fmin(ms / 1000, 99999));
    return text;
}
