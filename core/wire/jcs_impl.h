// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/json.h"

/** wg_jcs_write() of an object as if it lacked the members in left_out (NULL-terminated),
 * without copying it. */
WG_MUST_USE enum wg_code wg_jcs_write_without(const json_t *object, const char *const *left_out,
                                              struct wg_buf *out, struct wg_err *err);
