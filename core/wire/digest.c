// SPDX-License-Identifier: Apache-2.0
/* Content-Digest, RFC 9530. */
#include <sodium.h>

#include "wire/signature.h"

_Static_assert(crypto_hash_sha512_BYTES >= crypto_hash_sha256_BYTES, "room for either");

static const struct {
    const char *name;
    size_t len;
    int (*hash)(unsigned char *out, const unsigned char *in, unsigned long long len);
} algorithms[] = {
    {"sha-256", crypto_hash_sha256_BYTES, crypto_hash_sha256},
    {"sha-512", crypto_hash_sha512_BYTES, crypto_hash_sha512},
};

struct wg_str wg_digest_make(struct wg_str body, struct wg_arena *arena)
{
    const size_t size =
        sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES, sodium_base64_VARIANT_ORIGINAL);
    unsigned char hash[crypto_hash_sha256_BYTES];
    char *text = wg_arena_alloc(arena, size);

    crypto_hash_sha256(hash, (const unsigned char *)body.at, body.len);
    sodium_bin2base64(text, size, hash, sizeof hash, sodium_base64_VARIANT_ORIGINAL);
    return wg_str(wg_arena_format(arena, "sha-256=:%s:", text));
}

enum wg_code wg_digest_check(struct wg_str field, struct wg_str body, struct wg_arena *arena,
                             struct wg_err *err)
{
    struct wg_sf_members digests;
    size_t known = 0;

    if (wg_sf_parse_dictionary(field, arena, &digests, err) != WG_OK) {
        wg_while(err, "Content-Digest");
        return err->code = WG_BAD_SIGNATURE;
    }
    for (size_t i = 0; i < WG_COUNT(algorithms); i++) {
        const struct wg_sf_item *digest = wg_sf_member(&digests, algorithms[i].name);
        unsigned char hash[crypto_hash_sha512_BYTES];

        if (!digest)
            continue;
        known++;
        if (digest->bare.type != WG_SF_BYTES)
            return wg_fail(err, WG_BAD_SIGNATURE, "Content-Digest: %s is not a byte sequence",
                           algorithms[i].name);
        algorithms[i].hash(hash, (const unsigned char *)body.at, body.len);
        if (!wg_str_equal(digest->bare.text, wg_str_of(hash, algorithms[i].len)))
            return wg_fail(err, WG_BAD_SIGNATURE,
                           "Content-Digest: %s is not that of the %zu bytes of the body",
                           algorithms[i].name, body.len);
    }
    if (known == 0)
        return wg_fail(err, WG_BAD_SIGNATURE,
                       "Content-Digest has neither sha-256 nor sha-512; send one of them");
    return WG_OK;
}
