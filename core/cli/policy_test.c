// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/config_argument.h"
#include "cli/policy_coverage.h"
#include "cli/policy_impl.h"
#include "policy/testing.h"

enum { FOLDER_DEPTH_LIMIT = 16 };

struct test_run {
    struct policy_arguments arguments;
    struct wg_arena arena;
    struct wg_config *config; /**< NULL: none was asked for */
    struct wg_config bare;
    struct wg_coverage coverage;
    json_t *test_files, *policy_files; /**< paths */
    json_t *tests;                     /**< results, of all files */
    const char *file;                  /**< that runs */
    size_t passed, failed;
    size_t file_passed, file_failed;
};

static bool is_test(const char *file)
{
    return wg_str_ends(wg_str(file), WG_STR("_test.lua"));
}

static void add_file(struct test_run *run, const char *path)
{
    if (wg_str_ends(wg_str(path), WG_STR(".lua")))
        json_array_append_new(is_test(path) ? run->test_files : run->policy_files,
                              json_string(path));
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* @return whether there is such a file or folder */
static bool collect(struct test_run *run, const char *path, int depth)
{
    struct dirent **entries;
    struct stat info;
    int count;

    if (stat(path, &info) != 0)
        return false;
    if (!S_ISDIR(info.st_mode)) {
        add_file(run, path);
        return true;
    }
    count = depth < FOLDER_DEPTH_LIMIT ? scandir(path, &entries, is_shown, alphasort) : 0;
    for (int i = 0; i < count; i++) {
        collect(run, wg_arena_format(&run->arena, "%s/%s", path, entries[i]->d_name),
                depth + 1);
        free(entries[i]);
    }
    if (count > 0)
        free(entries);
    return true;
}

static void add_result(struct test_run *run, const char *name, const char *place,
                       const char *failure, const char *failure_place)
{
    json_t *row = json_pack("{s:s, s:s, s:s, s:b}", "file", run->file, "name", name, "place",
                            place, "passed", failure == NULL);

    if (failure) {
        json_object_set_new(row, "failure", policy_json_text(wg_str(failure)));
        if (failure_place)
            json_object_set_new(row, "at", json_string(failure_place));
    }
    if (row)
        json_array_append_new(run->tests, row);
    *(failure ? &run->file_failed : &run->file_passed) += 1;
    if (!failure || run->arguments.is_json)
        return;
    printf("FAILED %s: %s\n       %s%s%s\n", place, name, failure_place ? failure_place : "",
           failure_place ? ": " : "", failure);
}

static void on_result(void *owner, const struct wg_test_result *result)
{
    add_result(owner, result->name, result->place, result->failure, result->failure_place);
}

static void run_file(struct test_run *run, const char *file)
{
    struct wg_testing_options options = {
        .config = run->config ? run->config : &run->bare,
        .coverage = run->arguments.has_coverage ? &run->coverage : NULL,
        .on_result = on_result,
        .owner = run};
    struct wg_err err;

    run->file = file;
    run->file_passed = run->file_failed = 0;
    if (wg_testing_run(&options, file, &err) != WG_OK)
        add_result(run, "the file itself", file, err.text, NULL);
    if (!run->arguments.is_json)
        printf("%s: %zu passed%s\n", file, run->file_passed,
               run->file_failed ? wg_arena_format(&run->arena, ", %zu failed", run->file_failed)
                                : "");
    run->passed += run->file_passed;
    run->failed += run->file_failed;
}

/* Policies that no test has loaded are there with nothing run. */
static json_t *coverage(const struct test_run *run)
{
    json_t *rows = json_array();
    size_t i;
    json_t *file;

    json_array_foreach(run->policy_files, i, file)
    {
        json_t *row = policy_coverage_of(&run->coverage, json_string_value(file));

        if (row)
            json_array_append_new(rows, row);
    }
    return rows;
}

static void print(const struct test_run *run)
{
    size_t file_count = json_array_size(run->test_files);
    json_t *rows = run->arguments.has_coverage ? coverage(run) : NULL;
    size_t i;
    json_t *row;

    if (run->arguments.is_json) {
        json_t *all = json_pack("{s:O, s:I, s:I}", "tests", run->tests, "passed",
                                (json_int_t)run->passed, "failed", (json_int_t)run->failed);

        if (rows)
            json_object_set(all, "coverage", rows);
        policy_print_json(all);
        json_decref(rows);
        return;
    }
    printf("%zu tests in %zu file%s: %zu passed, %zu failed\n", run->passed + run->failed,
           file_count, file_count == 1 ? "" : "s", run->passed, run->failed);
    json_array_foreach(rows, i, row)
    {
        policy_coverage_print(row);
    }
    json_decref(rows);
}

static const char *folder_of(struct test_run *run, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct stat info;

    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return path;
    if (!slash)
        return ".";
    return wg_arena_copy(&run->arena, wg_str_of(path, (size_t)(slash - path))).at;
}

/* The folders of the configuration, without those that come with Wavegate. */
static void collect_configured(struct test_run *run)
{
    wg_names folders = run->config->policy_path;
    size_t count = 0;

    while (folders[count])
        count++;
    for (size_t i = 0; i + WG_SHIPPED_FOLDERS < count; i++)
        collect(run, folders[i], 0);
}

static bool find_files(struct test_run *run)
{
    const char *path = run->arguments.path_count ? run->arguments.paths[0]
                       : run->arguments.config   ? NULL
                                                 : "policies";
    struct wg_err err;

    if (run->arguments.config && wg_config_load(run->arguments.config, &run->config,
                                                cli_print_problem, NULL, &err) != WG_OK)
        return false;
    policy_bare_config(&run->arena, path ? folder_of(run, path) : NULL, &run->bare);
    if (!path)
        collect_configured(run);
    else if (!collect(run, path, 0)) {
        fprintf(stderr,
                "wavegate policy test: there is no %s here: name a PATH, or --config FILE\n",
                path);
        return false;
    }
    if (json_array_size(run->test_files) > 0)
        return true;
    fprintf(stderr, "wavegate policy test: no *_test.lua in %s\n",
            path ? path : run->arguments.config);
    return false;
}

static int run_all(struct test_run *run)
{
    size_t i;
    json_t *file;

    if (!find_files(run))
        return CLI_REFUSED;
    wg_log_set_level(WG_LOG_ERROR); /* what policies say is not what is asked here */
    json_array_foreach(run->test_files, i, file)
    {
        run_file(run, json_string_value(file));
    }
    print(run);
    return run->failed ? CLI_REFUSED : CLI_GOOD;
}

int policy_test(const struct cli_arguments *arguments)
{
    struct test_run run = {
        .test_files = json_array(), .policy_files = json_array(), .tests = json_array()};
    int status;

    wg_arena_init(&run.arena);
    wg_coverage_init(&run.coverage);
    policy_arguments_take(arguments, &run.arguments);
    status = run_all(&run);
    json_decref(run.test_files);
    json_decref(run.policy_files);
    json_decref(run.tests);
    wg_coverage_done(&run.coverage);
    wg_config_free(run.config);
    wg_arena_done(&run.arena);
    return status;
}
