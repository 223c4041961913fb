// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "cli/cli.h"
#include "cli/policy_impl.h"

/* `wavegate policy check | test | eval`: an author's tools. */

int cli_policy(const struct cli_arguments *arguments)
{
    const char *verb = arguments->words[0];

    if (strcmp(verb, "check") == 0)
        return policy_check(arguments);
    return strcmp(verb, "test") == 0 ? policy_test(arguments) : policy_eval(arguments);
}

void policy_arguments_take(const struct cli_arguments *given,
                           struct policy_arguments *ret_arguments)
{
    *ret_arguments = (struct policy_arguments){
        .config = cli_argument(given, "--config"),
        .policy = cli_argument(given, "--policy"),
        .server = cli_argument(given, "--server"),
        .hook = cli_argument(given, "--hook"),
        .input = cli_argument(given, "--input"),
        .is_json = cli_argument(given, "--json") != NULL,
        .has_coverage = cli_argument(given, "--coverage") != NULL,
        .paths = given->words + 1,
        .path_count = given->word_count - 1,
    };
}

/* ---- settings without a file ---- */

void policy_bare_config(struct wg_arena *arena, const char *folder,
                        struct wg_config *ret_config)
{
    const char **folders = wg_arena_alloc(arena, 8 * sizeof *folders);
    char *here = getcwd(NULL, 0);
    size_t count = 0;

    *ret_config = (struct wg_config){.budget = wg_config_budget_standard()};
    ret_config->folder = wg_arena_copy(arena, wg_str(here ? here : "")).at;
    if (folder)
        folders[count++] = folder;
    folders[count++] = wg_arena_format(arena, "%s/policies", ret_config->folder);
    folders[count++] = wg_arena_format(arena, "%s/lua", ret_config->folder);
    wg_path_shipped(arena, folders + count);
    ret_config->policy_path = folders;
    free(here);
}

void policy_bare_instance(const char *file, struct wg_config_instance *ret_instance)
{
    *ret_instance = (struct wg_config_instance){
        .server_name = "chat.example.com",
        .policy = file,
        .federation = {.default_mode = WG_MODE_INVITE_ONLY,
                       .max_backfill_events_per_request = 100},
    };
}

/* ---- output ---- */

void policy_print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    fputc('\n', stdout);
    json_decref(json);
}

json_t *policy_json_text(struct wg_str text)
{
    json_t *json = text.at ? json_stringn(text.at, text.len) : NULL;

    return json ? json : json_null();
}
