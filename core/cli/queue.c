// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/client.h"

/* `wavegate queue`: what waits, and what to do about it, through the running gateway. */

struct arguments {
    const char *peer, *room, *type, *event, *older_than, *state, *direction, *reason;
    const char *for_text;
    bool is_json, is_dry_run, is_all;
    int64_t older_than_ms, for_ms, limit;
    char **words;
    size_t word_count;
};

static void set(json_t *json, const char *name, const char *value)
{
    if (value)
        json_object_set_new(json, name, json_string(value));
}

static void print_json_line(const json_t *json)
{
    json_dumpf(json, stdout, JSON_COMPACT);
    printf("\n");
}

/* "3m", "2h": the largest unit that tells enough. */
static const char *age(int64_t ms, char text[32])
{
    int64_t s = ms / 1000;

    if (s < 120)
        snprintf(text, 32, "%" PRId64 "s", s);
    else if (s < 2 * 3600)
        snprintf(text, 32, "%" PRId64 "m", s / 60);
    else if (s < 2 * 86400)
        snprintf(text, 32, "%" PRId64 "h", s / 3600);
    else
        snprintf(text, 32, "%" PRId64 "d", s / 86400);
    return text;
}

static int64_t number(const json_t *json, const char *name)
{
    return (int64_t)json_number_value(json_object_get(json, name));
}

/* --- lists --- */

static void print_entry(const json_t *row)
{
    char text[32];

    printf("%-36s %-7s %6s %8" PRId64 " %-8s %-28s %-20s %s%s%s\n", cli_text(row, "event_id"),
           cli_text(row, "state"), age(number(row, "age_ms"), text), number(row, "attempts"),
           cli_text(row, "direction"), cli_text(row, "destination"), cli_text(row, "room_id"),
           cli_text(row, "type"), *cli_text(row, "reason") ? "  " : "",
           cli_text(row, "reason"));
}

static void print_destination(const json_t *row)
{
    char oldest[32];

    printf("%-8s %-32s %8" PRId64 " %6" PRId64 " %7s %s%s\n", cli_text(row, "direction"),
           cli_text(row, "destination"), number(row, "waiting"), number(row, "rooms"),
           age(number(row, "oldest_age_ms"), oldest),
           json_is_true(json_object_get(row, "suspended")) ? "suspended: " : "",
           cli_text(row, "suspended_reason"));
}

static void add_filter(struct wg_buf *target, const struct arguments *arguments,
                       const char *state)
{
    char older[32];

    snprintf(older, sizeof older, "%" PRId64, arguments->older_than_ms);
    cli_add_parameter(target, "state", arguments->state ? arguments->state : state);
    cli_add_parameter(target, "peer", arguments->peer);
    cli_add_parameter(target, "room_id", arguments->room);
    cli_add_parameter(target, "type", arguments->type);
    cli_add_parameter(target, "event_id", arguments->event);
    cli_add_parameter(target, "direction", arguments->direction);
    cli_add_parameter(target, "older_than_ms", arguments->older_than ? older : NULL);
}

struct listing {
    const char *path, *member, *state, *head;
    void (*print)(const json_t *row);
};

static json_t *ask_page(struct cli_client *client, const struct arguments *arguments,
                        const struct listing *listing, const char *cursor)
{
    struct wg_buf target;
    json_t *page;

    wg_buf_init(&target, 16 * 1024);
    wg_buf_addf(&target, "%s", listing->path);
    if (listing->state)
        add_filter(&target, arguments, listing->state);
    cli_add_parameter(&target, "limit", "500");
    cli_add_parameter(&target, "cursor", cursor);
    page = cli_client_ask(client, "GET", target.at, NULL);
    wg_buf_done(&target);
    return page;
}

/* Page by page, so that a long queue shows at once and needs no memory here. */
static int list(struct cli_client *client, const struct arguments *arguments,
                const struct listing *listing)
{
    int64_t left = arguments->limit;
    json_t *page = NULL;
    const char *cursor = NULL;

    if (!arguments->is_json)
        printf("%s\n", listing->head);
    do {
        json_t *next = ask_page(client, arguments, listing, cursor);
        json_t *row;
        size_t i;

        json_decref(page);
        page = next;
        if (!page)
            return CLI_REFUSED;
        json_array_foreach(json_object_get(page, listing->member), i, row)
        {
            if (left == 0)
                break;
            left--;
            if (arguments->is_json)
                print_json_line(row);
            else
                listing->print(row);
        }
        cursor = json_string_value(json_object_get(page, "next_cursor"));
    } while (cursor && left > 0);
    json_decref(page);
    return CLI_GOOD;
}

static const char entry_head[] =
    "EVENT                                STATE      AGE ATTEMPTS "
    "DIRECTION DESTINATION                 ROOM                 TYPE";
static const struct listing waiting = {"/_wavegate/v1/queue", "entries", "waiting", entry_head,
                                       print_entry};
static const struct listing dead = {"/_wavegate/v1/queue", "entries", "dead", entry_head,
                                    print_entry};
static const struct listing held = {"/_wavegate/v1/queue", "entries", "held", entry_head,
                                    print_entry};
static const struct listing shape = {
    "/_wavegate/v1/queue/shape", "destinations", NULL,
    "DIRECTION DESTINATION                     WAITING  ROOMS  OLDEST", print_destination};

static void print_story(const json_t *story)
{
    json_t *part;
    json_t *attempt;
    size_t i, k;

    printf("event %s\n", cli_text(story, "event_id"));
    json_array_foreach(json_object_get(story, "deliveries"), i, part)
    {
        printf("  %s to %s, room %s: %s%s%s\n", cli_text(part, "direction"),
               cli_text(part, "destination"), cli_text(part, "room_id"),
               cli_text(part, "state"), *cli_text(part, "reason") ? ": " : "",
               cli_text(part, "reason"));
        json_array_foreach(json_object_get(part, "attempts"), k, attempt) printf(
            "    attempt %" PRId64 "  %s  %s %" PRId64 "  %" PRId64 " ms  %s\n",
            number(attempt, "number"), cli_text(attempt, "at"), cli_text(attempt, "code"),
            number(attempt, "status"), number(attempt, "ms"), cli_text(attempt, "reason"));
    }
}

static int show(struct cli_client *client, const struct arguments *arguments,
                const char *event_id)
{
    struct wg_buf target;
    json_t *story;

    wg_buf_init(&target, 4096);
    wg_buf_addf(&target, "/_wavegate/v1/queue/events/%s", event_id);
    story = cli_client_ask(client, "GET", target.at, NULL);
    wg_buf_done(&target);
    if (!story)
        return CLI_REFUSED;
    if (arguments->is_json)
        print_json_line(story);
    else
        print_story(story);
    json_decref(story);
    return CLI_GOOD;
}

/* --- changes --- */

static json_t *filter_of(const struct arguments *arguments)
{
    json_t *filter = json_object();

    set(filter, "state", arguments->state);
    set(filter, "peer", arguments->peer);
    set(filter, "room_id", arguments->room);
    set(filter, "type", arguments->type);
    set(filter, "event_id", arguments->event);
    set(filter, "direction", arguments->direction);
    if (arguments->older_than)
        json_object_set_new(filter, "older_than_ms", json_integer(arguments->older_than_ms));
    return filter;
}

/* How far long work is, for people who wait for it. */
struct progress {
    const char *verb;
    bool is_shown;
};

static void show_progress(struct progress *progress, int64_t changed)
{
    if (!isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r%s: %" PRId64 " so far", progress->verb, changed);
    progress->is_shown = true;
}

static void end_progress(struct progress *progress)
{
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
}

static int change(struct cli_client *client, const struct arguments *arguments,
                  const char *verb)
{
    json_t *filter = filter_of(arguments);
    struct progress progress = {.verb = verb};
    char *cursor = NULL;
    char target[64];
    int64_t changed = 0;
    int status = CLI_GOOD;

    snprintf(target, sizeof target, "/_wavegate/v1/queue/%s", verb);
    do {
        json_t *body =
            json_pack("{s:O, s:b}", "filter", filter, "dry_run", arguments->is_dry_run);
        json_t *answer;

        set(body, "reason", arguments->reason);
        set(body, "cursor", cursor);
        answer = cli_client_ask(client, "POST", target, body);
        json_decref(body);
        free(cursor);
        cursor = NULL;
        if (!answer) {
            status = CLI_REFUSED;
            break;
        }
        changed += number(answer, "changed");
        if (json_is_string(json_object_get(answer, "next_cursor"))) {
            cursor = strdup(cli_text(answer, "next_cursor"));
            show_progress(&progress, changed);
        }
        json_decref(answer);
    } while (cursor);
    json_decref(filter);
    end_progress(&progress);
    if (status != CLI_GOOD && changed > 0 && !arguments->is_dry_run)
        fprintf(stderr, "wavegate: %s: %" PRId64 " were changed before that; ask again\n", verb,
                changed);
    if (status == CLI_GOOD && arguments->is_json)
        printf("{\"changed\":%" PRId64 ",\"dry_run\":%s}\n", changed,
               arguments->is_dry_run ? "true" : "false");
    else if (status == CLI_GOOD)
        printf("%s: %" PRId64 " %s\n", verb, changed,
               arguments->is_dry_run ? "would change; nothing was done" : "changed");
    return status;
}

static int suspend(struct cli_client *client, const struct arguments *arguments,
                   const char *verb)
{
    json_t *body = json_object();
    json_t *answer;
    char target[64];

    if (arguments->is_dry_run) {
        json_decref(body);
        printf(arguments->is_json ? "{\"dry_run\":true,\"destination\":\"%s\"}\n"
                                  : "would act on %s; nothing was done\n",
               arguments->peer);
        return CLI_GOOD;
    }
    snprintf(target, sizeof target, "/_wavegate/v1/queue/%s", verb);
    set(body, "destination", arguments->peer);
    set(body, "direction", arguments->direction);
    set(body, "room_id", arguments->room);
    set(body, "reason", arguments->reason);
    if (arguments->for_text)
        json_object_set_new(body, "for_ms", json_integer(arguments->for_ms));
    answer = cli_client_ask(client, "POST", target, body);
    json_decref(body);
    if (!answer)
        return CLI_REFUSED;
    if (arguments->is_json)
        print_json_line(answer);
    else
        printf("%s is %s\n", cli_text(answer, "destination"),
               json_is_true(json_object_get(answer, "suspended")) ? "suspended" : "resumed");
    json_decref(answer);
    return CLI_GOOD;
}

/* --- the verbs --- */

static bool names_something(const struct arguments *arguments)
{
    return arguments->is_all || arguments->peer || arguments->room || arguments->type ||
           arguments->event || arguments->older_than;
}

static int run(struct cli_client *client, const struct arguments *arguments)
{
    const char *verb = arguments->words[0];
    const char *second = arguments->word_count > 1 ? arguments->words[1] : "";

    if (strcmp(verb, "list") == 0)
        return list(client, arguments, &waiting);
    if (strcmp(verb, "dead") == 0)
        return list(client, arguments, &dead);
    if (strcmp(verb, "shape") == 0)
        return list(client, arguments, &shape);
    if (strcmp(verb, "show") == 0)
        return show(client, arguments, second);
    if (strcmp(verb, "suspend") == 0 || strcmp(verb, "resume") == 0)
        return suspend(client, arguments, verb);
    if (strcmp(verb, "quarantine") == 0)
        return strcmp(second, "list") == 0 ? list(client, arguments, &held)
                                           : change(client, arguments, second);
    return change(client, arguments, verb);
}

static bool is_change(const struct arguments *arguments)
{
    static const char *const changes[] = {"retry", "drop", "requeue", "release", "reject"};
    const char *verb = arguments->words[arguments->word_count - 1];

    for (size_t i = 0; i < WG_COUNT(changes); i++) {
        if (strcmp(verb, changes[i]) == 0)
            return true;
    }
    return false;
}

static void take(const struct cli_arguments *given, struct arguments *arguments)
{
    *arguments = (struct arguments){
        .peer = cli_argument(given, "--peer"),
        .room = cli_argument(given, "--room"),
        .type = cli_argument(given, "--type"),
        .event = cli_argument(given, "--event"),
        .older_than = cli_argument(given, "--older-than"),
        .state = cli_argument(given, "--state"),
        .direction = cli_argument(given, "--direction"),
        .reason = cli_argument(given, "--reason"),
        .for_text = cli_argument(given, "--for"),
        .older_than_ms = cli_argument_duration_ms(given, "--older-than", 0),
        .for_ms = cli_argument_duration_ms(given, "--for", 0),
        .limit = cli_argument_number(given, "--limit", INT64_MAX),
        .is_json = cli_argument(given, "--json") != NULL,
        .is_dry_run = cli_argument(given, "--dry-run") != NULL,
        .is_all = cli_argument(given, "--all") != NULL,
        .words = given->words,
        .word_count = given->word_count,
    };
}

int cli_queue(const struct cli_arguments *given)
{
    struct arguments arguments;
    struct cli_client *client;
    int status;

    take(given, &arguments);
    if (is_change(&arguments) && !names_something(&arguments))
        return cli_misuse(given->verb, "say which deliveries (--peer, --room, --type, --event, "
                                       "--older-than), or --all");
    client = cli_client_open(given);
    if (!client)
        return CLI_REFUSED;
    status = run(client, &arguments);
    cli_client_close(client);
    return status;
}
