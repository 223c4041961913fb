// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A cut text says that it was cut, and never in the middle of a UTF-8 character. */
static void mark_cut(char *text, size_t size, int wanted)
{
    size_t at = size - 4;

    if (wanted < 0 || (size_t)wanted < size)
        return;
    while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80)
        at--;
    memcpy(text + at, "...", 4);
}

enum wg_code wg_fail(struct wg_err *err, enum wg_code code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    mark_cut(err->text, sizeof err->text,
             vsnprintf(err->text, sizeof err->text, format, arguments));
    va_end(arguments);
    err->code = code;
    return code;
}

enum wg_code wg_while(struct wg_err *err, const char *format, ...)
{
    char doing[sizeof err->text];
    char was[sizeof err->text];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(doing, sizeof doing, format, arguments);
    va_end(arguments);
    memcpy(was, err->text, sizeof was);
    mark_cut(err->text, sizeof err->text,
             snprintf(err->text, sizeof err->text, "%s: %s", doing, was));
    return err->code;
}
