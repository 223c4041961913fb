// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/macros.h"
#include "cli/cli.h"
#include "cli/client.h"

enum { TITLE_COLUMNS = 20, INDENT = TITLE_COLUMNS + 3, COLUMNS_LEAST = 60 };

static const struct mark {
    const char *result, *sign, *colour;
} marks[] = {
    {"ok", "✓", "\033[32m"},
    {"failed", "✗", "\033[31m"},
    {"skipped", "–", "\033[2m"},
};

/* https://no-color.org */
static bool has_colours(void)
{
    const char *refused = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && !(refused && *refused);
}

/* Of the terminal; 0: no lines are broken. */
static int columns_of_screen(void)
{
    struct winsize size;

    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col < COLUMNS_LEAST ? 0 : size.ws_col;
}

/* Foreign text, without what a terminal would obey. */
static void print_word(const char *word, size_t len)
{
    for (size_t i = 0; i < len; i++)
        putchar(iscntrl((unsigned char)word[i]) ? '?' : word[i]);
}

/* Characters, as UTF-8 has them. */
static int width_of(const char *word, size_t len)
{
    int width = 0;

    for (size_t i = 0; i < len; i++)
        width += ((unsigned char)word[i] & 0xc0) != 0x80;
    return width;
}

/* Word by word, from column at on; a new line begins at column indent. */
static void print_text(const char *text, int at, int indent, int columns)
{
    int first = at;

    while (*text) {
        size_t len = strcspn(text, " ");

        if (columns && at > first && at + 1 + width_of(text, len) > columns) {
            printf("\n%*s", indent, "");
            first = at = indent;
        } else if (at > first) {
            putchar(' ');
            at++;
        }
        print_word(text, len);
        at += width_of(text, len);
        text += len + strspn(text + len, " ");
    }
    putchar('\n');
}

static const struct mark *mark_of(const json_t *check)
{
    for (size_t i = 0; i < WG_COUNT(marks); i++) {
        if (strcmp(cli_text(check, "result"), marks[i].result) == 0)
            return &marks[i];
    }
    return &marks[WG_COUNT(marks) - 1];
}

static void print_check(const json_t *check, bool is_coloured, int columns)
{
    const struct mark *mark = mark_of(check);

    printf("%s%s%s %-*s ", is_coloured ? mark->colour : "", mark->sign,
           is_coloured ? "\033[0m" : "", TITLE_COLUMNS, cli_text(check, "title"));
    print_text(cli_text(check, "seen"), INDENT, INDENT, columns);
    if (*cli_text(check, "remedy")) {
        printf("%*s→ ", INDENT, "");
        print_text(cli_text(check, "remedy"), INDENT + 2, INDENT + 2, columns);
    }
}

static const json_t *first_failed(const json_t *checks)
{
    const json_t *check;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)checks, i, check)
    {
        if (strcmp(cli_text(check, "result"), "failed") == 0)
            return check;
    }
    return NULL;
}

static void print_end(const json_t *report, int columns)
{
    long long failed = (long long)json_integer_value(json_object_get(report, "failed"));
    long long skipped = (long long)json_integer_value(json_object_get(report, "skipped"));
    const json_t *cause = first_failed(json_object_get(report, "checks"));

    putchar('\n');
    if (!cause && skipped == 0) {
        printf("All is well.\n");
    } else if (!cause) {
        printf("Nothing failed; %lld not tried.\n", skipped);
    } else {
        int at = printf("%lld failed. First cause: %s (%s): ", failed, cli_text(cause, "title"),
                        cli_text(cause, "id"));

        print_text(cli_text(cause, "seen"), at, 0, columns);
    }
}

static void print_report(const json_t *report)
{
    const json_t *checks = json_object_get(report, "checks");
    bool is_coloured = has_colours();
    int columns = columns_of_screen();
    const json_t *check;
    size_t i;

    if (*cli_text(report, "peer"))
        printf("%s, as seen from %s\n\n", cli_text(report, "peer"),
               cli_text(report, "server_name"));
    json_array_foreach((json_t *)(uintptr_t)checks, i, check)
    {
        print_check(check, is_coloured, columns);
    }
    print_end(report, columns);
}

static int examine(struct cli_client *client, const char *peer, const char *room, bool is_json)
{
    json_t *body = json_object();
    json_t *report;
    int status;

    if (peer)
        json_object_set_new(body, "peer", json_string(peer));
    if (room)
        json_object_set_new(body, "room_id", json_string(room));
    report = cli_client_ask(client, "POST", "/_wavegate/v1/doctor", body);
    json_decref(body);
    if (!report)
        return CLI_REFUSED;
    status = json_is_true(json_object_get(report, "healthy")) ? CLI_GOOD : CLI_REFUSED;
    if (is_json)
        cli_print_json(report, JSON_INDENT(2));
    else
        print_report(report);
    json_decref(report);
    return status;
}

int cli_doctor(const struct cli_arguments *arguments)
{
    struct cli_client *client = cli_client_open(arguments);
    int status;

    if (!client)
        return CLI_REFUSED;
    status =
        examine(client, arguments->word_count ? arguments->words[0] : NULL,
                cli_argument(arguments, "--room"), cli_argument(arguments, "--json") != NULL);
    cli_client_close(client);
    return status;
}
