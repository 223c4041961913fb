// SPDX-License-Identifier: Apache-2.0
#include "http/client_impl.h"

static bool is_ours(struct wg_str name)
{
    static const char *const names[] = {
        "connection", "content-length",   "expect",  "keep-alive",       "te",
        "trailer",    "proxy-connection", "upgrade", "transfer-encoding"};

    for (size_t i = 0; i < WG_COUNT(names); i++)
        if (wg_str_equal_nocase(name, wg_str(names[i])))
            return true;
    return false;
}

static bool is_target(struct wg_str target)
{
    for (size_t i = 0; i < target.len; i++)
        if (target.at[i] <= ' ' ||
            target.at[i] >= 0x7f) /* char may be signed: bytes past ASCII */
            return false;
    return target.len && target.at[0] == '/';
}

static enum wg_code write_headers(const struct wg_http_request *request, struct wg_buf *out,
                                  struct wg_err *err)
{
    unsigned hosts = 0;

    for (size_t i = 0; i < request->header_count; i++) {
        const struct wg_header *header = &request->headers[i];

        if (!wg_http_is_token(header->name) || !wg_http_is_value(header->value))
            return wg_fail(err, WG_INVALID, "a header field named '%.*s' cannot be sent",
                           WG_STR_F(header->name));
        if (is_ours(header->name))
            continue;
        if (wg_str_equal_nocase(header->name, WG_STR("host")))
            hosts++;
        wg_buf_adds(out, header->name);
        wg_buf_adds(out, WG_STR(": "));
        wg_buf_adds(out, header->value);
        wg_buf_adds(out, WG_STR("\r\n"));
    }
    if (hosts != 1)
        return wg_fail(err, WG_INVALID, "%u Host fields where exactly one must be", hosts);
    return WG_OK;
}

/* RFC 9110 8.6: a length also without a body, where the method means to send one. */
static bool says_length(const struct wg_http_request *request)
{
    return request->body.len || wg_str_is(request->method, "POST") ||
           wg_str_is(request->method, "PUT") || wg_str_is(request->method, "PATCH");
}

enum wg_code wg_http_request_write(const struct wg_http_request *request, struct wg_buf *out,
                                   struct wg_err *err)
{
    if (!wg_http_is_token(request->method))
        return wg_fail(err, WG_INVALID, "'%.*s' is not a method", WG_STR_F(request->method));
    if (!is_target(request->target))
        return wg_fail(err, WG_INVALID, "'%.*s' is not a path with a query",
                       WG_STR_F(request->target));
    wg_buf_adds(out, request->method);
    wg_buf_addc(out, ' ');
    wg_buf_adds(out, request->target);
    wg_buf_adds(out, WG_STR(" HTTP/1.1\r\n"));
    if (write_headers(request, out, err) != WG_OK)
        return err->code;
    if (says_length(request))
        wg_buf_addf(out, "Content-Length: %zu\r\n", request->body.len);
    wg_buf_adds(out, WG_STR("\r\n"));
    wg_buf_adds(out, request->body);
    return wg_buf_status(out, err);
}
