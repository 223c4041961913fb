// SPDX-License-Identifier: Apache-2.0
#include "base/macros.h"
#include "wire/address.h"

/* IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates); the first
 * block that has the address decides. Blocks that IANA calls globally reachable inside a
 * special one (PCP and TURN anycast, ORCHIDv2, AMT) hold no server of ours and stay refused.
 * Read as text at each look-up: that is microseconds before a dial of milliseconds. */
static const struct block {
    const char *cidr;
    enum wg_ip_class ip_class;
} blocks[] = {
    {"0.0.0.0/32", WG_IP_UNSPECIFIED},
    {"0.0.0.0/8", WG_IP_RESERVED},
    {"10.0.0.0/8", WG_IP_PRIVATE},
    {"100.64.0.0/10", WG_IP_SHARED},
    {"127.0.0.0/8", WG_IP_LOOPBACK},
    {"169.254.0.0/16", WG_IP_LINK_LOCAL},
    {"172.16.0.0/12", WG_IP_PRIVATE},
    {"192.0.0.0/24", WG_IP_RESERVED},
    {"192.0.2.0/24", WG_IP_DOCUMENTATION},
    {"192.88.99.0/24", WG_IP_TRANSITION}, /* 6to4 relay anycast, withdrawn by RFC 7526 */
    {"192.168.0.0/16", WG_IP_PRIVATE},
    {"198.18.0.0/15", WG_IP_BENCHMARK},
    {"198.51.100.0/24", WG_IP_DOCUMENTATION},
    {"203.0.113.0/24", WG_IP_DOCUMENTATION},
    {"224.0.0.0/4", WG_IP_MULTICAST},
    {"255.255.255.255/32", WG_IP_BROADCAST},
    {"240.0.0.0/4", WG_IP_RESERVED},
    {"0.0.0.0/0", WG_IP_GLOBAL},

    {"::/128", WG_IP_UNSPECIFIED},
    {"::1/128", WG_IP_LOOPBACK},
    {"::/96", WG_IP_TRANSITION},          /* IPv4-compatible, RFC 4291 2.5.5.1 */
    {"64:ff9b::/96", WG_IP_TRANSITION},   /* NAT64, RFC 6052 */
    {"64:ff9b:1::/48", WG_IP_TRANSITION}, /* NAT64 for local use, RFC 8215 */
    {"100::/64", WG_IP_RESERVED},         /* discard-only, RFC 6666 */
    {"2001::/32", WG_IP_TRANSITION},      /* Teredo, RFC 4380 */
    {"2001:2::/48", WG_IP_BENCHMARK},
    {"2001::/23", WG_IP_RESERVED}, /* protocol assignments, ORCHID among them */
    {"2001:db8::/32", WG_IP_DOCUMENTATION},
    {"2002::/16", WG_IP_TRANSITION}, /* 6to4, RFC 3056 */
    {"3fff::/20", WG_IP_DOCUMENTATION},
    {"5f00::/16", WG_IP_RESERVED}, /* SRv6 SIDs, RFC 9602 */
    {"fc00::/7", WG_IP_UNIQUE_LOCAL},
    {"fe80::/10", WG_IP_LINK_LOCAL},
    {"fec0::/10", WG_IP_PRIVATE}, /* site-local, withdrawn by RFC 3879 */
    {"ff00::/8", WG_IP_MULTICAST},
    {"2000::/3", WG_IP_GLOBAL}, /* all that IANA hands out; RFC 4291 2.4 reserves the rest */
    {"::/0", WG_IP_RESERVED},
};

static struct wg_cidr cidr_of(const char *text)
{
    struct wg_cidr cidr;
    struct wg_err err;

    if (wg_cidr_parse(wg_str(text), &cidr, &err) != WG_OK)
        wg_panic("%s: %s", text, err.text);
    return cidr;
}

static enum wg_ip_class outer_class(const struct wg_ip *ip)
{
    for (size_t i = 0; i < WG_COUNT(blocks); i++) {
        struct wg_cidr cidr = cidr_of(blocks[i].cidr);

        if (wg_cidr_has(&cidr, ip))
            return blocks[i].ip_class;
    }
    return WG_IP_RESERVED;
}

/* Where the transition mechanisms keep the IPv4 address that packets end at. Teredo carries
 * two: the server's in clear, the client's inverted (RFC 4380 4). */
static const struct carrier {
    const char *cidr;
    uint8_t offset;
    uint8_t mask;
} carriers[] = {
    {"::/96", 12, 0},        {"64:ff9b::/96", 12, 0}, {"2002::/16", 2, 0},
    {"2001::/32", 12, 0xff}, {"2001::/32", 4, 0},
};

/** The *cursor-th address inside ip. @return false when there is no further one. */
static bool next_inner(const struct wg_ip *ip, size_t *cursor, struct wg_ip *ret_inner)
{
    if (outer_class(ip) != WG_IP_TRANSITION)
        return false;
    while (*cursor < WG_COUNT(carriers)) {
        const struct carrier *carrier = &carriers[(*cursor)++];
        struct wg_cidr cidr = cidr_of(carrier->cidr);

        if (!wg_cidr_has(&cidr, ip))
            continue;
        *ret_inner = (struct wg_ip){{[10] = 0xff, [11] = 0xff}};
        for (size_t i = 0; i < 4; i++)
            ret_inner->bytes[12 + i] = ip->bytes[carrier->offset + i] ^ carrier->mask;
        return true;
    }
    return false;
}

enum wg_ip_class wg_ip_classify(const struct wg_ip *ip)
{
    struct wg_ip inner;
    size_t cursor = 0;

    while (next_inner(ip, &cursor, &inner)) {
        enum wg_ip_class ip_class = outer_class(&inner);

        if (ip_class != WG_IP_GLOBAL)
            return ip_class;
    }
    return outer_class(ip);
}

const char *wg_ip_class_name(enum wg_ip_class ip_class)
{
    switch (ip_class) {
    case WG_IP_GLOBAL:
        return "global";
    case WG_IP_UNSPECIFIED:
        return "unspecified";
    case WG_IP_LOOPBACK:
        return "loopback";
    case WG_IP_PRIVATE:
        return "private";
    case WG_IP_SHARED:
        return "shared";
    case WG_IP_LINK_LOCAL:
        return "link-local";
    case WG_IP_UNIQUE_LOCAL:
        return "unique-local";
    case WG_IP_MULTICAST:
        return "multicast";
    case WG_IP_BROADCAST:
        return "broadcast";
    case WG_IP_DOCUMENTATION:
        return "documentation";
    case WG_IP_BENCHMARK:
        return "benchmark";
    case WG_IP_RESERVED:
        return "reserved";
    case WG_IP_TRANSITION:
        return "transition";
    }
    return "reserved";
}

/** Global, or listed: the address itself, not what it carries. */
static bool is_open(const struct wg_ip *ip, const struct wg_cidr *allowed, size_t allowed_count)
{
    for (size_t i = 0; i < allowed_count; i++) {
        if (wg_cidr_has(&allowed[i], ip))
            return true;
    }
    return outer_class(ip) == WG_IP_GLOBAL;
}

enum wg_code wg_ip_guard(const struct wg_ip *ip, const struct wg_cidr *allowed,
                         size_t allowed_count, struct wg_err *err)
{
    bool may_connect = is_open(ip, allowed, allowed_count);
    char text[WG_IP_TEXT];
    struct wg_ip inner;
    size_t cursor = 0;

    /* Allowing NAT64 must not open the loopback address behind it. */
    while (may_connect && next_inner(ip, &cursor, &inner))
        may_connect = is_open(&inner, allowed, allowed_count);
    if (may_connect)
        return WG_OK;
    wg_ip_write(ip, text);
    return wg_fail(err, WG_ADDRESS_REFUSED,
                   "%s is a %s address, outside the public internet; if peers live there, list "
                   "its block in peers.allow_addresses",
                   text, wg_ip_class_name(wg_ip_classify(ip)));
}
