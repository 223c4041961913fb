// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/err.h"

/** Percent-decodes text into arena. Refused: a bad escape, and what would turn into something
 * else further on: decoded control bytes, bytes that are not UTF-8, and (is_segment) a decoded
 * "/", "." or "..". is_form: "+" is a space, as in a query. */
WG_MUST_USE enum wg_code wg_http_unescape(struct wg_str text, bool is_form, bool is_segment,
                                          struct wg_arena *arena, struct wg_str *ret_text,
                                          struct wg_err *err);
