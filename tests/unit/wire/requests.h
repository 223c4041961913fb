// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Requests for tests of signatures, made without any HTTP parser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/macros.h"
#include "wire/signature.h"

#define MADE_NOW_S 1778939467

static inline void made_target(struct wg_message *message, const char *target)
{
    struct wg_err err;

    if (wg_message_set_target(message, wg_str(target), &err) != WG_OK)
        fail_msg("%s: %s", target, err.text);
}

static inline struct wg_message made_request(const char *method, const char *target,
                                             const char *body)
{
    struct wg_message message = {.method = wg_str(method),
                                 .scheme = WG_STR("https"),
                                 .authority = WG_STR("peer.example.com"),
                                 .body = wg_str(body)};

    made_target(&message, target);
    return message;
}

static inline void made_header(struct wg_message *message, struct wg_arena *arena,
                               const char *name, const char *value)
{
    wg_headers_add(&message->headers, arena, wg_str(name), wg_str(value));
}

/** test-key-ed25519 of RFC 9421 B.1.4. */
static inline struct wg_secret_key made_key(void)
{
    static const uint8_t seed[32] = {0x9f, 0x83, 0x62, 0xf8, 0x7a, 0x48, 0x4a, 0x95,
                                     0x4e, 0x6e, 0x74, 0x0c, 0x5b, 0x4c, 0x0e, 0x84,
                                     0x22, 0x91, 0x39, 0xa2, 0x0a, 0xa8, 0xab, 0x56,
                                     0xff, 0x66, 0x58, 0x6f, 0x6a, 0x7d, 0x29, 0xc5};
    struct wg_secret_key key;
    struct wg_err err;

    assert_int_equal(wg_secret_key_from_seed(wg_str_of(seed, sizeof seed), &key, &err), WG_OK);
    return key;
}

static inline int start_crypto(void **state)
{
    struct wg_err err;

    (void)state;
    return wg_crypto_start(&err) == WG_OK ? 0 : -1;
}
