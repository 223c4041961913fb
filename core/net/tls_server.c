// SPDX-License-Identifier: Apache-2.0
#include "net/tls_pair_impl.h"

#include <mbedtls/ssl_ticket.h>

#include "base/alloc.h"
#include "base/map.h"
#include "wire/name.h"

enum {
    TICKET_S = 86400,
    TICKET_NAME_BYTES = MBEDTLS_SSL_TICKET_KEY_NAME_BYTES,
    TICKET_KEY_AT = 16, /**< of the 48 bytes: 4 name it, the last 32 are it */
    TICKET_KEY_BYTES = MBEDTLS_SSL_TICKET_MAX_KEY_BYTES,
    NAME_LIMIT = WG_SERVER_NAME_LIMIT
};

struct wg_tls_certificate {
    unsigned holders;
    mbedtls_x509_crt chain;
    mbedtls_pk_context key;
};

struct wg_tls_server {
    unsigned holders; /**< the owner and every connection */
    mbedtls_ssl_config config;
    mbedtls_ssl_ticket_context tickets;
    struct wg_map certificates; /**< by lower-case host */
    char *first;                /**< the name of those who send none */
};

void wg_tls_certificate_unref(struct wg_tls_certificate *certificate)
{
    if (!certificate || --certificate->holders)
        return;
    mbedtls_x509_crt_free(&certificate->chain);
    mbedtls_pk_free(&certificate->key);
    wg_free(certificate);
}

static void unref_value(void *value)
{
    wg_tls_certificate_unref(value);
}

/** Names are compared without regard to case (RFC 6066 3). */
static struct wg_str fold(struct wg_str name, char ret_lower[NAME_LIMIT])
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];

        ret_lower[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    return wg_str_of(ret_lower, name.len);
}

static struct wg_tls_certificate *find(const struct wg_tls_server *tls, struct wg_str name)
{
    char lower[NAME_LIMIT];

    return wg_map_get(&tls->certificates, fold(name, lower));
}

static int present(mbedtls_ssl_context *ssl, struct wg_tls_certificate *certificate)
{
    struct wg_tls_conn *conn = mbedtls_ssl_get_user_data_p(ssl);

    /* When the ClientHello comes twice (RFC 8446 4.1.4), mbedTLS still holds the first answer,
     * and a reload may have come between. */
    if (conn->certificate)
        certificate = conn->certificate;
    else if (certificate)
        certificate->holders++;
    conn->certificate = certificate;
    return certificate
               ? mbedtls_ssl_set_hs_own_cert(ssl, &certificate->chain, &certificate->key)
               : MBEDTLS_ERR_SSL_UNRECOGNIZED_NAME;
}

/** mbedTLS answers a failure with the alert unrecognized_name. */
static int on_server_name(void *owner, mbedtls_ssl_context *ssl, const unsigned char *name,
                          size_t len)
{
    struct wg_tls_conn *conn = mbedtls_ssl_get_user_data_p(ssl);
    struct wg_str sent = wg_str_of(name, len);
    struct wg_tls_server *tls = owner;

    if (len > NAME_LIMIT || (conn->server_name && !wg_str_is(sent, conn->server_name)))
        return MBEDTLS_ERR_SSL_UNRECOGNIZED_NAME;
    if (!conn->server_name)
        conn->server_name = wg_strdup(sent);
    return present(ssl, find(tls, sent));
}

/** After the extensions: no name came. */
static int on_hello(mbedtls_ssl_context *ssl)
{
    struct wg_tls_conn *conn = mbedtls_ssl_get_user_data_p(ssl);
    struct wg_tls_server *tls = conn->server;

    if (conn->server_name)
        return 0;
    return present(ssl, tls->first ? find(tls, wg_str(tls->first)) : NULL);
}

enum wg_code wg_tls_server_new(struct wg_tls_server **ret_tls, struct wg_err *err)
{
    struct wg_tls_server *tls = wg_new(struct wg_tls_server);
    int status;

    tls->holders = 1;
    wg_map_init(&tls->certificates);
    mbedtls_ssl_config_init(&tls->config);
    mbedtls_ssl_ticket_init(&tls->tickets);
    if (wg_tls_config_set(&tls->config, MBEDTLS_SSL_IS_SERVER, err) != WG_OK) {
        wg_tls_server_free(tls);
        return err->code;
    }
    status = mbedtls_ssl_ticket_setup(&tls->tickets, wg_tls_random, NULL,
                                      MBEDTLS_CIPHER_AES_256_GCM, TICKET_S);
    if (status != 0) {
        wg_tls_server_free(tls);
        return wg_tls_fail(err, WG_INTERNAL, status, "setting up session tickets");
    }
    mbedtls_ssl_conf_authmode(&tls->config, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_sni(&tls->config, on_server_name, tls);
    mbedtls_ssl_conf_cert_cb(&tls->config, on_hello);
    mbedtls_ssl_conf_session_tickets_cb(&tls->config, mbedtls_ssl_ticket_write,
                                        mbedtls_ssl_ticket_parse, &tls->tickets);
    mbedtls_ssl_conf_new_session_tickets(&tls->config, 1);
    *ret_tls = tls;
    return WG_OK;
}

static void put(struct wg_tls_server *tls, struct wg_str host,
                struct wg_tls_certificate *certificate)
{
    char lower[NAME_LIMIT];

    host = fold(host, lower);
    if (!tls->first)
        tls->first = wg_strdup(host);
    wg_tls_certificate_unref(wg_map_put(&tls->certificates, host, certificate));
}

enum wg_code wg_tls_server_set_pair(struct wg_tls_server *tls, struct wg_str server_name,
                                    const struct wg_tls_pair *pair, struct wg_err *err)
{
    struct wg_tls_certificate *certificate;
    struct wg_str host;
    uint16_t port;

    wg_server_name_split(server_name, 0, &host, &port);
    if (host.len == 0 || host.len > NAME_LIMIT)
        return wg_fail(err, WG_CONFIG, "'%.*s' is no server name", WG_STR_F(server_name));
    certificate = wg_new(struct wg_tls_certificate);
    certificate->holders = 1;
    mbedtls_x509_crt_init(&certificate->chain);
    mbedtls_pk_init(&certificate->key);
    if (wg_tls_pair_parse(pair, &certificate->chain, &certificate->key, err) != WG_OK) {
        wg_tls_certificate_unref(certificate);
        return err->code;
    }
    put(tls, host, certificate);
    return WG_OK;
}

int64_t wg_tls_server_certificate_until_s(const struct wg_tls_server *tls,
                                          struct wg_str server_name)
{
    const struct wg_tls_certificate *certificate;
    int64_t until_s = 0;
    struct wg_str host;
    uint16_t port;

    wg_server_name_split(server_name, 0, &host, &port);
    certificate = host.len <= NAME_LIMIT ? find(tls, host) : NULL;
    if (!certificate)
        return 0;
    /* An intermediate that has ended makes the chain as useless as its first link would. */
    for (const mbedtls_x509_crt *link = &certificate->chain; link; link = link->next) {
        int64_t link_until_s = wg_tls_time_s(&link->valid_to);

        if (!until_s || link_until_s < until_s)
            until_s = link_until_s;
    }
    return until_s;
}

enum wg_code wg_tls_server_set(struct wg_tls_server *tls, struct wg_str server_name,
                               const char *certificate_file, const char *key_file,
                               struct wg_err *err)
{
    struct wg_tls_pair *pair;
    enum wg_code code = wg_tls_pair_load(server_name, certificate_file, key_file, &pair, err);

    if (code != WG_OK)
        return code;
    code = wg_tls_server_set_pair(tls, server_name, pair, err);
    wg_tls_pair_unref(pair);
    return code;
}

void wg_tls_server_set_ticket_key(struct wg_tls_server *tls, const uint8_t key[48])
{
    /* The key before it stays good for the tickets it made. */
    WG_CHECK(mbedtls_ssl_ticket_rotate(&tls->tickets, key, TICKET_NAME_BYTES,
                                       key + TICKET_KEY_AT, TICKET_KEY_BYTES, TICKET_S) == 0);
}

struct wg_tls_server *wg_tls_server_free(struct wg_tls_server *tls)
{
    if (!tls || --tls->holders)
        return NULL;
    mbedtls_ssl_config_free(&tls->config);
    mbedtls_ssl_ticket_free(&tls->tickets);
    wg_map_done(&tls->certificates, unref_value);
    wg_free(tls->first);
    wg_free(tls);
    return NULL;
}

enum wg_code wg_tls_conn_accept(struct wg_tls_server *tls, struct wg_tls_conn **ret_conn,
                                struct wg_err *err)
{
    if (wg_tls_conn_new(&tls->config, ret_conn, err) != WG_OK)
        return err->code;
    (*ret_conn)->server = tls;
    tls->holders++;
    return WG_OK;
}
