// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/str.h"

/** "Sun, 06 Nov 1994 08:49:37 GMT", the form of RFC 9110 5.6.7 that is sent today. Pure.
 * @return false for anything else; ret_s: seconds since 1970. */
bool wg_http_date_parse(struct wg_str text, int64_t *ret_s);
