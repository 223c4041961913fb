// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/err.h"
#include "policy/policy.h"

/** The flag of each room of each instance: is it federated? Operators set it (PUT
 * /v1/admin/rooms/{room_id}/federate), hook "room" is told. A copy of the store's namespace
 * "rooms". Any thread. */
struct wg_rooms;

enum { WG_ROOMS_LIMIT = 1000 * 1000 };

struct wg_rooms *wg_rooms_new(void);
struct wg_rooms *wg_rooms_free(struct wg_rooms *rooms);

enum wg_flag wg_rooms_flag(struct wg_rooms *rooms, struct wg_str server_name,
                           struct wg_str room_id);
/** @return WG_FULL past WG_ROOMS_LIMIT; WG_FLAG_UNSET takes it out, and cannot fail. */
WG_MUST_USE enum wg_code wg_rooms_set(struct wg_rooms *rooms, struct wg_str server_name,
                                      struct wg_str room_id, enum wg_flag flag,
                                      struct wg_err *err);
/** The key of a room's document: "server_name/room_id". */
void wg_rooms_key(struct wg_str server_name, struct wg_str room_id, struct wg_buf *out);
