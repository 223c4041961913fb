// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mbedtls/ssl.h>

#include "base/buf.h"
#include "net/stream.h"
#include "net/tls.h"

/** TLS of one stream, between bytes that came and bytes that are to go; it moves none itself.
 */
struct wg_tls_conn;

/** Begins the server's side; holds tls. */
WG_MUST_USE enum wg_code wg_tls_conn_accept(struct wg_tls_server *tls,
                                            struct wg_tls_conn **ret_conn, struct wg_err *err);
/** Begins the client's side, to be verified for host (name or IP literal); holds tls. Sessions
 * are kept by host and port; is_fresh: an earlier one is not resumed, so that the chain is
 * shown. */
WG_MUST_USE enum wg_code wg_tls_conn_dial(struct wg_tls_client *tls, struct wg_str host,
                                          uint16_t port, bool is_fresh,
                                          struct wg_tls_conn **ret_conn, struct wg_err *err);
struct wg_tls_conn *wg_tls_conn_free(struct wg_tls_conn *conn);

/** Records from the peer, lent until wg_tls_conn_rest(); data NULL: its FIN. Records to the
 * peer go to output, in all calls up to then. */
void wg_tls_conn_feed(struct wg_tls_conn *conn, const char *data, size_t len);
/** How many of the bytes fed are not used yet: the last ones. Takes them back. */
size_t wg_tls_conn_rest(struct wg_tls_conn *conn);
/** Where records to the peer go. */
void wg_tls_conn_set_output(struct wg_tls_conn *conn, struct wg_buf *output);

enum wg_tls_step {
    WG_TLS_STEP_DONE,  /**< handshake over; bytes were read */
    WG_TLS_STEP_MORE,  /**< wants to be fed */
    WG_TLS_STEP_END,   /**< close_notify */
    WG_TLS_STEP_FAILED /**< err says why */
};
enum wg_tls_step wg_tls_conn_handshake(struct wg_tls_conn *conn, struct wg_err *err);
enum wg_tls_step wg_tls_conn_read(struct wg_tls_conn *conn, char *at, size_t size,
                                  size_t *ret_len, struct wg_err *err);
/** Takes as much as one record holds. */
WG_MUST_USE enum wg_code wg_tls_conn_write(struct wg_tls_conn *conn, const char *data,
                                           size_t len, size_t *ret_len, struct wg_err *err);
void wg_tls_conn_close_notify(struct wg_tls_conn *conn);
/** Fills what TLS knows of the peer; texts live as long as conn. */
void wg_tls_conn_describe(const struct wg_tls_conn *conn, struct wg_stream_info *info);
