// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "policy/policy.h"

/** A question made by hand, for tools: {event: {...}, peer: {...}, room: {...}, request: {...},
 * change: {...}, attempt: {...}, ctx: {...}}, each field named as a handler sees it. What is
 * not given is as in a plain exchange between two servers that know each other.
 *
 * The event is written to *ret_event, also for hooks that have none: end it with
 * wg_event_done() after success. Texts live in arena. @return WG_INVALID with the field that is
 * wrong, and the nearest right name */
WG_MUST_USE enum wg_code wg_question_read(const json_t *json, enum wg_hook hook,
                                          const char *server, int64_t now_s,
                                          struct wg_arena *arena, struct wg_event *ret_event,
                                          struct wg_question *ret_question, struct wg_err *err);
