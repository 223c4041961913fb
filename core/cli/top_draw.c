// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/client.h"
#include "cli/top_impl.h"

/* The head of the picture, and how the panels share what is left of the screen. */

enum {
    LINE_LIMIT_BYTES = 64 * 1024,
    ALL_PANELS_FROM = 40, /* lines: then there is room for all of them */
    WHOLE_HEAD_FROM = 16,
    PANEL_LINES = 4, /* the least that shows something */
};

void top_add_line(const struct top_view *view, const char *attribute, const struct wg_buf *text,
                  struct wg_buf *out)
{
    bool is_marked = !view->is_plain && *attribute;

    if (is_marked)
        wg_buf_addf(out, "\033[%sm", attribute);
    /* Filled up, not erased: at the last column erasing would take a character away. */
    top_add_text(out, text->at ? text->at : "", view->width);
    while (view->is_plain && out->len > 0 && out->at[out->len - 1] == ' ')
        out->len--;
    wg_buf_addf(out, "%s\n", is_marked ? "\033[0m" : "");
}

struct head {
    const struct top_sample *sample;
    const struct top_view *view;
    struct wg_buf line, *out;
    int lines;
};

/* Pieces that have no room any more are left out whole. */
static void add(struct head *head, const char *label, const char *value)
{
    size_t width = head->line.len + (head->line.len ? 3 : 0) + strlen(label) + strlen(value);

    if (width > (size_t)head->view->width)
        return;
    wg_buf_addf(&head->line, "%s%s%s", head->line.len > 8 ? "   " : "", label, value);
}

static void begin(struct head *head, const char *name)
{
    wg_buf_clear(&head->line);
    wg_buf_addf(&head->line, "%-8s", name);
}

static void end(struct head *head, const char *attribute)
{
    top_add_line(head->view, attribute, &head->line, head->out);
    head->lines++;
}

static void add_count(struct head *head, const char *label, double number)
{
    char text[16];

    add(head, label, top_count(number, text));
}

static void add_rate(struct head *head, const char *label, double rate)
{
    char number[16], text[32];

    snprintf(text, sizeof text, "%s/s", top_count(rate, number));
    add(head, label, text);
}

static void add_quantiles(struct head *head, const char *histogram)
{
    char text[16];

    add(head, "p50 ", top_ms(top_quantile_ms(head->sample, histogram, 0.5), text));
    add(head, "p99 ", top_ms(top_quantile_ms(head->sample, histogram, 0.99), text));
}

static double total(const json_t *list, const char *member, const char *value)
{
    double sum = 0;
    const json_t *row;
    size_t i;

    json_array_foreach(list, i, row)
    {
        if (!member || strcmp(cli_text(row, member), value) == 0)
            sum += top_number(row, "total");
    }
    return sum;
}

static void draw_title(struct head *head)
{
    const json_t *now = head->sample->now;
    time_t at = (time_t)top_number(now, "now");
    char age[16], text[64];
    struct tm parts;

    wg_buf_clear(&head->line);
    wg_buf_addf(&head->line, "wavegate %s", cli_text(now, "version"));
    add(head, "up ",
        top_age(top_number(now, "now") - top_number(now, "process.started_at"), age));
    if (gmtime_r(&at, &parts) && strftime(text, sizeof text, "%H:%M:%SZ", &parts))
        add(head, "", text);
    snprintf(text, sizeof text, "%.0f", top_number(now, "pid"));
    add(head, head->sample->address, "");
    add(head, "pid ", text);
    end(head, "7");
}

static void draw_direction(struct head *head, const char *name, const char *direction)
{
    const struct top_sample *sample = head->sample;
    char path[32];

    snprintf(path, sizeof path, "latency.%s", direction);
    begin(head, name);
    add_rate(head, "", top_rate(sample, "exchanges", direction, NULL, NULL));
    add_rate(head, "refused ", top_rate(sample, "exchanges", direction, "outcome", "refused"));
    add_rate(head, "queued ", top_rate(sample, "exchanges", direction, "outcome", "queued"));
    add_quantiles(head, path);
    add_count(head, "open ",
              total(json_object_get(sample->now, "in_progress"), "direction", direction));
    end(head, "");
}

static void draw_deliveries(struct head *head)
{
    const struct top_sample *sample = head->sample;

    begin(head, "deliver");
    add_rate(head, "sent ", top_rate(sample, "attempts", NULL, "result", "sent"));
    add_rate(head, "again ", top_rate(sample, "attempts", NULL, "result", "retry"));
    add_rate(head, "given up ", top_rate(sample, "attempts", NULL, "result", "dead"));
    add_count(head, "circuits open ", top_number(sample->now, "queue.circuits_open"));
    add_count(head, "suspended ", top_number(sample->now, "queue.suspensions"));
    end(head, "");
}

static void draw_queue(struct head *head)
{
    const json_t *now = head->sample->now;
    double oldest_ms = top_number(now, "queue.oldest_inbound_ms");
    double outbound_ms = top_number(now, "queue.oldest_outbound_ms");
    char text[16];

    begin(head, "queue");
    add_count(head, "waiting ", top_number(now, "queue.waiting"));
    add(head, "oldest in ", top_age(oldest_ms / 1000, text));
    add(head, "out ", top_age(outbound_ms / 1000, text));
    add_count(head, "held ", top_number(now, "queue.held"));
    add_count(head, "dead ", top_number(now, "queue.dead"));
    add(head, "", top_bytes(top_number(now, "queue.bytes"), text));
    end(head, "");
}

static void draw_store(struct head *head)
{
    const struct top_sample *sample = head->sample;
    bool is_writable =
        json_is_true(json_object_get(json_object_get(sample->now, "store"), "writable"));
    char text[16];

    begin(head, "store");
    add_rate(head, "commits ", top_rate_of(sample, "store.commits"));
    add_quantiles(head, "store.commit_time");
    if (top_number(sample->now, "store.free_disk_bytes") >= 0)
        add(head, "disk free ",
            top_bytes(top_number(sample->now, "store.free_disk_bytes"), text));
    add_count(head, "waiting ", top_number(sample->now, "store.waiting"));
    if (!is_writable)
        add(head, "CANNOT BE WRITTEN", "");
    end(head, is_writable ? "" : "1;31");
}

static void draw_load(struct head *head)
{
    const struct top_sample *sample = head->sample;
    const json_t *loop;
    char label[32], text[16];
    size_t i;

    begin(head, "load");
    snprintf(text, sizeof text, "%.0f%%", 100 * top_rate_of(sample, "process.cpu_s"));
    add(head, "cpu ", text);
    add(head, "memory ", top_bytes(top_number(sample->now, "process.resident_bytes"), text));
    add_count(head, "files ", top_number(sample->now, "process.open_fds"));
    add_count(head, "connections ",
              total(json_object_get(sample->now, "connections"), NULL, NULL));
    json_array_foreach(json_object_get(sample->now, "loops"), i, loop)
    {
        const json_t *before = json_array_get(json_object_get(sample->before, "loops"), i);
        double busy_us = top_number(loop, "busy_us") - top_number(before, "busy_us");

        snprintf(label, sizeof label, i ? "w%.20s " : "%.20s ", cli_text(loop, "loop"));
        snprintf(text, sizeof text, "%.0f%%",
                 before && sample->seconds > 0 ? busy_us / sample->seconds / 1e4 : 0);
        add(head, label, text);
    }
    end(head, "");
}

/* Why there is nothing new: two lines at most. */
static void draw_trouble(struct head *head)
{
    if (!head->sample->trouble[0])
        return;
    wg_buf_clear(&head->line);
    top_add_text(&head->line, head->sample->trouble, head->view->width);
    end(head, "1;31");
}

static void draw_menu(struct head *head)
{
    static const char *const sorts[TOP_SORTS] = {"rate", "errors", "name"};
    char label[32];

    wg_buf_clear(&head->line);
    for (int i = 0; i < TOP_PANELS; i++) {
        snprintf(label, sizeof label, "%d %s%s", i + 1, top_panel_name((enum top_panel)i),
                 i == (int)head->view->panel ? "*" : "");
        wg_buf_addf(&head->line, "%s%s", i ? "  " : "", label);
    }
    wg_buf_addf(&head->line, "   s by %s   q quit", sorts[head->view->sort]);
    end(head, "2");
}

static int draw_head(const struct top_sample *sample, const struct top_view *view,
                     struct wg_buf *out)
{
    struct head head = {.sample = sample, .view = view, .out = out};

    wg_buf_init(&head.line, LINE_LIMIT_BYTES);
    if (sample->now) {
        draw_title(&head);
        draw_trouble(&head);
        draw_direction(&head, "in", "inbound");
        draw_direction(&head, "out", "outbound");
        draw_queue(&head);
        if (view->height == 0 || view->height >= WHOLE_HEAD_FROM) {
            draw_deliveries(&head);
            draw_store(&head);
            draw_load(&head);
        }
    } else {
        wg_buf_addf(&head.line, "wavegate top");
        end(&head, "7");
        draw_trouble(&head);
    }
    if (!view->is_plain)
        draw_menu(&head);
    wg_buf_done(&head.line);
    return head.lines;
}

/* ---- the whole ---- */

static void draw_all_panels(const struct top_sample *sample, const struct top_view *view,
                            int lines, struct wg_buf *out)
{
    int share = lines / (TOP_PANELS + 1); /* the chosen one gets two */
    int others = TOP_PANELS - 1;
    int left = lines;

    left -=
        top_draw_panel(sample, view, view->panel, lines < 0 ? -1 : lines - others * share, out);
    for (int i = 0; i < TOP_PANELS; i++) {
        if (i == (int)view->panel || (lines >= 0 && left < PANEL_LINES))
            continue;
        /* What one does not need is left for those behind it. */
        left -= top_draw_panel(sample, view, (enum top_panel)i, lines < 0 ? -1 : left / others,
                               out);
        others--;
    }
}

/* A screen has a fixed number of lines, and no line feed after the last: it would scroll. */
static void fit(const struct top_view *view, struct wg_buf *picture, struct wg_buf *out)
{
    struct wg_str rest = wg_buf_str(picture);

    for (int i = 0; i < view->height && rest.len > 0; i++) {
        size_t len = wg_str_find(rest, '\n');

        wg_buf_addf(out, "%s%.*s", i ? "\r\n" : "", (int)len, rest.at);
        rest.at += len + (len < rest.len);
        rest.len -= len + (len < rest.len);
    }
}

void top_draw(const struct top_sample *sample, const struct top_view *view, struct wg_buf *out)
{
    struct wg_buf picture;
    int lines;

    if (view->height == 0) {
        draw_head(sample, view, out);
        if (sample->now)
            draw_all_panels(sample, view, -1, out);
        return;
    }
    wg_buf_init(&picture, 1024 * 1024);
    lines = draw_head(sample, view, &picture);
    if (sample->now && view->height >= ALL_PANELS_FROM)
        draw_all_panels(sample, view, view->height - lines, &picture);
    else if (sample->now)
        top_draw_panel(sample, view, view->panel, view->height - lines, &picture);
    fit(view, &picture, out);
    wg_buf_done(&picture);
}
