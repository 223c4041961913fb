// SPDX-License-Identifier: Apache-2.0
#include "net/tls_conn_impl.h"

#include "base/alloc.h"

static int take_record(void *owner, const unsigned char *data, size_t len)
{
    struct wg_tls_conn *conn = owner;

    wg_buf_add(conn->output, data, len);
    return conn->output->is_overflown ? MBEDTLS_ERR_SSL_INTERNAL_ERROR : (int)len;
}

/* mbedTLS keeps the description of an alert to itself; it reads the five bytes of a record's
 * header, then its body, so an alert that is not encrypted can be seen passing. */
static void watch_for_alert(struct wg_tls_conn *conn, const char *data, size_t len)
{
    if (conn->is_alert_next && len == 2)
        conn->alert = (unsigned char)data[1];
    conn->is_alert_next =
        len == 5 && data[0] == MBEDTLS_SSL_MSG_ALERT && data[3] == 0 && data[4] == 2;
}

static int give_record(void *owner, unsigned char *at, size_t size)
{
    struct wg_tls_conn *conn = owner;
    size_t len = size < conn->input_len ? size : conn->input_len;

    if (len == 0)
        return conn->is_input_over ? 0 : MBEDTLS_ERR_SSL_WANT_READ;
    memcpy(at, conn->input, len);
    if (!conn->is_established)
        watch_for_alert(conn, conn->input, len);
    conn->input += len;
    conn->input_len -= len;
    return (int)len;
}

enum wg_code wg_tls_conn_new(const mbedtls_ssl_config *config, struct wg_tls_conn **ret_conn,
                             struct wg_err *err)
{
    struct wg_tls_conn *conn = wg_new(struct wg_tls_conn);
    int status;

    mbedtls_ssl_init(&conn->ssl);
    status = mbedtls_ssl_setup(&conn->ssl, config);
    if (status != 0) {
        wg_tls_conn_free(conn);
        return wg_tls_fail(err, WG_INTERNAL, status, "starting TLS");
    }
    mbedtls_ssl_set_bio(&conn->ssl, conn, take_record, give_record, NULL);
    mbedtls_ssl_set_user_data_p(&conn->ssl, conn);
    *ret_conn = conn;
    return WG_OK;
}

struct wg_tls_conn *wg_tls_conn_free(struct wg_tls_conn *conn)
{
    if (!conn)
        return NULL;
    mbedtls_ssl_free(&conn->ssl);
    wg_tls_certificate_unref(conn->certificate);
    wg_tls_server_free(conn->server);
    wg_tls_client_free(conn->client);
    wg_free(conn->server_name);
    wg_free(conn->host);
    wg_free(conn->session_name);
    wg_free(conn);
    return NULL;
}

void wg_tls_conn_set_output(struct wg_tls_conn *conn, struct wg_buf *output)
{
    conn->output = output;
}

void wg_tls_conn_feed(struct wg_tls_conn *conn, const char *data, size_t len)
{
    conn->input = data;
    conn->input_len = len;
    if (!data)
        conn->is_input_over = true;
}

size_t wg_tls_conn_rest(struct wg_tls_conn *conn)
{
    size_t len = conn->input_len;

    conn->input = NULL;
    conn->input_len = 0;
    return len;
}

/** Whether the same call shall be made again at once. */
static bool is_passing(struct wg_tls_conn *conn, int status, size_t len_before)
{
    if (status == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
        wg_tls_client_keep_session(conn);
        return true;
    }
    /* Also said after a record that carried nothing for us, and when a ticket has been read but
     * not yet looked at. */
    return status == MBEDTLS_ERR_SSL_WANT_READ && conn->input_len < len_before;
}

enum wg_tls_step wg_tls_conn_handshake(struct wg_tls_conn *conn, struct wg_err *err)
{
    size_t before;
    int status;

    do {
        before = conn->input_len;
        status = mbedtls_ssl_handshake(&conn->ssl);
    } while (is_passing(conn, status, before));
    if (status == MBEDTLS_ERR_SSL_WANT_READ || status == MBEDTLS_ERR_SSL_WANT_WRITE)
        return WG_TLS_STEP_MORE;
    if (status != 0) {
        if (conn->client)
            wg_tls_client_drop_session(conn);
        wg_tls_conn_fail(conn, status, err);
        return WG_TLS_STEP_FAILED;
    }
    conn->is_established = true;
    /* TLS 1.2 has the ticket within the handshake; in 1.3 it comes later, by itself. */
    if (conn->client &&
        mbedtls_ssl_get_version_number(&conn->ssl) == MBEDTLS_SSL_VERSION_TLS1_2)
        wg_tls_client_keep_session(conn);
    return WG_TLS_STEP_DONE;
}

enum wg_tls_step wg_tls_conn_read(struct wg_tls_conn *conn, char *at, size_t size,
                                  size_t *ret_len, struct wg_err *err)
{
    size_t before;
    int status;

    do {
        before = conn->input_len;
        status = mbedtls_ssl_read(&conn->ssl, (unsigned char *)at, size);
    } while (is_passing(conn, status, before));
    if (status > 0) {
        *ret_len = (size_t)status;
        return WG_TLS_STEP_DONE;
    }
    if (status == MBEDTLS_ERR_SSL_WANT_READ || status == MBEDTLS_ERR_SSL_WANT_WRITE)
        return WG_TLS_STEP_MORE;
    if (status == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        return WG_TLS_STEP_END;
    /* RFC 8446 6.1: only close_notify tells the end from a cut by somebody in between. */
    if (status == 0 || status == MBEDTLS_ERR_SSL_CONN_EOF)
        wg_fail(err, WG_CLOSED, "ended without close_notify");
    else
        wg_tls_conn_fail(conn, status, err);
    return WG_TLS_STEP_FAILED;
}

enum wg_code wg_tls_conn_write(struct wg_tls_conn *conn, const char *data, size_t len,
                               size_t *ret_len, struct wg_err *err)
{
    int status;

    do {
        status = mbedtls_ssl_write(&conn->ssl, (const unsigned char *)data, len);
    } while (is_passing(conn, status, 0));
    if (status < 0)
        return wg_tls_fail(err, WG_TLS_FAILED, status, "TLS");
    *ret_len = (size_t)status;
    return WG_OK;
}

void wg_tls_conn_close_notify(struct wg_tls_conn *conn)
{
    if (conn->is_established)
        mbedtls_ssl_close_notify(&conn->ssl);
}

void wg_tls_conn_describe(const struct wg_tls_conn *conn, struct wg_stream_info *info)
{
    info->is_tls = true;
    info->is_resumed = conn->client && !conn->is_verified;
    info->server_name = wg_str(conn->server_name);
    info->tls_version = mbedtls_ssl_get_version(&conn->ssl);
    info->tls_cipher = mbedtls_ssl_get_ciphersuite(&conn->ssl);
    info->certificate_until_s = conn->certificate_until_s;
}
