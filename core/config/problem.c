// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/load_impl.h"

/* PROBLEM_LIMIT are shown. Twenty times as many are kept before sorting, so that those shown
 * are, but for absurd files, the first by line. */
enum { PROBLEM_LIMIT = 50, KEPT_LIMIT = 1000, TEXT_LIMIT_BYTES = 1024 };

struct problem {
    int line;
    size_t order;
    const char *text;
};

static bool is_identifier(struct wg_str key)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

    for (size_t i = 0; i < key.len; i++) {
        if (!key.at[i] || !strchr(letters, key.at[i]))
            return false;
    }
    return key.len > 0 && !(key.at[0] >= '0' && key.at[0] <= '9');
}

static void write_place(const struct place *place, struct wg_buf *out)
{
    if (!place || !place->parent)
        return;
    write_place(place->parent, out);
    if (place->is_item) {
        wg_buf_addf(out, "[%.*s]", WG_STR_F(place->key));
    } else if (is_identifier(place->key)) {
        wg_buf_addf(out, "%s%.*s", out->len ? "." : "", WG_STR_F(place->key));
    } else {
        wg_buf_addf(out, "[\"");
        wg_buf_add_json(out, place->key);
        wg_buf_addf(out, "\"]");
    }
}

const char *wg_place_text(struct load *load, const struct place *place)
{
    struct wg_buf text;
    const char *copy;

    wg_buf_init(&text, TEXT_LIMIT_BYTES);
    write_place(place, &text);
    copy = wg_arena_copy(&load->scratch, wg_buf_str(&text)).at;
    wg_buf_done(&text);
    return copy;
}

static void write_path(const struct place *place, struct wg_buf *out)
{
    if (!place->parent)
        return;
    write_path(place->parent, out);
    wg_buf_adds(out, place->key);
    wg_buf_addc(out, WG_LINES_END);
}

/* Made by a literal: its line. Made by code: where its name first stands, else where what holds
 * it is made, else the return. */
int wg_place_line(struct load *load, const struct place *place)
{
    for (; place->parent; place = place->parent) {
        struct wg_buf path;
        int line;

        wg_buf_init(&path, TEXT_LIMIT_BYTES);
        write_path(place, &path);
        line = wg_config_lines_find(&load->lines, wg_buf_str(&path));
        wg_buf_done(&path);
        if (!line && !place->is_item)
            line = wg_config_lines_mention(&load->lines, place->key);
        if (line)
            return line;
    }
    return load->lines.return_line;
}

void wg_problem_at_line(struct load *load, int line, const char *text)
{
    struct problem *problem;

    if (!load->problems)
        load->problems = wg_arena_alloc(&load->scratch, KEPT_LIMIT * sizeof load->problems[0]);
    if (load->problem_count == KEPT_LIMIT)
        return;
    problem = &load->problems[load->problem_count];
    problem->line = line;
    problem->order = load->problem_count++;
    problem->text = line ? wg_arena_format(&load->scratch, "%s:%d: %s", load->file, line, text)
                         : wg_arena_format(&load->scratch, "%s: %s", load->file, text);
}

static void add_problem(struct load *load, const struct place *place, const char *prefix,
                        const char *format, va_list arguments)
{
    struct wg_buf text;

    wg_buf_init(&text, (size_t)4 * TEXT_LIMIT_BYTES);
    if (prefix[0])
        wg_buf_addf(&text, "%s: ", prefix);
    wg_buf_addv(&text, format, arguments);
    wg_problem_at_line(load, wg_place_line(load, place), wg_buf_str(&text).at);
    wg_buf_done(&text);
}

void wg_problem(struct load *load, const struct place *place, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_problem(load, place, wg_place_text(load, place), format, arguments);
    va_end(arguments);
}

void wg_problem_plain(struct load *load, const struct place *place, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_problem(load, place, "", format, arguments);
    va_end(arguments);
}

static int by_line(const void *a, const void *b)
{
    const struct problem *left = a, *right = b;

    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    return left->order < right->order ? -1 : left->order > right->order;
}

enum wg_code wg_problems_report(struct load *load,
                                void (*on_problem)(void *owner, const char *text), void *owner,
                                struct wg_err *err)
{
    if (load->problem_count == 0)
        return WG_OK;
    qsort(load->problems, load->problem_count, sizeof load->problems[0], by_line);
    for (size_t i = 0; on_problem && i < load->problem_count && i < PROBLEM_LIMIT; i++)
        on_problem(owner, load->problems[i].text);
    if (on_problem && load->problem_count > PROBLEM_LIMIT) {
        char more[64];

        snprintf(more, sizeof more, "and %zu more", load->problem_count - PROBLEM_LIMIT);
        on_problem(owner, more);
    }
    return wg_fail(err, WG_CONFIG, "%s", load->problems[0].text);
}
