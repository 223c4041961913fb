// SPDX-License-Identifier: Apache-2.0
#include "policy/list_source_impl.h"
#include "wire/name.h"

enum { FETCH_MS = 60 * 1000, HTTPS_PORT = 443, HTTP_PORT = 80 };

static struct wg_str behind(struct wg_str text, size_t skipped)
{
    return wg_str_of(text.at + skipped, text.len - skipped);
}

static enum wg_code take_scheme(struct wg_list_source *source, struct wg_str *url,
                                struct wg_err *err)
{
    if (wg_str_starts(*url, WG_STR("https://"))) {
        source->origin.is_tls = true;
        *url = behind(*url, 8);
    } else if (source->options.allows_plain_http) {
        *url = behind(*url, 7);
    } else {
        return wg_fail(err, WG_CONFIG,
                       "%s: a list comes over https, so that nobody on the way can change it",
                       source->where);
    }
    return WG_OK;
}

enum wg_code wg_list_url_parse(struct wg_list_source *source, struct wg_err *err)
{
    struct wg_str url = wg_str(source->where);
    size_t slash;

    if (take_scheme(source, &url, err) != WG_OK)
        return err->code;
    slash = wg_str_find(url, '/');
    source->authority = wg_str_of(url.at, slash);
    source->target = slash < url.len ? behind(url, slash) : WG_STR("/");
    if (wg_server_name_check(source->authority, false, err) != WG_OK) {
        wg_while(err, "%s", source->where);
        return err->code = WG_CONFIG;
    }
    for (size_t i = 0; i < source->target.len; i++) {
        char byte = source->target.at[i];

        if (byte <= ' ' || byte >= 0x7f || byte == '#')
            return wg_fail(err, WG_CONFIG,
                           "%s: a URL holds no spaces, no '#' and only ASCII; write %%20 for a "
                           "space",
                           source->where);
    }
    wg_server_name_split(source->authority, source->origin.is_tls ? HTTPS_PORT : HTTP_PORT,
                         &source->origin.host, &source->origin.port);
    return WG_OK;
}

static void take_header(const struct wg_http_response *response, const char *name,
                        char *ret_text, size_t size)
{
    struct wg_str value = wg_headers_get(&response->headers, name);

    /* One too long to keep is one we do not have: the next answer is then a whole one. */
    if (value.at && value.len < size)
        memcpy(ret_text, value.at, value.len);
}

/* 200 and 304 are good; of others, what the operator can do. */
static enum wg_code check_answer(const struct wg_http_response *response,
                                 const struct wg_list_source *source, struct wg_err *err)
{
    struct wg_str coding = wg_headers_get(&response->headers, "content-encoding");
    struct wg_str location = wg_headers_get(&response->headers, "location");

    if (response->status >= 300 && response->status < 400 && response->status != 304)
        return wg_fail(err, WG_BAD_ANSWER, "it has moved (%d); write the new URL instead: %.*s",
                       response->status, WG_STR_F(location));
    if (response->status == 304 && !source->kept.etag[0] && !source->kept.last_modified[0])
        return wg_fail(err, WG_BAD_ANSWER, "304, although we have no copy");
    if (response->status != 200 && response->status != 304)
        return wg_fail(err, WG_BAD_ANSWER, "the server answers %d", response->status);
    if (coding.at && !wg_str_equal_nocase(coding, WG_STR("identity")))
        return wg_fail(err, WG_BAD_ANSWER,
                       "the answer is coded as %.*s, which was not asked for",
                       WG_STR_F(coding));
    return WG_OK;
}

static enum wg_code use_answer(struct wg_list_source *source,
                               const struct wg_http_response *response, struct wg_err *err)
{
    struct wg_list_kept kept = source->kept;
    char *body;

    kept.checked_at_s = wg_clock_wall_s(wg_loop_clock(source->options.loop));
    if (response->status == 304) {
        wg_list_job_start(source, WG_LIST_JOB_SAME, NULL, 0, &kept);
        return WG_OK;
    }
    kept = (struct wg_list_kept){.changed_at_s = kept.checked_at_s,
                                 .checked_at_s = kept.checked_at_s};
    take_header(response, "etag", kept.etag, sizeof kept.etag);
    take_header(response, "last-modified", kept.last_modified, sizeof kept.last_modified);
    body = wg_try_alloc(response->body.len + 1);
    if (!body)
        return wg_fail(err, WG_FULL, "no memory for %zu bytes", response->body.len);
    if (response->body.len)
        memcpy(body, response->body.at, response->body.len);
    wg_list_job_start(source, WG_LIST_JOB_ANSWER, body, response->body.len, &kept);
    return WG_OK;
}

static void on_answer(void *owner, const struct wg_http_response *response,
                      const struct wg_err *failure)
{
    struct wg_list_source *source = owner;
    struct wg_err err;

    source->fetch = NULL;
    if (source->is_closing) {
        wg_list_source_settle(source);
        return;
    }
    if (response && check_answer(response, source, &err) == WG_OK &&
        use_answer(source, response, &err) == WG_OK)
        return;
    if (!response)
        err = *failure;
    wg_while(&err, "fetching %s", source->shown);
    wg_list_source_fail(source, &err);
}

void wg_list_fetch(struct wg_list_source *source)
{
    const struct wg_list_source_options *options = &source->options;
    struct wg_header headers[5] = {
        {WG_STR("host"), source->authority},
        {WG_STR("user-agent"), WG_STR("Wavegate/" WAVEGATE_VERSION)},
        {WG_STR("accept"), WG_STR("text/plain, text/csv, application/json, */*;q=0.1")},
    };
    struct wg_http_request request = {
        .origin = source->origin,
        .method = WG_STR("GET"),
        .target = source->target,
        .headers = headers,
        .header_count = 3,
        .answer_limit_bytes =
            options->list.limit_bytes ? options->list.limit_bytes : WG_LIST_LIMIT_BYTES,
        .timeout_ms = options->timeout_ms ? options->timeout_ms : FETCH_MS,
        .purpose = WG_PURPOSE_LIST,
    };

    if (source->kept.etag[0])
        headers[request.header_count++] =
            (struct wg_header){WG_STR("if-none-match"), wg_str(source->kept.etag)};
    if (source->kept.last_modified[0])
        headers[request.header_count++] =
            (struct wg_header){WG_STR("if-modified-since"), wg_str(source->kept.last_modified)};
    wg_timer_stop(source->timer);
    source->fetch = wg_http_fetch(options->client, &request, on_answer, source);
}
