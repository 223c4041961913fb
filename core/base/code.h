// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>

/** Every way to fail, said once: log fields, metric labels, HTTP answers, retries and Lua codes
 * read from this table.
 *
 * Columns: name; words; can the same request help later; HTTP status and code of the answer to
 * a peer (docs/protocol.md, "Answers"). A row without a code of its own is never meant to reach
 * a peer; if it does, it is answered as INTERNAL. */
#define WG_CODES(X)                                                                          \
    X(OK, "ok", false, 200, "")                                                              \
    X(INVALID, "malformed input", false, 400, "SW_FED_BAD_REQUEST")                          \
    X(PROTOCOL_VERSION, "no common protocol version", false, 400, "SW_FED_PROTOCOL_VERSION") \
    X(BAD_SIGNATURE, "signature not valid", false, 401, "SW_FED_SIGNATURE_MISMATCH")         \
    X(PEER_UNKNOWN, "peer not admitted", false, 403, "SW_FED_PEER_UNKNOWN")                  \
    X(POLICY_REJECTED, "refused by policy", false, 403, "SW_FED_POLICY_REJECTED")            \
    X(ROOM_FORBIDDEN, "room not federated", false, 403, "SW_ROOM_FORBIDDEN")                 \
    X(ROOM_NOT_FOUND, "room not found", false, 404, "SW_ROOM_NOT_FOUND")                     \
    X(NOT_FOUND, "no such resource", false, 404, "SW_FED_NOT_FOUND")                         \
    X(METHOD_NOT_ALLOWED, "method not allowed", false, 405, "SW_FED_METHOD_NOT_ALLOWED")     \
    X(TOO_LARGE, "too large", false, 413, "SW_CONTENT_TOO_LARGE")                            \
    X(SERVER_UNKNOWN, "no such server here", false, 421, "SW_FED_SERVER_UNKNOWN")            \
    X(RATE_LIMITED, "rate limit exceeded", true, 429, "SW_RATE_LIMIT_EXCEEDED")              \
    X(INVALID_TOKEN, "token not valid", false, 401, "SW_AUTH_INVALID_TOKEN")                 \
    X(NOT_PERMITTED, "token lacks the role", false, 403, "SW_AUTH_INSUFFICIENT_PERMISSION")  \
    X(PEER_UNREACHABLE, "peer not reachable", true, 503, "SW_FED_PEER_UNREACHABLE")          \
    X(UPSTREAM_UNAVAILABLE, "instance not available", true, 503,                             \
      "SW_FED_UPSTREAM_UNAVAILABLE")                                                         \
    X(DEFERRED, "deferred by policy", true, 503, "SW_FED_POLICY_DEFERRED")                   \
    X(INTERNAL, "internal error", true, 500, "SW_INTERNAL")                                  \
    X(ADDRESS_REFUSED, "address refused by the guard", false, 500, "")                       \
    X(UNRESOLVED, "name does not resolve", true, 500, "")                                    \
    X(CONNECT_FAILED, "connection failed", true, 500, "")                                    \
    X(TLS_FAILED, "TLS failed", true, 500, "")                                               \
    X(BAD_ANSWER, "answer not usable", true, 500, "")                                        \
    X(CLOSED, "connection closed", true, 500, "")                                            \
    X(TIMEOUT, "timed out", true, 500, "")                                                   \
    X(CANCELLED, "cancelled", false, 500, "")                                                \
    X(BUDGET, "script budget exceeded", false, 500, "")                                      \
    X(SCRIPT, "script error", false, 500, "")                                                \
    X(CONFIG, "configuration not valid", false, 500, "")                                     \
    X(EXISTS, "exists already", false, 500, "")                                              \
    X(FULL, "no room left", true, 500, "")                                                   \
    X(CORRUPT, "stored data damaged", false, 500, "")                                        \
    X(IO, "input or output failed", true, 500, "")

enum wg_code {
#define X(name, words, retry, status, code) WG_##name,
    WG_CODES(X)
#undef X
};

/** "BAD_SIGNATURE": log field and metric label. */
const char *wg_code_name(enum wg_code code);
/** "signature not valid" */
const char *wg_code_words(enum wg_code code);
/** "SW_FED_SIGNATURE_MISMATCH"; rows without one give that of INTERNAL. */
const char *wg_code_answer(enum wg_code code);
/** HTTP status that belongs to wg_code_answer(). */
int wg_code_status(enum wg_code code);
bool wg_code_can_retry(enum wg_code code);
/** The code whose answer is sw_code ("SW_ROOM_FORBIDDEN"). @return false when there is none. */
bool wg_code_from_answer(const char *sw_code, enum wg_code *ret_code);
