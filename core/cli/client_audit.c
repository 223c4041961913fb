// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/client.h"

#define USAGE                                                                              \
    "audit [--since 1h] [--until TIME] [--action 'federation.*'] [--server NAME] [--peer " \
    "NAME]\n"                                                                              \
    "                      [--room ID] [--event ID] [--verdict WORD] [--code SW_...] "     \
    "[--follow] "                                                                          \
    "[--json]\n"                                                                           \
    "       wavegate audit verify"
#define AUDIT "/_wavegate/v1/audit"

enum { PAGE = 1000, TARGET_LIMIT_BYTES = 8192, FOLLOW_EVERY_MS = 500 };

static const struct cli_option options[] = {
    {"--since", false}, {"--until", false}, {"--action", false},  {"--peer", false},
    {"--room", false},  {"--event", false}, {"--verdict", false}, {"--code", false},
    {"--follow", true}, {NULL, false}};

/* Which option is which parameter. */
static const struct {
    const char *option, *parameter;
} filters[] = {
    {"--action", "action"}, {"--server", "server"},  {"--peer", "peer"},
    {"--room", "room_id"},  {"--event", "event_id"}, {"--verdict", "verdict"},
    {"--code", "code"},
};

/* "1h" ago, "90s", "7d", or Unix seconds. */
static bool read_time(const char *text, int64_t *ret_ms)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'s', 1000},
                 {'m', 60 * 1000},
                 {'h', 3600 * 1000},
                 {'d', 24 * 3600 * 1000},
                 {'w', 7 * 24 * 3600 * 1000}};
    struct wg_str digits = wg_str(text);
    uint64_t value;

    if (wg_str_to_uint(digits, INT64_MAX / 1000, &value)) {
        *ret_ms = (int64_t)value * 1000;
        return true;
    }
    if (digits.len < 2)
        return false;
    digits.len--;
    for (size_t i = 0; i < WG_COUNT(units); i++) {
        if (text[digits.len] == units[i].unit && wg_str_to_uint(digits, 1000000, &value)) {
            *ret_ms = wg_clock_wall_ms(wg_clock_system()) - (int64_t)value * units[i].ms;
            return true;
        }
    }
    return false;
}

static bool add_time(struct wg_buf *target, const char *option, const char *parameter,
                     const char *text)
{
    int64_t ms = 0;
    char number[32];

    if (!text)
        return true;
    if (!read_time(text, &ms)) {
        fprintf(
            stderr,
            "wavegate audit: %s: '%s' is neither a span like 90s, 1h, 7d nor Unix seconds\n",
            option, text);
        return false;
    }
    snprintf(number, sizeof number, "%lld", (long long)ms);
    cli_add_parameter(target, parameter, number);
    return true;
}

static bool write_target(const struct cli_arguments *arguments, struct wg_buf *target)
{
    wg_buf_addf(target, AUDIT "?order=oldest&limit=%d", PAGE);
    for (size_t i = 0; i < WG_COUNT(filters); i++)
        cli_add_parameter(target, filters[i].parameter,
                          cli_argument(arguments, options, filters[i].option));
    return add_time(target, "--since", "since_ms",
                    cli_argument(arguments, options, "--since")) &&
           add_time(target, "--until", "until_ms", cli_argument(arguments, options, "--until"));
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
    bool is_json = cli_argument(arguments, options, "--json") != NULL;
    bool follows = cli_argument(arguments, options, "--follow") != NULL;
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

static int report(const json_t *check)
{
    if (json_is_true(json_object_get(check, "broken"))) {
        printf("BROKEN at row %lld: %s\n", number(check, "broken_number"),
               cli_text(check, "finding"));
        return CLI_REFUSED;
    }
    printf("whole: %lld rows (%lld to %lld), %lld signed checkpoints\n", number(check, "rows"),
           number(check, "first"), number(check, "last"), number(check, "checkpoints"));
    return CLI_GOOD;
}

static int verify(struct cli_client *client)
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
            status = report(check);
        json_decref(check);
        if (is_end)
            break;
    }
    wg_buf_done(&target);
    return status;
}

int cli_audit(int argc, char **argv)
{
    struct cli_arguments arguments;
    struct cli_client *client;
    struct wg_buf target;
    int status = CLI_USAGE;
    bool is_verify;

    if (!cli_arguments_read(argc, argv, options, USAGE, &arguments))
        return CLI_USAGE;
    is_verify = arguments.word_count == 1 && strcmp(arguments.words[0], "verify") == 0;
    if (arguments.word_count && !is_verify) {
        fprintf(stderr, "usage: wavegate " USAGE "\n");
        return CLI_USAGE;
    }
    wg_buf_init(&target, TARGET_LIMIT_BYTES);
    if (is_verify || write_target(&arguments, &target)) {
        client = cli_client_open(argv[0], &arguments, options);
        status = !client     ? CLI_REFUSED
                 : is_verify ? verify(client)
                             : search(client, &arguments, &target);
        if (client)
            cli_client_close(client);
    }
    wg_buf_done(&target);
    return status;
}
