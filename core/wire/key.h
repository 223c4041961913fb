// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum {
    WG_PUBLIC_KEY_BYTES = 32,
    WG_SECRET_KEY_BYTES = 64,
    WG_SIGNATURE_BYTES = 64,
    WG_KID_CHARS = 8,
    WG_PUBLIC_KEY_TEXT = 53, /**< "ed25519:" + 44 base64 characters + NUL */
};

/** An Ed25519 public key and the kid that names it: the first 8 characters of
 * base64url(SHA-256(key)). */
struct wg_public_key {
    uint8_t bytes[WG_PUBLIC_KEY_BYTES];
    char kid[WG_KID_CHARS + 1];
};

/** Our own signing key. wg_secret_key_done() wipes it. */
struct wg_secret_key {
    struct wg_public_key public_key;
    uint8_t bytes[WG_SECRET_KEY_BYTES]; /**< libsodium's form: seed and public key */
};

/** Call once before anything else here (libsodium's start). @return WG_OK or WG_INTERNAL. */
WG_MUST_USE enum wg_code wg_crypto_start(struct wg_err *err);

/** From 32 raw bytes. @return WG_INVALID for another length, for a point that is not canonical or of
 * small order (libsodium would refuse every signature of such a key), and for one outside the
 * prime-order subgroup, which no honest key is. */
WG_MUST_USE enum wg_code wg_public_key_from_bytes(struct wg_str bytes,
                                                  struct wg_public_key *ret_key,
                                                  struct wg_err *err);
/** From "ed25519:<base64>", the form of descriptors. */
WG_MUST_USE enum wg_code wg_public_key_parse(struct wg_str text, struct wg_public_key *ret_key,
                                             struct wg_err *err);
void wg_public_key_write(const struct wg_public_key *key, char ret_text[WG_PUBLIC_KEY_TEXT]);
bool wg_public_key_equal(const struct wg_public_key *a, const struct wg_public_key *b);

void wg_secret_key_generate(struct wg_secret_key *ret_key);
/** RFC 8032's 32-byte seed. */
WG_MUST_USE enum wg_code wg_secret_key_from_seed(struct wg_str seed,
                                                 struct wg_secret_key *ret_key,
                                                 struct wg_err *err);
/** The text of a key file: lines starting with '#' are comments, one line
 * "ed25519-secret:<base64 of the 32-byte seed>". */
WG_MUST_USE enum wg_code wg_secret_key_parse(struct wg_str file_text,
                                             struct wg_secret_key *ret_key, struct wg_err *err);
struct wg_buf;
/** That text, with the public key and kid as comments. out must be wiped by the caller. */
void wg_secret_key_write(const struct wg_secret_key *key, struct wg_buf *out);
void wg_secret_key_done(struct wg_secret_key *key);

void wg_sign(const struct wg_secret_key *key, struct wg_str message,
             uint8_t ret_signature[WG_SIGNATURE_BYTES]);
/** Checks lengths first. @return false for every signature that is not good. */
bool wg_verify(const struct wg_public_key *key, struct wg_str message, struct wg_str signature);
/** The same for a raw key of any length; a key libsodium refuses verifies nothing. */
bool wg_verify_raw(struct wg_str public_key, struct wg_str message, struct wg_str signature);
