// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "cli/cli.h"
#include "cli/client.h"

static const char target[] = "/_wavegate/v1/log";

static void add(json_t **body, const char *member, const char *value)
{
    if (!value)
        return;
    if (!*body)
        *body = json_object();
    json_object_set_new(*body, member, json_string(value));
}

int cli_log(const struct cli_arguments *arguments)
{
    struct cli_client *client = cli_client_open(arguments);
    json_t *body = NULL;
    json_t *answer;

    if (!client)
        return CLI_REFUSED;
    add(&body, "level", cli_argument(arguments, "--level"));
    add(&body, "format", cli_argument(arguments, "--format"));
    answer = cli_client_ask(client, body ? "PUT" : "GET", target, body);
    json_decref(body);
    cli_client_close(client);
    if (!answer)
        return CLI_REFUSED;
    if (cli_argument(arguments, "--json"))
        cli_print_json(answer, JSON_COMPACT);
    else
        printf("level %s, format %s\n", cli_text(answer, "level"), cli_text(answer, "format"));
    json_decref(answer);
    return CLI_GOOD;
}
