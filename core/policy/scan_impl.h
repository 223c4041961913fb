// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/token.h"
#include "policy/scan.h"

/** One local variable in sight. */
struct scan_local {
    struct wg_str name;
    struct wg_str module; /**< it holds what require gave for this name; absent: anything */
};

/** What an expression is, as far as anybody here asks. */
struct scan_value {
    struct wg_str module; /**< `require "name"`, or a local that holds it; else absent */
    bool is_require;      /**< the name `require` itself, not called yet */
    bool is_maker;        /**< wavegate.allow and the like, not called yet */
    bool is_verdict;      /**< called: a verdict that ends the chain */
    bool is_constant;     /**< one token that needs no instruction of its own: true, 1, "a" */
    struct wg_str global; /**< the name of a global, for its fields */
};

struct scan_function {
    bool has_other_return; /**< one that may not end the chain */
    struct scan_function *outer;
};

struct scanner {
    const struct wg_scan *scan;
    struct wg_lexer lexer;
    struct wg_token token, ahead;
    int last_line; /**< of the token taken last */
    struct scan_local *locals;
    size_t local_count, local_capacity;
    struct scan_function *function;
};

void scan_next(struct scanner *scanner);
bool scan_is_word(const struct scanner *scanner, const char *word);
bool scan_is_symbol(const struct scanner *scanner, char symbol);
/** Takes the token when it is that word or symbol. */
bool scan_take_word(struct scanner *scanner, const char *word);
bool scan_take_symbol(struct scanner *scanner, char symbol);

void scan_add_local(struct scanner *scanner, struct wg_str name, struct wg_str module);
/** From '(' of the parameters to `end`. has_self: a method. line: as debug information has it.
 */
void scan_body(struct scanner *scanner, bool has_self, int line);

struct scan_value scan_expression(struct scanner *scanner);
/** @return the first; *ret_count how many there were. */
struct scan_value scan_expressions(struct scanner *scanner, size_t *ret_count);
/** A variable, call or value in brackets. is_statement: a statement begins here, so a name
 * before
 * "=" or "," is written to. */
struct scan_value scan_suffixed(struct scanner *scanner, bool is_statement);
