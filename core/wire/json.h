// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "base/buf.h"

enum { WG_JSON_DEPTH_LIMIT = 64 };

/** Strict JSON (RFC 8259 and I-JSON, RFC 7493): one value, no duplicate member names, valid
 * UTF-8, no lone surrogates, no number outside a double, depth at most WG_JSON_DEPTH_LIMIT.
 * Every number becomes a real, as RFC 8785 wants. Noncharacters (U+FFFE) pass: they are valid
 * UTF-8. U+0000 passes in values, not in member names.
 *
 * @return WG_OK and a new reference in *ret_json (json_decref() it), or WG_INVALID with line,
 *         column and reason. */
WG_MUST_USE enum wg_code wg_json_parse(struct wg_str text, json_t **ret_json,
                                       struct wg_err *err);

/** Canonical form of RFC 8785: members by UTF-16 code units, numbers as ECMAScript prints them,
 * no white space. @return WG_OK, WG_INVALID (NaN, infinity) or WG_TOO_LARGE from out. */
WG_MUST_USE enum wg_code wg_jcs_write(const json_t *json, struct wg_buf *out,
                                      struct wg_err *err);

enum { WG_JCS_NUMBER_TEXT = 32 };
/** The number as ECMAScript's Number::toString prints it, NUL-terminated.
 * @return its length, 0 when it is not finite. */
size_t wg_jcs_number(double value, char ret_text[WG_JCS_NUMBER_TEXT]);

/** The string member of an object, lent from it; absent when missing or not a string. */
struct wg_str wg_json_string(const json_t *object, const char *member);
/** A member that is a whole number nearer to zero than 2^53 (I-JSON). @return false when
 * missing or not one. */
bool wg_json_integer(const json_t *object, const char *member, int64_t *ret_value);
