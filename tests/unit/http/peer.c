// SPDX-License-Identifier: Apache-2.0
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"

enum { LIMIT_MS = 10 * 1000 };

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static struct peer peer_of(int fd)
{
    return (struct peer){.fd = fd, .in = wg_alloc(1)};
}

int peer_listen(uint16_t *ret_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof address;

    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static struct peer connect_with(uint16_t port, int receive_bytes)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = loopback(port);
    int one = 1;

    if (receive_bytes)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return peer_of(fd);
}

struct peer peer_connect(uint16_t port)
{
    return connect_with(port, 0);
}

struct peer peer_connect_slow(uint16_t port)
{
    return connect_with(port, 4096);
}

struct accepting {
    int listen_fd, fd;
};

static bool has_accepted(void *owner)
{
    struct accepting *accepting = owner;

    accepting->fd = accept(accepting->listen_fd, NULL, NULL);
    return accepting->fd >= 0;
}

struct peer peer_accept(struct wg_loop *loop, int listen_fd)
{
    struct accepting accepting = {listen_fd, -1};

    if (!loop_until(loop, has_accepted, &accepting))
        fail_msg("no connection came");
    return peer_of(accepting.fd);
}

size_t peer_send_bytes(struct peer *peer, const char *data, size_t len)
{
    ssize_t sent = send(peer->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

    return sent > 0 ? (size_t)sent : 0;
}

void peer_send(struct peer *peer, const char *text)
{
    assert_int_equal(peer_send_bytes(peer, text, strlen(text)), strlen(text));
}

void peer_end(struct peer *peer)
{
    shutdown(peer->fd, SHUT_WR);
}

void peer_close(struct peer *peer)
{
    if (peer->fd >= 0)
        close(peer->fd);
    peer->fd = -1;
    wg_free(peer->in);
    peer->in = NULL;
}

void peer_reset(struct peer *peer)
{
    struct linger linger = {1, 0};

    setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    peer_close(peer);
}

void peer_receive(struct peer *peer)
{
    char bytes[65536];
    ssize_t len;

    while (!peer->has_ended) {
        len = recv(peer->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (len < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (len <= 0) {
            peer->has_ended = true;
            return;
        }
        peer->in = wg_realloc(peer->in, peer->len + (size_t)len + 1);
        memcpy(peer->in + peer->len, bytes, (size_t)len);
        peer->len += (size_t)len;
        peer->in[peer->len] = '\0';
    }
}

void peer_forget(struct peer *peer)
{
    peer->len = 0;
    peer->in[0] = '\0';
}

bool loop_until(struct wg_loop *loop, bool (*is_done)(void *owner), void *owner)
{
    const struct wg_clock *clock = wg_clock_system();
    int64_t end_ms = wg_clock_mono_ms(clock) + LIMIT_MS;

    while (wg_clock_mono_ms(clock) < end_ms) {
        wg_loop_turn(loop);
        if (is_done(owner))
            return true;
    }
    return false;
}

void loop_some(struct wg_loop *loop)
{
    for (int i = 0; i < 200; i++)
        wg_loop_turn(loop);
}

struct awaited {
    struct peer *peer;
    const char *text;
    size_t len;
};

static bool has_come(void *owner)
{
    struct awaited *awaited = owner;

    peer_receive(awaited->peer);
    if (awaited->text && strstr(awaited->peer->in, awaited->text))
        return true;
    if (awaited->len && awaited->peer->len >= awaited->len)
        return true;
    return awaited->peer->has_ended;
}

static void await(struct wg_loop *loop, struct awaited awaited)
{
    if (!loop_until(loop, has_come, &awaited))
        fail_msg("'%s' did not come; got '%s'", awaited.text ? awaited.text : "the end",
                 awaited.peer->in);
}

void peer_until(struct wg_loop *loop, struct peer *peer, const char *text)
{
    await(loop, (struct awaited){peer, text, 0});
    if (!memmem(peer->in, peer->len, text, strlen(text)))
        fail_msg("ended without '%s'; got '%s'", text, peer->in);
}

void peer_until_len(struct wg_loop *loop, struct peer *peer, size_t len)
{
    await(loop, (struct awaited){peer, NULL, len});
    assert_true(peer->len >= len);
}

void peer_until_end(struct wg_loop *loop, struct peer *peer)
{
    await(loop, (struct awaited){peer, NULL, 0});
    assert_true(peer->has_ended);
}

unsigned peer_count(const struct peer *peer, const char *text)
{
    unsigned count = 0;

    for (const char *at = peer->in; (at = strstr(at, text)); at += strlen(text))
        count++;
    return count;
}
