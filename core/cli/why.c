// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "cli/cli.h"
#include "cli/client.h"

/* `wavegate why EVENT_ID`: for somebody who was woken up. What became of the event comes first,
 * what to do next second; then what happened, in its order. */

enum { TARGET_LIMIT_BYTES = 1024, TIME_COLUMNS = 24 };

static bool is(const json_t *object, const char *member, const char *value)
{
    return strcmp(cli_text(object, member), value) == 0;
}

static long long number(const json_t *object, const char *member)
{
    return (long long)json_number_value(json_object_get(object, member));
}

static void print_ms(const json_t *object, const char *member)
{
    printf("%.2f", (double)number(object, member) / 1000);
}

/* before, text and after; nothing when there is no text. */
static void print_if(const char *before, const char *text, const char *after)
{
    if (!*text)
        return;
    fputs(before, stdout);
    cli_print_plain(text);
    fputs(after, stdout);
}

/* --- a request: its stages, and who was asked --- */

static void print_stages(const json_t *trace)
{
    json_t *stage;
    size_t i;

    printf("    stages, in ms:");
    json_array_foreach(json_object_get(trace, "stages"), i, stage)
    {
        printf("%s %s ", i ? "," : "", cli_text(stage, "stage"));
        print_ms(stage, "us");
    }
    putchar('\n');
}

static void print_handler(const json_t *handler)
{
    json_t *found;
    size_t i;

    printf("        %-20s %-36s %s", cli_text(handler, "policy"), cli_text(handler, "at"),
           cli_text(handler, "answer"));
    print_if(" at ", cli_text(handler, "said_at"), "");
    print_if(": ", cli_text(handler, "text"), "");
    putchar('\n');
    json_array_foreach(json_object_get(handler, "lists"), i, found)
    {
        printf("        %-20s found '", "");
        cli_print_plain(cli_text(found, "entry"));
        printf("' in %s:%lld", cli_text(found, "source"), number(found, "line"));
        print_if(": ", cli_text(found, "reason"), "");
        putchar('\n');
    }
}

static void print_hook(const json_t *hook)
{
    json_t *handler;
    size_t i;

    printf("    hook %s", cli_text(hook, "hook"));
    print_if(" of ", cli_text(hook, "server"), "");
    if (!*cli_text(hook, "verdict")) {
        printf(": not ended\n");
    } else {
        printf(": %s%s, ", cli_text(hook, "verdict"),
               json_is_true(json_object_get(hook, "default")) ? " by default" : "");
        print_ms(hook, "us");
        printf(" ms\n");
    }
    json_array_foreach(json_object_get(hook, "handlers"), i, handler) print_handler(handler);
}

static void print_trace(const json_t *trace, bool is_same_request)
{
    json_t *hook;
    size_t i;

    if (!trace) {
        printf("    how it came to that was not kept (audit.trace)\n");
        return;
    }
    if (!is_same_request)
        print_stages(trace);
    json_array_foreach(json_object_get(trace, "hooks"), i, hook) print_hook(hook);
    if (json_is_true(json_object_get(trace, "cut")))
        printf("    (and more, which did not fit)\n");
}

static void print_request(const json_t *entry, const json_t *before)
{
    const json_t *extra = json_object_get(entry, "extra");
    bool is_inbound = is(entry, "direction", "inbound");
    bool is_same = before && *cli_text(entry, "request_id") &&
                   is(before, "request_id", cli_text(entry, "request_id"));

    if (is_inbound)
        printf("%s%s sent it to %s, by the ingress",
               json_is_true(json_object_get(extra, "unproven")) ? "somebody in the name of "
                                                                : "",
               cli_text(entry, "peer"), cli_text(entry, "server"));
    else
        printf("%s sent it for %s, by the egress", cli_text(entry, "server"),
               cli_text(entry, "peer"));
    print_if(", from ", cli_text(extra, "remote"), "");
    printf(": %s", cli_text(entry, "verdict"));
    if (number(extra, "status"))
        printf(", answered %lld", number(extra, "status"));
    print_if(" ", cli_text(entry, "code"), "");
    putchar('\n');
    print_if("    because: ", cli_text(entry, "reason"), "\n");
    printf("    request %s, generation %lld, in ", cli_text(entry, "request_id"),
           number(entry, "generation"));
    print_ms(entry, "latency_us");
    printf(" ms\n");
    if (!is(entry, "verdict", "duplicate"))
        print_trace(json_object_get(entry, "trace"), is_same);
}

/* --- what came later --- */

static void print_attempt(const json_t *entry)
{
    printf("attempt %lld to %s: %s", number(entry, "number"), cli_text(entry, "destination"),
           cli_text(entry, "outcome"));
    if (number(entry, "status"))
        printf(", answered %lld", number(entry, "status"));
    printf(", in %lld ms", number(entry, "ms"));
    print_if(": ", cli_text(entry, "reason"), "");
    putchar('\n');
}

static void print_end(const json_t *entry)
{
    printf("%s: %s",
           is(entry, "direction", "outbound") ? cli_text(entry, "peer")
                                              : cli_text(entry, "server"),
           cli_text(entry, "verdict"));
    if (is(entry, "kind", "act"))
        print_if(" by ", cli_text(entry, "actor"), "");
    print_if(" ", cli_text(entry, "code"), "");
    print_if(": ", cli_text(entry, "reason"), "");
    putchar('\n');
}

static void print_entry(const json_t *entry, const json_t *before)
{
    printf("%-*s  ", TIME_COLUMNS, cli_text(entry, "at"));
    if (is(entry, "kind", "request"))
        print_request(entry, before);
    else if (is(entry, "kind", "attempt"))
        print_attempt(entry);
    else
        print_end(entry);
}

static void print_story(const json_t *story)
{
    const json_t *timeline = json_object_get(story, "timeline");
    size_t count = json_array_size(timeline);

    cli_print_plain(cli_text(story, "conclusion"));
    print_if("\nwhat to do: ", cli_text(story, "remedy"), "");
    printf("\n\nevent %s", cli_text(story, "event_id"));
    print_if(", ", cli_text(story, "type"), "");
    print_if(", in ", cli_text(story, "room_id"), "");
    printf("\n\n");
    for (size_t i = 0; i < count; i++)
        print_entry(json_array_get(timeline, i), i ? json_array_get(timeline, i - 1) : NULL);
    if (json_is_true(json_object_get(story, "cut")))
        printf("and more: `wavegate audit --event %s` has all of it\n",
               cli_text(story, "event_id"));
}

int cli_why(const struct cli_arguments *arguments)
{
    struct cli_client *client = cli_client_open(arguments);
    struct wg_buf target;
    json_t *story;

    if (!client)
        return CLI_REFUSED;
    wg_buf_init(&target, TARGET_LIMIT_BYTES);
    wg_buf_addf(&target, "/_wavegate/v1/events/");
    cli_add_segment(&target, arguments->words[0]);
    story = cli_client_ask(client, "GET", target.at, NULL);
    wg_buf_done(&target);
    cli_client_close(client);
    if (!story)
        return CLI_REFUSED;
    if (cli_argument(arguments, "--json"))
        cli_print_json(story, JSON_INDENT(2));
    else
        print_story(story);
    json_decref(story);
    return CLI_GOOD;
}
