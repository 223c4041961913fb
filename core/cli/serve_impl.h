// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include "federation/gateway.h"
#include "net/listener.h"
#include "net/signal.h"

/** The running gateway: one control loop on the main thread (signals, reloads) and N workers.
 */

enum { SERVE_DOORS_LIMIT = 8, SERVE_DOOR_KINDS = 2, TICKET_KEY_BYTES = 48 };

struct serve;
struct serve_admin;
struct serve_certificates;
struct serve_signer;

/** One worker thread: its loop, its door to the internet, its share of the gateway. Made and
 * started by the main thread; from then on only its own loop touches it. */
struct serve_worker {
    struct wg_worker base;
    struct serve *serve;
    pthread_t thread;
    bool has_thread;
    struct wg_tls_server *tls_server;
    struct wg_tls_client *tls_client;
    struct wg_dialer *dialer;
    struct serve_door {
        struct serve_worker *worker;
        enum wg_direction direction;
        struct wg_http_server *server;
        struct wg_listener *listeners[SERVE_DOORS_LIMIT];
        size_t listener_count;
        bool is_drained;
    } doors[SERVE_DOOR_KINDS]; /**< ingress, egress: by wg_direction */
    struct wg_timer *drain_timer;
    bool is_draining;
    bool is_client_closed, is_queue_closed;
};

/** Where a door listens; shared by all workers. */
struct serve_addresses {
    char at[SERVE_DOORS_LIMIT][WG_SOCKET_TEXT];
    size_t count;
};

struct serve {
    struct wg_config *config;
    struct wg_gateway *gateway;
    struct wg_loop *control;
    struct wg_connection_counter *counter;
    uint8_t ticket_key[TICKET_KEY_BYTES];
    struct serve_addresses addresses[SERVE_DOOR_KINDS]; /**< by wg_direction */
    struct wg_store *store;
    struct serve_signer *signer; /**< of the audit */
    struct serve_admin *admin;
    struct serve_certificates *certificates;
    struct serve_worker *workers;
    size_t worker_count;
    size_t workers_ended; /* control thread */
    struct wg_signal *signals[3];
    bool is_stopping;
    bool is_reload_due; /**< posted already: signals that come in between are one */
};

/** Everything of the worker but its thread; on failure serve_worker_free() clears what is
 * there. */
WG_MUST_USE enum wg_code serve_worker_init(struct serve_worker *worker, struct serve *serve,
                                           struct wg_err *err);
WG_MUST_USE enum wg_code serve_worker_start(struct serve_worker *worker, struct wg_err *err);
/** Posted to the worker's loop: no new requests; ends when the last answer is out. */
void serve_worker_drain(void *worker);
/** After its thread has ended, or was never started. */
void serve_worker_free(struct serve_worker *worker);
/** Opens the store in config->data, which is made when it is missing. @return what to do when
 * it cannot be. */
WG_MUST_USE enum wg_code serve_open_store(struct serve *serve, struct wg_err *err);
/** Commits what waits and closes; the control loop must still take posts. */
void serve_close_store(struct serve *serve);

/** Files beside the store, for this machine only (0600): written in one step; read up to the
 * limit of out, WG_NOT_FOUND when there is none. */
WG_MUST_USE enum wg_code serve_data_write(const struct serve *serve, const char *name,
                                          struct wg_str text, struct wg_err *err);
WG_MUST_USE enum wg_code serve_data_read(const struct serve *serve, const char *name,
                                         struct wg_buf *out, struct wg_err *err);
void serve_data_remove(const struct serve *serve, const char *name);

/** Watches the certificates' files and hands new ones to the workers; when those are made. */
void serve_certificates_start(struct serve *serve);
/** Looks at them now; a pair that does not fit is an error at once. */
void serve_certificates_reload(struct serve *serve);
void serve_certificates_stop(struct serve *serve);

/** The admin listener, on the control loop; when the workers run. */
WG_MUST_USE enum wg_code serve_admin_start(struct serve *serve, struct wg_err *err);
/** /readyz says no from now on. */
void serve_admin_is_stopping(struct serve *serve);
/** Closes the door, ends what is under way; then on_stopped, once, from the loop. */
void serve_admin_stop(struct serve *serve, void (*on_stopped)(struct serve *serve));
/** After on_stopped. NULL is fine. */
void serve_admin_free(struct serve *serve);
/** Its addresses, with commas between. */
void serve_admin_addresses(const struct serve *serve, struct wg_buf *out);
/** How a loop reaches others: its own dialer (the caller frees it after the client has closed)
 * and client. */
struct wg_http_client *serve_client_new(const struct wg_config *config, struct wg_loop *loop,
                                        struct wg_tls_client *tls,
                                        struct wg_dialer **ret_dialer);
/** Runs on the control loop when a worker's loop is about to end. */
void serve_on_worker_ended(void *serve);
