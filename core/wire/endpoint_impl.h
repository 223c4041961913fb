// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/err.h"
#include "base/str.h"

/** An absolute path on the descriptor's own origin, in the characters of RFC 3986, without dot
 * segments, query or fragment. A placeholder ("{room_id}", or NULL for none) stands in it
 * exactly once, as a whole segment. @return WG_INVALID with the rule. */
WG_MUST_USE enum wg_code wg_endpoint_check(struct wg_str path, const char *placeholder,
                                           struct wg_err *err);
