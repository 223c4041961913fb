// SPDX-License-Identifier: Apache-2.0
#include "net/tls_client_impl.h"

#include <stdio.h>

#include "base/alloc.h"
#include "wire/address.h"

#define SYSTEM_ANCHORS "/etc/ssl/certs/ca-certificates.crt"

static enum wg_code load_anchors(struct wg_tls_client *tls, const char *file,
                                 struct wg_err *err)
{
    char doing[160];
    int status = mbedtls_x509_crt_parse_file(&tls->anchors, file);

    snprintf(doing, sizeof doing, "reading trust anchors from %s", file);
    if (status < 0)
        return wg_tls_fail(err, WG_CONFIG, status, doing);
    /* A bundle may hold a few of an unknown kind (status > 0 counts them); none at all is an
     * error. */
    if (tls->anchors.version == 0)
        return wg_fail(err, WG_CONFIG,
                       "%s: no usable certificate; on Debian install "
                       "ca-certificates, or name a PEM file",
                       doing);
    return WG_OK;
}

enum wg_code wg_tls_client_new(const char *trust_anchors, struct wg_tls_client **ret_tls,
                               struct wg_err *err)
{
    struct wg_tls_client *tls = wg_new(struct wg_tls_client);

    tls->holders = 1;
    mbedtls_ssl_config_init(&tls->config);
    mbedtls_x509_crt_init(&tls->anchors);
    wg_tls_sessions_init(&tls->sessions);
    if (strcmp(trust_anchors, "system") == 0)
        trust_anchors = SYSTEM_ANCHORS;
    if (wg_tls_config_set(&tls->config, MBEDTLS_SSL_IS_CLIENT, err) != WG_OK ||
        load_anchors(tls, trust_anchors, err) != WG_OK) {
        wg_tls_client_free(tls);
        return err->code;
    }
    mbedtls_ssl_conf_authmode(&tls->config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&tls->config, &tls->anchors, NULL);
    mbedtls_ssl_conf_session_tickets(&tls->config, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        &tls->config, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    *ret_tls = tls;
    return WG_OK;
}

struct wg_tls_client *wg_tls_client_free(struct wg_tls_client *tls)
{
    if (!tls || --tls->holders)
        return NULL;
    mbedtls_ssl_config_free(&tls->config);
    mbedtls_x509_crt_free(&tls->anchors);
    wg_tls_sessions_done(&tls->sessions);
    wg_free(tls);
    return NULL;
}

static bool is_for_ip(const mbedtls_x509_crt *certificate, const struct wg_ip *ip)
{
    size_t skip = wg_ip_is_v4(ip) ? 12 : 0;

    for (const mbedtls_x509_sequence *name = &certificate->subject_alt_names; name;
         name = name->next) {
        if (name->buf.tag == (MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_X509_SAN_IP_ADDRESS) &&
            name->buf.len == sizeof ip->bytes - skip &&
            memcmp(name->buf.p, ip->bytes + skip, name->buf.len) == 0)
            return true;
    }
    return false;
}

/** Called for each certificate of the chain, the anchor first. */
static int on_certificate(void *owner, mbedtls_x509_crt *certificate, int depth,
                          uint32_t *flags)
{
    struct wg_tls_conn *conn = owner;
    struct wg_err err;
    struct wg_ip ip;

    conn->is_verified = true;
    if (depth == 0) {
        conn->certificate_until_s = wg_tls_time_s(&certificate->valid_to);
        if (!conn->server_name && wg_ip_parse(wg_str(conn->host), &ip, &err) == WG_OK &&
            !is_for_ip(certificate, &ip))
            *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    }
    if (*flags && !conn->why_refused[0])
        wg_tls_explain_refusal(certificate, *flags, conn->host, conn->why_refused,
                               sizeof conn->why_refused);
    return 0;
}

static char *session_name(struct wg_str host, uint16_t port)
{
    char *name = wg_alloc(host.len + sizeof ":65535");

    snprintf(name, host.len + sizeof ":65535", "%.*s:%u", WG_STR_F(host), (unsigned)port);
    return name;
}

enum wg_code wg_tls_conn_dial(struct wg_tls_client *tls, struct wg_str host, uint16_t port,
                              bool is_fresh, struct wg_tls_conn **ret_conn, struct wg_err *err)
{
    struct wg_tls_conn *conn;
    struct wg_ip ip;
    int status;

    if (wg_tls_conn_new(&tls->config, &conn, err) != WG_OK)
        return err->code;
    conn->client = tls;
    tls->holders++;
    conn->host = wg_strdup(host);
    conn->session_name = session_name(host, port);
    /* RFC 6066 3: an address is no server name; on_certificate() compares it. */
    if (wg_ip_parse(host, &ip, err) != WG_OK)
        conn->server_name = wg_strdup(host);
    mbedtls_ssl_set_verify(&conn->ssl, on_certificate, conn);
    status = mbedtls_ssl_set_hostname(&conn->ssl, conn->server_name);
    if (status != 0) {
        wg_tls_conn_free(conn);
        return wg_tls_fail(err, WG_TLS_FAILED, status, "starting TLS");
    }
    if (!is_fresh)
        wg_tls_sessions_offer(&tls->sessions, conn);
    *ret_conn = conn;
    return WG_OK;
}
