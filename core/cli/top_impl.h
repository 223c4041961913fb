// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "base/buf.h"

/** What the files of `wavegate top` share. */

/* ---- top_sample.c: what is known at two moments, and what lies between them ---- */

struct top_sample {
    json_t *now, *before; /**< GET /_wavegate/v1/overview; before is NULL at first */
    json_t *errors;       /**< rows of the audit, newest first */
    double seconds;       /**< between the two */
    char address[256];
    char trouble[512]; /**< why there is nothing new; "" when all is well */
};

/** Asks the gateway: a moment at most. @return false when it did not answer: trouble says why,
 * and what was known stays. */
bool top_sample_take(struct top_sample *sample, const char *config);
void top_sample_done(struct top_sample *sample);
/** By second, of rows of the list that have these members (NULL: any). */
double top_rate(const struct top_sample *sample, const char *list, const char *direction,
                const char *member, const char *value);
/** By second: what was refused with that code. */
double top_refusals_rate(const struct top_sample *sample, const char *direction,
                         const char *code);
double top_number(const json_t *json,
                  const char *path); /**< "store.latency.sum_us"; 0 when absent */
/** By second, of a number that only grows. */
double top_rate_of(const struct top_sample *sample, const char *path);
/** The share (0.5, 0.99) of what was measured between the two, in milliseconds; -1: nothing. */
double top_quantile_ms(const struct top_sample *sample, const char *histogram, double share);
/** By second and peer: what was exchanged with it. */
double top_peer_rate(const struct top_sample *sample, const json_t *peer, const char *member);
/** For programs: figures and rates. The caller's. */
json_t *top_json(const struct top_sample *sample);

/* ---- top_text.c: text that a terminal may be given ---- */

/** At most columns wide, filled up with spaces unless columns < 0; what a terminal would obey,
 * or what is no text, shows as '?'. Wide characters count as two. */
void top_add_text(struct wg_buf *out, const char *text, int columns);
/** The same, at the right end of the columns. */
void top_add_right(struct wg_buf *out, const char *text, int columns);
/** "1.2", "12", "3.4k", "1.2M": five columns at most. */
const char *top_count(double number, char text[16]);
const char *top_bytes(double bytes, char text[16]);
/** "12s", "3m", "2h", "4d" */
const char *top_age(double seconds, char text[16]);
/** "1.2ms", "-" for less than 0. */
const char *top_ms(double ms, char text[16]);

/* ---- top_draw.c ---- */

enum top_panel { TOP_PEERS, TOP_QUEUE, TOP_REFUSALS, TOP_ERRORS, TOP_INSTANCES, TOP_PANELS };
enum top_sort { TOP_BY_RATE, TOP_BY_ERROR, TOP_BY_NAME, TOP_SORTS };

struct top_view {
    int width, height; /**< height 0: as long as it gets, for a pipe */
    bool is_plain;     /**< no escape sequences */
    enum top_panel panel;
    enum top_sort sort;
};

/** A whole picture, line by line; on a terminal exactly height lines, the last without an end.
 */
void top_draw(const struct top_sample *sample, const struct top_view *view, struct wg_buf *out);
/** One panel in lines lines with its title; -1: as many as it has, at most ten rows. */
int top_draw_panel(const struct top_sample *sample, const struct top_view *view,
                   enum top_panel panel, int lines, struct wg_buf *out);
/** Ends a line: clips text at the width, with its attribute ("1": bold, "7": reversed, ""). */
void top_add_line(const struct top_view *view, const char *attribute, const struct wg_buf *text,
                  struct wg_buf *out);
const char *top_panel_name(enum top_panel panel);

/* ---- top_terminal.c ---- */

enum top_event { TOP_TICK, TOP_KEY, TOP_RESIZED, TOP_ENDED };

/** Takes the screen over, until top_terminal_leave(), which gives it back as it was. @return
 * false when standard input and output are no terminal. */
bool top_terminal_enter(void);
void top_terminal_leave(void);
void top_terminal_size(int *ret_width, int *ret_height);
/** Shows a picture, overwriting the one before. */
void top_terminal_show(const struct wg_buf *picture);
/** Waits for a key, a signal, a new size, or until timeout_ms have passed. */
enum top_event top_terminal_wait(int64_t timeout_ms, char *ret_key);
