// SPDX-License-Identifier: Apache-2.0
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/config_argument.h"
#include "cli/top_impl.h"

/* `wavegate top`: what the gateway does, each second anew. */

enum {
    PICTURE_LIMIT_BYTES = 4 * 1024 * 1024,
    INTERVAL_LEAST_MS = 100,
    PLAIN_WIDTH = 120,
};

struct top {
    const char *config;
    int64_t interval_ms;
    bool is_json;
    struct top_sample sample;
    struct top_view view;
};

static void print_json(const struct top *top)
{
    json_t *json = top_json(&top->sample);

    cli_print_json(json, JSON_COMPACT);
    json_decref(json);
    fflush(stdout);
}

static void print_plain(const struct top *top)
{
    struct wg_buf picture;

    wg_buf_init(&picture, PICTURE_LIMIT_BYTES);
    top_draw(&top->sample, &top->view, &picture);
    fwrite(picture.at, 1, picture.len, stdout);
    wg_buf_done(&picture);
}

static void wait_interval(const struct top *top)
{
    struct timespec span = {.tv_sec = top->interval_ms / 1000,
                            .tv_nsec = top->interval_ms % 1000 * 1000000};

    (void)nanosleep(&span, NULL);
}

/* A rate takes two looks. */
static int run_once(struct top *top)
{
    if (top_sample_take(&top->sample, top->config)) {
        wait_interval(top);
        (void)top_sample_take(&top->sample, top->config);
    }
    if (top->sample.trouble[0]) {
        fprintf(stderr, "wavegate top: ");
        cli_print_plain_to(stderr, top->sample.trouble);
        fputc('\n', stderr);
        return CLI_REFUSED;
    }
    if (top->is_json)
        print_json(top);
    else
        print_plain(top);
    return CLI_GOOD;
}

/* A line of JSON for each interval, until whoever reads has enough. */
static int run_lines(struct top *top)
{
    int status = CLI_GOOD;

    while (status == CLI_GOOD && !ferror(stdout))
        status = run_once(top);
    return status;
}

/* @return false when it is to end. */
static bool obey(struct top *top, char key)
{
    if (key >= '1' && key < '1' + TOP_PANELS)
        top->view.panel = (enum top_panel)(key - '1');
    else if (key == '\t')
        top->view.panel = (enum top_panel)((top->view.panel + 1) % TOP_PANELS);
    else if (key == 's')
        top->view.sort = (enum top_sort)((top->view.sort + 1) % TOP_SORTS);
    return key != 'q' && key != 'Q';
}

static void show(struct top *top)
{
    struct wg_buf picture;

    top_terminal_size(&top->view.width, &top->view.height);
    wg_buf_init(&picture, PICTURE_LIMIT_BYTES);
    top_draw(&top->sample, &top->view, &picture);
    top_terminal_show(&picture);
    wg_buf_done(&picture);
}

static int run_screen(struct top *top)
{
    int64_t due_ms = 0;
    bool goes_on = true;

    while (goes_on) {
        int64_t now_ms = wg_clock_mono_ms(wg_clock_system());
        char key = '\0';

        if (now_ms >= due_ms) {
            (void)top_sample_take(&top->sample, top->config);
            due_ms = now_ms + top->interval_ms;
            now_ms = wg_clock_mono_ms(wg_clock_system());
        }
        show(top);
        switch (top_terminal_wait(due_ms > now_ms ? due_ms - now_ms : 0, &key)) {
        case TOP_KEY:
            goes_on = obey(top, key);
            break;
        case TOP_ENDED:
            goes_on = false;
            break;
        default:
            break;
        }
    }
    top_terminal_leave();
    return CLI_GOOD;
}

/* The picture needs to know how wide characters are; figures keep their point. */
static void set_locale(void)
{
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
}

int cli_top(const struct cli_arguments *arguments)
{
    struct top top = {.config = cli_config_argument(arguments),
                      .interval_ms = cli_argument_duration_ms(arguments, "--interval", 1000),
                      .is_json = cli_argument(arguments, "--json") != NULL,
                      .view = {.width = PLAIN_WIDTH, .is_plain = true}};
    bool is_once = cli_argument(arguments, "--once") != NULL;
    int status;

    if (top.interval_ms < INTERVAL_LEAST_MS)
        return cli_misuse(arguments->verb, "--interval: at least %d ms", INTERVAL_LEAST_MS);
    set_locale();
    if (is_once) {
        status = run_once(&top);
    } else if (top.is_json) {
        status = run_lines(&top);
    } else if (top_terminal_enter()) {
        top.view.is_plain = false;
        status = run_screen(&top);
    } else {
        status = cli_misuse(arguments->verb,
                            "this is no terminal: --once prints one picture, --json lines");
    }
    top_sample_done(&top.sample);
    return status;
}
