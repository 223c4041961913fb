// SPDX-License-Identifier: Apache-2.0
#include "wire/address.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/macros.h"

enum { MAPPED_PREFIX = 96 };

static const struct wg_ip mapped_any = {{[10] = 0xff, [11] = 0xff}};

bool wg_ip_is_v4(const struct wg_ip *ip)
{
    return memcmp(ip->bytes, mapped_any.bytes, MAPPED_PREFIX / 8) == 0;
}

static struct wg_ip ip_of_v4(const uint8_t four[4])
{
    struct wg_ip ip = mapped_any;

    memcpy(ip.bytes + 12, four, 4);
    return ip;
}

enum wg_code wg_ip_parse(struct wg_str text, struct wg_ip *ret_ip, struct wg_err *err)
{
    char copy[WG_IP_TEXT];
    uint8_t four[4];
    struct wg_ip ip;

    /* inet_pton() stops at a NUL: what stands behind one must not pass unseen. */
    if (text.len == 0 || text.len >= sizeof copy || wg_str_find(text, '\0') != text.len)
        return wg_fail(err, WG_INVALID, "not an IP address");
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, four) == 1)
        ip = ip_of_v4(four);
    else if (inet_pton(AF_INET6, copy, ip.bytes) != 1)
        return wg_fail(err, WG_INVALID,
                       "'%s' is not an IP address; write it like 192.0.2.1 or 2001:db8::1",
                       copy);
    *ret_ip = ip;
    return WG_OK;
}

void wg_ip_write(const struct wg_ip *ip, char ret_text[WG_IP_TEXT])
{
    if (wg_ip_is_v4(ip))
        inet_ntop(AF_INET, ip->bytes + 12, ret_text, WG_IP_TEXT);
    else
        inet_ntop(AF_INET6, ip->bytes, ret_text, WG_IP_TEXT);
}

static struct wg_ip ip_masked(const struct wg_ip *ip, unsigned prefix)
{
    struct wg_ip masked = {{0}};

    memcpy(masked.bytes, ip->bytes, prefix / 8);
    if (prefix % 8)
        masked.bytes[prefix / 8] = (uint8_t)(ip->bytes[prefix / 8] & 0xff << (8 - prefix % 8));
    return masked;
}

enum wg_code wg_cidr_parse(struct wg_str text, struct wg_cidr *ret_cidr, struct wg_err *err)
{
    struct wg_str rest = text;
    struct wg_str address = wg_str_split(&rest, '/');
    struct wg_cidr cidr;
    struct wg_ip masked;
    /* "::ffff:10.0.0.0/104" counts in the 128-bit form, "10.0.0.0/8" does not. */
    bool is_dotted = wg_str_find(address, ':') == address.len;
    uint64_t bits = is_dotted ? 32 : 128;

    if (wg_ip_parse(address, &cidr.ip, err) != WG_OK)
        return err->code;
    if (rest.at && !wg_str_to_uint(rest, bits, &bits))
        return wg_fail(err, WG_INVALID, "the number behind '/' must be 0 to %d",
                       is_dotted ? 32 : 128);
    cidr.prefix = (unsigned)bits + (is_dotted ? MAPPED_PREFIX : 0);
    masked = ip_masked(&cidr.ip, cidr.prefix);
    if (memcmp(masked.bytes, cidr.ip.bytes, sizeof masked.bytes) != 0) {
        char block[WG_IP_TEXT];

        wg_ip_write(&masked, block);
        return wg_fail(err, WG_INVALID, "the block of that size begins at %s; write %s/%.*s",
                       block, block, WG_STR_F(rest));
    }
    *ret_cidr = cidr;
    return WG_OK;
}

bool wg_cidr_has(const struct wg_cidr *cidr, const struct wg_ip *ip)
{
    struct wg_ip masked;

    /* "::/0" says all of IPv6; that IPv4 hides in a corner of it is our representation only. */
    if (wg_ip_is_v4(ip) && cidr->prefix < MAPPED_PREFIX)
        return false;
    masked = ip_masked(ip, cidr->prefix);
    return memcmp(masked.bytes, cidr->ip.bytes, sizeof masked.bytes) == 0;
}
