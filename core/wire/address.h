// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/err.h"
#include "base/str.h"

/** An IP address as 16 bytes; IPv4 stands in its IPv4-mapped form (::ffff:a.b.c.d). */
struct wg_ip {
    uint8_t bytes[16];
};

/** A block of addresses; prefix counts in the 128-bit form. */
struct wg_cidr {
    struct wg_ip ip;
    unsigned prefix;
};

/** What the IANA special-purpose registries say of an address. */
enum wg_ip_class {
    WG_IP_GLOBAL,
    WG_IP_UNSPECIFIED,
    WG_IP_LOOPBACK,
    WG_IP_PRIVATE,
    WG_IP_SHARED,
    WG_IP_LINK_LOCAL,
    WG_IP_UNIQUE_LOCAL,
    WG_IP_MULTICAST,
    WG_IP_BROADCAST,
    WG_IP_DOCUMENTATION,
    WG_IP_BENCHMARK,
    WG_IP_RESERVED,
    WG_IP_TRANSITION, /**< 6to4, Teredo, NAT64: carries another address inside */
};

enum { WG_IP_TEXT = 46 };

/** Strict forms only: dotted quad without leading zeros, RFC 4291 text. */
WG_MUST_USE enum wg_code wg_ip_parse(struct wg_str text, struct wg_ip *ret_ip,
                                     struct wg_err *err);
bool wg_ip_is_v4(const struct wg_ip *ip);
void wg_ip_write(const struct wg_ip *ip, char ret_text[WG_IP_TEXT]);
/** "10.0.0.0/8", "fd00::/8", or one address; bits behind the prefix must be zero. An IPv6 block
 * shorter than /96 has no IPv4 addresses: "::/0" is all of IPv6. */
WG_MUST_USE enum wg_code wg_cidr_parse(struct wg_str text, struct wg_cidr *ret_cidr,
                                       struct wg_err *err);
bool wg_cidr_has(const struct wg_cidr *cidr, const struct wg_ip *ip);

/** The class of the address; one that carries another (IPv4-compatible, NAT64, 6to4, Teredo) is
 * judged by the worse of the two: 64:ff9b::10.0.0.1 is private, 64:ff9b::8.8.8.8 transition. An
 * IPv4-mapped address is the IPv4 address. */
enum wg_ip_class wg_ip_classify(const struct wg_ip *ip);
const char *wg_ip_class_name(enum wg_ip_class ip_class); /**< "link-local" */

/** May we connect to it: global, or inside one of allowed. A carrier of another address is
 * never global, so it must be allowed itself, and what it carries must be global or allowed
 * too: where NAT64 is the way out, allow 64:ff9b::/96 and 64:ff9b::127.0.0.1 stays refused.
 * @return WG_ADDRESS_REFUSED with the class and the setting that would allow it. */
WG_MUST_USE enum wg_code wg_ip_guard(const struct wg_ip *ip, const struct wg_cidr *allowed,
                                     size_t allowed_count, struct wg_err *err);
