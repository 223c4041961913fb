// SPDX-License-Identifier: Apache-2.0
#include <time.h>

#include "base/alloc.h"
#include "net/tls_client_impl.h"

/** One holds a certificate, 2 to 4 KiB. */
enum { SESSIONS = 512 };

struct session {
    mbedtls_ssl_session data;
    int64_t certificate_until_s;
};

static void free_session(void *value)
{
    struct session *session = value;

    if (!session)
        return;
    mbedtls_ssl_session_free(&session->data);
    wg_free(session);
}

void wg_tls_sessions_init(struct wg_tls_sessions *sessions)
{
    wg_map_init(&sessions->by_name);
}

void wg_tls_sessions_done(struct wg_tls_sessions *sessions)
{
    wg_map_done(&sessions->by_name, free_session);
}

void wg_tls_sessions_offer(struct wg_tls_sessions *sessions, struct wg_tls_conn *conn)
{
    struct wg_str name = wg_str(conn->session_name);
    const struct session *session = wg_map_get(&sessions->by_name, name);

    if (!session)
        return;
    /* A resumed session shows no certificate: it may not outlive the one it began with. */
    if (session->certificate_until_s <= (int64_t)time(NULL) ||
        mbedtls_ssl_set_session(&conn->ssl, &session->data) != 0) {
        free_session(wg_map_take(&sessions->by_name, name));
        return;
    }
    conn->certificate_until_s = session->certificate_until_s;
}

static void make_room(struct wg_tls_sessions *sessions)
{
    struct wg_str name;
    size_t cursor = 0;
    void *session;

    if (sessions->by_name.count >= SESSIONS &&
        wg_map_next(&sessions->by_name, &cursor, &name, &session)) {
        wg_map_take(&sessions->by_name, name);
        free_session(session);
    }
}

void wg_tls_client_keep_session(struct wg_tls_conn *conn)
{
    struct wg_tls_sessions *sessions = &conn->client->sessions;
    struct session *session = wg_new(struct session);

    mbedtls_ssl_session_init(&session->data);
    session->certificate_until_s = conn->certificate_until_s;
    if (mbedtls_ssl_get_session(&conn->ssl, &session->data) != 0) {
        free_session(session);
        return;
    }
    make_room(sessions);
    free_session(wg_map_put(&sessions->by_name, wg_str(conn->session_name), session));
}

void wg_tls_client_drop_session(struct wg_tls_conn *conn)
{
    free_session(wg_map_take(&conn->client->sessions.by_name, wg_str(conn->session_name)));
}
