// SPDX-License-Identifier: Apache-2.0
#include "net/tls_conn_impl.h"

#include <mbedtls/error.h>
#include <stdio.h>
#include <time.h>

static const char *words_of(int status)
{
    const char *words = mbedtls_high_level_strerr(status);

    if (!words)
        words = mbedtls_low_level_strerr(status);
    return words ? words : "unknown error";
}

enum wg_code wg_tls_fail(struct wg_err *err, enum wg_code code, int status, const char *doing)
{
    return wg_fail(err, code, "%s: %s (mbedTLS -0x%04x)", doing, words_of(status),
                   (unsigned)-status);
}

/* RFC 8446 6.2, RFC 6066 3, RFC 7301 3.2 */
static const char *alert_name(unsigned char alert)
{
    static const struct {
        unsigned char alert;
        const char *name;
    } alerts[] = {
        {10, "unexpected_message"},
        {20, "bad_record_mac"},
        {40, "handshake_failure"},
        {42, "bad_certificate"},
        {44, "certificate_revoked"},
        {45, "certificate_expired"},
        {46, "certificate_unknown"},
        {47, "illegal_parameter"},
        {48, "unknown_ca"},
        {50, "decode_error"},
        {51, "decrypt_error"},
        {70, "protocol_version"},
        {71, "insufficient_security"},
        {80, "internal_error"},
        {109, "missing_extension"},
        {112, "unrecognized_name"},
        {116, "certificate_required"},
        {120, "no_application_protocol"},
    };

    for (size_t i = 0; i < WG_COUNT(alerts); i++) {
        if (alerts[i].alert == alert)
            return alerts[i].name;
    }
    return NULL;
}

static enum wg_code fail_alert(const struct wg_tls_conn *conn, struct wg_err *err)
{
    const char *name = alert_name(conn->alert);

    if (conn->alert == MBEDTLS_SSL_ALERT_MSG_UNRECOGNIZED_NAME && conn->host)
        return wg_fail(err, WG_TLS_FAILED, "no certificate for %s there (TLS alert %s)",
                       conn->host, name);
    if (name)
        return wg_fail(err, WG_TLS_FAILED, "the other side refused with TLS alert %s", name);
    return wg_fail(err, WG_TLS_FAILED, "the other side ended TLS with a fatal alert");
}

enum wg_code wg_tls_conn_fail(const struct wg_tls_conn *conn, int status, struct wg_err *err)
{
    if (conn->why_refused[0])
        return wg_fail(err, WG_TLS_FAILED, "%s", conn->why_refused);
    switch (status) {
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
        return fail_alert(conn, err);
    case MBEDTLS_ERR_SSL_CONN_EOF:
        return wg_fail(err, WG_CLOSED,
                       "the other side ended the connection in the TLS handshake");
    case MBEDTLS_ERR_SSL_INVALID_RECORD:
        if (!conn->is_established)
            return wg_fail(err, WG_TLS_FAILED,
                           "what came is not TLS; does the other side "
                           "speak it on this port?");
        break;
    case MBEDTLS_ERR_SSL_UNRECOGNIZED_NAME:
        return wg_fail(err, WG_TLS_FAILED, "no certificate for the server name '%s'",
                       conn->server_name ? conn->server_name : "");
    default:
        break;
    }
    return wg_tls_fail(err, WG_TLS_FAILED, status,
                       conn->is_established ? "TLS" : "TLS handshake");
}

int64_t wg_tls_time_s(const mbedtls_x509_time *time)
{
    struct tm tm = {.tm_year = time->year - 1900,
                    .tm_mon = time->mon - 1,
                    .tm_mday = time->day,
                    .tm_hour = time->hour,
                    .tm_min = time->min,
                    .tm_sec = time->sec};

    return (int64_t)timegm(&tm);
}

void wg_tls_name_holder(const mbedtls_x509_crt *certificate, char *ret_text, size_t size)
{
    size_t len = 0;

    for (const mbedtls_x509_sequence *name = &certificate->subject_alt_names; name;
         name = name->next) {
        const char *at = (const char *)name->buf.p;

        if (name->buf.tag != (MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_X509_SAN_DNS_NAME))
            continue;
        if (len + name->buf.len + 3 > size)
            break;
        if (len)
            len += (size_t)snprintf(ret_text + len, size - len, ", ");
        for (size_t i = 0; i < name->buf.len; i++)
            ret_text[len++] = at[i] > ' ' && at[i] < 0x7f ? at[i] : '?';
        ret_text[len] = '\0';
    }
    if (!len && mbedtls_x509_dn_gets(ret_text, size, &certificate->subject) < 0)
        snprintf(ret_text, size, "another name");
}

static void explain_distrust(const mbedtls_x509_crt *certificate, char *ret_text, size_t size)
{
    char issuer[120];

    if (certificate->subject_raw.len == certificate->issuer_raw.len &&
        memcmp(certificate->subject_raw.p, certificate->issuer_raw.p,
               certificate->issuer_raw.len) == 0) {
        snprintf(ret_text, size, "certificate is signed by itself and is no trust anchor");
        return;
    }
    if (mbedtls_x509_dn_gets(issuer, sizeof issuer, &certificate->issuer) < 0)
        snprintf(issuer, sizeof issuer, "an unknown issuer");
    snprintf(ret_text, size, "certificate leads to no trust anchor; its issuer is %s", issuer);
}

void wg_tls_explain_refusal(const mbedtls_x509_crt *certificate, uint32_t flags,
                            const char *host, char *ret_text, size_t size)
{
    const mbedtls_x509_time *from = &certificate->valid_from, *to = &certificate->valid_to;
    char holder[120];

    if (flags & MBEDTLS_X509_BADCERT_EXPIRED) {
        snprintf(ret_text, size, "certificate expired on %04d-%02d-%02d", to->year, to->mon,
                 to->day);
    } else if (flags & MBEDTLS_X509_BADCERT_FUTURE) {
        snprintf(ret_text, size, "certificate is not valid before %04d-%02d-%02d", from->year,
                 from->mon, from->day);
    } else if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) {
        wg_tls_name_holder(certificate, holder, sizeof holder);
        snprintf(ret_text, size, "certificate is for %s, not %s", holder, host);
    } else if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) {
        explain_distrust(certificate, ret_text, size);
    } else {
        mbedtls_x509_crt_verify_info(ret_text, size, "", flags);
        ret_text[strcspn(ret_text, "\n")] = '\0';
    }
}
