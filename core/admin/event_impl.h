// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/admin_impl.h"

/** The story of an event, for GET /_wavegate/v1/events/{event_id}:
 *
 *   event_id, room_id, type
 *   state, conclusion, remedy     what became of it, in a sentence, and what to do next
 *   ends                          the same for each server it was for
 *   timeline                      what happened, in its order: rows of the audit (kind
 * "request", "delivery", "act") and attempts (kind "attempt") */

/** The compact text of an audit row's trace (federation/trail.h) with names; NULL when there is
 * none. */
json_t *wg_admin_event_trace(struct wg_str trace);
/** Adds state, conclusion, remedy and ends to a story that has its timeline; parts say where
 * its deliveries are now: [{direction, destination, server, state, reason, attempts}]. */
void wg_admin_event_conclude(json_t *story, const json_t *parts);
