// SPDX-License-Identifier: Apache-2.0
#include "wire/key.h"

#include <sodium.h>

#include "base/buf.h"

#define PUBLIC_PREFIX "ed25519:"
#define SECRET_PREFIX "ed25519-secret:"

enum { KEY_BASE64_CHARS = 44, SEED_BYTES = 32 };

_Static_assert(SEED_BYTES == crypto_sign_SEEDBYTES, "RFC 8032 seed");
_Static_assert((int)WG_SECRET_KEY_BYTES == (int)crypto_sign_SECRETKEYBYTES, "libsodium's form");

enum wg_code wg_crypto_start(struct wg_err *err)
{
    return sodium_init() < 0 ? wg_fail(err, WG_INTERNAL, "libsodium does not start") : WG_OK;
}

static void name_key(struct wg_public_key *key)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    char text[sodium_base64_ENCODED_LEN(sizeof hash, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];

    crypto_hash_sha256(hash, key->bytes, sizeof key->bytes);
    sodium_bin2base64(text, sizeof text, hash, sizeof hash,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    memcpy(key->kid, text, WG_KID_CHARS);
    key->kid[WG_KID_CHARS] = '\0';
}

/** 32 bytes from exactly 44 characters of canonical base64: sodium refuses white space, missing
 * padding and non-zero trailing bits, so a key has one text only. */
static bool decode_32(struct wg_str text, uint8_t ret_bytes[32])
{
    size_t len;

    return text.len == KEY_BASE64_CHARS &&
           sodium_base642bin(ret_bytes, 32, text.at, text.len, NULL, &len, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           len == 32;
}

/* Every honest key is a multiple of the base point, so asking for the prime-order subgroup
 * refuses nobody; a key outside it is one on whose signatures implementations disagree. */
enum wg_code wg_public_key_from_bytes(struct wg_str bytes, struct wg_public_key *ret_key,
                                      struct wg_err *err)
{
    struct wg_public_key key;

    if (bytes.len != WG_PUBLIC_KEY_BYTES)
        return wg_fail(err, WG_INVALID, "an Ed25519 public key has 32 bytes, this one %zu",
                       bytes.len);
    memcpy(key.bytes, bytes.at, sizeof key.bytes);
    if (!crypto_core_ed25519_is_valid_point(key.bytes))
        return wg_fail(
            err, WG_INVALID,
            "these 32 bytes are not an Ed25519 public key: no point of the curve, not "
            "canonical, or of small or mixed order");
    name_key(&key);
    *ret_key = key;
    return WG_OK;
}

enum wg_code wg_public_key_parse(struct wg_str text, struct wg_public_key *ret_key,
                                 struct wg_err *err)
{
    const struct wg_str prefix = WG_STR(PUBLIC_PREFIX);
    uint8_t bytes[WG_PUBLIC_KEY_BYTES];

    if (!wg_str_starts(text, prefix))
        return wg_fail(err, WG_INVALID, "a public key is written \"ed25519:<base64>\"");
    if (!decode_32(wg_str_of(text.at + prefix.len, text.len - prefix.len), bytes))
        return wg_fail(err, WG_INVALID,
                       "the public key behind \"ed25519:\" is not the base64 of 32 bytes (44 "
                       "characters with padding)");
    return wg_public_key_from_bytes(wg_str_of(bytes, sizeof bytes), ret_key, err);
}

void wg_public_key_write(const struct wg_public_key *key, char ret_text[WG_PUBLIC_KEY_TEXT])
{
    const size_t prefix_len = sizeof PUBLIC_PREFIX - 1;

    memcpy(ret_text, PUBLIC_PREFIX, prefix_len);
    sodium_bin2base64(ret_text + prefix_len, WG_PUBLIC_KEY_TEXT - prefix_len, key->bytes,
                      sizeof key->bytes, sodium_base64_VARIANT_ORIGINAL);
}

bool wg_public_key_equal(const struct wg_public_key *a, const struct wg_public_key *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static void fill_from_seed(struct wg_secret_key *key, const uint8_t seed[SEED_BYTES])
{
    crypto_sign_seed_keypair(key->public_key.bytes, key->bytes, seed);
    name_key(&key->public_key);
}

void wg_secret_key_generate(struct wg_secret_key *ret_key)
{
    uint8_t seed[SEED_BYTES];

    randombytes_buf(seed, sizeof seed);
    fill_from_seed(ret_key, seed);
    sodium_memzero(seed, sizeof seed);
}

enum wg_code wg_secret_key_from_seed(struct wg_str seed, struct wg_secret_key *ret_key,
                                     struct wg_err *err)
{
    if (seed.len != SEED_BYTES)
        return wg_fail(err, WG_INVALID, "an Ed25519 seed has 32 bytes, this one %zu", seed.len);
    fill_from_seed(ret_key, (const uint8_t *)seed.at);
    return WG_OK;
}

/** The one line that is neither comment nor empty. */
static enum wg_code find_key_line(struct wg_str file_text, struct wg_str *ret_line,
                                  struct wg_err *err)
{
    struct wg_str rest = file_text, found = {0};

    while (rest.at) {
        struct wg_str line = wg_str_split(&rest, '\n');

        if (line.len > 0 && line.at[line.len - 1] == '\r')
            line.len--;
        line = wg_str_trim(line);
        if (line.len == 0 || line.at[0] == '#')
            continue;
        if (found.at)
            return wg_fail(err, WG_INVALID,
                           "the key file has more than one line that is not a "
                           "comment; keep one key to a file");
        found = line;
    }
    if (!found.at)
        return wg_fail(err, WG_INVALID,
                       "the key file holds no key; make one with "
                       "'wavegate keygen --out FILE'");
    *ret_line = found;
    return WG_OK;
}

enum wg_code wg_secret_key_parse(struct wg_str file_text, struct wg_secret_key *ret_key,
                                 struct wg_err *err)
{
    const struct wg_str prefix = WG_STR(SECRET_PREFIX);
    uint8_t seed[SEED_BYTES];
    struct wg_str line;
    bool is_good;

    if (find_key_line(file_text, &line, err) != WG_OK)
        return err->code;
    if (!wg_str_starts(line, prefix))
        return wg_fail(err, WG_INVALID,
                       "the key line does not start with \"" SECRET_PREFIX "\"");
    is_good = decode_32(wg_str_of(line.at + prefix.len, line.len - prefix.len), seed);
    if (is_good)
        fill_from_seed(ret_key, seed);
    sodium_memzero(seed, sizeof seed);
    if (!is_good)
        return wg_fail(err, WG_INVALID,
                       "the key behind \"" SECRET_PREFIX "\" is not the base64 of "
                       "32 bytes (44 characters with padding)");
    return WG_OK;
}

void wg_secret_key_write(const struct wg_secret_key *key, struct wg_buf *out)
{
    char public_text[WG_PUBLIC_KEY_TEXT];
    char seed_text[KEY_BASE64_CHARS + 1];

    wg_public_key_write(&key->public_key, public_text);
    /* libsodium's secret key starts with the seed. */
    sodium_bin2base64(seed_text, sizeof seed_text, key->bytes, SEED_BYTES,
                      sodium_base64_VARIANT_ORIGINAL);
    wg_buf_addf(out, "# Wavegate signing key. Keep it secret.\n# public key: %s\n# kid: %s\n",
                public_text, key->public_key.kid);
    wg_buf_adds(out, WG_STR(SECRET_PREFIX));
    wg_buf_add(out, seed_text, KEY_BASE64_CHARS);
    wg_buf_addc(out, '\n');
    sodium_memzero(seed_text, sizeof seed_text);
}

void wg_secret_key_done(struct wg_secret_key *key)
{
    sodium_memzero(key, sizeof *key);
}

void wg_sign(const struct wg_secret_key *key, struct wg_str message,
             uint8_t ret_signature[WG_SIGNATURE_BYTES])
{
    crypto_sign_detached(ret_signature, NULL, (const uint8_t *)message.at, message.len,
                         key->bytes);
}

bool wg_verify(const struct wg_public_key *key, struct wg_str message, struct wg_str signature)
{
    return wg_verify_raw(wg_str_of(key->bytes, sizeof key->bytes), message, signature);
}

bool wg_verify_raw(struct wg_str public_key, struct wg_str message, struct wg_str signature)
{
    return public_key.len == WG_PUBLIC_KEY_BYTES && signature.len == WG_SIGNATURE_BYTES &&
           crypto_sign_verify_detached((const uint8_t *)signature.at,
                                       (const uint8_t *)message.at, message.len,
                                       (const uint8_t *)public_key.at) == 0;
}
