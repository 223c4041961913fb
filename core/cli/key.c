// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/client.h"

#define KEYS "/_wavegate/v1/keys"

static const char *time_text(const json_t *object, const char *member, char ret_text[32])
{
    time_t at = (time_t)json_number_value(json_object_get(object, member));
    struct tm parts;

    snprintf(ret_text, 32, "-");
    if (at && gmtime_r(&at, &parts))
        strftime(ret_text, 32, "%Y-%m-%d %H:%M", &parts);
    return ret_text;
}

static void print_instance(const json_t *instance)
{
    const json_t *rotation = json_object_get(instance, "rotation");
    const json_t *key;
    char from[32], until[32];
    size_t i;

    cli_print_plain(cli_text(instance, "server_name"));
    if (json_is_object(rotation))
        printf(": a rotation runs, %s signs from %s UTC on", cli_text(rotation, "next"),
               time_text(rotation, "signs_from", from));
    putchar('\n');
    json_array_foreach(json_object_get(instance, "keys"), i, key)
    {
        printf("  %-8s  %-9s  from %-16s  published until %-16s  %s\n", cli_text(key, "kid"),
               cli_text(key, "state"), time_text(key, "signs_from", from),
               time_text(key, "published_until", until), cli_text(key, "public_key"));
    }
}

static int list(struct cli_client *client, const struct cli_arguments *arguments)
{
    bool is_json = cli_argument(arguments, "--json") != NULL, is_end = false;
    struct wg_buf target;
    json_t *page = NULL;

    wg_buf_init(&target, 1024);
    wg_buf_addf(&target, KEYS "?limit=1000");
    while (!is_end && (page = cli_client_ask(client, "GET", target.at, NULL)) != NULL) {
        const char *cursor = cli_text(page, "next_cursor");
        const json_t *instance;
        size_t i;

        json_array_foreach(json_object_get(page, "instances"), i, instance)
        {
            if (is_json)
                cli_print_json(instance, JSON_COMPACT);
            else
                print_instance(instance);
        }
        wg_buf_clear(&target);
        wg_buf_addf(&target, KEYS "?limit=1000");
        cli_add_parameter(&target, "cursor", cursor);
        is_end = !*cursor;
        json_decref(page);
    }
    wg_buf_done(&target);
    return is_end ? CLI_GOOD : CLI_REFUSED;
}

static void set_seconds(json_t *body, const struct cli_arguments *arguments, const char *option,
                        const char *member)
{
    int64_t ms = cli_argument_duration_ms(arguments, option, -1);

    if (ms >= 0)
        json_object_set_new(body, member, json_integer(ms / 1000));
}

static int change(struct cli_client *client, const struct cli_arguments *arguments)
{
    bool is_rotation = strcmp(arguments->words[0], "rotate") == 0;
    json_t *body = is_rotation ? json_object() : NULL;
    json_t *answer;

    if (is_rotation) {
        set_seconds(body, arguments, "--overlap", "overlap_s");
        set_seconds(body, arguments, "--keep", "keep_s");
    }
    answer =
        cli_client_ask(client, "POST", is_rotation ? KEYS "/rotate" : KEYS "/cancel", body);
    json_decref(body);
    if (!answer)
        return CLI_REFUSED;
    if (cli_argument(arguments, "--json"))
        cli_print_json(answer, JSON_INDENT(2));
    else
        print_instance(answer);
    json_decref(answer);
    return CLI_GOOD;
}

int cli_key(const struct cli_arguments *arguments)
{
    struct cli_client *client = cli_client_open(arguments);
    int status;

    if (!client)
        return CLI_REFUSED;
    status = strcmp(arguments->words[0], "list") == 0 ? list(client, arguments)
                                                      : change(client, arguments);
    cli_client_close(client);
    return status;
}
