// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/key.h"
#include "wire/message.h"
#include "wire/sf.h"

/** HTTP Message Signatures (RFC 9421) with Ed25519, and the profile of docs/protocol.md on top. */

#define WG_TAG_FEDERATION "scaiwave-federation-v1"
#define WG_TAG_UPSTREAM "wavegate-upstream-v1"

enum {
    WG_CREATED_WINDOW_S = 60, /**< |now - created| at most */
    WG_NONCE_MIN_BYTES = 16,
    /** A nonce is 22 characters (what base64url makes of 16 bytes) to 256, any visible ASCII: it
     * is compared, never decoded. */
    WG_NONCE_MIN_CHARS = 22,
    WG_NONCE_MAX_CHARS = 256,
};

/** One signature of a message, read from Signature-Input and Signature. Lives in an arena. */
struct wg_signature {
    struct wg_str label;
    struct wg_sf_item input; /**< inner list of components, with parameters in the order received */
    struct wg_str bytes;     /**< absent when Signature has no such label */
    /* Parameters, typed; absent / has_* false when not given. */
    struct wg_str keyid, alg, nonce, tag;
    bool has_created, has_expires;
    int64_t created_s, expires_s;
};

/** What a signer covers and states. */
struct wg_sign_options {
    struct wg_str label;             /**< default "sw" */
    /** "@path", or with quotes and parameter "\"x\";key=\"a\""; NULL: what the profile needs. */
    const struct wg_str *components;
    size_t component_count;
    struct wg_str keyid;
    struct wg_str nonce; /**< default: 18 random bytes, base64url */
    struct wg_str tag;   /**< default WG_TAG_FEDERATION */
    int64_t created_s;
};

/** All signatures of the message in the order of Signature-Input, at most 16. @return WG_INVALID
 * when the fields do not parse; count 0 when there are none. */
WG_MUST_USE enum wg_code wg_signatures_read(const struct wg_message *message,
                                            struct wg_arena *arena,
                                            struct wg_signature **ret_signatures,
                                            size_t *ret_count, struct wg_err *err);

/** The signature base (RFC 9421 2.5). @return WG_BAD_SIGNATURE when a component is absent, repeated,
 * or has a parameter we do not implement (all but key and @query-param's name), or when there are
 * more than 64. */
WG_MUST_USE enum wg_code wg_signature_base(const struct wg_message *message,
                                           const struct wg_sf_item *input, struct wg_arena *arena,
                                           struct wg_buf *out, struct wg_err *err);
/** Value of one component identifier, e.g. "\"@path\"" or "\"x\";key=\"a\"" parsed as an item. */
WG_MUST_USE enum wg_code wg_signature_component(const struct wg_message *message,
                                                const struct wg_sf_item *component,
                                                struct wg_arena *arena, struct wg_str *ret_value,
                                                struct wg_err *err);

/** Cryptography only: does this signature stand over this message with this key (RFC 9421 3.2; alg,
 * where given, must be "ed25519"). */
WG_MUST_USE enum wg_code wg_signature_verify(const struct wg_message *message,
                                             const struct wg_signature *signature,
                                             const struct wg_public_key *key,
                                             struct wg_arena *arena, struct wg_err *err);

/** The one signature tagged tag; none or several: WG_BAD_SIGNATURE. */
WG_MUST_USE enum wg_code wg_profile_select(const struct wg_message *message, const char *tag,
                                           struct wg_arena *arena,
                                           struct wg_signature *ret_signature, struct wg_err *err);
/** The profile's demands that need no key: components covered, created within the window of now_s
 * (the text says by how many seconds not), expires, alg, nonce, keyid. */
WG_MUST_USE enum wg_code wg_profile_check(const struct wg_message *message,
                                          const struct wg_signature *signature, int64_t now_s,
                                          struct wg_err *err);
/** "server" or "server#kid" to its parts; kid absent when not given. @return WG_INVALID when the
 * server is no server name (IP literals pass: whether they may be is configuration), or the kid
 * not 8 base64url characters. */
WG_MUST_USE enum wg_code wg_keyid_parse(struct wg_str keyid, struct wg_str *ret_server,
                                        struct wg_str *ret_kid, struct wg_err *err);

/** Content-Digest (RFC 9530) of body: "sha-256=:...:". */
struct wg_str wg_digest_make(struct wg_str body, struct wg_arena *arena);
/** Checks every digest we know (sha-256, sha-512) in the field against the body; at least one must
 * be there. @return WG_BAD_SIGNATURE with the reason. */
WG_MUST_USE enum wg_code wg_digest_check(struct wg_str field, struct wg_str body,
                                         struct wg_arena *arena, struct wg_err *err);

/** Adds Content-Digest (when there is a body and none yet), Signature-Input and Signature to
 * message->headers, at the end and in this order; existing signatures of other labels stay, one of
 * the same label is replaced. Default components:
 * "@method" "@authority" "@path", "@query" with a query, "content-digest" with a body. */
WG_MUST_USE enum wg_code wg_message_sign(struct wg_message *message,
                                         const struct wg_sign_options *options,
                                         const struct wg_secret_key *key, struct wg_arena *arena,
                                         struct wg_err *err);
