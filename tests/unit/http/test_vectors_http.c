// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>
#include <sodium.h>

#include "base/buf.h"
#include "http/parse.h"

static void add_base64(struct wg_buf *out, const char *text)
{
    size_t len = strlen(text), written;
    char *room = wg_buf_room(out, len);

    assert_non_null(room);
    assert_int_equal(sodium_base642bin((unsigned char *)room, len, text, len, NULL, &written,
                                       NULL, sodium_base64_VARIANT_ORIGINAL),
                     0);
    out->len += written;
}

static void read_request(const json_t *row, struct wg_buf *out)
{
    const json_t *parts = json_object_get(row, "parts_b64");

    if (!parts)
        add_base64(out, json_string_value(json_object_get(row, "http_b64")));
    for (size_t i = 0; i < json_array_size(parts); i++)
        add_base64(out, json_string_value(json_array_get(parts, i)));
}

/* is_one: the vector is one request, with what an attacker hides behind it; else it may be
 * several.
 * @return whether the parser does what the vector asks for */
static bool agrees(const json_t *row, bool is_one)
{
    const char *verdict = json_string_value(json_object_get(row, "verdict"));
    struct wg_message message;
    struct wg_buf request;
    struct wg_arena arena;
    struct wg_err err = {0};
    bool is_accepted, is_good;

    wg_buf_init(&request, 1 << 22);
    wg_arena_init(&arena);
    read_request(row, &request);
    is_accepted = wg_http_parse_request(wg_buf_str(&request), &arena, &message, &err) == WG_OK;
    is_good = strcmp(verdict, "either") == 0 || is_accepted == (strcmp(verdict, "accept") == 0);
    /* Refusing only what follows would have served the smuggled half. */
    if (is_one && strcmp(verdict, "reject") == 0 && strstr(err.text, "bytes behind the end"))
        is_good = false;
    if (!is_good)
        print_error("%s: to %s, but: %s\n", json_string_value(json_object_get(row, "id")),
                    verdict, is_accepted ? "accepted" : err.text);
    wg_arena_done(&arena);
    wg_buf_done(&request);
    return is_good;
}

static void run_file(const char *name, bool is_one, unsigned least_rows)
{
    char path[256], *line = NULL;
    unsigned rows = 0, wrong = 0;
    size_t size = 0;
    FILE *file;

    snprintf(path, sizeof path, "../shared/vectors/http1/%s", name);
    file = fopen(path, "r");
    if (!file) {
        print_message("%s is not here: skipped\n", path);
        skip();
    }
    while (getline(&line, &size, file) > 0) {
        json_t *row = json_loads(line, 0, NULL);

        assert_non_null(row);
        rows++;
        wrong += !agrees(row, is_one);
        json_decref(row);
    }
    free(line);
    fclose(file);
    assert_true(rows >= least_rows);
    assert_int_equal(wrong, 0);
}

static void agrees_with_http11probe(void **state)
{
    (void)state;
    run_file("http11probe.jsonl", true, 180);
}

static void agrees_with_the_tests_of_llhttp(void **state)
{
    (void)state;
    run_file("llhttp-requests.jsonl", false, 140);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_http11probe),
        cmocka_unit_test(agrees_with_the_tests_of_llhttp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
