// SPDX-License-Identifier: Apache-2.0
#include "net/tls_pair_impl.h"

#include <mbedtls/platform_util.h>
#include <mbedtls/sha256.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/file.h"
#include "wire/name.h"

enum { PEM_LIMIT_BYTES = 1024 * 1024 };

static void wipe(struct wg_buf *text)
{
    if (text->at)
        mbedtls_platform_zeroize(text->at, text->capacity);
    wg_buf_done(text);
}

struct wg_tls_pair *wg_tls_pair_ref(struct wg_tls_pair *pair)
{
    atomic_fetch_add_explicit(&pair->holders, 1, memory_order_relaxed);
    return pair;
}

struct wg_tls_pair *wg_tls_pair_unref(struct wg_tls_pair *pair)
{
    if (!pair || atomic_fetch_sub_explicit(&pair->holders, 1, memory_order_acq_rel) != 1)
        return NULL;
    wipe(&pair->chain);
    wipe(&pair->key);
    wg_free(pair->certificate_file);
    wg_free(pair->key_file);
    wg_free(pair);
    return NULL;
}

const struct wg_tls_facts *wg_tls_pair_facts(const struct wg_tls_pair *pair)
{
    return &pair->facts;
}

/* mbedTLS takes PEM with the NUL behind it, DER without. */
static size_t len_of(const struct wg_buf *text)
{
    return strstr(text->at, "-----BEGIN ") ? text->len + 1 : text->len;
}

enum wg_code wg_tls_pair_parse(const struct wg_tls_pair *pair, mbedtls_x509_crt *chain,
                               mbedtls_pk_context *key, struct wg_err *err)
{
    char doing[160];
    int status =
        mbedtls_x509_crt_parse(chain, (const uint8_t *)pair->chain.at, len_of(&pair->chain));

    snprintf(doing, sizeof doing, "reading the certificate chain %s", pair->certificate_file);
    if (status > 0)
        return wg_fail(err, WG_CONFIG, "%s: %d of its certificates cannot be read", doing,
                       status);
    if (status < 0)
        return wg_tls_fail(err, WG_CONFIG, status, doing);
    status = mbedtls_pk_parse_key(key, (const uint8_t *)pair->key.at, len_of(&pair->key), NULL,
                                  0, wg_tls_random, NULL);
    snprintf(doing, sizeof doing, "reading the key %s", pair->key_file);
    if (status < 0)
        return wg_tls_fail(err, WG_CONFIG, status, doing);
    if (mbedtls_pk_check_pair(&chain->pk, key, wg_tls_random, NULL))
        return wg_fail(err, WG_CONFIG, "the key %s does not belong to the certificate %s",
                       pair->key_file, pair->certificate_file);
    return WG_OK;
}

static bool covers(mbedtls_x509_crt *chain, const char *host)
{
    mbedtls_x509_crt nobody;
    uint32_t flags = 0;

    /* Without an anchor the verdict is no, but the flags tell about the name. */
    mbedtls_x509_crt_init(&nobody);
    (void)mbedtls_x509_crt_verify(chain, &nobody, NULL, host, &flags, NULL, NULL);
    mbedtls_x509_crt_free(&nobody);
    return !(flags & MBEDTLS_X509_BADCERT_CN_MISMATCH);
}

static void read_facts(mbedtls_x509_crt *chain, const char *host, struct wg_tls_facts *facts)
{
    uint8_t digest[32];

    facts->not_before_s = wg_tls_time_s(&chain->valid_from);
    facts->not_after_s = wg_tls_time_s(&chain->valid_to);
    facts->is_for_name = covers(chain, host);
    wg_tls_name_holder(chain, facts->names, sizeof facts->names);
    if (mbedtls_x509_dn_gets(facts->issuer, sizeof facts->issuer, &chain->issuer) < 0)
        facts->issuer[0] = '\0';
    facts->until_s = facts->not_after_s;
    for (const mbedtls_x509_crt *at = chain; at; at = at->next) {
        int64_t until_s = wg_tls_time_s(&at->valid_to);

        facts->chain_length++;
        if (until_s < facts->until_s)
            facts->until_s = until_s;
    }
    (void)mbedtls_sha256(chain->raw.p, chain->raw.len, digest, 0);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(facts->fingerprint + 2 * i, 3, "%02x", digest[i]);
}

static enum wg_code read_files(struct wg_tls_pair *pair, struct wg_err *err)
{
    if (wg_file_read(pair->certificate_file, &pair->chain, err) != WG_OK)
        return wg_while(err, "reading the certificate chain");
    if (wg_file_read(pair->key_file, &pair->key, err) != WG_OK)
        return wg_while(err, "reading the key");
    if (!pair->chain.len || !pair->key.len)
        return wg_fail(err, WG_CONFIG, "%s: the file is empty",
                       pair->chain.len ? pair->key_file : pair->certificate_file);
    return WG_OK;
}

static enum wg_code load(struct wg_tls_pair *pair, const char *host, struct wg_err *err)
{
    mbedtls_x509_crt chain;
    mbedtls_pk_context key;
    enum wg_code code = read_files(pair, err);

    if (code != WG_OK)
        return code;
    mbedtls_x509_crt_init(&chain);
    mbedtls_pk_init(&key);
    code = wg_tls_pair_parse(pair, &chain, &key, err);
    if (code == WG_OK)
        read_facts(&chain, host, &pair->facts);
    mbedtls_x509_crt_free(&chain);
    mbedtls_pk_free(&key);
    return code;
}

enum wg_code wg_tls_pair_load(struct wg_str server_name, const char *certificate_file,
                              const char *key_file, struct wg_tls_pair **ret_pair,
                              struct wg_err *err)
{
    struct wg_tls_pair *pair;
    struct wg_str host;
    uint16_t port;
    char *name;

    wg_server_name_split(server_name, 0, &host, &port);
    if (host.len == 0 || host.len > WG_SERVER_NAME_LIMIT)
        return wg_fail(err, WG_CONFIG, "'%.*s' is no server name", WG_STR_F(server_name));
    if (wg_tls_start(err) != WG_OK)
        return err->code;
    pair = wg_new(struct wg_tls_pair);
    pair->holders = 1;
    pair->certificate_file = wg_strdup(wg_str(certificate_file));
    pair->key_file = wg_strdup(wg_str(key_file));
    wg_buf_init(&pair->chain, PEM_LIMIT_BYTES);
    wg_buf_init(&pair->key, PEM_LIMIT_BYTES);
    name = wg_strdup(host);
    if (load(pair, name, err) != WG_OK)
        pair = wg_tls_pair_unref(pair);
    wg_free(name);
    if (!pair)
        return err->code;
    *ret_pair = pair;
    return WG_OK;
}

enum wg_code wg_tls_client_judges(struct wg_tls_client *tls, const struct wg_tls_pair *pair,
                                  struct wg_str server_name, struct wg_err *err)
{
    struct wg_str host;
    mbedtls_x509_crt chain;
    mbedtls_pk_context key;
    uint32_t flags = 0;
    uint16_t port;
    enum wg_code code;
    char *name;

    wg_server_name_split(server_name, 0, &host, &port);
    name = wg_strdup(host);
    mbedtls_x509_crt_init(&chain);
    mbedtls_pk_init(&key);
    code = wg_tls_pair_parse(pair, &chain, &key, err);
    if (code == WG_OK &&
        mbedtls_x509_crt_verify(&chain, &tls->anchors, NULL, name, &flags, NULL, NULL) != 0) {
        char why[200];

        wg_tls_explain_refusal(&chain, flags, name, why, sizeof why);
        code = wg_fail(err, WG_TLS_FAILED, "%s", why);
    }
    mbedtls_x509_crt_free(&chain);
    mbedtls_pk_free(&key);
    wg_free(name);
    return code;
}
