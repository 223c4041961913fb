// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/admin_impl.h"
#include "federation/queue.h"

/** Shared by the files about the queue. */

const char *wg_admin_queue_state(enum wg_queue_state state);
bool wg_admin_queue_state_parse(struct wg_str text, enum wg_queue_state *ret_state);
/** Members "destination" and "direction". */
void wg_admin_queue_destination(json_t *json, const struct wg_destination *destination);

/** A filter from members state, peer, direction, room_id, type, event_id, older_than_ms,
 * server; texts live as long as the request. Without a state: waiting. Unknown members are
 * refused. @return false after having answered. */
bool wg_admin_queue_filter(struct wg_admin_request *request, const json_t *given,
                           struct wg_queue_filter *ret_filter);
