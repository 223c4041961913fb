// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/str.h"

/** Lua 5.4's tokens (manual 3.1), as far as finding fields and names needs them. */
enum wg_token_kind { TOKEN_END, TOKEN_NAME, TOKEN_STRING, TOKEN_NUMBER, TOKEN_SYMBOL };

struct wg_lexer {
    const char *at, *end;
    int line; /**< of at */
};

struct wg_token {
    enum wg_token_kind kind;
    struct wg_str text; /**< STRING: the inside, escapes as written */
    char symbol;        /**< SYMBOL: its byte; 0 for one of two bytes that has a '=' */
    int line;           /**< where it begins */
};

struct wg_token wg_lexer_next(struct wg_lexer *lexer);
