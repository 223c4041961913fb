// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "net/listener.h"

/** @return false for families other than IPv4 and IPv6 */
bool wg_ip_from_sockaddr(const struct sockaddr *address, struct wg_ip *ret_ip,
                         uint16_t *ret_port);
/** IPv4 when ip stands for one. */
void wg_ip_to_sockaddr(const struct wg_ip *ip, uint16_t port,
                       struct sockaddr_storage *ret_address);
/** "ip:port", "[ip6]:port". @return WG_CONFIG */
WG_MUST_USE enum wg_code wg_socket_address_parse(struct wg_str text, struct wg_ip *ret_ip,
                                                 uint16_t *ret_port, struct wg_err *err);
void wg_socket_address_write(const struct wg_ip *ip, uint16_t port,
                             char ret_text[WG_SOCKET_TEXT]);
