// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/config_argument.h"
#include "cli/policy_impl.h"
#include "policy/check.h"

enum { FILE_LIMIT_BYTES = 1024 * 1024 };

struct check {
    struct policy_arguments arguments;
    struct wg_arena arena;
    struct wg_config *config; /**< NULL: none was asked for */
    json_t *files, *problems;
};

static bool has_text(const json_t *list, const char *text)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        if (strcmp(json_string_value(item), text) == 0)
            return true;
    }
    return false;
}

static void on_file(void *owner, const char *file)
{
    struct check *check = owner;

    if (!has_text(check->files, file))
        json_array_append_new(check->files, json_string(file));
}

/* Instances may share files: a problem is told once. */
static void on_problem(void *owner, const struct wg_check_problem *problem)
{
    struct check *check = owner;
    json_t *row =
        json_pack("{s:s, s:i, s:s, s:o}", "file", problem->file, "line", problem->line, "kind",
                  problem->kind, "text", policy_json_text(wg_str(problem->text)));
    size_t i;
    json_t *known;

    json_array_foreach(check->problems, i, known)
    {
        if (json_equal(known, row)) {
            json_decref(row);
            return;
        }
    }
    json_array_append_new(check->problems, row);
}

static void on_config_problem(void *owner, const char *text)
{
    struct wg_check_problem problem = {
        .file = ((struct check *)owner)->arguments.config, .kind = "config", .text = text};

    on_problem(owner, &problem);
}

static bool is_test(const char *file)
{
    return wg_str_ends(wg_str(file), WG_STR("_test.lua"));
}

/* A test needs more than the sandbox has: its names are looked at, and nothing is run. */
static void check_test(struct check *check, const char *file)
{
    struct wg_buf text;
    struct wg_err err;

    wg_buf_init(&text, FILE_LIMIT_BYTES);
    on_file(check, file);
    if (wg_file_read(file, &text, &err) == WG_OK)
        wg_policy_check_names(file, wg_buf_str(&text), on_problem, check);
    else
        on_problem(check, &(struct wg_check_problem){file, 0, "load", err.text});
    wg_buf_done(&text);
}

static void check_file(struct check *check, const struct wg_config *config, const char *file)
{
    struct wg_config_instance instance;
    struct wg_check_options options = {
        .trial = {.config = config, .instance = &instance, .clock = wg_clock_system()},
        .is_alone = true};

    if (is_test(file)) {
        check_test(check, file);
        return;
    }
    policy_bare_instance(file, &instance);
    wg_policy_check(&options, on_file, on_problem, check);
}

static void check_files(struct check *check)
{
    struct wg_config bare;

    policy_bare_config(&check->arena, NULL, &bare);
    for (size_t i = 0; i < check->arguments.path_count; i++)
        check_file(check, check->config ? check->config : &bare, check->arguments.paths[i]);
}

static void check_instances(struct check *check)
{
    for (size_t i = 0; i < check->config->instance_count; i++) {
        struct wg_check_options options = {.trial = {.config = check->config,
                                                     .instance = &check->config->instances[i],
                                                     .clock = wg_clock_system()}};

        wg_policy_check(&options, on_file, on_problem, check);
    }
}

static void run(struct check *check)
{
    struct wg_err err;

    if ((check->arguments.config || !check->arguments.path_count) &&
        wg_config_load(check->arguments.config, &check->config, on_config_problem, check,
                       &err) != WG_OK)
        return;
    if (check->arguments.path_count)
        check_files(check);
    else
        check_instances(check);
}

static void print_problem(const json_t *problem)
{
    const char *file = json_string_value(json_object_get(problem, "file"));
    const char *text = json_string_value(json_object_get(problem, "text"));
    json_int_t line = json_integer_value(json_object_get(problem, "line"));

    if (line)
        fprintf(stderr, "%s:%lld: %s\n", file, (long long)line, text);
    else if (text && strncmp(text, file, strlen(file)) == 0)
        fprintf(stderr, "%s\n", text);
    else
        fprintf(stderr, "%s: %s\n", file, text);
}

static void print(struct check *check)
{
    size_t file_count = json_array_size(check->files);
    size_t problem_count = json_array_size(check->problems);
    size_t i;
    json_t *problem;

    if (check->arguments.is_json) {
        policy_print_json(
            json_pack("{s:O, s:O}", "files", check->files, "problems", check->problems));
        return;
    }
    json_array_foreach(check->problems, i, problem)
    {
        print_problem(problem);
    }
    if (problem_count == 0)
        printf("good: %zu file%s\n", file_count, file_count == 1 ? "" : "s");
}

int policy_check(const struct cli_arguments *arguments)
{
    struct check check = {.files = json_array(), .problems = json_array()};
    int status;

    wg_arena_init(&check.arena);
    policy_arguments_take(arguments, &check.arguments);
    if (!check.arguments.config && !check.arguments.path_count)
        check.arguments.config = cli_config_file();
    run(&check);
    print(&check);
    status = json_array_size(check.problems) ? CLI_REFUSED : CLI_GOOD;
    json_decref(check.files);
    json_decref(check.problems);
    wg_config_free(check.config);
    wg_arena_done(&check.arena);
    return status;
}
