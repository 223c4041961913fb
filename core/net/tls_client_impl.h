// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/map.h"
#include "net/tls_conn_impl.h"

/** Sessions to resume, by "host:port". */
struct wg_tls_sessions {
    struct wg_map by_name;
};

void wg_tls_sessions_init(struct wg_tls_sessions *sessions);
void wg_tls_sessions_done(struct wg_tls_sessions *sessions);
/** Offers the session kept for conn, if there is one. */
void wg_tls_sessions_offer(struct wg_tls_sessions *sessions, struct wg_tls_conn *conn);

struct wg_tls_client {
    unsigned holders; /**< the owner and every connection */
    mbedtls_ssl_config config;
    mbedtls_x509_crt anchors;
    struct wg_tls_sessions sessions;
};
