// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "cli/cli.h"
#include "cli/client.h"

enum { TITLE_COLUMNS = 22 };

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

static const struct mark *mark_of(const json_t *check)
{
    for (size_t i = 0; i < WG_COUNT(marks); i++) {
        if (strcmp(cli_text(check, "result"), marks[i].result) == 0)
            return &marks[i];
    }
    return &marks[WG_COUNT(marks) - 1];
}

static void print_check(const json_t *check, bool is_coloured)
{
    const struct mark *mark = mark_of(check);

    printf("%s%s%s %-*s ", is_coloured ? mark->colour : "", mark->sign,
           is_coloured ? "\033[0m" : "", TITLE_COLUMNS, cli_text(check, "title"));
    cli_print_plain(cli_text(check, "seen"));
    putchar('\n');
    if (*cli_text(check, "remedy")) {
        printf("%*s→ ", TITLE_COLUMNS + 3, "");
        cli_print_plain(cli_text(check, "remedy"));
        putchar('\n');
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

static void print_end(const json_t *report)
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
        printf("%lld failed. First cause: %s (%s): ", failed, cli_text(cause, "title"),
               cli_text(cause, "id"));
        cli_print_plain(cli_text(cause, "seen"));
        putchar('\n');
    }
}

static void print_report(const json_t *report)
{
    const json_t *checks = json_object_get(report, "checks");
    bool is_coloured = has_colours();
    const json_t *check;
    size_t i;

    if (*cli_text(report, "peer"))
        printf("%s, as seen from %s\n\n", cli_text(report, "peer"),
               cli_text(report, "server_name"));
    json_array_foreach((json_t *)(uintptr_t)checks, i, check)
    {
        print_check(check, is_coloured);
    }
    print_end(report);
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
