// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "federation/exchange.h"

enum { ANSWER_LIMIT_BYTES = 16 * 1024 * 1024 };

/* Fields that end at a connection (RFC 9110 7.6.1), or that only we may set towards an
 * instance. */
static bool is_ours(struct wg_str name)
{
    static const char *const names[] = {
        "connection",       "keep-alive",
        "proxy-connection", "te",
        "trailer",          "upgrade",
        "content-length",   "transfer-encoding",
        "expect",           "proxy-authorization",
        "forwarded",        "x-forwarded-for",
        "x-request-id",     "x-real-ip",
        "x-forwarded-host", "x-forwarded-proto",
    };

    for (size_t i = 0; i < WG_COUNT(names); i++) {
        if (wg_str_is(name, names[i]))
            return true;
    }
    return wg_str_starts(name, WG_STR("wavegate-"));
}

static bool is_listed(struct wg_str connection, struct wg_str name)
{
    while (connection.at) {
        if (wg_str_equal_nocase(wg_str_trim(wg_str_split(&connection, ',')), name))
            return true;
    }
    return false;
}

static void copy_headers(struct wg_exchange *x, struct wg_headers *to)
{
    const struct wg_headers *from = &x->message->headers;
    struct wg_str connection = wg_headers_joined(from, "connection", x->arena);

    for (size_t i = 0; i < from->count; i++) {
        struct wg_str name = from->at[i].name;

        if (is_ours(name) || is_listed(connection, name))
            continue;
        if (x->instance->upstream_token.at && wg_str_is(name, "authorization"))
            continue;
        wg_headers_add(to, x->arena, name, from->at[i].value);
    }
}

/* A structured-field dictionary of strings (RFC 9651 3.2). */
static enum wg_code write_labels(struct wg_exchange *x, struct wg_str *ret_text,
                                 struct wg_err *err)
{
    struct wg_sf_members members = {
        .at = wg_arena_alloc(x->arena, x->labels.count * sizeof(struct wg_sf_item)),
        .count = x->labels.count,
    };
    struct wg_buf text;
    enum wg_code code;

    for (size_t i = 0; i < x->labels.count; i++) {
        members.at[i].key = x->labels.at[i].name;
        members.at[i].bare.type = WG_SF_STRING;
        members.at[i].bare.text = x->labels.at[i].value;
    }
    wg_buf_init(&text, 4096);
    code = wg_sf_write_dictionary(&members, &text, err);
    if (code == WG_OK)
        *ret_text = wg_arena_copy(x->arena, wg_buf_str(&text));
    wg_buf_done(&text);
    return code;
}

static enum wg_code add_ours(struct wg_exchange *x, struct wg_headers *to, struct wg_err *err)
{
    struct wg_arena *arena = x->arena;
    struct wg_str labels;

    wg_headers_add(to, arena, WG_STR("x-request-id"), wg_str(x->request_id));
    wg_headers_add(to, arena, WG_STR("x-forwarded-for"), wg_str(x->remote_address));
    wg_headers_add(to, arena, WG_STR("wavegate-origin"), x->peer_name);
    wg_headers_add(to, arena, WG_STR("wavegate-policy"),
                   wg_str(wg_arena_format(
                       arena, "%llu", (unsigned long long)wg_policy_number(x->generation))));
    if (x->labels.count) {
        if (write_labels(x, &labels, err) != WG_OK)
            return wg_while(err, "labels");
        wg_headers_add(to, arena, WG_STR("wavegate-labels"), labels);
    }
    if (x->instance->upstream_token.at)
        wg_headers_add(to, arena, WG_STR("authorization"),
                       wg_str(wg_arena_format(arena, "Bearer %.*s",
                                              WG_STR_F(x->instance->upstream_token))));
    return WG_OK;
}

/* "gw", or the first of "gw2", "gw3"... that the peer has not used: labels are free, and its
 * signature passes unchanged. */
static struct wg_str free_label(struct wg_exchange *x)
{
    struct wg_signature *signatures;
    struct wg_str label = WG_STR("gw");
    struct wg_err ignored;
    size_t count;

    if (wg_signatures_read(x->message, x->arena, &signatures, &count, &ignored) != WG_OK)
        return label;
    for (size_t i = 0, n = 2; i < count; i++) {
        if (!wg_str_equal(signatures[i].label, label))
            continue;
        label = wg_str(wg_arena_format(x->arena, "gw%zu", n++));
        i = (size_t)-1; /* look again from the start */
    }
    return label;
}

static enum wg_code sign(struct wg_exchange *x, struct wg_message *message, struct wg_err *err)
{
    struct wg_str components[10];
    size_t count = 0;
    struct wg_sign_options options = {
        .label = free_label(x),
        .components = components,
        .tag = WG_STR(WG_TAG_UPSTREAM),
        .keyid = wg_str(wg_arena_format(x->arena, "%.*s#%s", WG_STR_F(x->instance->server_name),
                                        x->instance->key.public_key.kid)),
        .created_s = wg_clock_wall_s(x->worker->gateway->clock),
    };

    components[count++] = WG_STR("@method");
    components[count++] = WG_STR("@authority");
    components[count++] = WG_STR("@path");
    if (message->query.at)
        components[count++] = WG_STR("@query");
    if (message->body.len)
        components[count++] = WG_STR("content-digest");
    components[count++] = WG_STR("wavegate-origin");
    components[count++] = WG_STR("wavegate-policy");
    components[count++] = WG_STR("x-request-id");
    if (x->labels.count)
        components[count++] = WG_STR("wavegate-labels");
    options.component_count = count;
    return wg_message_sign(message, &options, &x->instance->key, x->arena, err);
}

/* The page that policy allows, when that is smaller than the one asked for: then `limit` is
 * rewritten, and only our own signature stands over the query. */
static struct wg_str clamped_query(struct wg_exchange *x)
{
    struct wg_str rest = x->message->query;
    char *query;

    if (x->endpoint != WG_ENDPOINT_BACKFILL || x->limits.events < 0 ||
        (x->limit >= 0 && x->limit <= x->limits.events))
        return x->message->query;
    query = wg_arena_format(x->arena, "?limit=%lld", (long long)x->limits.events);
    if (rest.len)
        rest = wg_str_of(rest.at + 1, rest.len - 1);
    while (rest.at) {
        struct wg_str part = wg_str_split(&rest, '&');

        if (part.len && !wg_str_starts(part, WG_STR("limit=")) && !wg_str_is(part, "limit"))
            query = wg_arena_format(x->arena, "%s&%.*s", query, WG_STR_F(part));
    }
    return wg_str(query);
}

enum wg_code wg_upstream_request(struct wg_exchange *x, struct wg_http_request *ret_request,
                                 struct wg_err *err)
{
    struct wg_message message = *x->message;

    message.headers = (struct wg_headers){0};
    message.query = clamped_query(x);
    message.scheme = x->instance->upstream.is_tls ? WG_STR("https") : WG_STR("http");
    copy_headers(x, &message.headers);
    if (add_ours(x, &message.headers, err) != WG_OK || sign(x, &message, err) != WG_OK)
        return wg_while(err, "signing for the instance");
    *ret_request = (struct wg_http_request){
        .origin = x->instance->upstream,
        .method = message.method,
        /* The target as it came; in absolute form only its origin-form part, which is what an
         * origin server is asked with (RFC 9112 3.2.1). */
        .target = wg_str(wg_arena_format(x->arena, "%.*s%.*s", WG_STR_F(message.path),
                                         WG_STR_F(message.query))),
        .headers = message.headers.at,
        .header_count = message.headers.count,
        .body = message.body,
        .answer_limit_bytes = ANSWER_LIMIT_BYTES,
        .timeout_ms = x->instance->config->upstream_timeout_ms,
    };
    return WG_OK;
}
