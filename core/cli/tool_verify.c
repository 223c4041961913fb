// SPDX-License-Identifier: Apache-2.0
/* verify-request, verify. */
#include <inttypes.h>
#include <sodium.h>

#include "cli/tool_impl.h"
#include "wire/signature.h"

/** Does a key given as keyid stand for what a signature says: the same text, or the server's
 * name alone on either side when the kid is right. */
static bool is_key_of(struct wg_str given, const struct wg_public_key *key, struct wg_str keyid)
{
    struct wg_str given_server = given, server = keyid, given_kid, kid;

    if (wg_str_equal(given, keyid))
        return true;
    given_kid = given_server;
    given_server = wg_str_split(&given_kid, '#');
    kid = server;
    server = wg_str_split(&kid, '#');
    if (!wg_str_equal(given_server, server) || (given_kid.at && kid.at))
        return false;
    return !kid.at || wg_str_is(kid, key->kid);
}

/** Verifies with the keys that may be meant; *ret_tried counts them. */
static enum wg_code verify_with_keys(struct tool_call *call, const struct wg_message *message,
                                     const struct wg_signature *signature, size_t *ret_tried)
{
    enum wg_code code = WG_BAD_SIGNATURE;
    struct wg_str text;
    size_t cursor = 0;

    *ret_tried = 0;
    while (code != WG_OK && tool_next_value(call, "key", &cursor, &text)) {
        struct wg_public_key key;
        struct wg_str keyid;

        if (tool_public_key(call, text, &keyid, &key) != WG_OK)
            return call->err->code;
        if (signature->keyid.at && !is_key_of(keyid, &key, signature->keyid))
            continue;
        ++*ret_tried;
        code = wg_signature_verify(message, signature, &key, call->arena, call->err);
    }
    return code;
}

static enum wg_code no_key(struct tool_call *call, struct wg_str keyid)
{
    return wg_fail(call->err, WG_BAD_SIGNATURE, "no key is given for the keyid \"%.*s\"",
                   WG_STR_F(keyid));
}

static enum wg_code verify_profile(struct tool_call *call, const struct wg_message *message,
                                   int64_t now_s)
{
    struct wg_str digest = wg_headers_joined(&message->headers, "content-digest", call->arena);
    struct wg_signature signature;
    enum wg_code code;
    size_t tried;

    if (wg_profile_select(message, WG_TAG_FEDERATION, call->arena, &signature, call->err) !=
            WG_OK ||
        wg_profile_check(message, &signature, now_s, call->err) != WG_OK)
        return call->err->code;
    code = verify_with_keys(call, message, &signature, &tried);
    if (code != WG_OK)
        return tried ? code : no_key(call, signature.keyid);
    if (digest.at)
        return wg_digest_check(digest, message->body, call->arena, call->err);
    return WG_OK;
}

/** Every signature that a given key may have made must be good, and there must be one. */
static enum wg_code verify_rfc(struct tool_call *call, const struct wg_message *message,
                               int64_t now_s)
{
    struct wg_str label = tool_value_of(call, "label");
    struct wg_signature *signatures;
    size_t count, good = 0;

    if (wg_signatures_read(message, call->arena, &signatures, &count, call->err) != WG_OK)
        return call->err->code;
    for (size_t i = 0; i < count; i++) {
        const struct wg_signature *signature = &signatures[i];
        size_t tried;

        if (label.at && !wg_str_equal(signature->label, label))
            continue;
        if (verify_with_keys(call, message, signature, &tried) != WG_OK) {
            if (tried)
                return call->err->code;
            continue;
        }
        if (signature->has_expires && now_s > signature->expires_s)
            return wg_fail(call->err, WG_BAD_SIGNATURE,
                           "the signature '%.*s' expired %" PRId64 " s ago",
                           WG_STR_F(signature->label), now_s - signature->expires_s);
        good++;
    }
    if (good == 0)
        return count == 0 ? wg_fail(call->err, WG_BAD_SIGNATURE, "the request is not signed")
                          : wg_fail(call->err, WG_BAD_SIGNATURE,
                                    "no key is given for any signature of the request");
    return WG_OK;
}

enum wg_code tool_verify_request(struct tool_call *call)
{
    struct wg_message message;
    int64_t now_s;

    if (tool_check_keys(call) != WG_OK || tool_time(call, "now", &now_s) != WG_OK ||
        tool_request(call, &message) != WG_OK)
        return call->err->code;
    if (tool_has(call, "rfc"))
        return verify_rfc(call, &message, now_s);
    if (tool_has(call, "label"))
        return tool_misuse(call, "'label' goes with --rfc; the profile chooses by tag");
    return verify_profile(call, &message, now_s);
}

static enum wg_code read_hex(struct tool_call *call, const char *name, struct wg_str *ret_bytes)
{
    struct wg_str hex = tool_value_of(call, name);
    unsigned char *bytes = wg_arena_alloc(call->arena, hex.len / 2 + 1);
    size_t len;

    if (sodium_hex2bin(bytes, hex.len / 2 + 1, hex.at, hex.len, NULL, &len, NULL) != 0)
        return tool_misuse(call, "'%s' is not hex", name);
    *ret_bytes = wg_str_of(bytes, len);
    return WG_OK;
}

enum wg_code tool_verify(struct tool_call *call)
{
    struct wg_str key, signature;

    if (read_hex(call, "public-key", &key) != WG_OK ||
        read_hex(call, "signature", &signature) != WG_OK)
        return call->err->code;
    if (key.len != WG_PUBLIC_KEY_BYTES || signature.len != WG_SIGNATURE_BYTES)
        return wg_fail(call->err, WG_BAD_SIGNATURE,
                       "a public key has %d bytes and a signature %d, these have %zu and %zu",
                       WG_PUBLIC_KEY_BYTES, WG_SIGNATURE_BYTES, key.len, signature.len);
    if (!wg_verify_raw(key, call->input, signature))
        return wg_fail(call->err, WG_BAD_SIGNATURE, "the signature does not verify");
    return WG_OK;
}
