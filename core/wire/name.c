// SPDX-License-Identifier: Apache-2.0
#include "wire/name.h"

#include "base/macros.h"
#include "wire/address.h"
#include "wire/punycode.h"

enum { LABEL_LIMIT = 63, LOCAL_LIMIT = 255, UUID_CHARS = 36 };

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/** The first byte of text that is none of set, or text.len. */
static size_t find_other(struct wg_str text, const char *set)
{
    size_t i = 0;

    while (i < text.len && text.at[i] && strchr(set, text.at[i]))
        i++;
    return i;
}

static bool is_all(struct wg_str text, const char *set)
{
    return find_other(text, set) == text.len;
}

/** Names the byte for people; a foreign byte may be no character at all. */
static enum wg_code fail_byte(struct wg_err *err, const char *what, struct wg_str text,
                              size_t i, const char *remedy)
{
    unsigned char byte = (unsigned char)text.at[i];

    if (byte > ' ' && byte < 0x7f)
        return wg_fail(err, WG_INVALID, "%s may not hold '%c'; %s", what, byte, remedy);
    return wg_fail(err, WG_INVALID, "%s may not hold the byte 0x%02x; %s", what, byte, remedy);
}

static enum wg_code label_check(struct wg_str label, struct wg_err *err)
{
    size_t wrong = find_other(label, LOWER DIGITS "-");

    if (label.len == 0)
        return wg_fail(err, WG_INVALID,
                       "a server name may not have an empty label (no dot at its ends, no two "
                       "dots together)");
    if (wrong < label.len)
        return fail_byte(err, "a server name", label, wrong,
                         "write host or host:port in lower-case ASCII (A-labels, xn--...)");
    if (label.len > LABEL_LIMIT)
        return wg_fail(err, WG_INVALID, "a label of a server name has at most %d bytes",
                       LABEL_LIMIT);
    if (label.at[0] == '-' || label.at[label.len - 1] == '-')
        return wg_fail(err, WG_INVALID, "label '%.*s' may not begin or end with '-'",
                       WG_STR_F(label));
    if (label.len < 4 || memcmp(label.at + 2, "--", 2) != 0)
        return WG_OK;
    /* RFC 5890 2.3.1: "--" in the third and fourth place belongs to A-labels. */
    if (memcmp(label.at, "xn", 2) != 0 ||
        !wg_punycode_is_plausible(wg_str_of(label.at + 4, label.len - 4)))
        return wg_fail(err, WG_INVALID, "label '%.*s' is not an A-label (IDNA, RFC 5890)",
                       WG_STR_F(label));
    return WG_OK;
}

/* inet_aton() and with it every resolver reads a last label of digits, or 0x and hex, as an
 * address: "127.1", "0x7f.1", "2130706433". Nothing else ends that way: no such TLD exists. */
static bool is_like_v4(struct wg_str host)
{
    struct wg_str label = host;

    for (size_t i = host.len; i-- > 0;) {
        if (host.at[i] == '.') {
            label = wg_str_of(host.at + i + 1, host.len - i - 1);
            break;
        }
    }
    if (label.len >= 2 && label.at[0] == '0' && (label.at[1] | 0x20) == 'x')
        return is_all(wg_str_of(label.at + 2, label.len - 2), DIGITS "abcdefABCDEF");
    return label.len > 0 && is_all(label, DIGITS);
}

/* One spelling only, so that one server cannot bear two names. */
static enum wg_code literal_check(struct wg_str host, bool is_bracketed, bool is_allowed,
                                  struct wg_err *err)
{
    char canonical[WG_IP_TEXT];
    struct wg_ip ip;

    if (!is_allowed)
        return wg_fail(err, WG_INVALID,
                       "'%.*s' is an IP address; a server name is a host name such as "
                       "peer.example.com",
                       WG_STR_F(host));
    if (wg_ip_parse(host, &ip, err) != WG_OK)
        return err->code;
    wg_ip_write(&ip, canonical);
    if (!wg_str_is(host, canonical) || wg_ip_is_v4(&ip) == is_bracketed)
        return wg_fail(err, WG_INVALID, "write the address %.*s as %s%s%s", WG_STR_F(host),
                       wg_ip_is_v4(&ip) ? "" : "[", canonical, wg_ip_is_v4(&ip) ? "" : "]");
    return WG_OK;
}

static enum wg_code host_check(struct wg_str host, bool allow_ip_literal, struct wg_err *err)
{
    struct wg_str rest = host;

    if (host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
        return literal_check(wg_str_of(host.at + 1, host.len - 2), true, allow_ip_literal, err);
    if (is_like_v4(host))
        return literal_check(host, false, allow_ip_literal, err);
    while (rest.at) {
        if (label_check(wg_str_split(&rest, '.'), err) != WG_OK)
            return err->code;
    }
    return WG_OK;
}

static enum wg_code port_check(struct wg_str port, struct wg_err *err)
{
    uint64_t value;

    if (!wg_str_to_uint(port, UINT16_MAX, &value) || value == 0 || port.at[0] == '0')
        return wg_fail(err, WG_INVALID,
                       "the port behind ':' must be 1 to 65535, without leading zeros");
    return WG_OK;
}

/** Where the ":" of the port stands, or name.len; inside brackets it is part of the address. */
static size_t find_port(struct wg_str name)
{
    size_t skip = name.len && name.at[0] == '[' ? wg_str_find(name, ']') : 0;

    return skip + wg_str_find(wg_str_of(name.at + skip, name.len - skip), ':');
}

enum wg_code wg_server_name_check(struct wg_str name, bool allow_ip_literal, struct wg_err *err)
{
    size_t colon;

    if (name.len == 0)
        return wg_fail(err, WG_INVALID, "a server name may not be empty");
    if (name.len > WG_SERVER_NAME_LIMIT)
        return wg_fail(err, WG_INVALID, "a server name has at most %d bytes",
                       WG_SERVER_NAME_LIMIT);
    colon = find_port(name);
    if (host_check(wg_str_of(name.at, colon), allow_ip_literal, err) != WG_OK)
        return err->code;
    if (colon == name.len)
        return WG_OK;
    return port_check(wg_str_of(name.at + colon + 1, name.len - colon - 1), err);
}

void wg_server_name_split(struct wg_str name, uint16_t default_port, struct wg_str *ret_host,
                          uint16_t *ret_port)
{
    size_t colon = find_port(name);
    uint64_t port = default_port;

    if (colon < name.len)
        wg_str_to_uint(wg_str_of(name.at + colon + 1, name.len - colon - 1), UINT16_MAX, &port);
    *ret_host = wg_str_of(name.at, colon);
    if (colon >= 2 && name.at[0] == '[')
        *ret_host = wg_str_of(name.at + 1, colon - 2);
    *ret_port = (uint16_t)port;
}

/* "." and ".." would walk up the path of an endpoint that the value is filled into. */
static bool is_dots(struct wg_str text)
{
    return wg_str_is(text, ".") || wg_str_is(text, "..");
}

static enum wg_code local_check(struct wg_str local, struct wg_err *err)
{
    size_t wrong = find_other(local, LOWER UPPER DIGITS "._=-+~");

    if (local.len == 0 || local.len > LOCAL_LIMIT || is_dots(local))
        return wg_fail(err, WG_INVALID,
                       "the local id of a participant has 1 to %d bytes and is not '.' or '..'",
                       LOCAL_LIMIT);
    if (wrong < local.len)
        return fail_byte(err, "the local id of a participant", local, wrong,
                         "use A-Z a-z 0-9 . _ = - + ~");
    return WG_OK;
}

enum wg_code wg_participant_parse(struct wg_str participant, struct wg_str *ret_local,
                                  struct wg_str *ret_server, struct wg_err *err)
{
    struct wg_str server = participant, local;

    if (participant.len == 0 || participant.at[0] != '@')
        return wg_fail(err, WG_INVALID, "a participant is written @local_id:server_name");
    local = wg_str_split(&server, ':');
    local.at++, local.len--;
    if (!server.at)
        return wg_fail(err, WG_INVALID,
                       "a participant is written @local_id:server_name; the server is missing");
    if (local_check(local, err) != WG_OK || wg_server_name_check(server, true, err) != WG_OK)
        return err->code;
    *ret_local = local;
    *ret_server = server;
    return WG_OK;
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_uuid(struct wg_str text)
{
    if (text.len != UUID_CHARS)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (is_dash ? text.at[i] != '-' : hex_of(text.at[i]) < 0)
            return false;
    }
    return true;
}

enum wg_code wg_event_id_parse(struct wg_str id, struct wg_str *ret_uuid, struct wg_err *err)
{
    struct wg_str uuid = id, prefix = WG_STR("evt-");

    if (wg_str_starts(id, prefix))
        uuid = wg_str_of(id.at + prefix.len, id.len - prefix.len);
    if (!is_uuid(uuid))
        return wg_fail(err, WG_INVALID,
                       "an event id is a UUID (8-4-4-4-12 hexadecimal digits), bare or behind "
                       "'evt-'");
    *ret_uuid = uuid;
    return WG_OK;
}

void wg_event_id_key(struct wg_str uuid, uint8_t ret_key[16])
{
    size_t i = 0;

    memset(ret_key, 0, 16);
    for (size_t digit = 0; i < uuid.len && digit < 32; i++) {
        if (uuid.at[i] == '-')
            continue;
        ret_key[digit / 2] = (uint8_t)(ret_key[digit / 2] << 4 | (hex_of(uuid.at[i]) & 0xf));
        digit++;
    }
}

enum wg_code wg_room_id_check(struct wg_str room_id, struct wg_err *err)
{
    size_t wrong = find_other(room_id, LOWER UPPER DIGITS "._~:!-");

    if (room_id.len == 0 || room_id.len > WG_ROOM_ID_LIMIT || is_dots(room_id))
        return wg_fail(err, WG_INVALID, "a room id has 1 to %d bytes and is not '.' or '..'",
                       WG_ROOM_ID_LIMIT);
    if (wrong < room_id.len)
        return fail_byte(err, "a room id", room_id, wrong, "use A-Z a-z 0-9 . _ ~ : ! -");
    return WG_OK;
}
