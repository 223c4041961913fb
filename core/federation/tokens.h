// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

/** The bearer tokens of operators and instances. Their text is shown once, when they are made:
 * "wgt_<id>_<secret>"; kept is the hash of the secret, which has 256 bits of its own, so a fast
 * hash is enough. What is here is a copy of the store's namespace "tokens", one document a
 * token.
 *
 * Any thread. */
struct wg_tokens;

enum {
    WG_TOKEN_ID = 12,    /**< characters of an id: lower-case letters and digits */
    WG_TOKEN_TEXT = 128, /**< room for a token's text and NUL */
    WG_TOKENS_LIMIT = 10 * 1000,
    WG_TOKEN_NAME_LIMIT = 255, /**< bytes of a comment, of an instance's name */
};

/** Each may what those before it may. */
enum wg_token_role {
    WG_ROLE_NONE,    /**< of an instance: the egress door only */
    WG_ROLE_READ,    /**< looks */
    WG_ROLE_OPERATE, /**< refreshes, reloads, retries: what changes no rule */
    WG_ROLE_ADMIN,   /**< everything */
};
const char *wg_token_role_name(enum wg_token_role role);
bool wg_token_role_parse(struct wg_str name, enum wg_token_role *ret_role);

/** Who a token stands for. */
struct wg_token_bearer {
    char id[WG_TOKEN_ID + 1];
    enum wg_token_role role;
    char instance[WG_TOKEN_NAME_LIMIT + 1]; /**< server name; empty for an operator's token */
};

struct wg_tokens *wg_tokens_new(const struct wg_clock *clock);
struct wg_tokens *wg_tokens_free(struct wg_tokens *tokens);

/** Takes "wgt_..." or a whole field value "Bearer wgt_...", and notes the use.
 * @return WG_INVALID_TOKEN with what to do: it is missing (absent), malformed, unknown or
 *         revoked. The text never repeats the token. */
WG_MUST_USE enum wg_code wg_tokens_check(struct wg_tokens *tokens, struct wg_str bearer,
                                         struct wg_token_bearer *ret_bearer,
                                         struct wg_err *err);
/** The same, and it must belong to an instance: for the egress door.
 * @return also WG_NOT_PERMITTED. */
WG_MUST_USE enum wg_code wg_tokens_check_instance(struct wg_tokens *tokens,
                                                  struct wg_str bearer,
                                                  struct wg_token_bearer *ret_bearer,
                                                  struct wg_err *err);

/** A new token: its text to show once, its id, and the document to store; it works once
 * _put() has taken the document. instance and comment may be absent. */
void wg_token_make(int64_t now_s, enum wg_token_role role, struct wg_str instance,
                   struct wg_str comment, char ret_text[WG_TOKEN_TEXT],
                   char ret_id[WG_TOKEN_ID + 1], json_t **ret_document);
/** The document of a token whose text is given. @return WG_INVALID when it is no token. */
WG_MUST_USE enum wg_code wg_token_split(struct wg_str text, struct wg_str *ret_id,
                                        uint8_t ret_hash[32], struct wg_err *err);

/** The document under id is now this. @return WG_INVALID when it cannot be read, WG_FULL. */
WG_MUST_USE enum wg_code wg_tokens_put(struct wg_tokens *tokens, struct wg_str id,
                                       json_t *document, struct wg_err *err);
/** The document as it is to be stored, last use included. @return a new reference; NULL when
 * there is no such token. */
json_t *wg_tokens_document(struct wg_tokens *tokens, struct wg_str id);
/** What may be shown of a token: all but the hash. @return a new reference, or NULL. */
json_t *wg_tokens_describe(struct wg_tokens *tokens, struct wg_str id);
/** The ids behind after (absent: all) in order. @return how many were written. */
size_t wg_tokens_list(struct wg_tokens *tokens, struct wg_str after,
                      char (*ret_ids)[WG_TOKEN_ID + 1], size_t limit);
/** Ids whose last use is not stored; they count as stored from here on.
 * @return how many were written. */
size_t wg_tokens_take_used(struct wg_tokens *tokens, char (*ret_ids)[WG_TOKEN_ID + 1],
                           size_t limit);
