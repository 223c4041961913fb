// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/buf.h"
#include "http/server.h"

enum { WG_HTTP_DATE_TEXT = 30 };

/** RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT". */
void wg_http_date_write(int64_t wall_s, char ret_text[WG_HTTP_DATE_TEXT]);
/** "Not Found"; "" for a status without a name here. */
const char *wg_http_status_words(int status);

/** How an answer's body ends. */
enum wg_http_ending { WG_HTTP_BY_LENGTH, WG_HTTP_BY_CHUNKS, WG_HTTP_BY_CLOSE };

/** The head of an answer. Fields that belong to the server, and fields that would break the
 * head, are left out. */
void wg_http_answer_head(struct wg_buf *out, const struct wg_http_answer *answer,
                         enum wg_http_ending ending, bool is_last, const char *date);
/** 1xx, 204 and 304 end with their head. */
bool wg_http_status_has_body(int status);
