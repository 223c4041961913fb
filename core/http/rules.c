// SPDX-License-Identifier: Apache-2.0
#include "http/rules_impl.h"

enum { HOST_LIMIT = 255 };

/* strchr() finds the NUL too. */
static bool is_one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool wg_http_is_token(struct wg_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_alnum(text.at[i]) && !is_one_of(text.at[i], "!#$%&'*+-.^_`|~"))
            return false;
    return text.len > 0;
}

bool wg_http_is_value(struct wg_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.at[i];

        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return false;
    }
    return true;
}

bool wg_http_is_host(struct wg_str host)
{
    struct wg_str name = host;
    size_t colon;
    uint64_t port;

    if (host.len == 0 || host.len > HOST_LIMIT)
        return false;
    if (host.at[0] == '[') {
        size_t end = wg_str_find(host, ']');

        if (end == host.len || end < 3)
            return false;
        for (size_t i = 1; i < end; i++)
            if (!is_one_of(host.at[i], "0123456789abcdefABCDEF:."))
                return false;
        name.len = end + 1;
    } else {
        name.len = wg_str_find(host, ':');
        for (size_t i = 0; i < name.len; i++)
            if (!is_alnum(host.at[i]) && !is_one_of(host.at[i], "-._"))
                return false;
    }
    colon = name.len;
    if (colon == host.len)
        return name.len > 0;
    return colon > 0 && host.at[colon] == ':' &&
           wg_str_to_uint(wg_str_of(host.at + colon + 1, host.len - colon - 1), 65535, &port);
}

bool wg_http_has_token(const struct wg_headers *headers, const char *name, const char *token)
{
    for (size_t i = 0; i < headers->count; i++) {
        struct wg_str rest = headers->at[i].value;

        if (!wg_str_is(headers->at[i].name, name))
            continue;
        while (rest.at)
            if (wg_str_equal_nocase(wg_str_trim(wg_str_split(&rest, ',')), wg_str(token)))
                return true;
    }
    return false;
}

/* RFC 9112 6.3 leaves a choice with several lengths or codings; each choice is somebody's
 * smuggled request, so only the one plain form of each passes. */
static enum wg_code read_frame(const struct wg_headers *headers, bool is_old,
                               struct wg_http_frame *ret_frame, struct wg_err *err)
{
    size_t codings = wg_headers_count(headers, "transfer-encoding");
    size_t lengths = wg_headers_count(headers, "content-length");
    struct wg_str length = wg_headers_get(headers, "content-length");
    struct wg_http_frame frame = {.is_old = is_old};

    if (codings && is_old)
        return wg_fail(err, WG_INVALID, "HTTP/1.0 has no Transfer-Encoding");
    if (codings && lengths)
        return wg_fail(err, WG_INVALID, "both Transfer-Encoding and Content-Length");
    if (codings > 1 ||
        (codings &&
         !wg_str_equal_nocase(wg_headers_get(headers, "transfer-encoding"), WG_STR("chunked"))))
        return wg_fail(err, WG_INVALID, "Transfer-Encoding is not exactly 'chunked'");
    if (lengths > 1)
        return wg_fail(err, WG_INVALID, "%zu Content-Length fields", lengths);
    if (lengths && (!wg_str_to_uint(length, INT64_MAX, &frame.length) ||
                    (length.len > 1 && length.at[0] == '0')))
        return wg_fail(err, WG_INVALID, "Content-Length is not a plain decimal number");
    frame.is_chunked = codings > 0;
    frame.has_length = lengths > 0;
    frame.is_kept = !is_old && !wg_http_has_token(headers, "connection", "close");
    *ret_frame = frame;
    return WG_OK;
}

static enum wg_code judge_host(struct wg_message *message, struct wg_err *err)
{
    struct wg_str host = wg_headers_get(&message->headers, "host");
    size_t hosts = wg_headers_count(&message->headers, "host");

    if (hosts != 1)
        return wg_fail(err, WG_INVALID, "%zu Host fields where exactly one must be", hosts);
    if (!wg_http_is_host(host))
        return wg_fail(err, WG_INVALID, "Host is not host or host:port");
    if (message->authority.at && !wg_str_equal_nocase(message->authority, host))
        return wg_fail(err, WG_INVALID, "the target's authority is not that of Host");
    if (!message->authority.at)
        message->authority = host;
    return WG_OK;
}

static enum wg_code judge_target(struct wg_message *message, struct wg_str target,
                                 struct wg_err *err)
{
    bool is_origin = target.len && target.at[0] == '/';
    bool is_absolute =
        wg_str_starts(target, WG_STR("http://")) || wg_str_starts(target, WG_STR("https://"));

    if (wg_str_is(target, "*") && !wg_str_is(message->method, "OPTIONS"))
        return wg_fail(err, WG_INVALID, "the target * is for OPTIONS only");
    if (!is_origin && !is_absolute && !wg_str_is(target, "*"))
        return wg_fail(err, WG_INVALID, "the target is neither a path nor an http(s) URL");
    return wg_message_set_target(message, target, err);
}

/* Expect, of which RFC 9110 10.1.1 knows one value. */
static int judge_expect(const struct wg_headers *headers, struct wg_http_frame *frame,
                        struct wg_err *err)
{
    size_t count = wg_headers_count(headers, "expect");

    if (count == 0 || frame->is_old) /* HTTP/1.0 has no 100 to wait for */
        return 0;
    if (count > 1 ||
        !wg_str_equal_nocase(wg_headers_get(headers, "expect"), WG_STR("100-continue"))) {
        wg_fail(err, WG_INVALID, "the only expectation known is 100-continue");
        return 417;
    }
    frame->wants_go = frame->is_chunked || frame->length > 0;
    return 0;
}

int wg_http_judge_request(struct wg_http_reader *reader, struct wg_arena *arena,
                          struct wg_message *ret_message, struct wg_http_frame *ret_frame,
                          struct wg_err *err)
{
    unsigned major = llhttp_get_http_major(&reader->llhttp);
    unsigned minor = llhttp_get_http_minor(&reader->llhttp);
    llhttp_method_t method = (llhttp_method_t)llhttp_get_method(&reader->llhttp);
    struct wg_str target;

    if (major != 1 || minor > 1) {
        wg_fail(err, WG_INVALID, "HTTP/%u.%u is not spoken here; HTTP/1.1 is", major, minor);
        return 505;
    }
    if (method == HTTP_CONNECT) {
        wg_fail(err, WG_INVALID, "CONNECT is not offered here");
        return 400;
    }
    wg_http_reader_head(reader, arena, &target, &ret_message->headers);
    ret_message->method = wg_str(llhttp_method_name(method));
    if (judge_target(ret_message, target, err) != WG_OK ||
        judge_host(ret_message, err) != WG_OK ||
        read_frame(&ret_message->headers, minor == 0, ret_frame, err) != WG_OK)
        return 400;
    if (ret_frame->has_length && ret_frame->length > reader->limits.body_bytes) {
        wg_fail(err, WG_TOO_LARGE, "the body is over %zu bytes", reader->limits.body_bytes);
        return 413;
    }
    return judge_expect(&ret_message->headers, ret_frame, err);
}

enum wg_code wg_http_judge_response(struct wg_http_reader *reader, bool is_to_head,
                                    struct wg_arena *arena, struct wg_headers *ret_headers,
                                    struct wg_http_frame *ret_frame, struct wg_err *err)
{
    unsigned major = llhttp_get_http_major(&reader->llhttp);
    unsigned minor = llhttp_get_http_minor(&reader->llhttp);
    int status = llhttp_get_status_code(&reader->llhttp);
    struct wg_str no_target;
    bool has_body;

    if (major != 1 || minor > 1)
        return wg_fail(err, WG_BAD_ANSWER, "an answer in HTTP/%u.%u", major, minor);
    if (status < 100 || status > 599 || status == 101)
        return wg_fail(err, WG_BAD_ANSWER, "an answer with status %d", status);
    wg_http_reader_head(reader, arena, &no_target, ret_headers);
    if (read_frame(ret_headers, minor == 0, ret_frame, err) != WG_OK) {
        wg_while(err, "an answer that can be read in two ways");
        return err->code = WG_BAD_ANSWER;
    }
    has_body = ret_frame->is_chunked || ret_frame->length > 0;
    if ((status < 200 || status == 204) && has_body)
        return wg_fail(err, WG_BAD_ANSWER, "status %d with a body", status);
    if (!is_to_head && status != 304 && ret_frame->has_length &&
        ret_frame->length > reader->limits.body_bytes)
        return wg_fail(err, WG_TOO_LARGE, "the answer is over %zu bytes",
                       reader->limits.body_bytes);
    return WG_OK;
}
