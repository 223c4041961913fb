// SPDX-License-Identifier: Apache-2.0
/* An answer is read alike whole and byte by byte, up to the end of the connection. */
#include <stdlib.h>

#include "http/hop.h"
#include "http/rules_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    struct wg_arena arena;
    struct wg_headers headers;
    struct wg_http_frame frame;
    enum wg_http_progress progress;
    size_t used;
    struct wg_http_reader reader;
};

static enum wg_http_verdict on_head(void *owner, struct wg_http_reader *reader)
{
    struct reading *reading = owner;

    if (wg_http_judge_response(reader, false, &reading->arena, &reading->headers,
                               &reading->frame, &reader->err) != WG_OK)
        return wg_http_reader_refuse(reader, 400);
    return WG_HTTP_GO_ON;
}

static void read_in_steps(struct reading *reading, const char *data, size_t size, size_t step)
{
    static const struct wg_http_limits limits = {16 * 1024, 100, 64 * 1024};

    wg_arena_init(&reading->arena);
    wg_http_reader_init(&reading->reader, HTTP_RESPONSE, &limits, on_head, reading);
    while (reading->progress == WG_HTTP_MORE && reading->used < size) {
        size_t rest = size - reading->used, used;

        reading->progress = wg_http_reader_feed(&reading->reader, data + reading->used,
                                                rest < step ? rest : step, &used);
        reading->used += used;
    }
    if (reading->progress == WG_HTTP_MORE)
        reading->progress = wg_http_reader_end(&reading->reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading whole = {0}, bytes = {0};

    if (size > 8 * 1024)
        return 0;
    read_in_steps(&whole, (const char *)data, size, size + 1);
    read_in_steps(&bytes, (const char *)data, size, 1);
    if (whole.progress != bytes.progress || whole.reader.status != bytes.reader.status)
        abort();
    if (whole.progress == WG_HTTP_DONE) {
        if (whole.used != bytes.used || whole.headers.count != bytes.headers.count ||
            !wg_str_equal(wg_buf_str(&whole.reader.body), wg_buf_str(&bytes.reader.body)))
            abort();
        wg_http_remove_hop_by_hop(&whole.headers);
        if (wg_headers_get(&whole.headers, "connection").at)
            abort();
    }
    wg_http_reader_done(&whole.reader);
    wg_http_reader_done(&bytes.reader);
    wg_arena_done(&whole.arena);
    wg_arena_done(&bytes.arena);
    return 0;
}
