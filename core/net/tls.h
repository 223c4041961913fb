// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/** TLS 1.2 and 1.3 through mbedTLS. AES-GCM before ChaCha20 where the CPU has AES. */

/** A certificate chain and its key, as they stood in their files at one moment, and known to
 * belong together. Never changes, so any thread may read it and count it. */
struct wg_tls_pair;

struct wg_tls_facts { /**< of the first certificate of the chain */
    int64_t not_before_s, not_after_s;
    int64_t until_s; /**< when the first of the chain ends: the rest is useless then */
    bool is_for_name;      /**< it covers the server name it was loaded for */
    unsigned chain_length; /**< certificates in the file */
    char names[256];       /**< "a.example.com, *.a.example.com" */
    char issuer[256];
    char fingerprint[65]; /**< SHA-256, hexadecimal */
};

/** @return WG_CONFIG with file and reason: not there, not PEM, a key of another certificate. */
WG_MUST_USE enum wg_code wg_tls_pair_load(struct wg_str server_name,
                                          const char *certificate_file, const char *key_file,
                                          struct wg_tls_pair **ret_pair, struct wg_err *err);
struct wg_tls_pair *wg_tls_pair_ref(struct wg_tls_pair *pair);
/** NULL is fine. @return NULL */
struct wg_tls_pair *wg_tls_pair_unref(struct wg_tls_pair *pair);
const struct wg_tls_facts *wg_tls_pair_facts(const struct wg_tls_pair *pair);

/** What a worker's listeners present: a certificate for each server name, chosen by SNI, and
 * session tickets. Thread: one loop. Connections hold the certificate they began with. */
struct wg_tls_server;

WG_MUST_USE enum wg_code wg_tls_server_new(struct wg_tls_server **ret_tls, struct wg_err *err);
/** Loads chain and key (PEM files) for server_name (its host part is what SNI is compared with)
 * and puts them in place of earlier ones; existing connections go on. Checks that the key fits
 * the certificate. The first added serves clients that send no SNI; an SNI no one has is
 * refused with unrecognized_name.
 * @return WG_CONFIG with file and reason; then nothing has changed. */
WG_MUST_USE enum wg_code wg_tls_server_set(struct wg_tls_server *tls, struct wg_str server_name,
                                           const char *certificate_file, const char *key_file,
                                           struct wg_err *err);
/** When the certificate presented for server_name ends: seconds since 1970, of the first of the chain that
 * ends; 0 when there is none for that name. */
int64_t wg_tls_server_certificate_until_s(const struct wg_tls_server *tls,
                                          struct wg_str server_name);
/** The same with a pair that is loaded already. */
WG_MUST_USE enum wg_code wg_tls_server_set_pair(struct wg_tls_server *tls,
                                                struct wg_str server_name,
                                                const struct wg_tls_pair *pair,
                                                struct wg_err *err);
/** Tickets of one worker resume on another when they share the key: 48 bytes from wg_random(),
 * the same for all workers, replaced about daily by the caller. */
void wg_tls_server_set_ticket_key(struct wg_tls_server *tls, const uint8_t key[48]);
struct wg_tls_server *wg_tls_server_free(struct wg_tls_server *tls);

/** How we verify others: trust anchors, host name, and sessions kept for resumption.
 * Thread: one loop. */
struct wg_tls_client;

/** trust_anchors: "system" (Debian's /etc/ssl/certs/ca-certificates.crt) or a PEM file. */
WG_MUST_USE enum wg_code wg_tls_client_new(const char *trust_anchors,
                                           struct wg_tls_client **ret_tls, struct wg_err *err);
struct wg_tls_client *wg_tls_client_free(struct wg_tls_client *tls);
/** What a client with these trust anchors says of the pair. @return WG_TLS_FAILED with the
 * reason it would refuse it for: date, name, or a chain that leads to no anchor. */
WG_MUST_USE enum wg_code wg_tls_client_judges(struct wg_tls_client *tls,
                                              const struct wg_tls_pair *pair,
                                              struct wg_str server_name, struct wg_err *err);
