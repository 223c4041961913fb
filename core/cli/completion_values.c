// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/code.h"
#include "base/macros.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/completion_impl.h"
#include "cli/usage_json.h"
#include "policy/policy.h"

/* The values that a word may have: those that are known, and those that the gateway knows. */

enum { DEADLINE_MS = 700, TARGET_LIMIT_BYTES = 256 };

/* What may come from a peer is offered only when a shell cannot take it for anything else. */
static bool is_harmless(const char *text)
{
    return *text && !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789-._~:@[]+=/,%!#")];
}

void completion_offer(const char *before, const char *typed, const char *candidate,
                      const char *help)
{
    if (strncmp(candidate, typed, strlen(typed)) == 0)
        printf("%s%s\t%s\n", before, candidate, help);
}

/* Which page tells them, and where in it. */
static const struct source {
    enum cli_kind kind;
    const char *target, *list, *member;
} sources[] = {
    {CLI_KIND_PEER, "/v1/admin/federation/peers?limit=1000", "peers", "server_name"},
    {CLI_KIND_SERVER, "/_wavegate/v1/instances?limit=1000", "instances", "server_name"},
    {CLI_KIND_TOKEN, "/_wavegate/v1/tokens?limit=1000", "tokens", "id"},
    {CLI_KIND_ROOM, "/_wavegate/v1/queue?limit=500", "entries", "room_id"},
    {CLI_KIND_EVENT, "/_wavegate/v1/queue?limit=500", "entries", "event_id"},
};

static void offer_rows(const json_t *page, const struct source *source, const char *before,
                       const char *typed)
{
    json_t *seen = json_object(); /* a room stands in many rows */
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(page, source->list), i, row)
    {
        const char *value = cli_text(row, source->member);

        if (!is_harmless(value) || json_object_get(seen, value))
            continue;
        json_object_set_new(seen, value, json_true());
        completion_offer(before, typed, value, cli_text(row, "comment"));
    }
    json_decref(seen);
}

static void ask(const struct source *source, const char *before, const char *typed,
                const char *config)
{
    struct wg_err ignored;
    struct cli_client *client = cli_client_open_silent(config, DEADLINE_MS, &ignored);
    json_t *page;

    if (!client)
        return;
    page = cli_client_ask(client, "GET", source->target, NULL);
    offer_rows(page, source, before, typed);
    json_decref(page);
    cli_client_close(client);
}

void completion_offer_values(enum cli_kind kind, const char *before, const char *typed,
                             const char *config)
{
    static const char *const durations[] = {"15m", "1h", "1d", "7d"};

    for (size_t i = 0; i < WG_COUNT(sources); i++) {
        if (sources[i].kind == kind)
            ask(&sources[i], before, typed, config);
    }
    for (size_t i = 0; i < WG_COUNT(durations); i++) {
        if (kind == CLI_KIND_DURATION || kind == CLI_KIND_MOMENT)
            completion_offer(before, typed, durations[i], "");
    }
    for (int i = 0; kind == CLI_KIND_HOOK && i < WG_HOOK_COUNT; i++)
        completion_offer(before, typed, wg_hook_name((enum wg_hook)i), "");
#define OFFER_CODE(name, words, can_retry, status, answer) \
    if (kind == CLI_KIND_CODE && sizeof(answer) > 1)       \
        completion_offer(before, typed, answer, words);
    WG_CODES(OFFER_CODE)
#undef OFFER_CODE
}

static int print_values(const struct cli_arguments *arguments)
{
    const char *name = arguments->words[1];
    const char *names[CLI_KIND_VERB + 2] = {NULL};
    const char *nearest;

    for (int kind = 0; kind <= CLI_KIND_VERB; kind++) {
        names[kind] = cli_kind_name((enum cli_kind)kind);
        if (strcmp(names[kind], name) != 0)
            continue;
        completion_offer_values((enum cli_kind)kind, "", "",
                                cli_argument(arguments, "--config"));
        return CLI_GOOD;
    }
    nearest = wg_str_nearest(wg_str(name), names);
    return cli_misuse(arguments->verb, "there is no kind '%s'%s%s%s", name,
                      nearest ? ", did you mean '" : "", nearest ? nearest : "",
                      nearest ? "'?" : "");
}

int cli_completion(const struct cli_arguments *arguments)
{
    const char *verb = arguments->words[0];

    if (strcmp(verb, "values") == 0)
        return print_values(arguments);
    if (strcmp(verb, "words") == 0)
        return completion_words(arguments->word_count - 1, arguments->words + 1);
    fputs(completion_script(verb), stdout);
    return CLI_GOOD;
}
