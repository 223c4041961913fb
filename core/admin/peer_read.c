// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_impl.h"
#include "wire/name.h"

enum { ANSWER_LIMIT_BYTES = 16 * 1024 * 1024, TIMEOUT_MS = 30 * 1000 };

static void run(void *owner);

static void fail(struct wg_admin_request *request, const struct wg_err *err)
{
    struct wg_admin_read *read = request->state;

    read->on_answer(request, NULL, err);
}

static void on_answer(void *owner, const struct wg_http_response *response,
                      const struct wg_err *err)
{
    struct wg_admin_request *request = owner;
    struct wg_admin_read *read = request->state;

    read->on_answer(request, response, err);
}

static struct wg_str target_of(struct wg_admin_request *request,
                               const struct wg_admin_read *read,
                               const struct wg_descriptor *descriptor)
{
    struct wg_str path = read->endpoint == WG_ENDPOINT_PROFILE   ? descriptor->profile
                         : read->endpoint == WG_ENDPOINT_MEMBERS ? descriptor->members
                                                                 : descriptor->backfill;

    path = wg_endpoint_expand(path, read->value, request->arena);
    return wg_str(
        wg_arena_format(request->arena, "%.*s%.*s", WG_STR_F(path), WG_STR_F(read->query)));
}

static enum wg_code make_message(struct wg_admin_request *request,
                                 const struct wg_admin_read *read, const struct wg_peer *peer,
                                 struct wg_message *message, struct wg_err *err)
{
    const struct wg_instance *instance = request->instance;
    struct wg_sign_options options = {
        .created_s = wg_clock_wall_s(request->gateway->clock),
    };

    *message = (struct wg_message){
        .method = WG_STR("GET"), .scheme = WG_STR("https"), .authority = read->peer};
    if (!peer->descriptor.speaks_v1)
        return wg_fail(err, WG_PROTOCOL_VERSION, "'%.*s' speaks %.*s, this server speaks %s",
                       WG_STR_F(read->peer), WG_STR_F(peer->descriptor.versions),
                       WG_SPOKEN_VERSION);
    if (wg_message_set_target(message, target_of(request, read, &peer->descriptor), err) !=
        WG_OK)
        return wg_while(err, "the endpoint in the descriptor of '%.*s'", WG_STR_F(read->peer));
    wg_headers_add(&message->headers, request->arena, WG_STR("host"), read->peer);
    wg_headers_add(&message->headers, request->arena, WG_STR("accept"),
                   WG_STR("application/json"));
    wg_headers_add(&message->headers, request->arena, WG_STR("user-agent"),
                   WG_STR("wavegate/" WAVEGATE_VERSION));
    return wg_instance_sign(instance, message, &options, request->arena, err);
}

static void fetch(struct wg_admin_request *request, const struct wg_peer *peer)
{
    struct wg_admin_read *read = request->state;
    struct wg_message message;
    struct wg_http_request fetched = {.origin.is_tls = true};
    struct wg_err err;

    if (make_message(request, read, peer, &message, &err) != WG_OK) {
        fail(request, &err);
        return;
    }
    fetched.method = message.method;
    fetched.target = message.target;
    fetched.headers = message.headers.at;
    fetched.header_count = message.headers.count;
    fetched.answer_limit_bytes = ANSWER_LIMIT_BYTES;
    fetched.timeout_ms = TIMEOUT_MS;
    fetched.purpose = WG_PURPOSE_READ;
    wg_server_name_split(read->peer, 443, &fetched.origin.host, &fetched.origin.port);
    (void)wg_http_fetch(request->worker->client, &fetched, on_answer, request);
}

static void run(void *owner)
{
    struct wg_admin_request *request = owner;
    struct wg_admin_read *read = request->state;
    struct wg_lookup_how how = {.loop = request->worker->loop,
                                .client = request->worker->client,
                                .is_forced = read->is_forced && !read->was_forced,
                                .on_known = run,
                                .owner = request};
    const struct wg_peer *peer = NULL;
    int64_t retry_s;
    struct wg_err err;

    if (!how.client) {
        wg_fail(&err, WG_CANCELLED, "the gateway is stopping");
        fail(request, &err);
        return;
    }
    read->was_forced = true;
    switch (wg_directory_lookup(request->gateway->directory, read->peer, &how, &peer, &retry_s,
                                &err)) {
    case WG_LOOKUP_WAIT:
        return;
    case WG_LOOKUP_FAILED:
        fail(request, &err);
        return;
    case WG_LOOKUP_FOUND:
        fetch(request, peer);
        wg_peer_unref(peer);
        return;
    }
}

void wg_admin_peer_read(struct wg_admin_request *request, struct wg_admin_read *read)
{
    request->state = read;
    wg_loop_post(request->worker->loop, run, request);
}

struct wg_str wg_admin_refusal(struct wg_admin_request *request,
                               const struct wg_http_response *response,
                               struct wg_str *ret_sw_code)
{
    struct wg_str text;
    struct wg_err ignored;
    json_t *json = NULL;
    json_t *error;

    *ret_sw_code = (struct wg_str){NULL, 0};
    if (wg_json_parse(response->body, &json, &ignored) != WG_OK)
        json = NULL;
    error = json_object_get(json, "error");
    text = wg_str(wg_arena_format(request->arena, "answered %d", response->status));
    if (wg_json_string(error, "code").at) {
        *ret_sw_code = wg_arena_copy(request->arena, wg_json_string(error, "code"));
        text = wg_str(wg_arena_format(request->arena, "answered %d %.*s: %.*s",
                                      response->status, WG_STR_F(*ret_sw_code),
                                      WG_STR_F(wg_json_string(error, "message"))));
    }
    json_decref(json);
    return text;
}
