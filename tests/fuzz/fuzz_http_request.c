// SPDX-License-Identifier: Apache-2.0
/* A request is read alike whole and byte by byte, and what was accepted keeps the rules. */
#include <stdlib.h>

#include "http/query.h"
#include "http/rules_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    struct wg_arena arena;
    struct wg_message message;
    struct wg_http_frame frame;
    enum wg_http_progress progress;
    size_t used;
    struct wg_http_reader reader;
};

static enum wg_http_verdict on_head(void *owner, struct wg_http_reader *reader)
{
    struct reading *reading = owner;
    int status = wg_http_judge_request(reader, &reading->arena, &reading->message,
                                       &reading->frame, &reader->err);

    return status ? wg_http_reader_refuse(reader, status) : WG_HTTP_GO_ON;
}

static void read_in_steps(struct reading *reading, const char *data, size_t size, size_t step)
{
    static const struct wg_http_limits limits = {16 * 1024, 100, 64 * 1024};

    wg_arena_init(&reading->arena);
    wg_http_reader_init(&reading->reader, HTTP_REQUEST, &limits, on_head, reading);
    while (reading->progress == WG_HTTP_MORE && reading->used < size) {
        size_t rest = size - reading->used, used;

        reading->progress = wg_http_reader_feed(&reading->reader, data + reading->used,
                                                rest < step ? rest : step, &used);
        reading->used += used;
    }
}

static void check(const struct reading *reading)
{
    const struct wg_message *message = &reading->message;
    struct wg_str host = wg_headers_get(&message->headers, "host");

    if (!message->method.len || !message->target.len ||
        !wg_str_equal_nocase(host, message->authority))
        abort();
    for (size_t i = 0; i < message->headers.count; i++)
        if (!wg_http_is_token(message->headers.at[i].name) ||
            !wg_http_is_value(message->headers.at[i].value))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading whole = {0}, bytes = {0};
    struct wg_str value;
    struct wg_err err;

    if (size > 8 * 1024)
        return 0;
    read_in_steps(&whole, (const char *)data, size, size + 1);
    read_in_steps(&bytes, (const char *)data, size, 1);
    if (whole.progress != bytes.progress || whole.reader.status != bytes.reader.status)
        abort();
    if (whole.progress == WG_HTTP_DONE) {
        if (whole.used != bytes.used ||
            !wg_str_equal(wg_buf_str(&whole.reader.body), wg_buf_str(&bytes.reader.body)))
            abort();
        check(&whole);
        if (wg_http_query_get(whole.message.query, "a", &whole.arena, &value, &err) != WG_OK)
            value = (struct wg_str){0};
    }
    wg_http_reader_done(&whole.reader);
    wg_http_reader_done(&bytes.reader);
    wg_arena_done(&whole.arena);
    wg_arena_done(&bytes.arena);
    return 0;
}
