// SPDX-License-Identifier: Apache-2.0
#include "federation/upstream.h"

#include <inttypes.h>

#include "http/hop.h"
#include "wire/signature.h"

enum {
    ANSWER_LIMIT_BYTES = 16 * 1024 * 1024,
    LABELS_LIMIT_BYTES = 12 * 1024 /* 16 of the longest */
};

/* Fields that only we may set towards an instance, or that the client library sets. */
static bool is_ours(struct wg_str name)
{
    static const char *const names[] = {
        "content-length", "expect",           "proxy-authorization",
        "forwarded",      "x-forwarded-for",  "x-request-id",
        "x-real-ip",      "x-forwarded-host", "x-forwarded-proto",
    };

    for (size_t i = 0; i < WG_COUNT(names); i++) {
        if (wg_str_is(name, names[i]))
            return true;
    }
    return wg_str_starts(name, WG_STR("wavegate-"));
}

/* Nothing the peer has signed stands over a request that we have narrowed. */
static bool is_signature(struct wg_str name)
{
    return wg_str_is(name, "signature") || wg_str_is(name, "signature-input");
}

static void copy_headers(const struct wg_upstream *upstream, struct wg_headers *to,
                         struct wg_arena *arena)
{
    const struct wg_headers *from = &upstream->message.headers;
    struct wg_headers kept = {0};

    for (size_t i = 0; i < from->count; i++)
        wg_headers_add(&kept, arena, from->at[i].name, from->at[i].value);
    wg_http_remove_hop_by_hop(&kept);
    for (size_t i = 0; i < kept.count; i++) {
        struct wg_str name = kept.at[i].name;

        if (is_ours(name) || (upstream->is_narrowed && is_signature(name)) ||
            (upstream->instance->upstream_token.at && wg_str_is(name, "authorization")))
            continue;
        wg_headers_add(to, arena, name, kept.at[i].value);
    }
}

/* A structured-field dictionary of strings (RFC 9651 3.2). */
static enum wg_code write_labels(const struct wg_headers *labels, struct wg_arena *arena,
                                 struct wg_str *ret_text, struct wg_err *err)
{
    struct wg_sf_members members = {
        .at = wg_arena_alloc(arena, labels->count * sizeof(struct wg_sf_item)),
        .count = labels->count,
    };
    struct wg_buf text;
    enum wg_code code;

    for (size_t i = 0; i < labels->count; i++) {
        members.at[i].key = labels->at[i].name;
        members.at[i].bare.type = WG_SF_STRING;
        members.at[i].bare.text = labels->at[i].value;
    }
    wg_buf_init(&text, LABELS_LIMIT_BYTES);
    code = wg_sf_write_dictionary(&members, &text, err);
    if (code == WG_OK)
        *ret_text = wg_arena_copy(arena, wg_buf_str(&text));
    wg_buf_done(&text);
    return code;
}

static enum wg_code add_ours(const struct wg_upstream *upstream, struct wg_headers *to,
                             struct wg_arena *arena, struct wg_err *err)
{
    struct wg_str token = upstream->instance->upstream_token;
    struct wg_str labels;

    wg_headers_add(to, arena, WG_STR("x-request-id"), upstream->request_id);
    wg_headers_add(to, arena, WG_STR("x-forwarded-for"), upstream->remote_address);
    wg_headers_add(to, arena, WG_STR("wavegate-origin"), upstream->peer_name);
    wg_headers_add(to, arena, WG_STR("wavegate-policy"),
                   wg_str(wg_arena_format(arena, "%" PRIu64, upstream->generation)));
    if (upstream->labels.count) {
        if (write_labels(&upstream->labels, arena, &labels, err) != WG_OK)
            return wg_while(err, "labels");
        wg_headers_add(to, arena, WG_STR("wavegate-labels"), labels);
    }
    if (token.at)
        wg_headers_add(to, arena, WG_STR("authorization"),
                       wg_str(wg_arena_format(arena, "Bearer %.*s", WG_STR_F(token))));
    return WG_OK;
}

/* "gw", or the first of "gw2", "gw3"... that the peer has not used: labels are free, and its
 * signature passes unchanged. */
static struct wg_str free_label(const struct wg_message *message, struct wg_arena *arena)
{
    struct wg_signature *signatures;
    struct wg_str label = WG_STR("gw");
    struct wg_err ignored;
    size_t count;

    if (wg_signatures_read(message, arena, &signatures, &count, &ignored) != WG_OK)
        return label;
    for (size_t i = 0, n = 2; i < count; i++) {
        if (!wg_str_equal(signatures[i].label, label))
            continue;
        label = wg_str(wg_arena_format(arena, "gw%zu", n++));
        i = (size_t)-1; /* look again from the start */
    }
    return label;
}

static enum wg_code sign(const struct wg_upstream *upstream, struct wg_message *message,
                         int64_t now_s, struct wg_arena *arena, struct wg_err *err)
{
    const struct wg_instance *instance = upstream->instance;
    struct wg_str components[10];
    size_t count = 0;
    struct wg_sign_options options = {
        .label = free_label(&upstream->message, arena),
        .components = components,
        .tag = WG_STR(WG_TAG_UPSTREAM),
        .created_s = now_s,
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
    if (upstream->labels.count)
        components[count++] = WG_STR("wavegate-labels");
    options.component_count = count;
    return wg_instance_sign(instance, message, &options, arena, err);
}

enum wg_code wg_upstream_request(const struct wg_upstream *upstream, int64_t now_s,
                                 struct wg_arena *arena, struct wg_http_request *ret_request,
                                 struct wg_err *err)
{
    const struct wg_instance *instance = upstream->instance;
    struct wg_message message = upstream->message;

    message.headers = (struct wg_headers){0};
    message.scheme = instance->upstream.is_tls ? WG_STR("https") : WG_STR("http");
    copy_headers(upstream, &message.headers, arena);
    if (add_ours(upstream, &message.headers, arena, err) != WG_OK ||
        sign(upstream, &message, now_s, arena, err) != WG_OK)
        return wg_while(err, "signing for the instance");
    *ret_request = (struct wg_http_request){
        .origin = instance->upstream,
        .method = message.method,
        /* In absolute form only its origin-form part, which is what an origin server is asked
         * with (RFC 9112 3.2.1). */
        .target = wg_str(wg_arena_format(arena, "%.*s%.*s", WG_STR_F(message.path),
                                         WG_STR_F(message.query))),
        .headers = message.headers.at,
        .header_count = message.headers.count,
        .body = message.body,
        .answer_limit_bytes = ANSWER_LIMIT_BYTES,
        .timeout_ms = instance->config->upstream_timeout_ms,
        .purpose = WG_PURPOSE_UPSTREAM,
    };
    return WG_OK;
}
