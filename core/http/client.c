// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "http/client_impl.h"

enum { DEFAULT_CONNECTIONS = 64, DEFAULT_IDLE_MS = 60 * 1000, KEY_LIMIT = 512 };

static void on_closed_ring(void *owner)
{
    struct wg_http_client *client = owner;
    void (*on_closed)(void *owner) = client->on_closed;
    void *closed_owner = client->closed_owner;

    if (client->links || client->fetches)
        return;
    wg_timer_free(client->closed_timer);
    wg_map_done(&client->origins, NULL); /* an origin goes with its last link and fetch */
    wg_free(client);
    if (on_closed)
        on_closed(closed_owner);
}

struct wg_http_client *wg_http_client_new(struct wg_loop *loop, struct wg_dialer *dialer,
                                          const struct wg_http_client_options *options)
{
    struct wg_http_client *client = wg_new(struct wg_http_client);

    client->loop = loop;
    client->dialer = dialer;
    if (options)
        client->options = *options;
    if (!client->options.connections_per_origin)
        client->options.connections_per_origin = DEFAULT_CONNECTIONS;
    if (!client->options.idle_limit)
        client->options.idle_limit = WG_HTTP_IDLE_LINKS;
    if (!client->options.idle_timeout_ms)
        client->options.idle_timeout_ms = DEFAULT_IDLE_MS;
    wg_map_init(&client->origins);
    client->closed_timer = wg_timer_new(loop, on_closed_ring, client);
    return client;
}

void wg_http_client_settle(struct wg_http_client *client)
{
    if (client->is_closing && !client->links && !client->fetches)
        wg_timer_start(client->closed_timer, 0);
}

void wg_http_client_close(struct wg_http_client *client, void (*on_closed)(void *owner),
                          void *owner)
{
    client->is_closing = true;
    client->on_closed = on_closed;
    client->closed_owner = owner;
    for (struct wg_http_fetch *fetch = client->fetches; fetch; fetch = fetch->next)
        wg_http_fetch_cancel(fetch);
    for (struct wg_http_link *link = client->links; link; link = link->next) {
        struct wg_http_origin *origin = link->origin;

        if (!origin)
            continue;
        wg_http_link_drop(link);
        wg_http_origin_serve(origin);
    }
    wg_http_client_settle(client);
}

/* Connections are shared only where everything that was verified of them is the same. */
struct wg_http_origin *wg_http_origin_get(struct wg_http_client *client,
                                          const struct wg_dial_target *target)
{
    struct wg_http_origin *origin;
    struct wg_buf key;

    wg_buf_init(&key, SIZE_MAX / 4);
    wg_buf_addf(&key, "%s%s:%u:", target->is_tls ? "https" : "http",
                target->is_trusted ? "!" : "", target->port);
    wg_buf_adds(&key, target->host);
    origin = wg_map_get(&client->origins, wg_buf_str(&key));
    if (!origin) {
        origin = wg_new(struct wg_http_origin);
        origin->client = client;
        origin->key = wg_strdup(wg_buf_str(&key));
        origin->host = wg_strdup(target->host);
        origin->target = *target;
        origin->target.host = wg_str(origin->host);
        wg_map_put(&client->origins, wg_buf_str(&key), origin);
    }
    wg_buf_done(&key);
    return origin;
}

static void free_origin(struct wg_http_origin *origin)
{
    wg_map_take(&origin->client->origins, wg_str(origin->key));
    wg_free(origin->key);
    wg_free(origin->host);
    wg_free(origin);
}

void wg_http_origin_serve(struct wg_http_origin *origin)
{
    const struct wg_http_client_options *options = &origin->client->options;
    struct wg_http_fetch *fetch;

    while ((fetch = origin->waiting)) {
        struct wg_http_link *idle = fetch->needs_fresh ? NULL : origin->idle;

        if (!idle && origin->link_count >= options->connections_per_origin) {
            if (!origin->idle)
                break;
            wg_http_link_drop(origin->idle); /* its place is needed for a fresh one */
        }
        origin->waiting = fetch->waiting_next;
        if (!origin->waiting)
            origin->waiting_end = NULL;
        fetch->waiting_next = NULL;
        if (idle)
            wg_http_link_take(idle, fetch);
        else
            wg_http_link_dial(origin, fetch);
    }
    if (!origin->waiting && !origin->link_count)
        free_origin(origin);
}
