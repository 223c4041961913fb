// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

enum { WG_UUID_TEXT = 37 }; /**< 36 characters and NUL */

/** A new UUID version 7 (RFC 9562 5.7): sorts by time, so ids of one request stand together in
 * logs. Any thread. */
void wg_uuid_make(int64_t wall_ms, char ret_text[WG_UUID_TEXT]);
/** len random bytes from the kernel; cannot fail. */
void wg_random(void *at, unsigned len);
