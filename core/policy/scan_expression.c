// SPDX-License-Identifier: Apache-2.0
#include "policy/scan_impl.h"

/* Precedence does not matter to names: an expression is read as operands with operators between
 * them. */

static const struct wg_str nothing = {NULL, 0};

static const struct scan_local *find_local(const struct scanner *scanner, struct wg_str name)
{
    for (size_t i = scanner->local_count; i-- > 0;)
        if (wg_str_equal(scanner->locals[i].name, name))
            return &scanner->locals[i];
    return NULL;
}

static struct scan_value name_value(struct scanner *scanner, struct wg_str name)
{
    const struct scan_local *local = find_local(scanner, name);
    struct scan_value value = {.module = nothing};

    if (local)
        value.module = local->module;
    else if (wg_str_is(name, "require"))
        value.is_require = true;
    if (!local)
        value.global = name;
    return value;
}

static bool is_final_verdict(struct wg_str name)
{
    return wg_str_is(name, "allow") || wg_str_is(name, "deny") || wg_str_is(name, "defer") ||
           wg_str_is(name, "quarantine");
}

static struct scan_value field_value(struct scanner *scanner, struct scan_value of)
{
    const struct wg_scan *scan = scanner->scan;
    struct scan_value value = {.module = nothing};
    struct wg_str module = of.module.at ? of.module : of.global;

    if (module.at && scan->on_field)
        scan->on_field(scan->owner, module, scanner->token.text, scanner->token.line);
    value.is_maker = of.module.at && wg_str_is(of.module, "wavegate") &&
                     is_final_verdict(scanner->token.text);
    scan_next(scanner);
    return value;
}

static void skip_table(struct scanner *scanner)
{
    while (scanner->token.kind != TOKEN_END && !scan_take_symbol(scanner, '}')) {
        if (scan_take_symbol(scanner, '[')) {
            scan_expression(scanner);
            scan_take_symbol(scanner, ']');
            scan_take_symbol(scanner, '=');
        } else if (scanner->token.kind == TOKEN_NAME && scanner->ahead.kind == TOKEN_SYMBOL &&
                   scanner->ahead.symbol == '=') {
            scan_next(scanner);
            scan_next(scanner);
        }
        scan_expression(scanner);
        if (!scan_take_symbol(scanner, ','))
            scan_take_symbol(scanner, ';');
    }
}

/* Arguments are at hand: a string, a table, or a list in brackets. */
static struct scan_value call_value(struct scanner *scanner, struct scan_value of)
{
    struct scan_value value = {.is_verdict = of.is_maker};
    size_t count;

    if (scanner->token.kind == TOKEN_STRING) {
        if (of.is_require)
            value.module = scanner->token.text;
        scan_next(scanner);
    } else if (scan_take_symbol(scanner, '{')) {
        skip_table(scanner);
    } else {
        scan_next(scanner);
        if (of.is_require && scanner->token.kind == TOKEN_STRING &&
            scanner->ahead.kind == TOKEN_SYMBOL && scanner->ahead.symbol == ')')
            value.module = scanner->token.text;
        if (!scan_is_symbol(scanner, ')'))
            scan_expressions(scanner, &count);
        scan_take_symbol(scanner, ')');
    }
    return value;
}

static bool is_call(const struct scanner *scanner)
{
    return scanner->token.kind == TOKEN_STRING || scan_is_symbol(scanner, '{') ||
           scan_is_symbol(scanner, '(');
}

static bool is_ahead(const struct scanner *scanner, char symbol)
{
    return scanner->ahead.kind == TOKEN_SYMBOL && scanner->ahead.symbol == symbol;
}

static struct scan_value primary(struct scanner *scanner, bool is_statement)
{
    const struct wg_scan *scan = scanner->scan;
    struct scan_value value = {.module = nothing};

    if (scan_take_symbol(scanner, '(')) {
        scan_expression(scanner);
        scan_take_symbol(scanner, ')');
        return value;
    }
    if (scanner->token.kind == TOKEN_NAME) {
        /* A statement that begins with a name and goes on with "=" or "," assigns to it. */
        bool is_write = is_statement && (is_ahead(scanner, '=') || is_ahead(scanner, ','));

        value = name_value(scanner, scanner->token.text);
        if (value.global.at && scan->on_global)
            scan->on_global(scan->owner, value.global, scanner->token.line, is_write);
    }
    scan_next(scanner);
    return value;
}

struct scan_value scan_suffixed(struct scanner *scanner, bool is_statement)
{
    struct scan_value value = primary(scanner, is_statement);

    for (;;) {
        if (scan_is_symbol(scanner, '.') && !is_ahead(scanner, '.')) {
            scan_next(scanner);
            value = field_value(scanner, value);
        } else if (scan_is_symbol(scanner, ':') && !is_ahead(scanner, ':')) {
            scan_next(scanner);
            scan_next(scanner);
            value = (struct scan_value){.module = nothing};
        } else if (scan_take_symbol(scanner, '[')) {
            scan_expression(scanner);
            scan_take_symbol(scanner, ']');
            value = (struct scan_value){.module = nothing};
        } else if (is_call(scanner)) {
            value = call_value(scanner, value);
        } else {
            return value;
        }
    }
}

static struct scan_value operand(struct scanner *scanner)
{
    struct scan_value value = {.module = nothing};

    while (scan_take_word(scanner, "not") || scan_take_symbol(scanner, '-') ||
           scan_take_symbol(scanner, '#') || scan_take_symbol(scanner, '~'))
        ;
    if (scan_is_word(scanner, "function")) {
        int line = scanner->ahead.line; /* Lua has read up to the bracket by then */

        scan_next(scanner);
        scan_body(scanner, false, line);
    } else if (scan_take_symbol(scanner, '{')) {
        skip_table(scanner);
    } else if (scan_take_symbol(scanner, '.')) { /* the rest of "..." */
        scan_take_symbol(scanner, '.');
        scan_take_symbol(scanner, '.');
    } else if (scanner->token.kind == TOKEN_NUMBER || scanner->token.kind == TOKEN_STRING ||
               scan_is_word(scanner, "nil") || scan_is_word(scanner, "true") ||
               scan_is_word(scanner, "false")) {
        value.is_constant = true;
        scan_next(scanner);
    } else {
        return scan_suffixed(scanner, false);
    }
    return value;
}

/* Takes a binary operator; those of two bytes without "=" come as two symbols. */
static bool take_operator(struct scanner *scanner)
{
    const struct wg_token *token = &scanner->token;
    char symbol = token->symbol;

    if (scan_take_word(scanner, "and") || scan_take_word(scanner, "or"))
        return true;
    if (token->kind != TOKEN_SYMBOL)
        return false;
    if (symbol && !strchr("+-*/%^&|~<>.", symbol))
        return false;
    scan_next(scanner);
    if (symbol && strchr("/<>.", symbol))
        scan_take_symbol(scanner, symbol);
    return true;
}

struct scan_value scan_expression(struct scanner *scanner)
{
    struct scan_value value = operand(scanner);

    while (take_operator(scanner)) {
        operand(scanner);
        value = (struct scan_value){.module = nothing};
    }
    return value;
}

struct scan_value scan_expressions(struct scanner *scanner, size_t *ret_count)
{
    struct scan_value first = scan_expression(scanner);

    *ret_count = 1;
    while (scan_take_symbol(scanner, ',')) {
        scan_expression(scanner);
        ++*ret_count;
    }
    return first;
}
