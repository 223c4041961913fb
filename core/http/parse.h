// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/message.h"

/** Limits of HTTP messages; the names are those of the settings. */
#define WG_HTTP_LIMITS(X)      \
    X(header_bytes, 16 * 1024) \
    X(header_count, 100)       \
    X(body_bytes, 256 * 1024)

/** One whole HTTP/1.1 request from bytes, with the very parser and rules of the server: llhttp
 * in strict mode, and refused what two parsers could read differently (docs/protocol.md,
 * "HTTP"). Everything in *ret_message lives in arena; scheme is "https".
 * @return WG_OK, or WG_INVALID / WG_TOO_LARGE with the reason; bytes behind the request are
 * WG_INVALID. */
WG_MUST_USE enum wg_code wg_http_parse_request(struct wg_str bytes, struct wg_arena *arena,
                                               struct wg_message *ret_message,
                                               struct wg_err *err);
