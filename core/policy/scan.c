// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "policy/scan_impl.h"

/* Statements. Only what compiles is read, so there are no errors here; on a text that does not,
 * the worst is that wrong names are told. */

static const struct wg_str nothing = {NULL, 0};

void scan_next(struct scanner *scanner)
{
    scanner->last_line = scanner->token.line;
    scanner->token = scanner->ahead;
    scanner->ahead = wg_lexer_next(&scanner->lexer);
}

bool scan_is_word(const struct scanner *scanner, const char *word)
{
    return scanner->token.kind == TOKEN_NAME && wg_str_is(scanner->token.text, word);
}

bool scan_is_symbol(const struct scanner *scanner, char symbol)
{
    return scanner->token.kind == TOKEN_SYMBOL && scanner->token.symbol == symbol;
}

bool scan_take_word(struct scanner *scanner, const char *word)
{
    if (!scan_is_word(scanner, word))
        return false;
    scan_next(scanner);
    return true;
}

bool scan_take_symbol(struct scanner *scanner, char symbol)
{
    if (!scan_is_symbol(scanner, symbol))
        return false;
    scan_next(scanner);
    return true;
}

void scan_add_local(struct scanner *scanner, struct wg_str name, struct wg_str module)
{
    if (scanner->local_count == scanner->local_capacity) {
        scanner->local_capacity = scanner->local_capacity ? 2 * scanner->local_capacity : 64;
        scanner->locals =
            wg_realloc(scanner->locals, scanner->local_capacity * sizeof *scanner->locals);
    }
    scanner->locals[scanner->local_count++] = (struct scan_local){name, module};
}

static void tell_statement(const struct scanner *scanner, int first)
{
    if (scanner->scan->on_statement)
        scanner->scan->on_statement(scanner->scan->owner, first, scanner->last_line);
}

static bool is_block_end(const struct scanner *scanner)
{
    return scanner->token.kind == TOKEN_END || scan_is_word(scanner, "end") ||
           scan_is_word(scanner, "else") || scan_is_word(scanner, "elseif") ||
           scan_is_word(scanner, "until");
}

static bool statement(struct scanner *scanner);

/* Statements up to the word that ends them; their locals stay in sight. @return whether every
 * way through answers */
static bool statements(struct scanner *scanner)
{
    bool answers = false;

    while (!is_block_end(scanner))
        answers = statement(scanner);
    return answers;
}

static bool block(struct scanner *scanner)
{
    size_t local_count = scanner->local_count;
    bool answers = statements(scanner);

    scanner->local_count = local_count;
    return answers;
}

static void take_parameters(struct scanner *scanner)
{
    scan_take_symbol(scanner, '(');
    while (scanner->token.kind != TOKEN_END && !scan_take_symbol(scanner, ')')) {
        if (scanner->token.kind == TOKEN_NAME)
            scan_add_local(scanner, scanner->token.text, nothing);
        scan_next(scanner);
    }
}

void scan_body(struct scanner *scanner, bool has_self, int line)
{
    struct scan_function function = {.outer = scanner->function};
    size_t local_count = scanner->local_count;
    bool answers;

    scanner->function = &function;
    if (has_self)
        scan_add_local(scanner, WG_STR("self"), nothing);
    take_parameters(scanner);
    answers = statements(scanner);
    scan_take_word(scanner, "end");
    scanner->local_count = local_count;
    scanner->function = function.outer;
    if (scanner->scan->on_function)
        scanner->scan->on_function(scanner->scan->owner, line,
                                   answers && !function.has_other_return);
}

static void condition(struct scanner *scanner, int first)
{
    if (!scan_expression(scanner).is_constant)
        tell_statement(scanner, first);
}

/* if: answers when all its blocks do, and there is an else. */
static bool if_statement(struct scanner *scanner)
{
    bool answers = true;
    bool has_else = false;

    do {
        int first = scanner->token.line;

        scan_next(scanner);
        if (!has_else) {
            condition(scanner, first);
            scan_take_word(scanner, "then");
        }
        answers &= block(scanner);
        if (scan_is_word(scanner, "else"))
            has_else = true;
    } while (scan_is_word(scanner, "elseif") || scan_is_word(scanner, "else"));
    scan_take_word(scanner, "end");
    return answers && has_else;
}

static void while_statement(struct scanner *scanner)
{
    int first = scanner->token.line;

    scan_next(scanner);
    condition(scanner, first);
    scan_take_word(scanner, "do");
    block(scanner);
    scan_take_word(scanner, "end");
}

static void repeat_statement(struct scanner *scanner)
{
    size_t local_count = scanner->local_count;
    int first;

    scan_next(scanner);
    statements(scanner);
    first = scanner->token.line;
    scan_take_word(scanner, "until");
    condition(scanner, first); /* the locals of the block are in sight */
    scanner->local_count = local_count;
}

static void for_statement(struct scanner *scanner)
{
    size_t local_count = scanner->local_count;
    int first = scanner->token.line;
    struct wg_str names[16];
    size_t name_count = 0, count;

    scan_next(scanner);
    do {
        if (name_count < WG_COUNT(names))
            names[name_count++] = scanner->token.text;
        scan_next(scanner);
    } while (scan_take_symbol(scanner, ','));
    scan_next(scanner); /* "=" or "in" */
    scan_expressions(scanner, &count);
    tell_statement(scanner, first);
    for (size_t i = 0; i < name_count; i++)
        scan_add_local(scanner, names[i], nothing);
    scan_take_word(scanner, "do");
    block(scanner);
    scan_take_word(scanner, "end");
    scanner->local_count = local_count;
}

/* function a.b.c:d() */
static void function_statement(struct scanner *scanner)
{
    const struct wg_scan *scan = scanner->scan;
    int line = scanner->token.line;
    struct wg_str name;
    bool is_method = false;
    bool is_local = false;

    scan_next(scanner);
    name = scanner->token.text;
    for (size_t i = scanner->local_count; i-- > 0 && !is_local;)
        is_local = wg_str_equal(scanner->locals[i].name, name);
    scan_next(scanner);
    if (!is_local && scan->on_global)
        scan->on_global(scan->owner, name, line, scan_is_symbol(scanner, '('));
    while (scan_is_symbol(scanner, '.') || scan_is_symbol(scanner, ':')) {
        is_method = scan_is_symbol(scanner, ':');
        scan_next(scanner);
        scan_next(scanner);
    }
    scan_body(scanner, is_method, line);
}

static void local_function(struct scanner *scanner)
{
    scan_next(scanner);
    scan_add_local(scanner, scanner->token.text, nothing);
    scan_next(scanner);
    scan_body(scanner, false, scanner->token.line);
}

/* local a <const>, b = 1, 2 */
static void local_statement(struct scanner *scanner)
{
    int first = scanner->token.line;
    struct wg_str names[200]; /* Lua's own limit */
    size_t name_count = 0, count = 0;
    bool is_constant = false;
    struct scan_value value = {.module = nothing};

    scan_next(scanner);
    if (scan_is_word(scanner, "function")) {
        local_function(scanner);
        return;
    }
    do {
        if (name_count < WG_COUNT(names))
            names[name_count++] = scanner->token.text;
        scan_next(scanner);
        if (scan_take_symbol(scanner, '<')) {
            is_constant = scan_is_word(scanner, "const");
            scan_next(scanner);
            scan_take_symbol(scanner, '>');
        }
    } while (scan_take_symbol(scanner, ','));
    if (scan_take_symbol(scanner, '=')) {
        value = scan_expressions(scanner, &count);
        if (!is_constant)
            tell_statement(scanner, first);
    }
    for (size_t i = 0; i < name_count; i++)
        scan_add_local(scanner, names[i], i == 0 && count ? value.module : nothing);
}

static bool return_statement(struct scanner *scanner)
{
    int first = scanner->token.line;
    struct scan_value value = {.module = nothing};
    size_t count = 0;

    scan_next(scanner);
    if (!is_block_end(scanner) && !scan_is_symbol(scanner, ';'))
        value = scan_expressions(scanner, &count);
    tell_statement(scanner, first);
    scan_take_symbol(scanner, ';');
    if (count == 1 && value.is_verdict)
        return true;
    if (scanner->function)
        scanner->function->has_other_return = true;
    return false;
}

/* A call, or an assignment: a, b.c = 1, 2 */
static void expression_statement(struct scanner *scanner)
{
    int first = scanner->token.line;
    size_t count;

    scan_suffixed(scanner, true);
    while (scan_take_symbol(scanner, ','))
        scan_suffixed(scanner, true);
    if (scan_take_symbol(scanner, '='))
        scan_expressions(scanner, &count);
    tell_statement(scanner, first);
}

static bool do_statement(struct scanner *scanner)
{
    bool answers;

    scan_next(scanner);
    answers = block(scanner);
    scan_take_word(scanner, "end");
    return answers;
}

static void jump_statement(struct scanner *scanner)
{
    int first = scanner->token.line;

    if (!scan_take_word(scanner, "break")) {
        scan_next(scanner);
        scan_next(scanner);
    }
    tell_statement(scanner, first);
}

static void label_statement(struct scanner *scanner)
{
    for (int i = 0; i < 5; i++) /* ":", ":", name, ":", ":" */
        scan_next(scanner);
}

/* @return whether every way through it answers. A jump past an answer would need something
 * behind it to land on, which then is the last statement of its block. */
static bool statement(struct scanner *scanner)
{
    static const struct {
        const char *word;
        void (*read)(struct scanner *scanner);
    } rows[] = {
        {"while", while_statement}, {"repeat", repeat_statement},     {"for", for_statement},
        {"local", local_statement}, {"function", function_statement}, {"break", jump_statement},
    };

    if (scan_take_symbol(scanner, ';'))
        return false;
    if (scan_is_word(scanner, "if"))
        return if_statement(scanner);
    if (scan_is_word(scanner, "do"))
        return do_statement(scanner);
    if (scan_is_word(scanner, "return"))
        return return_statement(scanner);
    for (size_t i = 0; i < WG_COUNT(rows); i++) {
        if (scan_is_word(scanner, rows[i].word)) {
            rows[i].read(scanner);
            return false;
        }
    }
    if (scan_is_word(scanner, "goto"))
        jump_statement(scanner);
    else if (scan_is_symbol(scanner, ':'))
        label_statement(scanner);
    else
        expression_statement(scanner);
    return false;
}

/* A first line with "#" is skipped by files that are programs, which policies are not. */
void wg_scan_run(const struct wg_scan *scan, struct wg_str source)
{
    struct scanner scanner = {
        .scan = scan, .lexer = {.at = source.at, .end = source.at + source.len, .line = 1}};

    scan_next(&scanner);
    scan_next(&scanner);
    while (scanner.token.kind != TOKEN_END) {
        statements(&scanner);
        if (scanner.token.kind != TOKEN_END)
            scan_next(&scanner);
    }
    wg_free(scanner.locals);
}
