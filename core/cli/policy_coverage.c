// SPDX-License-Identifier: Apache-2.0
#include "cli/policy_coverage.h"

#include <stdio.h>

#include "base/file.h"
#include "policy/scan.h"

enum { FILE_LIMIT_BYTES = 1024 * 1024 };

struct counting {
    const struct wg_coverage *coverage;
    const char *file;
    int statements, run;
    json_t *gaps; /**< pairs of lines, rising */
};

static void add_gap(json_t *gaps, int first, int last)
{
    json_t *previous;

    while ((previous = json_array_get(gaps, json_array_size(gaps) - 1)) &&
           json_integer_value(json_array_get(previous, 0)) >= first)
        json_array_remove(gaps, json_array_size(gaps) - 1);
    if (previous && json_integer_value(json_array_get(previous, 1)) + 1 >= first) {
        if (json_integer_value(json_array_get(previous, 1)) < last)
            json_array_set_new(previous, 1, json_integer(last));
        return;
    }
    json_array_append_new(gaps, json_pack("[i, i]", first, last));
}

/* Statements come as they end: those of a function before the one it stands in. */
static void on_statement(void *owner, int first, int last)
{
    struct counting *counting = owner;

    counting->statements++;
    if (wg_coverage_has(counting->coverage, counting->file, first, last))
        counting->run++;
    else
        add_gap(counting->gaps, first, last);
}

json_t *policy_coverage_of(const struct wg_coverage *coverage, const char *file)
{
    struct counting counting = {.coverage = coverage, .file = file};
    struct wg_scan scan = {.on_statement = on_statement, .owner = &counting};
    struct wg_buf text;
    struct wg_err err;
    json_t *row = NULL;

    wg_buf_init(&text, FILE_LIMIT_BYTES);
    if (wg_file_read(file, &text, &err) == WG_OK) {
        counting.gaps = json_array();
        wg_scan_run(&scan, wg_buf_str(&text));
        row = json_pack("{s:s, s:i, s:i, s:o}", "file", file, "statements", counting.statements,
                        "run", counting.run, "lines", counting.gaps);
    }
    wg_buf_done(&text);
    return row;
}

void policy_coverage_print(const json_t *row)
{
    json_int_t statements = json_integer_value(json_object_get(row, "statements"));
    json_int_t run = json_integer_value(json_object_get(row, "run"));
    const json_t *gaps = json_object_get(row, "lines");
    size_t i;
    json_t *gap;

    printf("  %5.1f %%  %s", statements ? 100.0 * (double)run / (double)statements : 100.0,
           json_string_value(json_object_get(row, "file")));
    json_array_foreach(gaps, i, gap)
    {
        json_int_t first = json_integer_value(json_array_get(gap, 0));
        json_int_t last = json_integer_value(json_array_get(gap, 1));

        printf("%s%lld", i ? ", " : "  not run: ", (long long)first);
        if (last > first)
            printf("-%lld", (long long)last);
    }
    putchar('\n');
}
