// SPDX-License-Identifier: Apache-2.0
#include "http/parse.h"

#include "http/rules_impl.h"

struct parse {
    struct wg_arena *arena;
    struct wg_message message;
    struct wg_http_frame frame;
};

static enum wg_http_verdict on_head(void *owner, struct wg_http_reader *reader)
{
    struct parse *parse = owner;
    int status = wg_http_judge_request(reader, parse->arena, &parse->message, &parse->frame,
                                       &reader->err);

    return status ? wg_http_reader_refuse(reader, status) : WG_HTTP_GO_ON;
}

enum wg_code wg_http_parse_request(struct wg_str bytes, struct wg_arena *arena,
                                   struct wg_message *ret_message, struct wg_err *err)
{
#define X(name, value) .name = value,
    static const struct wg_http_limits limits = {WG_HTTP_LIMITS(X)};
#undef X
    struct parse parse = {.arena = arena};
    struct wg_http_reader reader;
    enum wg_http_progress progress;
    enum wg_code code = WG_OK;
    size_t used;

    parse.message.scheme = WG_STR("https");
    wg_http_reader_init(&reader, HTTP_REQUEST, &limits, on_head, &parse);
    progress = wg_http_reader_feed(&reader, bytes.at, bytes.len, &used);
    if (progress == WG_HTTP_MORE)
        progress = wg_http_reader_end(&reader);
    if (progress == WG_HTTP_FAILED) {
        *err = reader.err;
        code = err->code;
    } else if (used < bytes.len) {
        code = wg_fail(err, WG_INVALID, "%zu bytes behind the end of the request",
                       bytes.len - used);
    } else {
        parse.message.body = wg_arena_copy(arena, wg_buf_str(&reader.body));
        *ret_message = parse.message;
    }
    wg_http_reader_done(&reader);
    return code;
}
