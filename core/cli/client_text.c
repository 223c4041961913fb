// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"

/* RFC 3986 2.3, and what may stand in a segment as well as in a query. */
static void add_encoded(struct wg_buf *target, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~:@", c))
            wg_buf_addc(target, (char)c);
        else
            wg_buf_addf(target, "%%%02X", c);
    }
}

void cli_add_parameter(struct wg_buf *target, const char *name, const char *value)
{
    bool is_first = wg_str_find(wg_buf_str(target), '?') == target->len;

    if (!value)
        return;
    wg_buf_addf(target, "%c%s=", is_first ? '?' : '&', name);
    add_encoded(target, value);
}

/* "." and ".." would be no segment of their own. */
void cli_add_segment(struct wg_buf *target, const char *text)
{
    if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        wg_buf_addf(target, "%s", strlen(text) == 1 ? "%2E" : "%2E%2E");
    else
        add_encoded(target, text);
}

void cli_print_json(const json_t *json, size_t flags)
{
    char *text = json_dumps(json, flags | JSON_ENCODE_ANY);

    printf("%s\n", text);
    free(text);
}

void cli_print_plain_to(FILE *to, const char *text)
{
    for (; *text; text++)
        fputc(iscntrl((unsigned char)*text) ? '?' : *text, to);
}

void cli_print_plain(const char *text)
{
    cli_print_plain_to(stdout, text);
}

const char *cli_text(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text ? text : "";
}
