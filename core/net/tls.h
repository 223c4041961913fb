// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/err.h"
#include "base/str.h"

/** TLS 1.2 and 1.3 through mbedTLS. AES-GCM before ChaCha20 where the CPU has AES. */

/** What a worker's listeners present: a certificate for each server name, chosen by SNI, and session
 * tickets. Thread: one loop. Connections hold the certificate they began with. */
struct wg_tls_server;

WG_MUST_USE enum wg_code wg_tls_server_new(struct wg_tls_server **ret_tls, struct wg_err *err);
/** Loads chain and key (PEM files) for server_name (its host part is what SNI is compared with) and
 * puts them in place of earlier ones; existing connections go on. Checks that the key fits the
 * certificate. The first added serves clients that send no SNI; an SNI no one has is refused with
 * unrecognized_name.
 * @return WG_CONFIG with file and reason; then nothing has changed. */
WG_MUST_USE enum wg_code wg_tls_server_set(struct wg_tls_server *tls, struct wg_str server_name,
                                           const char *certificate_file, const char *key_file,
                                           struct wg_err *err);
/** When the certificate presented for server_name ends: seconds since 1970, of the first of the chain that
 * ends; 0 when there is none for that name. */
int64_t wg_tls_server_certificate_until_s(const struct wg_tls_server *tls,
                                          struct wg_str server_name);
/** Tickets of one worker resume on another when they share the key: 48 bytes from wg_random(), the
 * same for all workers, replaced about daily by the caller. */
void wg_tls_server_set_ticket_key(struct wg_tls_server *tls, const uint8_t key[48]);
struct wg_tls_server *wg_tls_server_free(struct wg_tls_server *tls);

/** How we verify others: trust anchors, host name, and sessions kept for resumption.
 * Thread: one loop. */
struct wg_tls_client;

/** trust_anchors: "system" (Debian's /etc/ssl/certs/ca-certificates.crt) or a PEM file. */
WG_MUST_USE enum wg_code wg_tls_client_new(const char *trust_anchors,
                                           struct wg_tls_client **ret_tls, struct wg_err *err);
struct wg_tls_client *wg_tls_client_free(struct wg_tls_client *tls);
