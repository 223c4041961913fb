// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/err.h"
#include "base/str.h"

enum { WG_SERVER_NAME_LIMIT = 255, WG_ROOM_ID_LIMIT = 255 };

/** Rules of docs/protocol.md "Names". All pure; texts are lent, results point into them. */

/** host or host:port in lower-case ASCII A-labels. A host that any resolver would read as an
 * address
 * ("127.1", "0x7f.1", "[::1]") is an IP literal: refused unless allow_ip_literal,
 * and then taken in its canonical spelling only. Single labels ("localhost") are names.
 * @return WG_INVALID with what is wrong and the form that would be right. */
WG_MUST_USE enum wg_code wg_server_name_check(struct wg_str name, bool allow_ip_literal,
                                              struct wg_err *err);
/** Splits a checked name; *ret_port is default_port when none is written. */
void wg_server_name_split(struct wg_str name, uint16_t default_port, struct wg_str *ret_host,
                          uint16_t *ret_port);
/** "@local:server" to its parts. local: 1 to 255 bytes of A-Z a-z 0-9 . _ = - + ~ but not "."
 * or
 * ".."; no "/", so that it is one segment of a path whoever decodes it. server: as above, an IP
 * literal included, since it must equal a server that was judged already. */
WG_MUST_USE enum wg_code wg_participant_parse(struct wg_str participant,
                                              struct wg_str *ret_local,
                                              struct wg_str *ret_server, struct wg_err *err);
/** UUID, bare or with "evt-"; *ret_uuid is the UUID without the prefix. Compare ids with
 * wg_event_id_key(), since hex may come in either case. */
WG_MUST_USE enum wg_code wg_event_id_parse(struct wg_str id, struct wg_str *ret_uuid,
                                           struct wg_err *err);
/** The 16 bytes of a parsed UUID. */
void wg_event_id_key(struct wg_str uuid, uint8_t ret_key[16]);
/** 1 to 255 bytes of A-Z a-z 0-9 . _ ~ : ! - but not "." or "..", which are no path segments.
 */
WG_MUST_USE enum wg_code wg_room_id_check(struct wg_str room_id, struct wg_err *err);
