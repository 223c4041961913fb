// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "admin/admin.h"
#include "base/log.h"
#include "cli/serve_impl.h"
#include "federation/answer.h"
#include "federation/probe.h"
#include "federation/restore.h"
#include "federation/upkeep.h"
#include "store/document.h"

/* The door for operators: plain HTTP on the control loop, with a client of its own, so that
 * what an operator asks for never keeps a worker busy. */

/* How the verbs of this machine find the door and get in. */
#define TOKEN_FILE "admin.token"
#define ADDRESS_FILE "admin.address"

enum { BODY_LIMIT_BYTES = 1024 * 1024, TOKEN_FILE_LIMIT_BYTES = 1024, DRAIN_MS = 5000 };

struct serve_admin {
    struct wg_worker base;
    struct serve *serve;
    struct wg_admin *admin;
    struct wg_upkeep *upkeep;
    struct wg_tls_client *tls_client;
    struct wg_dialer *dialer;
    struct wg_http_server *server;
    struct wg_listener *listeners[SERVE_DOORS_LIMIT];
    char addresses[SERVE_DOORS_LIMIT][WG_SOCKET_TEXT];
    size_t listener_count, address_count;
    struct wg_timer *drain_timer;
    bool is_stopping;
    void (*on_stopped)(struct serve *serve);
};

static void on_request(void *owner, struct wg_http_call *call)
{
    struct serve_admin *admin = owner;

    wg_admin_start(admin->admin, call);
}

static void on_accept(void *owner, struct wg_stream *stream)
{
    struct serve_admin *admin = owner;

    wg_http_server_adopt(admin->server, stream);
}

static void on_drain_timeout(void *owner)
{
    struct serve_admin *admin = owner;

    wg_http_server_abort(admin->server);
}

static void make_server(struct serve_admin *admin)
{
    static const struct wg_http_server_events events = {on_request, NULL};
    struct wg_http_server_options options;

    wg_http_server_defaults(&options);
    options.body_limit_bytes = BODY_LIMIT_BYTES;
    options.scheme = "http";
    options.error_body = wg_answer_http_error;
    admin->server = wg_http_server_new(admin->base.loop, &options, &events, admin);
}

static enum wg_code open_doors(struct serve_admin *admin, struct wg_err *err)
{
    for (wg_names at = admin->serve->config->admin_listen; *at; at++) {
        struct wg_listener_options options = {.counter = admin->serve->counter,
                                              .door = WG_DOOR_ADMIN};
        size_t i = admin->listener_count;

        if (i == SERVE_DOORS_LIMIT)
            return wg_fail(err, WG_CONFIG, "admin.listen: at most %d addresses",
                           SERVE_DOORS_LIMIT);
        if (wg_socket_listen(*at, &options.fd, admin->addresses[i], err) != WG_OK)
            return wg_while(err, "admin.listen");
        admin->address_count = i + 1;
        if (wg_listener_open(admin->base.loop, &options, on_accept, admin, &admin->listeners[i],
                             err) != WG_OK)
            return err->code;
        admin->listener_count = i + 1;
    }
    return WG_OK;
}

static void on_token_stored(void *owner, const struct wg_err *err, int64_t version)
{
    (void)owner;
    (void)version;
    if (err->code != WG_OK)
        wg_log(WG_LOG_ERROR, "admin.token_not_stored",
               "the token of this machine's verbs is good until the next start only",
               WG_F_TEXT("reason", err->text));
}

static enum wg_code make_token(struct serve *serve, struct wg_err *err)
{
    char text[WG_TOKEN_TEXT], id[WG_TOKEN_ID + 1];
    struct wg_gateway *gateway = serve->gateway;
    json_t *document;
    enum wg_code code;

    wg_token_make(wg_clock_wall_s(gateway->clock), WG_ROLE_ADMIN, (struct wg_str){NULL, 0},
                  WG_STR("the verbs of this machine (" TOKEN_FILE ")"), text, id, &document);
    code = wg_tokens_put(gateway->tokens, wg_str(id), document, err);
    if (code == WG_OK)
        code = serve_data_write(serve, TOKEN_FILE, wg_str(text), err);
    sodium_memzero(text, sizeof text);
    if (code == WG_OK) {
        char *value = json_dumps(document, JSON_COMPACT);
        struct wg_document_put put = {
            .namespace = WG_STR(WG_STORED_TOKENS),
            .key = wg_str(id),
            .value = wg_str(value),
            .expected_version = WG_DOCUMENT_ANY,
        };

        wg_store_document_put(serve->store, serve->control, &put, on_token_stored, NULL);
        free(value);
    }
    json_decref(document);
    return code;
}

/* The file may be lost, or the store may be another one: then both are made again. */
static enum wg_code provide_token(struct serve *serve, struct wg_err *err)
{
    struct wg_token_bearer bearer;
    struct wg_buf text;
    struct wg_err ignored;
    enum wg_code code;
    bool is_good;

    wg_buf_init(&text, TOKEN_FILE_LIMIT_BYTES);
    code = serve_data_read(serve, TOKEN_FILE, &text, err);
    is_good = code == WG_OK && wg_tokens_check(serve->gateway->tokens, wg_buf_str(&text),
                                               &bearer, &ignored) == WG_OK;
    if (text.at)
        sodium_memzero(text.at, text.capacity);
    wg_buf_done(&text);
    if (is_good)
        return WG_OK;
    return code == WG_OK || code == WG_NOT_FOUND ? make_token(serve, err) : code;
}

static enum wg_code write_addresses(struct serve_admin *admin, struct wg_err *err)
{
    struct wg_buf text;
    enum wg_code code;

    wg_buf_init(&text, SERVE_DOORS_LIMIT * WG_SOCKET_TEXT);
    for (size_t i = 0; i < admin->address_count; i++)
        wg_buf_addf(&text, "%s\n", admin->addresses[i]);
    code = serve_data_write(admin->serve, ADDRESS_FILE, wg_buf_str(&text), err);
    wg_buf_done(&text);
    return code;
}

enum wg_code serve_admin_start(struct serve *serve, struct wg_err *err)
{
    struct serve_admin *admin = wg_new(struct serve_admin);

    serve->admin = admin;
    admin->serve = serve;
    admin->base.gateway = serve->gateway;
    admin->base.loop = serve->control;
    admin->admin = wg_admin_new(&admin->base);
    admin->upkeep = wg_upkeep_new(serve->gateway, serve->control);
    admin->drain_timer = wg_timer_new(serve->control, on_drain_timeout, admin);
    admin->base.policy = wg_policy_worker_new(serve->gateway->policy, serve->control);
    make_server(admin);
    if (wg_tls_client_new(serve->config->trust_anchors, &admin->tls_client, err) != WG_OK)
        return err->code;
    admin->base.client =
        serve_client_new(serve->config, serve->control, admin->tls_client, &admin->dialer);
    admin->base.dialer = admin->dialer;
    wg_policy_worker_set_http(admin->base.policy, admin->base.client);
    serve->gateway->probe = wg_probe_new(&admin->base);
    if (provide_token(serve, err) != WG_OK || open_doors(admin, err) != WG_OK)
        return err->code;
    return write_addresses(admin, err);
}

void serve_admin_is_stopping(struct serve *serve)
{
    if (serve->admin)
        wg_admin_is_stopping(serve->admin->admin);
}

/* The end, from the outside in, like that of a worker. */

static void on_probe_closed(void *owner)
{
    struct serve_admin *admin = owner;

    wg_timer_free(admin->drain_timer);
    wg_http_server_free(admin->server);
    wg_dialer_free(admin->dialer);
    admin->on_stopped(admin->serve);
}

static void on_upkeep_closed(void *owner)
{
    struct serve_admin *admin = owner;
    struct wg_probe *probe = admin->serve->gateway->probe;

    admin->serve->gateway->probe = NULL;
    if (probe)
        wg_probe_close(probe, on_probe_closed, admin);
    else
        on_probe_closed(admin);
}

static void on_policy_closed(void *owner)
{
    struct serve_admin *admin = owner;

    wg_upkeep_close(admin->upkeep, on_upkeep_closed, admin);
}

static void on_idle(void *owner)
{
    struct serve_admin *admin = owner;

    wg_policy_worker_close(admin->base.policy, on_policy_closed, admin);
}

static void on_client_closed(void *owner)
{
    struct serve_admin *admin = owner;

    wg_worker_when_idle(&admin->base, on_idle, admin);
}

static void on_drained(void *owner)
{
    struct serve_admin *admin = owner;
    struct wg_http_client *client = admin->base.client;

    wg_timer_stop(admin->drain_timer);
    wg_policy_worker_set_http(admin->base.policy, NULL);
    admin->base.client = NULL;
    if (client)
        wg_http_client_close(client, on_client_closed, admin);
    else
        on_client_closed(admin);
}

void serve_admin_stop(struct serve *serve, void (*on_stopped)(struct serve *serve))
{
    struct serve_admin *admin = serve->admin;

    if (!admin) {
        on_stopped(serve);
        return;
    }
    if (admin->is_stopping)
        return;
    admin->is_stopping = true;
    admin->on_stopped = on_stopped;
    if (admin->address_count)
        serve_data_remove(serve, ADDRESS_FILE);
    for (size_t i = 0; i < admin->listener_count; i++)
        wg_listener_close(admin->listeners[i]);
    wg_timer_start(admin->drain_timer, DRAIN_MS);
    wg_http_server_drain(admin->server, on_drained, admin);
}

void serve_admin_free(struct serve *serve)
{
    if (!serve->admin)
        return;
    wg_admin_free(serve->admin->admin);
    wg_tls_client_free(serve->admin->tls_client);
    wg_free(serve->admin);
    serve->admin = NULL;
}

void serve_admin_addresses(const struct serve *serve, struct wg_buf *out)
{
    for (size_t i = 0; i < serve->admin->address_count; i++)
        wg_buf_addf(out, "%s%s", i ? "," : "", serve->admin->addresses[i]);
}
