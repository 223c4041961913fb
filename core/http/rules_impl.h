// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/reader_impl.h"

/** What a head says of the message's frame and of the connection, after all that two parsers
 * could read differently has been refused. */
struct wg_http_frame {
    bool is_chunked;
    bool has_length;
    uint64_t length;
    bool is_old;   /**< HTTP/1.0 */
    bool is_kept;  /**< the connection may go on after this message */
    bool wants_go; /**< Expect: 100-continue */
};

/** Reads the head that the reader has just got, from on_head. ret_message gets everything but
 * scheme and body. @return 0, or the status (400, 413, 417, 505) with err. */
int wg_http_judge_request(struct wg_http_reader *reader, struct wg_arena *arena,
                          struct wg_message *ret_message, struct wg_http_frame *ret_frame,
                          struct wg_err *err);
/** The same for an answer. @return WG_OK, WG_BAD_ANSWER or WG_TOO_LARGE */
WG_MUST_USE enum wg_code wg_http_judge_response(struct wg_http_reader *reader, bool is_to_head,
                                                struct wg_arena *arena,
                                                struct wg_headers *ret_headers,
                                                struct wg_http_frame *ret_frame,
                                                struct wg_err *err);

/** host[:port] as RFC 3986 writes it, without percent-encoding: what every resolver and every
 * server reads the same way. */
bool wg_http_is_host(struct wg_str host);
/** RFC 9110 5.6.2 */
bool wg_http_is_token(struct wg_str text);
/** RFC 9110 5.5, obs-text included, no surrounding control bytes. */
bool wg_http_is_value(struct wg_str text);
/** Whether a list field (Connection) has the token, in any case. */
bool wg_http_has_token(const struct wg_headers *headers, const char *name, const char *token);
