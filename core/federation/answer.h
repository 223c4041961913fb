// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/buf.h"

/** The documented shape of every error: {"error":{"code":"SW_...","message":"..."}}. */
void wg_answer_error_body(const char *sw_code, struct wg_str message, struct wg_buf *out);
/** For answers the HTTP server makes by itself: struct wg_http_server_options.error_body. */
void wg_answer_http_error(int status, const char *reason, struct wg_buf *out);
