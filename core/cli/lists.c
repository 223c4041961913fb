// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"

/* `wavegate lists` and `wavegate limits`: what policies remember that no file shows. */

#define LISTS "/_wavegate/v1/lists"
#define LIMITS "/_wavegate/v1/limits"

enum { TARGET_LIMIT_BYTES = 8192 };

static long long number(const json_t *object, const char *member)
{
    return (long long)json_number_value(json_object_get(object, member));
}

static void print_list(const json_t *list)
{
    printf("%-24s %9lld %9lld %9lld  ", cli_text(list, "server"), number(list, "entries"),
           number(list, "lookups"), number(list, "hits"));
    cli_print_plain(cli_text(list, "where"));
    if (json_object_get(list, "age_s"))
        printf(", %lld s old", number(list, "age_s"));
    if (strcmp(cli_text(list, "state"), "current") != 0) {
        printf(", %s ",
               strcmp(cli_text(list, "state"), "failing") == 0 ? "failing:" : "never fetched");
        cli_print_plain(cli_text(list, "problem"));
    }
    putchar('\n');
}

static void print_limiter(const json_t *limiter)
{
    const json_t *key;
    size_t i;

    printf("%s: %g a second, burst %g; %lld keys, %lld taken, %lld refused, %lld evicted\n",
           cli_text(limiter, "name"), json_number_value(json_object_get(limiter, "per_second")),
           json_number_value(json_object_get(limiter, "burst")), number(limiter, "keys"),
           number(limiter, "taken"), number(limiter, "refused"), number(limiter, "evicted"));
    json_array_foreach(json_object_get(limiter, "busiest"), i, key)
    {
        printf("  %10lld asked %8lld refused  %8.1f left  ", number(key, "asked"),
               number(key, "refused"), json_number_value(json_object_get(key, "left")));
        cli_print_plain(cli_text(key, "key"));
        putchar('\n');
    }
}

/* Page by page. */
static int list(struct cli_client *client, const char *path, const char *member, bool is_json,
                void (*print)(const json_t *row))
{
    struct wg_buf target;
    json_t *page;
    json_t *row;
    size_t i;

    wg_buf_init(&target, TARGET_LIMIT_BYTES);
    wg_buf_addf(&target, "%s?limit=1000", path);
    while ((page = cli_client_ask(client, "GET", target.at, NULL)) != NULL) {
        const char *cursor = cli_text(page, "next_cursor");

        json_array_foreach(json_object_get(page, member), i, row)
        {
            if (is_json)
                cli_print_json(row, JSON_COMPACT);
            else
                print(row);
        }
        if (!*cursor)
            break;
        wg_buf_clear(&target);
        wg_buf_addf(&target, "%s?limit=1000", path);
        cli_add_parameter(&target, "cursor", cursor);
        json_decref(page);
    }
    wg_buf_done(&target);
    json_decref(page);
    return page ? CLI_GOOD : CLI_REFUSED;
}

static void print_matches(const json_t *answer)
{
    const json_t *match;
    size_t i;

    json_array_foreach(json_object_get(answer, "matches"), i, match)
    {
        printf("%s: %s:%lld ", cli_text(match, "server"), cli_text(match, "where"),
               number(match, "line"));
        cli_print_plain(cli_text(match, "entry"));
        if (*cli_text(match, "severity"))
            printf(" (%s)", cli_text(match, "severity"));
        if (*cli_text(match, "reason")) {
            printf(": ");
            cli_print_plain(cli_text(match, "reason"));
        }
        putchar('\n');
    }
    if (i == 0)
        printf("no list has it\n");
}

/* Takes the answer over. */
static int tell(json_t *answer, bool is_json, void (*print)(const json_t *answer))
{
    if (!answer)
        return CLI_REFUSED;
    if (is_json)
        cli_print_json(answer, JSON_INDENT(2));
    else
        print(answer);
    json_decref(answer);
    return CLI_GOOD;
}

static void print_asked(const json_t *answer)
{
    printf("%lld sources are asked anew\n", number(answer, "asked"));
}

static json_t *look_up(struct cli_client *client, const char *name)
{
    struct wg_buf target;
    json_t *answer;

    wg_buf_init(&target, TARGET_LIMIT_BYTES);
    wg_buf_addf(&target, LISTS "/lookup?name=");
    cli_add_segment(&target, name);
    answer = cli_client_ask(client, "GET", target.at, NULL);
    wg_buf_done(&target);
    return answer;
}

int cli_lists(const struct cli_arguments *arguments)
{
    const char *verb = arguments->word_count ? arguments->words[0] : "";
    bool is_json = cli_argument(arguments, "--json") != NULL;
    struct cli_client *client = cli_client_open(arguments);
    int status;

    if (!client)
        return CLI_REFUSED;
    if (strcmp(verb, "lookup") == 0) {
        status = tell(look_up(client, arguments->words[1]), is_json, print_matches);
    } else if (strcmp(verb, "refresh") == 0) {
        status =
            tell(cli_client_ask(client, "POST", LISTS "/refresh", NULL), is_json, print_asked);
    } else {
        if (!is_json)
            printf("%-24s %9s %9s %9s  %s\n", "instance", "entries", "lookups", "hits", "list");
        status = list(client, LISTS, "lists", is_json, print_list);
    }
    cli_client_close(client);
    return status;
}

static void print_forgiven(const json_t *answer)
{
    cli_print_plain(cli_text(answer, "key"));
    printf(json_is_true(json_object_get(answer, "forgiven")) ? " has all it may have again\n"
                                                             : " had taken nothing\n");
}

static json_t *forgive(struct cli_client *client, const struct cli_arguments *arguments)
{
    struct wg_buf target;
    json_t *answer;

    wg_buf_init(&target, TARGET_LIMIT_BYTES);
    wg_buf_addf(&target, LIMITS "/");
    cli_add_segment(&target, arguments->words[1]);
    wg_buf_addf(&target, "/keys/");
    cli_add_segment(&target, arguments->words[2]);
    answer = cli_client_ask(client, "DELETE", target.at, NULL);
    wg_buf_done(&target);
    return answer;
}

int cli_limits(const struct cli_arguments *arguments)
{
    bool is_json = cli_argument(arguments, "--json") != NULL;
    struct cli_client *client = cli_client_open(arguments);
    int status;

    if (!client)
        return CLI_REFUSED;
    status = arguments->word_count ? tell(forgive(client, arguments), is_json, print_forgiven)
                                   : list(client, LIMITS, "limits", is_json, print_limiter);
    cli_client_close(client);
    return status;
}
