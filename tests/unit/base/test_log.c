// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/utf8.h"

/* Standard error goes to a file while a test logs. */
struct capture {
    FILE *file;
    int was;
    char text[64 * 1024];
    size_t len;
};

static void capture_begin(struct capture *capture)
{
    fflush(stderr);
    assert_non_null(capture->file = tmpfile());
    capture->was = dup(STDERR_FILENO);
    assert_true(dup2(fileno(capture->file), STDERR_FILENO) >= 0);
}

static struct wg_str capture_end(struct capture *capture)
{
    assert_true(dup2(capture->was, STDERR_FILENO) >= 0);
    close(capture->was);
    rewind(capture->file);
    capture->len = fread(capture->text, 1, sizeof capture->text - 1, capture->file);
    capture->text[capture->len] = '\0';
    fclose(capture->file);
    return wg_str_of(capture->text, capture->len);
}

/* Exactly one line, and what jansson makes of it. */
static json_t *one_json_line(const struct capture *capture)
{
    json_error_t error;
    json_t *line;

    assert_true(capture->len > 0 && capture->text[capture->len - 1] == '\n');
    assert_int_equal(wg_str_find(wg_str_of(capture->text, capture->len), '\n'),
                     capture->len - 1);
    line = json_loadb(capture->text, capture->len,
                      JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &error);
    if (!line)
        fail_msg("%s: %s", error.text, capture->text);
    return line;
}

static const char *text_of(const json_t *line, const char *name)
{
    return json_string_value(json_object_get(line, name));
}

static void a_line_is_json_with_time_level_event_and_message(void **state)
{
    static struct capture capture;
    json_t *line;

    (void)state;
    wg_log_set_format(WG_LOG_JSON);
    capture_begin(&capture);
    errno = EAGAIN;
    wg_log(WG_LOG_WARN, "federation.send.failed", "peer not reachable",
           WG_F_TEXT("peer", "a.example"), WG_F_INT("status", 503), WG_F_FLOAT("seconds", 1.5),
           WG_F_STR("absent", ((struct wg_str){NULL, 0})), WG_F_TEXT("empty", ""));
    assert_int_equal(errno, EAGAIN);
    capture_end(&capture);
    line = one_json_line(&capture);
    assert_string_equal(text_of(line, "level"), "warn");
    assert_string_equal(text_of(line, "event"), "federation.send.failed");
    assert_string_equal(text_of(line, "message"), "peer not reachable");
    assert_string_equal(text_of(line, "peer"), "a.example");
    assert_int_equal(json_integer_value(json_object_get(line, "status")), 503);
    assert_true(json_real_value(json_object_get(line, "seconds")) == 1.5);
    assert_null(json_object_get(line, "absent"));
    assert_string_equal(text_of(line, "empty"), "");
    assert_int_equal(strlen(text_of(line, "time")), strlen("2026-01-31T12:00:00.000Z"));
    json_decref(line);
}

static void what_is_below_the_level_is_not_written(void **state)
{
    static struct capture capture;

    (void)state;
    capture_begin(&capture);
    wg_log(WG_LOG_DEBUG, "x", "unseen");
    wg_log_set_level(WG_LOG_ERROR);
    wg_log(WG_LOG_WARN, "x", "unseen");
    assert_false(wg_log_is_on(WG_LOG_WARN));
    assert_true(wg_log_is_on(WG_LOG_ERROR));
    wg_log_set_level(WG_LOG_INFO);
    assert_int_equal(capture_end(&capture).len, 0);
}

static void foreign_bytes_cannot_break_a_line(void **state)
{
    static const char foreign[] =
        "a\"b\\c\n{\"level\":\"error\"}\r\t\x1b[2J\x7f\xff\xed\xa0\x80";
    static struct capture capture;
    json_t *line;

    (void)state;
    capture_begin(&capture);
    wg_log(WG_LOG_INFO, "x", foreign, WG_F_TEXT("text", foreign), WG_F_INT("last", 1));
    capture_end(&capture);
    for (size_t i = 0; i + 1 < capture.len; i++)
        assert_true((unsigned char)capture.text[i] >= ' ' && capture.text[i] != 0x7f);
    line = one_json_line(&capture);
    assert_non_null(strstr(text_of(line, "text"), "a\"b\\c\n{"));
    assert_int_equal(json_integer_value(json_object_get(line, "last")), 1);
    json_decref(line);
}

static void names_from_a_policy_cannot_break_a_line(void **state)
{
    static struct capture capture;
    json_t *line;

    (void)state;
    capture_begin(&capture);
    wg_log(WG_LOG_INFO, "a\"b c", "m", WG_F_INT("x\":1,\"y z", 1));
    capture_end(&capture);
    line = one_json_line(&capture);
    assert_string_equal(text_of(line, "event"), "a_b_c");
    assert_int_equal(json_integer_value(json_object_get(line, "x_:1,_y_z")), 1);
    json_decref(line);
}

static void what_is_no_number_is_null(void **state)
{
    static struct capture capture;
    json_t *line;

    (void)state;
    capture_begin(&capture);
    wg_log(WG_LOG_INFO, "x", "m", WG_F_FLOAT("nan", NAN), WG_F_FLOAT("inf", -INFINITY),
           WG_F_FLOAT("huge", 1e300), WG_F_INT("least", INT64_MIN));
    capture_end(&capture);
    line = one_json_line(&capture);
    assert_true(json_is_null(json_object_get(line, "nan")));
    assert_true(json_is_null(json_object_get(line, "inf")));
    json_decref(line);
}

/* A field of every length around the limits, and what grows most when escaped. */
static void a_line_over_the_limit_is_cut_and_still_json(void **state)
{
    static const char *const pieces[] = {"x", "\n", "\xff", "\xf0\x9f\x99\x82", "\\\xc3\xa9"};
    static struct capture capture;
    static char text[20000];

    (void)state;
    for (size_t p = 0; p < WG_COUNT(pieces); p++) {
        for (size_t len = 1; len < sizeof text; len = len * 5 / 4 + 1) {
            size_t width = strlen(pieces[p]);
            struct wg_str value = {text, len / width * width};
            json_t *line;

            for (size_t i = 0; i + width <= len; i += width)
                memcpy(text + i, pieces[p], width);
            text[value.len] = '\0';
            capture_begin(&capture);
            wg_log(WG_LOG_INFO, "x", text, WG_F_STR("a", value), WG_F_STR("b", value),
                   WG_F_STR("c", value), WG_F_INT("d", 4), WG_F_STR("e", value),
                   WG_F_INT("last", 1));
            capture_end(&capture);
            assert_true(capture.len <= 16 * 1024);
            line = one_json_line(&capture);
            /* A text loses its end when it takes more than a quarter of a line. */
            if (len >= 4200)
                assert_true(json_is_true(json_object_get(line, "cut")));
            if (len < 400)
                assert_null(json_object_get(line, "cut"));
            if (!json_object_get(line, "cut"))
                assert_int_equal(json_integer_value(json_object_get(line, "last")), 1);
            json_decref(line);
        }
    }
}

static void a_long_text_leaves_room_for_the_fields_behind_it(void **state)
{
    static struct capture capture;
    static char text[200000];
    json_t *line;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    capture_begin(&capture);
    wg_log(WG_LOG_INFO, "x", "m", WG_F_TEXT("foreign", text), WG_F_INT("status", 200));
    capture_end(&capture);
    line = one_json_line(&capture);
    assert_int_equal(json_integer_value(json_object_get(line, "status")), 200);
    assert_true(json_is_true(json_object_get(line, "cut")));
    json_decref(line);
}

static void very_many_fields_are_left_out_whole(void **state)
{
    static struct wg_field fields[3001];
    static char names[3000][16];
    static struct capture capture;
    json_t *line;

    (void)state;
    for (size_t i = 0; i < 3000; i++) {
        snprintf(names[i], sizeof names[i], "f%zu", i);
        fields[i] = (struct wg_field)WG_F_TEXT(names[i], "v");
    }
    capture_begin(&capture);
    wg_log_fields(WG_LOG_INFO, "x", "m", fields);
    capture_end(&capture);
    assert_true(capture.len <= 16 * 1024);
    line = one_json_line(&capture);
    assert_true(json_is_true(json_object_get(line, "cut")));
    assert_string_equal(text_of(line, "f500"), "v");
    json_decref(line);
}

/* name=value, the value bare or in quotes, one space between: to the end of the line. */
static void expect_logfmt(const char *text, size_t len)
{
    size_t i = 0;

    while (i < len && text[i] != '\n') {
        size_t name = i;

        while (i < len && text[i] > ' ' && text[i] != '=' && text[i] != '"')
            i++;
        if (i == name || text[i++] != '=')
            fail_msg("no name= at byte %zu of %s", name, text);
        if (text[i] == '"') {
            for (i++; i < len && text[i] != '"'; i++)
                i += text[i] == '\\';
            i++;
        } else {
            while (i < len && text[i] > ' ' && text[i] != '=' && text[i] != '"')
                i++;
        }
        if (text[i] == ' ')
            i++;
        else if (text[i] != '\n')
            fail_msg("a value does not end at byte %zu of %s", i, text);
    }
    assert_int_equal(i + 1, len);
    assert_true(wg_utf8_is_valid(wg_str_of(text, len)));
}

static void a_logfmt_line_can_be_split_again(void **state)
{
    static struct capture capture;
    static char text[50000];

    (void)state;
    wg_log_set_format(WG_LOG_LOGFMT);
    for (size_t len = 0; len < sizeof text; len = len * 2 + 1) {
        for (size_t i = 0; i < len; i++)
            text[i] = "ab\" =\n\xc3\xa9"[i % 8];
        text[len] = '\0';
        capture_begin(&capture);
        wg_log(WG_LOG_INFO, "a.b", text, WG_F_TEXT("bare", "a.example:8443"),
               WG_F_TEXT("text", text), WG_F_TEXT("empty", ""), WG_F_TEXT("again", text),
               WG_F_INT("n", -5));
        capture_end(&capture);
        expect_logfmt(capture.text, capture.len);
        assert_non_null(strstr(capture.text, " bare=a.example:8443 "));
        assert_non_null(strstr(capture.text, " level=info event=a.b message=\""));
    }
    wg_log_set_format(WG_LOG_JSON);
}

static void a_human_line_is_a_line(void **state)
{
    static struct capture capture;

    (void)state;
    wg_log_set_format(WG_LOG_HUMAN);
    capture_begin(&capture);
    wg_log(WG_LOG_WARN, "a.b", "two\nlines", WG_F_TEXT("peer", "a b"), WG_F_INT("n", 5));
    capture_end(&capture);
    wg_log_set_format(WG_LOG_JSON);
    assert_string_equal(strchr(capture.text, ' '),
                        " warn  a.b: two\\nlines peer=\"a b\" n=5\n");
}

static void levels_and_formats_are_read_by_name(void **state)
{
    enum wg_log_level level = WG_LOG_DEBUG;
    enum wg_log_format format = WG_LOG_JSON;

    (void)state;
    assert_true(wg_log_level_parse(WG_STR("error"), &level));
    assert_int_equal(level, WG_LOG_ERROR);
    assert_false(wg_log_level_parse(WG_STR("Error"), &level));
    assert_false(wg_log_level_parse(WG_STR(""), &level));
    assert_int_equal(level, WG_LOG_ERROR);
    assert_true(wg_log_format_parse(WG_STR("human"), &format));
    assert_int_equal(format, WG_LOG_HUMAN);
    assert_false(wg_log_format_parse(WG_STR("xml"), &format));
}

static void a_panic_is_logged_and_stops_the_process(void **state)
{
    static struct capture capture;
    int status = 0;
    pid_t child;
    json_t *line;

    (void)state;
    capture_begin(&capture);
    child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        wg_panic("no %s left", "memory");
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    capture_end(&capture);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    line = one_json_line(&capture);
    assert_string_equal(text_of(line, "message"), "no memory left");
    json_decref(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_json_with_time_level_event_and_message),
        cmocka_unit_test(what_is_below_the_level_is_not_written),
        cmocka_unit_test(foreign_bytes_cannot_break_a_line),
        cmocka_unit_test(names_from_a_policy_cannot_break_a_line),
        cmocka_unit_test(what_is_no_number_is_null),
        cmocka_unit_test(a_line_over_the_limit_is_cut_and_still_json),
        cmocka_unit_test(a_long_text_leaves_room_for_the_fields_behind_it),
        cmocka_unit_test(very_many_fields_are_left_out_whole),
        cmocka_unit_test(a_logfmt_line_can_be_split_again),
        cmocka_unit_test(a_human_line_is_a_line),
        cmocka_unit_test(levels_and_formats_are_read_by_name),
        cmocka_unit_test(a_panic_is_logged_and_stops_the_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
