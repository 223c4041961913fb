// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/config_argument.h"
#include "cli/options.h"

/* `wavegate token create|list|revoke`: bearer tokens, through the running gateway. */

static const char usage[] = "usage: wavegate token create --instance NAME | --role "
                            "read|operate|admin [--comment TEXT]\n"
                            "       wavegate token list [--json]\n"
                            "       wavegate token revoke ID\n"
                            "       each with --config FILE\n";

struct arguments {
    const char *config, *instance, *role, *comment;
    bool is_json;
    struct cli_words words;
};

static int create(struct cli_client *client, const struct arguments *arguments)
{
    json_t *body = json_object();
    json_t *answer;

    if (arguments->instance)
        json_object_set_new(body, "instance", json_string(arguments->instance));
    if (arguments->role)
        json_object_set_new(body, "role", json_string(arguments->role));
    if (arguments->comment)
        json_object_set_new(body, "comment", json_string(arguments->comment));
    answer = cli_client_ask(client, "POST", "/_wavegate/v1/tokens", body);
    if (!answer)
        return CLI_REFUSED;
    /* Alone on standard output, so that $(wavegate token create ...) is the token. */
    printf("%s\n", cli_text(answer, "token"));
    fprintf(stderr,
            "It is shown this once; the gateway keeps a hash. Revoke it with: wavegate token "
            "revoke %s\n",
            cli_text(answer, "id"));
    json_decref(answer);
    return CLI_GOOD;
}

static void print_row(const json_t *row)
{
    printf("%-14s %-8s %-28s %-26s %s%s\n", cli_text(row, "id"),
           json_is_string(json_object_get(row, "role")) ? cli_text(row, "role") : "egress",
           cli_text(row, "instance"),
           json_is_string(json_object_get(row, "last_used_at")) ? cli_text(row, "last_used_at")
                                                                : "never used",
           json_is_true(json_object_get(row, "revoked")) ? "revoked " : "",
           cli_text(row, "comment"));
}

static int list(struct cli_client *client, const struct arguments *arguments)
{
    const char *cursor = "";
    json_t *page = NULL;
    struct wg_buf target;

    if (!arguments->is_json)
        printf("%-14s %-8s %-28s %-26s %s\n", "ID", "ROLE", "INSTANCE", "LAST USE", "COMMENT");
    while (cursor) {
        json_t *next;
        json_t *row;
        size_t i;

        wg_buf_init(&target, 4096);
        wg_buf_addf(&target, "/_wavegate/v1/tokens?");
        cli_query_add(&target, "limit", "100");
        cli_query_add(&target, "cursor", *cursor ? cursor : NULL);
        next = cli_client_ask(client, "GET", target.at, NULL);
        wg_buf_done(&target);
        json_decref(page);
        page = next;
        if (!page)
            return CLI_REFUSED;
        json_array_foreach(json_object_get(page, "tokens"), i, row)
        {
            if (arguments->is_json) {
                json_dumpf(row, stdout, JSON_COMPACT);
                printf("\n");
            } else {
                print_row(row);
            }
        }
        cursor = json_string_value(json_object_get(page, "next_cursor"));
    }
    json_decref(page);
    return CLI_GOOD;
}

static int revoke(struct cli_client *client, const char *id)
{
    struct wg_buf target;
    json_t *answer;

    wg_buf_init(&target, 4096);
    wg_buf_addf(&target, "/_wavegate/v1/tokens/%s", id);
    answer = cli_client_ask(client, "DELETE", target.at, NULL);
    wg_buf_done(&target);
    if (!answer)
        return CLI_REFUSED;
    printf("%s works no more\n", id);
    json_decref(answer);
    return CLI_GOOD;
}

static int run(struct cli_client *client, const struct arguments *arguments)
{
    const char *verb = arguments->words.at[0];

    if (strcmp(verb, "create") == 0)
        return create(client, arguments);
    if (strcmp(verb, "list") == 0)
        return list(client, arguments);
    return revoke(client, arguments->words.at[1]);
}

static bool is_usable(const struct arguments *arguments)
{
    const struct cli_words *words = &arguments->words;

    if (words->count == 1 && strcmp(words->at[0], "create") == 0)
        return !arguments->instance != !arguments->role;
    if (words->count == 1)
        return strcmp(words->at[0], "list") == 0;
    return words->count == 2 && strcmp(words->at[0], "revoke") == 0;
}

int cli_token(int argc, char **argv)
{
    struct arguments arguments = {.config = cli_config_file()};
    const struct cli_option options[] = {
        {"--config", &arguments.config, NULL}, {"--instance", &arguments.instance, NULL},
        {"--role", &arguments.role, NULL},     {"--comment", &arguments.comment, NULL},
        {"--json", NULL, &arguments.is_json},  {NULL, NULL, NULL},
    };
    struct cli_client *client;
    int status;

    if (!cli_options_read(argc, argv, options, &arguments.words) || !is_usable(&arguments)) {
        fputs(usage, stderr);
        return CLI_USAGE;
    }
    client = cli_client_open(arguments.config);
    if (!client)
        return CLI_REFUSED;
    status = run(client, &arguments);
    cli_client_close(client);
    return status;
}
