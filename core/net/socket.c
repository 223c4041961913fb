// SPDX-License-Identifier: Apache-2.0
#include "net/socket_impl.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/** Connections the kernel keeps for us; it cuts this to net.core.somaxconn. */
enum { BACKLOG = 4096 };

bool wg_ip_from_sockaddr(const struct sockaddr *address, struct wg_ip *ret_ip,
                         uint16_t *ret_port)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;

        memcpy(&v4, address, sizeof v4);
        memset(ret_ip->bytes, 0, 10);
        memset(ret_ip->bytes + 10, 0xff, 2);
        memcpy(ret_ip->bytes + 12, &v4.sin_addr, 4);
        *ret_port = ntohs(v4.sin_port);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;

        memcpy(&v6, address, sizeof v6);
        memcpy(ret_ip->bytes, &v6.sin6_addr, 16);
        *ret_port = ntohs(v6.sin6_port);
        return true;
    }
    return false;
}

void wg_ip_to_sockaddr(const struct wg_ip *ip, uint16_t port,
                       struct sockaddr_storage *ret_address)
{
    memset(ret_address, 0, sizeof *ret_address);
    if (wg_ip_is_v4(ip)) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};

        memcpy(&v4.sin_addr, ip->bytes + 12, 4);
        memcpy(ret_address, &v4, sizeof v4);
    } else {
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

        memcpy(&v6.sin6_addr, ip->bytes, 16);
        memcpy(ret_address, &v6, sizeof v6);
    }
}

enum wg_code wg_socket_address_parse(struct wg_str text, struct wg_ip *ret_ip,
                                     uint16_t *ret_port, struct wg_err *err)
{
    struct wg_str host = text;
    uint64_t port = 0;
    size_t colon = text.len;
    struct wg_ip ip;
    bool is_bracketed;

    while (colon > 0 && text.at[colon - 1] != ':')
        colon--;
    is_bracketed = colon > 2 && text.at[0] == '[' && text.at[colon - 2] == ']';
    if (is_bracketed)
        host = wg_str_of(text.at + 1, colon - 3);
    else if (colon > 0)
        host = wg_str_of(text.at, colon - 1);
    if (colon == 0 ||
        !wg_str_to_uint(wg_str_of(text.at + colon, text.len - colon), UINT16_MAX, &port) ||
        wg_ip_parse(host, &ip, err) != WG_OK || wg_ip_is_v4(&ip) == is_bracketed)
        return wg_fail(
            err, WG_CONFIG,
            "'%.*s' is not an address with a port; write ip:port or [ip6]:port, such "
            "as 0.0.0.0:8448 or [::]:8448",
            WG_STR_F(text));
    *ret_ip = ip;
    *ret_port = (uint16_t)port;
    return WG_OK;
}

void wg_socket_address_write(const struct wg_ip *ip, uint16_t port,
                             char ret_text[WG_SOCKET_TEXT])
{
    char text[WG_IP_TEXT];

    wg_ip_write(ip, text);
    snprintf(ret_text, WG_SOCKET_TEXT, wg_ip_is_v4(ip) ? "%s:%u" : "[%s]:%u", text,
             (unsigned)port);
}

static const char *remedy(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "another program listens there; stop it or choose another port";
    case EADDRNOTAVAIL:
        return "this machine has no such address; use one of its own, or 0.0.0.0 or [::]";
    case EACCES:
        return "ports below 1024 need CAP_NET_BIND_SERVICE; grant it or choose a higher port";
    case EAFNOSUPPORT:
        return "this machine has no IPv6; use an IPv4 address";
    default:
        return NULL;
    }
}

static enum wg_code fail_listen(const char *address, int fd, struct wg_err *err)
{
    int error = errno;
    const char *help = remedy(error);

    if (fd >= 0)
        close(fd);
    return wg_fail(err, WG_CONFIG, "listening on %s: %s%s%s", address, strerror(error),
                   help ? "; " : "", help ? help : "");
}

enum wg_code wg_socket_listen(const char *address, int *ret_fd,
                              char ret_address[WG_SOCKET_TEXT], struct wg_err *err)
{
    struct sockaddr_storage storage;
    struct sockaddr *at = (struct sockaddr *)&storage;
    socklen_t len;
    struct wg_ip ip;
    uint16_t port;
    int fd, on = 1;

    if (wg_socket_address_parse(wg_str(address), &ip, &port, err) != WG_OK)
        return err->code;
    wg_ip_to_sockaddr(&ip, port, &storage);
    len = at->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    fd = socket(at->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* An IPv6 socket takes IPv6 only: what an address in the settings means must not depend on
     * net.ipv6.bindv6only. "[::]" therefore wants "0.0.0.0" beside it. */
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
        (at->sa_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
        bind(fd, at, len) != 0 || listen(fd, BACKLOG) != 0 || getsockname(fd, at, &len) != 0)
        return fail_listen(address, fd, err);
    wg_ip_from_sockaddr(at, &ip, &port);
    wg_socket_address_write(&ip, port, ret_address);
    *ret_fd = fd;
    return WG_OK;
}
