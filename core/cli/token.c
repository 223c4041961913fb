// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/client.h"

#define TOKENS "/_wavegate/v1/tokens"

static void set(json_t *body, const char *member, const char *value)
{
    if (value)
        json_object_set_new(body, member, json_string(value));
}

/* The token alone on standard output, for scripts; what else there is to say beside it. */
static int create(struct cli_client *client, const struct cli_arguments *arguments)
{
    json_t *body = json_object();
    json_t *made;

    set(body, "role", cli_argument(arguments, "--role"));
    set(body, "instance", cli_argument(arguments, "--instance"));
    set(body, "comment", cli_argument(arguments, "--comment"));
    made = cli_client_ask(client, "POST", TOKENS, body);
    json_decref(body);
    if (!made)
        return CLI_REFUSED;
    if (cli_argument(arguments, "--json")) {
        cli_print_json(made, JSON_INDENT(2));
    } else {
        printf("%s\n", cli_text(made, "token"));
        fprintf(stderr, "token %s: keep it now, it is not shown again\n", cli_text(made, "id"));
    }
    json_decref(made);
    return CLI_GOOD;
}

static void print_time(const json_t *token, const char *member)
{
    time_t at = (time_t)json_number_value(json_object_get(token, member));
    struct tm parts;
    char text[32] = "never";

    if (at && gmtime_r(&at, &parts))
        strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts);
    printf("  %-16s", text);
}

static void print_token(const json_t *token)
{
    const char *role = json_string_value(json_array_get(json_object_get(token, "roles"), 0));
    const char *instance = cli_text(token, "instance");

    printf("%s  %-10s", cli_text(token, "id"),
           json_is_true(json_object_get(token, "revoked")) ? "revoked"
           : role                                          ? role
                                                           : "instance");
    print_time(token, "created_at");
    print_time(token, "last_used_at");
    printf("  %s%s%s\n", instance, *instance ? " " : "", cli_text(token, "comment"));
}

static int list(struct cli_client *client, const struct cli_arguments *arguments)
{
    bool is_json = cli_argument(arguments, "--json") != NULL;
    struct wg_buf target;
    json_t *page;
    json_t *token;
    size_t i;

    if (!is_json)
        printf("%-12s  %-10s  %-16s  %-16s\n", "id", "role", "created", "last used");
    wg_buf_init(&target, 1024);
    wg_buf_addf(&target, TOKENS "?limit=1000");
    while ((page = cli_client_ask(client, "GET", target.at, NULL)) != NULL) {
        const char *cursor = cli_text(page, "next_cursor");

        json_array_foreach(json_object_get(page, "tokens"), i, token)
        {
            if (is_json)
                cli_print_json(token, JSON_COMPACT);
            else
                print_token(token);
        }
        wg_buf_clear(&target);
        wg_buf_addf(&target, TOKENS "?limit=1000");
        cli_add_parameter(&target, "cursor", *cursor ? cursor : NULL);
        if (!*cursor)
            break;
        json_decref(page);
    }
    wg_buf_done(&target);
    json_decref(page);
    return page ? CLI_GOOD : CLI_REFUSED;
}

static int revoke(struct cli_client *client, const struct cli_arguments *arguments)
{
    struct wg_buf target;
    json_t *answer;

    wg_buf_init(&target, 4096);
    wg_buf_addf(&target, TOKENS "/");
    cli_add_segment(&target, arguments->words[1]);
    answer = cli_client_ask(client, "DELETE", target.at, NULL);
    wg_buf_done(&target);
    if (!answer)
        return CLI_REFUSED;
    if (cli_argument(arguments, "--json"))
        cli_print_json(answer, JSON_INDENT(2));
    else
        printf("token %s is refused from now on\n", cli_text(answer, "id"));
    json_decref(answer);
    return CLI_GOOD;
}

int cli_token(const struct cli_arguments *arguments)
{
    const char *verb = arguments->words[0];
    struct cli_client *client = cli_client_open(arguments);
    int status;

    if (!client)
        return CLI_REFUSED;
    if (strcmp(verb, "create") == 0)
        status = create(client, arguments);
    else if (strcmp(verb, "list") == 0)
        status = list(client, arguments);
    else
        status = revoke(client, arguments);
    cli_client_close(client);
    return status;
}
