// SPDX-License-Identifier: Apache-2.0
/* The demands of docs/protocol.md "Request signature" beyond RFC 9421. */
#include <inttypes.h>

#include "wire/name.h"
#include "wire/signature.h"

enum wg_code wg_profile_select(const struct wg_message *message, const char *tag,
                               struct wg_arena *arena, struct wg_signature *ret_signature,
                               struct wg_err *err)
{
    const struct wg_signature *found = NULL;
    struct wg_signature *signatures;
    size_t count;

    if (wg_signatures_read(message, arena, &signatures, &count, err) != WG_OK)
        return err->code;
    if (count == 0)
        return wg_fail(err, WG_BAD_SIGNATURE,
                       "the request is not signed: it has no Signature-Input (RFC 9421)");
    for (size_t i = 0; i < count; i++) {
        if (!signatures[i].tag.at || !wg_str_is(signatures[i].tag, tag))
            continue;
        if (found)
            return wg_fail(
                err, WG_BAD_SIGNATURE,
                "the signatures '%.*s' and '%.*s' both have the tag \"%s\"; send one",
                WG_STR_F(found->label), WG_STR_F(signatures[i].label), tag);
        found = &signatures[i];
    }
    if (!found)
        return wg_fail(err, WG_BAD_SIGNATURE, "no signature of the request has the tag \"%s\"",
                       tag);
    if (!found->bytes.at)
        return wg_fail(err, WG_BAD_SIGNATURE,
                       "Signature has nothing labelled '%.*s', which Signature-Input names",
                       WG_STR_F(found->label));
    *ret_signature = *found;
    return WG_OK;
}

static bool covers(const struct wg_signature *signature, const char *name)
{
    for (size_t i = 0; i < signature->input.item_count; i++) {
        const struct wg_sf_item *item = &signature->input.items[i];

        if (item->params.count == 0 && wg_str_is(item->bare.text, name))
            return true;
    }
    return false;
}

static enum wg_code check_covered(const struct wg_message *message,
                                  const struct wg_signature *signature, struct wg_err *err)
{
    bool has_uri = covers(signature, "@target-uri");
    bool has_target = has_uri || covers(signature, "@request-target");
    const struct {
        const char *name;
        bool is_covered;
    } demands[] = {
        {"@method", covers(signature, "@method")},
        {"@authority", has_uri || covers(signature, "@authority")},
        {"@path", has_target || covers(signature, "@path")},
        {"@query", !message->query.at || has_target || covers(signature, "@query")},
        {"content-digest", message->body.len == 0 || covers(signature, "content-digest")},
    };

    for (size_t i = 0; i < WG_COUNT(demands); i++)
        if (!demands[i].is_covered)
            return wg_fail(err, WG_BAD_SIGNATURE, "the signature does not cover \"%s\"",
                           demands[i].name);
    return WG_OK;
}

static enum wg_code check_times(const struct wg_signature *signature, int64_t now_s,
                                struct wg_err *err)
{
    int64_t age_s;

    if (!signature->has_created)
        return wg_fail(err, WG_BAD_SIGNATURE, "the signature has no created time");
    /* A structured field's integer has 15 digits, so this cannot overflow with any real clock.
     */
    age_s = now_s - signature->created_s;
    if (age_s > WG_CREATED_WINDOW_S || age_s < -WG_CREATED_WINDOW_S)
        return wg_fail(
            err, WG_BAD_SIGNATURE,
            "created is %" PRId64 " s in the %s, at most %d s are allowed: check both "
            "servers' clocks (NTP)",
            age_s < 0 ? -age_s : age_s, age_s < 0 ? "future" : "past", WG_CREATED_WINDOW_S);
    if (signature->has_expires && now_s > signature->expires_s)
        return wg_fail(err, WG_BAD_SIGNATURE,
                       "the signature expired %" PRId64 " s ago: sign each attempt afresh, and "
                       "check both servers' clocks (NTP)",
                       now_s - signature->expires_s);
    return WG_OK;
}

static enum wg_code check_nonce(struct wg_str nonce, struct wg_err *err)
{
    if (!nonce.at)
        return wg_fail(err, WG_BAD_SIGNATURE, "the signature has no nonce");
    if (nonce.len < WG_NONCE_MIN_CHARS || nonce.len > WG_NONCE_MAX_CHARS)
        return wg_fail(
            err, WG_BAD_SIGNATURE,
            "the nonce has %zu characters; %d (the base64url of %d bytes) to %d may be",
            nonce.len, WG_NONCE_MIN_CHARS, WG_NONCE_MIN_BYTES, WG_NONCE_MAX_CHARS);
    for (size_t i = 0; i < nonce.len; i++)
        if (nonce.at[i] <= ' ' || nonce.at[i] > '~')
            return wg_fail(err, WG_BAD_SIGNATURE, "the nonce holds a space or control byte");
    return WG_OK;
}

enum wg_code wg_profile_check(const struct wg_message *message,
                              const struct wg_signature *signature, int64_t now_s,
                              struct wg_err *err)
{
    struct wg_str server, kid;

    if (!signature->keyid.at)
        return wg_fail(err, WG_BAD_SIGNATURE, "the signature has no keyid");
    if (wg_keyid_parse(signature->keyid, &server, &kid, err) != WG_OK)
        return err->code;
    if (signature->alg.at && !wg_str_is(signature->alg, "ed25519"))
        return wg_fail(err, WG_BAD_SIGNATURE, "alg is \"%.*s\"; only \"ed25519\" is supported",
                       WG_STR_F(signature->alg));
    if (check_covered(message, signature, err) != WG_OK ||
        check_times(signature, now_s, err) != WG_OK)
        return err->code;
    return check_nonce(signature->nonce, err);
}

static bool is_kid(struct wg_str kid)
{
    for (size_t i = 0; i < kid.len; i++) {
        char c = kid.at[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              c == '-' || c == '_'))
            return false;
    }
    return kid.len == WG_KID_CHARS;
}

enum wg_code wg_keyid_parse(struct wg_str keyid, struct wg_str *ret_server,
                            struct wg_str *ret_kid, struct wg_err *err)
{
    size_t mark = wg_str_find(keyid, '#');
    struct wg_str server = wg_str_of(keyid.at, mark), kid = {0};

    if (mark < keyid.len)
        kid = wg_str_of(keyid.at + mark + 1, keyid.len - mark - 1);
    if (wg_server_name_check(server, true, err) != WG_OK)
        return wg_while(err, "keyid");
    if (kid.at && !is_kid(kid))
        return wg_fail(err, WG_INVALID,
                       "keyid: what follows '#' is not a kid of %d base64url "
                       "characters",
                       WG_KID_CHARS);
    *ret_server = server;
    *ret_kid = kid;
    return WG_OK;
}
