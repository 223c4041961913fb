// SPDX-License-Identifier: Apache-2.0
#include "policy/coverage.h"

void wg_coverage_init(struct wg_coverage *coverage)
{
    *coverage = (struct wg_coverage){.files = NULL};
    wg_arena_init(&coverage->arena);
}

void wg_coverage_done(struct wg_coverage *coverage)
{
    wg_arena_done(&coverage->arena);
}

static struct wg_coverage_file *find(const struct wg_coverage *coverage, const char *shown)
{
    struct wg_coverage_file *file = coverage->files;

    while (file && strcmp(file->shown, shown) != 0)
        file = file->next;
    return file;
}

static struct wg_coverage_file *file_of(struct wg_coverage *coverage, const char *shown)
{
    struct wg_coverage_file *file = find(coverage, shown);

    if (file)
        return file;
    file = wg_arena_new(&coverage->arena, struct wg_coverage_file);
    file->shown = wg_arena_copy(&coverage->arena, wg_str(shown)).at;
    file->next = coverage->files;
    coverage->files = file;
    return file;
}

static void grow(struct wg_coverage *coverage, struct wg_coverage_file *file, int line)
{
    int count = 2 * line + 64;
    bool *has_run = wg_arena_alloc(&coverage->arena, (size_t)count * sizeof *has_run);

    if (file->line_count)
        memcpy(has_run, file->has_run, (size_t)file->line_count * sizeof *has_run);
    file->has_run = has_run;
    file->line_count = count;
}

void wg_coverage_hit(struct wg_coverage *coverage, lua_State *L, lua_Debug *activation)
{
    int line = activation->currentline;

    if (!coverage || !lua_getinfo(L, "S", activation) || activation->source[0] != '@' ||
        line <= 0)
        return;
    if (activation->source != coverage->last_name) {
        coverage->last_name = activation->source;
        coverage->last = file_of(coverage, activation->source + 1);
    }
    if (line >= coverage->last->line_count)
        grow(coverage, coverage->last, line);
    coverage->last->has_run[line] = true;
}

void wg_coverage_forget(struct wg_coverage *coverage)
{
    if (coverage)
        coverage->last_name = NULL;
}

bool wg_coverage_has(const struct wg_coverage *coverage, const char *shown, int first, int last)
{
    const struct wg_coverage_file *file = find(coverage, shown);

    for (int line = first; file && line <= last && line < file->line_count; line++)
        if (file->has_run[line])
            return true;
    return false;
}

bool wg_coverage_knows(const struct wg_coverage *coverage, const char *shown)
{
    return find(coverage, shown) != NULL;
}
