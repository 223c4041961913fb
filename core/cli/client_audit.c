// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/client.h"

#define AUDIT "/_wavegate/v1/audit"

enum { PAGE = 1000, TARGET_LIMIT_BYTES = 8192, FOLLOW_EVERY_MS = 500 };

/* Which option is which parameter. */
static const struct {
    const char *option, *parameter;
} filters[] = {
    {"--action", "action"}, {"--server", "server"},  {"--peer", "peer"},
    {"--room", "room_id"},  {"--event", "event_id"}, {"--verdict", "verdict"},
    {"--code", "code"},
};

static void add_time(struct wg_buf *target, const char *parameter, const char *text)
{
    char number[32];
    int64_t ms;

    if (!text || !cli_moment(text, &ms))
        return;
    snprintf(number, sizeof number, "%lld", (long long)ms);
    cli_add_parameter(target, parameter, number);
}

static void write_target(const struct cli_arguments *arguments, struct wg_buf *target)
{
    wg_buf_addf(target, AUDIT "?order=oldest&limit=%d", PAGE);
    for (size_t i = 0; i < WG_COUNT(filters); i++)
        cli_add_parameter(target, filters[i].parameter,
                          cli_argument(arguments, filters[i].option));
    add_time(target, "since_ms", cli_argument(arguments, "--since"));
    add_time(target, "until_ms", cli_argument(arguments, "--until"));
}

static void print_plain(const char *before, const char *text)
{
    if (!*text)
        return;
    fputs(before, stdout);
    cli_print_plain(text);
}

static void print_row(const json_t *row)
{
    printf("%s  %-32s %-10s", cli_text(row, "at"), cli_text(row, "action"),
           cli_text(row, "verdict"));
    print_plain(" ", cli_text(row, "server"));
    print_plain(strcmp(cli_text(row, "direction"), "outbound") == 0 ? " > " : " < ",
                cli_text(row, "peer"));
    print_plain(" ", cli_text(row, "room_id"));
    print_plain(" ", cli_text(row, "event_id"));
    print_plain(" ", cli_text(row, "code"));
    print_plain(": ", cli_text(row, "reason"));
    print_plain(" at ", cli_text(row, "policy"));
    if (!*cli_text(row, "peer"))
        print_plain(" by ", cli_text(row, "actor"));
    putchar('\n');
}

static void print_page(const json_t *page, bool is_json)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(page, "rows"), i, row)
    {
        if (is_json)
            cli_print_json(row, JSON_COMPACT);
        else
            print_row(row);
    }
    fflush(stdout);
}

static void wait_a_moment(void)
{
    struct timespec moment = {.tv_nsec = FOLLOW_EVERY_MS * 1000000L};

    (void)nanosleep(&moment, NULL);
}

static int search(struct cli_client *client, const struct cli_arguments *arguments,
                  const struct wg_buf *base)
{
    bool is_json = cli_argument(arguments, "--json") != NULL;
    bool follows = cli_argument(arguments, "--follow") != NULL;
    struct wg_buf target;
    bool is_more = true;
    json_t *page = NULL;

    wg_buf_init(&target, TARGET_LIMIT_BYTES);
    wg_buf_adds(&target, wg_buf_str(base));
    while (is_more && (page = cli_client_ask(client, "GET", target.at, NULL)) != NULL) {
        const char *cursor = cli_text(page, "next_cursor");
        bool is_end = json_is_true(json_object_get(page, "end"));

        print_page(page, is_json);
        if (*cursor) {
            wg_buf_clear(&target);
            wg_buf_adds(&target, wg_buf_str(base));
            cli_add_parameter(&target, "cursor", cursor);
        }
        is_more = !is_end || follows;
        if (is_end && follows)
            wait_a_moment();
        json_decref(page);
    }
    wg_buf_done(&target);
    return page ? CLI_GOOD : CLI_REFUSED;
}

static long long number(const json_t *object, const char *member)
{
    return (long long)json_number_value(json_object_get(object, member));
}

static int report(const json_t *check, bool is_json)
{
    if (is_json) {
        cli_print_json(check, JSON_INDENT(2));
        return json_is_true(json_object_get(check, "broken")) ? CLI_REFUSED : CLI_GOOD;
    }
    if (json_is_true(json_object_get(check, "broken"))) {
        printf("BROKEN at row %lld: %s\n", number(check, "broken_number"),
               cli_text(check, "finding"));
        return CLI_REFUSED;
    }
    printf("whole: %lld rows (%lld to %lld), %lld signed checkpoints\n", number(check, "rows"),
           number(check, "first"), number(check, "last"), number(check, "checkpoints"));
    return CLI_GOOD;
}

static int verify(struct cli_client *client, bool is_json)
{
    struct wg_buf target;
    int status = CLI_REFUSED;
    json_t *check;

    wg_buf_init(&target, TARGET_LIMIT_BYTES);
    wg_buf_addf(&target, AUDIT "/verify");
    while ((check = cli_client_ask(client, "GET", target.at, NULL)) != NULL) {
        bool is_end = json_is_true(json_object_get(check, "end"));

        wg_buf_clear(&target);
        wg_buf_addf(&target, AUDIT "/verify");
        cli_add_parameter(&target, "cursor", cli_text(check, "next_cursor"));
        if (is_end)
            status = report(check, is_json);
        json_decref(check);
        if (is_end)
            break;
    }
    wg_buf_done(&target);
    return status;
}

int cli_audit(const struct cli_arguments *arguments)
{
    struct cli_client *client = cli_client_open(arguments);
    struct wg_buf target;
    int status;

    if (!client)
        return CLI_REFUSED;
    wg_buf_init(&target, TARGET_LIMIT_BYTES);
    if (arguments->word_count) {
        status = verify(client, cli_argument(arguments, "--json") != NULL);
    } else {
        write_target(arguments, &target);
        status = search(client, arguments, &target);
    }
    wg_buf_done(&target);
    cli_client_close(client);
    return status;
}
