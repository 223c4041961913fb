// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/map.h"
#include "http/client.h"
#include "http/rules_impl.h"

/** What stands behind client.h: a client has origins; an origin has links (connections, idle or
 * with one fetch) and fetches that wait for a link. client.c: client and origins; link.c:
 * connections; fetch.c: requests and their ends. */

enum { WG_HTTP_INTERIM_LIMIT = 8 }; /**< 1xx before an answer */

struct wg_http_client {
    struct wg_loop *loop;
    struct wg_dialer *dialer;
    struct wg_http_client_options options;
    struct wg_map origins;
    struct wg_http_link *links;                  /**< all, until they have closed */
    struct wg_http_fetch *fetches;               /**< all, until answered */
    struct wg_http_link *idle_first, *idle_last; /**< unused longest first */
    unsigned idle_count;
    bool is_closing;
    void (*on_closed)(void *owner);
    void *closed_owner;
    struct wg_timer *closed_timer;
};

struct wg_http_origin {
    struct wg_http_client *client;
    char *key;
    char *host;
    struct wg_dial_target target;
    unsigned link_count;                         /**< in use, idle or being dialed */
    struct wg_http_link *idle;                   /**< last used first */
    struct wg_http_fetch *waiting, *waiting_end; /**< first come first */
};

struct wg_http_link {
    struct wg_http_origin *origin; /**< NULL once it is given up */
    struct wg_http_client *client;
    struct wg_http_link *prev, *next; /**< of client->links */
    struct wg_http_link *idle_next;
    struct wg_http_link *older, *newer; /**< of the idle ones of the client */
    bool is_idle;
    struct wg_dial *dial;     /**< not NULL: being dialed */
    struct wg_stream *stream; /**< NULL while being dialed */
    struct wg_http_fetch *fetch;
    struct wg_timer *idle_timer;
    struct wg_http_reader reader;
    bool was_used; /**< for a fetch before this one: it may have died meanwhile */
};

struct wg_http_fetch {
    struct wg_http_client *client;
    struct wg_http_origin *origin;
    struct wg_http_fetch *prev, *next; /**< of client->fetches */
    struct wg_http_fetch *waiting_next;
    struct wg_http_link *link; /**< NULL while waiting, and at the end */
    struct wg_timer *timer;
    void (*on_answer)(void *owner, const struct wg_http_response *response,
                      const struct wg_err *err);
    void *owner;

    int64_t began_ns;
    enum wg_purpose purpose;

    struct wg_buf request; /**< as on the wire */
    bool is_to_head;
    bool is_idempotent;
    size_t answer_limit_bytes;

    struct wg_arena arena; /**< of the answer */
    struct wg_http_response response;
    struct wg_http_frame frame;
    unsigned interim_count;
    bool has_answer_begun;
    bool needs_fresh; /**< a kept connection was dead: once more, on a new one */
    bool is_over;     /**< err is to be told from the loop */
    struct wg_err err;
};

/* client.c */
struct wg_http_origin *wg_http_origin_get(struct wg_http_client *client,
                                          const struct wg_dial_target *target);
/** Gives links to the fetches that wait, as far as the limit allows. An origin without links
 * and fetches is freed by this. */
void wg_http_origin_serve(struct wg_http_origin *origin);
/** Looks whether a client that is closing has nothing left. */
void wg_http_client_settle(struct wg_http_client *client);

/* link.c */
void wg_http_link_dial(struct wg_http_origin *origin, struct wg_http_fetch *fetch);
void wg_http_link_take(struct wg_http_link *link, struct wg_http_fetch *fetch);
/** Closes it and forgets its fetch. The origin is not served: the caller does. */
void wg_http_link_drop(struct wg_http_link *link);

/* fetch.c */
/** Ends the fetch: from the loop only. response NULL: err. */
void wg_http_fetch_end(struct wg_http_fetch *fetch, const struct wg_http_response *response,
                       const struct wg_err *err);
void wg_http_fetch_wait(struct wg_http_fetch *fetch, bool is_first);

/* request.c */
/** The request's bytes, or WG_INVALID: what would break the message is not sent. */
WG_MUST_USE enum wg_code wg_http_request_write(const struct wg_http_request *request,
                                               struct wg_buf *out, struct wg_err *err);
