// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "net/tls_impl.h"

/** A certificate chain with its key; connections hold the one they began with. */
struct wg_tls_certificate;

struct wg_tls_conn {
    mbedtls_ssl_context ssl;
    struct wg_tls_server *server; /**< held; NULL on the client's side */
    struct wg_tls_certificate *certificate;
    struct wg_tls_client *client; /**< held; NULL on the server's side */

    const char *input; /**< records not used yet */
    size_t input_len;
    bool is_input_over;
    bool is_alert_next;  /**< the header of an unencrypted alert was read last */
    unsigned char alert; /**< its description, 0 without */
    struct wg_buf *output;

    char *server_name;  /**< SNI; NULL without */
    char *host;         /**< client: whom to verify */
    char *session_name; /**< client: what its session is kept under */
    int64_t certificate_until_s;
    bool is_verified; /**< a chain was shown and looked at, so the session is not resumed */
    bool is_established;
    char why_refused[192]; /**< what was wrong with the chain; empty: nothing */
};

/** Before anything else of mbedTLS; any number of times, any thread. */
WG_MUST_USE enum wg_code wg_tls_start(struct wg_err *err);
/** Both ends' settings: versions, suites, ALPN. endpoint is MBEDTLS_SSL_IS_SERVER or _CLIENT.
 */
WG_MUST_USE enum wg_code wg_tls_config_set(mbedtls_ssl_config *config, int endpoint,
                                           struct wg_err *err);
/** mbedTLS's f_rng. */
int wg_tls_random(void *owner, unsigned char *at, size_t len);

/** "doing: what mbedTLS says of status" */
WG_COLD enum wg_code wg_tls_fail(struct wg_err *err, enum wg_code code, int status,
                                 const char *doing);
/** Says why a handshake or connection failed. */
WG_COLD enum wg_code wg_tls_conn_fail(const struct wg_tls_conn *conn, int status,
                                      struct wg_err *err);
/** One sentence on the worst of flags (MBEDTLS_X509_BADCERT_*). */
WG_COLD void wg_tls_explain_refusal(const mbedtls_x509_crt *certificate, uint32_t flags,
                                    const char *host, char *ret_text, size_t size);
/** The certificate's DNS names, or its subject when it has none. Foreign bytes become '?'. */
void wg_tls_name_holder(const mbedtls_x509_crt *certificate, char *ret_text, size_t size);
int64_t wg_tls_time_s(const mbedtls_x509_time *time);

void wg_tls_certificate_unref(struct wg_tls_certificate *certificate);

/** The next connection to the same host may resume conn's session. */
void wg_tls_client_keep_session(struct wg_tls_conn *conn);
/** A handshake failed; the session kept may be why. */
void wg_tls_client_drop_session(struct wg_tls_conn *conn);

/** What both ends begin with. */
WG_MUST_USE enum wg_code wg_tls_conn_new(const mbedtls_ssl_config *config,
                                         struct wg_tls_conn **ret_conn, struct wg_err *err);
