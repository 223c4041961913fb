// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/top_impl.h"

/* The tables beneath the head: one function fills the rows of each, sorted. */

enum {
    LINE_LIMIT_BYTES = 64 * 1024,
    ROWS_LIMIT = 1024,
    PLAIN_ROWS = 10,
    NAME_LEAST = 12,
    NARROW = 100, /* columns: the time of an error would leave no room for it */
    NAME_MOST = 40,
    SOON_S = 14 * 24 * 3600,
};

struct row {
    const json_t *json;
    const char *name;
    double weight; /* heaviest first */
    double values[4];
};

struct table {
    const struct top_sample *sample;
    const struct top_view *view;
    struct row rows[ROWS_LIMIT];
    size_t count;
    struct wg_buf line, *out;
};

static struct row *add_row(struct table *table, const json_t *json, const char *name)
{
    struct row *row = &table->rows[table->count];

    if (table->count == ROWS_LIMIT)
        return NULL;
    *row = (struct row){.json = json, .name = name};
    table->count++;
    return row;
}

static int compare_rows(const void *a, const void *b)
{
    const struct row *left = a, *right = b;

    if (left->weight != right->weight)
        return left->weight < right->weight ? 1 : -1;
    return strcmp(left->name, right->name);
}

static int name_width(const struct table *table)
{
    int width = table->view->width * 3 / 10;

    return width < NAME_LEAST ? NAME_LEAST : width > NAME_MOST ? NAME_MOST : width;
}

/* What is left of the line for the last column. */
static int rest_width(const struct table *table, int taken)
{
    return table->view->width > taken ? table->view->width - taken : 0;
}

static void add_number(struct table *table, double number)
{
    char text[16];

    wg_buf_addc(&table->line, ' ');
    top_add_right(&table->line, top_count(number, text), 7);
}

static void add_age(struct table *table, double then)
{
    double now = top_number(table->sample->now, "now");
    char text[16];

    wg_buf_addc(&table->line, ' ');
    top_add_right(&table->line, then > 0 ? top_age(now - then, text) : "never", 6);
}

/* ---- peers ---- */

static double error_time(const json_t *peer)
{
    return top_number(peer, "last_error.at");
}

static void fill_peers(struct table *table)
{
    static const char *const members[] = {"received", "sent", "refused", "failed"};
    const json_t *peer;
    size_t i;

    json_array_foreach(json_object_get(json_object_get(table->sample->now, "peers"), "rows"), i,
                       peer)
    {
        struct row *row = add_row(table, peer, cli_text(peer, "server_name"));
        double total = 0;
        double rate = 0;

        for (size_t k = 0; row && k < 4; k++) {
            row->values[k] = top_peer_rate(table->sample, peer, members[k]);
            rate += row->values[k];
            total += top_number(peer, members[k]);
        }
        if (row && table->view->sort == TOP_BY_RATE)
            row->weight = rate * 1e9 + total; /* those at rest: by what they did before */
        else if (row && table->view->sort == TOP_BY_ERROR)
            row->weight = error_time(peer);
    }
}

static void head_peers(struct table *table)
{
    wg_buf_addf(&table->line, "%-*s %7s %7s %7s %6s  %s", name_width(table), "peer", "in/s",
                "out/s", "failed", "seen", "last error");
}

static void draw_peer(struct table *table, const struct row *row)
{
    const json_t *error = json_object_get(row->json, "last_error");
    bool is_narrow = table->view->width < NARROW;
    char text[400], age[16];
    int width = name_width(table);

    top_add_text(&table->line, row->name, width);
    add_number(table, row->values[0]);
    add_number(table, row->values[1]);
    add_number(table, top_number(row->json, "refused") + top_number(row->json, "failed"));
    add_age(table, top_number(row->json, "last_seen"));
    if (!json_is_object(error))
        return;
    top_age(top_number(table->sample->now, "now") - error_time(row->json), age);
    snprintf(text, sizeof text, "  %s%s%s %s", is_narrow ? "" : age,
             is_narrow ? "" : " ago: ", cli_text(error, "code"), cli_text(error, "reason"));
    top_add_text(&table->line, text, rest_width(table, width + 3 * 8 + 7));
}

/* ---- queue ---- */

static void fill_queue(struct table *table)
{
    const json_t *destination;
    size_t i;

    json_array_foreach(
        json_object_get(json_object_get(table->sample->now, "queue"), "destinations"), i,
        destination)
    {
        struct row *row = add_row(table, destination, cli_text(destination, "destination"));

        if (row && table->view->sort != TOP_BY_NAME)
            row->weight = top_number(destination, "deliveries");
    }
}

static void head_queue(struct table *table)
{
    wg_buf_addf(&table->line, "%-*s %7s  %s", name_width(table), "destination", "waiting",
                "direction");
}

static void draw_destination(struct table *table, const struct row *row)
{
    int width = name_width(table);

    top_add_text(&table->line, row->name, width);
    add_number(table, top_number(row->json, "deliveries"));
    top_add_text(&table->line, "  ", 2);
    top_add_text(&table->line, cli_text(row->json, "direction"), rest_width(table, width + 10));
}

/* ---- refusals, by code ---- */

static struct row *row_of(struct table *table, const json_t *json, const char *name,
                          const char *direction)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->rows[i].name, name) == 0 &&
            strcmp(cli_text(table->rows[i].json, "direction"), direction) == 0)
            return &table->rows[i];
    }
    return add_row(table, json, name);
}

static void fill_refusals(struct table *table)
{
    const json_t *exchange;
    size_t i;

    json_array_foreach(json_object_get(table->sample->now, "exchanges"), i, exchange)
    {
        const char *code = cli_text(exchange, "code");
        const char *direction = cli_text(exchange, "direction");
        struct row *row;

        if (strcmp(cli_text(exchange, "outcome"), "refused") != 0)
            continue;
        row = row_of(table, exchange, code, direction);
        if (!row)
            continue;
        row->values[0] = top_refusals_rate(table->sample, direction, code);
        row->values[1] += top_number(exchange, "total");
        if (table->view->sort != TOP_BY_NAME)
            row->weight = row->values[0] * 1e9 + row->values[1];
    }
}

static void head_refusals(struct table *table)
{
    wg_buf_addf(&table->line, "%-*s %7s %7s  %s", name_width(table), "code", "/s", "total",
                "direction");
}

static void draw_refusal(struct table *table, const struct row *row)
{
    bool is_passed_on = strcmp(row->name, "none") == 0;
    int width = name_width(table);

    top_add_text(&table->line, is_passed_on ? "by the instance itself" : row->name, width);
    add_number(table, row->values[0]);
    add_number(table, row->values[1]);
    top_add_text(&table->line, "  ", 2);
    top_add_text(&table->line, cli_text(row->json, "direction"), rest_width(table, width + 18));
}

/* ---- what went wrong in the last minutes ---- */

static void fill_errors(struct table *table)
{
    const json_t *error;
    size_t i;

    json_array_foreach(json_object_get(table->sample->errors, "rows"), i, error)
    {
        struct row *row = add_row(table, error, cli_text(error, "peer"));

        if (row)
            row->weight = -(double)i; /* newest first, however peers are sorted */
    }
}

static void head_errors(struct table *table)
{
    wg_buf_addf(&table->line, "%-8s %-*s  %s", "at", name_width(table), "peer",
                "code and reason");
}

static void draw_error(struct table *table, const struct row *row)
{
    const char *at = cli_text(row->json, "at");
    int width = name_width(table);
    char text[600];

    /* 2026-05-16T12:31:07.123Z */
    top_add_text(&table->line, strlen(at) > 19 ? at + 11 : at, 8);
    wg_buf_addc(&table->line, ' ');
    top_add_text(&table->line, row->name, width);
    snprintf(text, sizeof text, "  %s %s",
             *cli_text(row->json, "code") ? cli_text(row->json, "code")
                                          : cli_text(row->json, "action"),
             cli_text(row->json, "reason"));
    top_add_text(&table->line, text, rest_width(table, width + 9));
}

/* ---- instances: generations and certificates ---- */

static void fill_instances(struct table *table)
{
    const json_t *instance;
    size_t i;

    json_array_foreach(json_object_get(table->sample->now, "instances"), i, instance)
    {
        struct row *row = add_row(table, instance, cli_text(instance, "server_name"));

        if (row && table->view->sort == TOP_BY_ERROR)
            row->weight = json_is_string(json_object_get(instance, "last_load_failure"));
    }
}

static void head_instances(struct table *table)
{
    wg_buf_addf(&table->line, "%-*s %7s %6s %6s  %s", name_width(table), "instance", "policy",
                "age", "cert", "last load");
}

static void draw_instance(struct table *table, const struct row *row)
{
    double until = top_number(row->json, "certificate_until");
    double left = until - top_number(table->sample->now, "now");
    int width = name_width(table);
    char text[16];

    top_add_text(&table->line, row->name, width);
    add_number(table, top_number(row->json, "generation"));
    add_age(table, top_number(row->json, "loaded_at"));
    wg_buf_addc(&table->line, ' ');
    top_add_right(&table->line,
                  until <= 0  ? "none"
                  : left <= 0 ? "ended"
                              : top_age(left, text),
                  6);
    wg_buf_addf(&table->line, "  ");
    top_add_text(&table->line,
                 json_is_string(json_object_get(row->json, "last_load_failure"))
                     ? cli_text(row->json, "last_load_failure")
                     : "good",
                 rest_width(table, width + 24));
}

/* ---- one panel ---- */

static const struct {
    const char *name, *title, *nothing;
    void (*fill)(struct table *table);
    void (*head)(struct table *table);
    void (*draw)(struct table *table, const struct row *row);
} panels[TOP_PANELS] = {
    [TOP_PEERS] = {"peers", "PEERS", "nothing was exchanged with any peer yet", fill_peers,
                   head_peers, draw_peer},
    [TOP_QUEUE] = {"queue", "QUEUE, BY DESTINATION", "nothing waits", fill_queue, head_queue,
                   draw_destination},
    [TOP_REFUSALS] = {"refusals", "REFUSALS, BY CODE", "nothing was refused since the start",
                      fill_refusals, head_refusals, draw_refusal},
    [TOP_ERRORS] = {"errors", "REFUSED IN THE LAST 10 MINUTES", "nothing", fill_errors,
                    head_errors, draw_error},
    [TOP_INSTANCES] = {"instances", "INSTANCES", "none", fill_instances, head_instances,
                       draw_instance},
};

const char *top_panel_name(enum top_panel panel)
{
    return panels[panel].name;
}

static bool wants_attention(const struct table *table, enum top_panel panel,
                            const struct row *row)
{
    double until = top_number(row->json, "certificate_until");

    if (panel == TOP_PEERS)
        return row->values[2] > 0 || row->values[3] > 0;
    return panel == TOP_INSTANCES &&
           (json_is_string(json_object_get(row->json, "last_load_failure")) ||
            (until > 0 && until - top_number(table->sample->now, "now") < SOON_S));
}

static void draw_rows(struct table *table, enum top_panel panel, size_t limit)
{
    for (size_t i = 0; i < table->count && i < limit; i++) {
        wg_buf_clear(&table->line);
        panels[panel].draw(table, &table->rows[i]);
        top_add_line(table->view, wants_attention(table, panel, &table->rows[i]) ? "31" : "",
                     &table->line, table->out);
    }
}

int top_draw_panel(const struct top_sample *sample, const struct top_view *view,
                   enum top_panel panel, int lines, struct wg_buf *out)
{
    struct table *table = wg_new(struct table);
    size_t limit = lines < 0 ? PLAIN_ROWS : lines > 3 ? (size_t)lines - 3 : 0;
    int drawn;

    table->sample = sample;
    table->view = view;
    table->out = out;
    wg_buf_init(&table->line, LINE_LIMIT_BYTES);
    top_add_line(view, "", &table->line, out);
    panels[panel].fill(table);
    qsort(table->rows, table->count, sizeof *table->rows, compare_rows);
    wg_buf_addf(&table->line, "%s", panels[panel].title);
    if (table->count > limit)
        wg_buf_addf(&table->line, " (%zu of %zu)", limit, table->count);
    if (table->count == 0)
        wg_buf_addf(&table->line, ": %s", panels[panel].nothing);
    top_add_line(view, "1", &table->line, out);
    wg_buf_clear(&table->line);
    panels[panel].head(table);
    if (table->count > 0) {
        struct wg_buf head;

        wg_buf_init(&head, LINE_LIMIT_BYTES);
        top_add_text(&head, table->line.at, view->width);
        top_add_line(view, "2", &head, out);
        wg_buf_done(&head);
        draw_rows(table, panel, limit);
    }
    drawn = 2 + (table->count > 0) + (int)(table->count < limit ? table->count : limit);
    wg_buf_done(&table->line);
    wg_free(table);
    return drawn;
}
