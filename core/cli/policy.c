// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "cli/cli.h"
#include "cli/policy_impl.h"

/* `wavegate policy check | test | eval`: an author's tools. */

static const struct {
    const char *name, *usage, *help;
    cli_run run;
} verbs[] = {
    {"check", "[--config FILE | FILE...] [--json]",
     "what is wrong with policies, before they serve", policy_check},
    {"test", "[PATH] [--config FILE] [--coverage] [--json]",
     "runs the *_test.lua below PATH (standard: the configuration's folders, or policies)",
     policy_test},
    {"eval",
     "--hook HOOK --input FILE [--config FILE] [--policy FILE] [--server NAME] [--json]",
     "one decision with its trace; FILE may be - for standard input", policy_eval},
};

static void print_usage(FILE *to)
{
    for (size_t i = 0; i < WG_COUNT(verbs); i++)
        fprintf(to, "  wavegate policy %s %s\n      %s\n", verbs[i].name, verbs[i].usage,
                verbs[i].help);
    fprintf(to, "\nExit status: 0 good, 1 refused or failed, 2 wrong usage.\n");
}

int cli_policy(int argc, char **argv)
{
    const char *names[WG_COUNT(verbs) + 1] = {NULL};
    const char *nearest;

    if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) {
        print_usage(argc < 2 ? stderr : stdout);
        return argc < 2 ? CLI_USAGE : CLI_GOOD;
    }
    for (size_t i = 0; i < WG_COUNT(verbs); i++) {
        names[i] = verbs[i].name;
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    }
    nearest = wg_str_nearest(wg_str(argv[1]), names);
    fprintf(stderr, "wavegate policy: there is no verb '%s'", argv[1]);
    if (nearest)
        fprintf(stderr, ", did you mean '%s'?", nearest);
    fputc('\n', stderr);
    return CLI_USAGE;
}

/* ---- arguments ---- */

static bool is_taken(const char *name, const char *const *options)
{
    while (*options && strcmp(*options, name) != 0)
        options++;
    return *options != NULL;
}

/* The value behind "--name", or in "--name=value"; NULL when this is another argument. */
static const char *value_of(const char *name, int argc, char **argv, int *at)
{
    size_t len = strlen(name);

    if (strncmp(argv[*at], name, len) != 0)
        return NULL;
    if (argv[*at][len] == '=')
        return argv[*at] + len + 1;
    if (argv[*at][len] != '\0' || *at + 1 >= argc)
        return NULL;
    return argv[++*at];
}

static bool read_one(int argc, char **argv, int *at, const char *const *options,
                     struct policy_arguments *arguments)
{
    const struct {
        const char *name;
        const char **to;
    } values[] = {{"--config", &arguments->config},
                  {"--policy", &arguments->policy},
                  {"--server", &arguments->server},
                  {"--hook", &arguments->hook},
                  {"--input", &arguments->input}};

    if (strcmp(argv[*at], "--json") == 0)
        return arguments->is_json = true;
    if (strcmp(argv[*at], "--coverage") == 0 && is_taken("--coverage", options))
        return arguments->has_coverage = true;
    for (size_t i = 0; i < WG_COUNT(values); i++) {
        const char *value =
            is_taken(values[i].name, options) ? value_of(values[i].name, argc, argv, at) : NULL;

        if (value) {
            *values[i].to = value;
            return true;
        }
    }
    if (argv[*at][0] == '-' || !is_taken("PATH", options))
        return false;
    arguments->paths[arguments->path_count++] = argv[*at];
    return true;
}

bool policy_arguments_read(int argc, char **argv, const char *const *options,
                           struct wg_arena *arena, struct policy_arguments *ret_arguments)
{
    *ret_arguments = (struct policy_arguments){.config = NULL};
    ret_arguments->paths =
        wg_arena_alloc(arena, ((size_t)argc + 1) * sizeof *ret_arguments->paths);
    for (int i = 1; i < argc; i++) {
        if (read_one(argc, argv, &i, options, ret_arguments))
            continue;
        fprintf(stderr, "wavegate policy %s: '%s' is not understood\n", argv[0], argv[i]);
        for (size_t verb = 0; verb < WG_COUNT(verbs); verb++)
            if (strcmp(verbs[verb].name, argv[0]) == 0)
                fprintf(stderr, "usage: wavegate policy %s %s\n", argv[0], verbs[verb].usage);
        return false;
    }
    return true;
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
