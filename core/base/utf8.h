// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

#include "base/str.h"

/** Bytes of the UTF-8 character at the start of text, 0 when it is not one (RFC 3629: no
 * overlong forms, no surrogates, nothing past U+10FFFF). */
size_t wg_utf8_width(const char *text, size_t len);
/** The same, and its code point. */
size_t wg_utf8_decode(const char *text, size_t len, uint32_t *ret_point);
bool wg_utf8_is_valid(struct wg_str text);
