// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdatomic.h>

#include "base/buf.h"
#include "net/tls_client_impl.h"

struct wg_tls_pair {
    atomic_uint holders;
    char *certificate_file, *key_file;
    struct wg_buf chain, key; /**< as read */
    struct wg_tls_facts facts;
};

/** Into chain and key, both initialised: what one loop then uses alone. */
WG_MUST_USE enum wg_code wg_tls_pair_parse(const struct wg_tls_pair *pair,
                                           mbedtls_x509_crt *chain, mbedtls_pk_context *key,
                                           struct wg_err *err);
