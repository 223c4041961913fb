// SPDX-License-Identifier: Apache-2.0
#include "config/token.h"

static int peek(const struct wg_lexer *lexer, size_t ahead)
{
    return (size_t)(lexer->end - lexer->at) > ahead ? (unsigned char)lexer->at[ahead] : -1;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

/* One line end may be two bytes: \r\n, \n\r (Lua's inclinenumber). */
static void step(struct wg_lexer *lexer)
{
    int c = peek(lexer, 0);

    lexer->at++;
    if (c != '\n' && c != '\r')
        return;
    lexer->line++;
    if (peek(lexer, 0) == (c == '\n' ? '\r' : '\n'))
        lexer->at++;
}

/* Level of the long bracket that opens here ("[==[" is 2), or -1. */
static int long_bracket(const struct wg_lexer *lexer, char bracket)
{
    size_t level = 0;

    if (peek(lexer, 0) != bracket)
        return -1;
    while (peek(lexer, 1 + level) == '=')
        level++;
    return peek(lexer, 1 + level) == bracket ? (int)level : -1;
}

static struct wg_str skip_long(struct wg_lexer *lexer, int level)
{
    const char *begin = lexer->at += level + 2;

    while (lexer->at < lexer->end) {
        if (long_bracket(lexer, ']') == level) {
            struct wg_str inside = {begin, (size_t)(lexer->at - begin)};

            lexer->at += level + 2;
            return inside;
        }
        step(lexer);
    }
    return wg_str_of(begin, (size_t)(lexer->at - begin));
}

static void skip_blank(struct wg_lexer *lexer)
{
    for (;;) {
        int c = peek(lexer, 0);

        if (c == '-' && peek(lexer, 1) == '-') {
            int level;

            lexer->at += 2;
            level = long_bracket(lexer, '[');
            if (level >= 0)
                skip_long(lexer, level);
            while (level < 0 && lexer->at < lexer->end && *lexer->at != '\n' &&
                   *lexer->at != '\r')
                lexer->at++;
        } else if (c == ' ' || (c >= '\t' && c <= '\r')) {
            step(lexer);
        } else {
            return;
        }
    }
}

static struct wg_str take_string(struct wg_lexer *lexer)
{
    char quote = *lexer->at++;
    const char *begin = lexer->at;
    size_t len;

    while (lexer->at < lexer->end && *lexer->at != quote) {
        bool is_escape = *lexer->at == '\\';

        /* A quoted string ends with its line, unless a backslash stands before the line's end.
         */
        if (*lexer->at == '\n' || *lexer->at == '\r')
            break;
        lexer->at++;
        if (is_escape && peek(lexer, 0) == 'z') {
            lexer->at++;
            while (peek(lexer, 0) == ' ' || (peek(lexer, 0) >= '\t' && peek(lexer, 0) <= '\r'))
                step(lexer);
        } else if (is_escape && lexer->at < lexer->end) {
            step(lexer);
        }
    }
    len = (size_t)(lexer->at - begin);
    if (peek(lexer, 0) == quote)
        lexer->at++;
    return wg_str_of(begin, len);
}

static struct wg_str take_number(struct wg_lexer *lexer)
{
    const char *begin = lexer->at;

    while (is_word(peek(lexer, 0)) || peek(lexer, 0) == '.') {
        int was = *lexer->at++ | 0x20;
        int sign = peek(lexer, 0);

        if ((was == 'e' || was == 'p') && (sign == '+' || sign == '-'))
            lexer->at++;
    }
    return wg_str_of(begin, (size_t)(lexer->at - begin));
}

static struct wg_str take_symbol(struct wg_lexer *lexer, char *ret_symbol)
{
    const char *begin = lexer->at;
    int c = peek(lexer, 0);
    /* "==" must not be taken for the '=' of a field. */
    bool is_pair = peek(lexer, 1) == '=' && (c == '=' || c == '~' || c == '<' || c == '>');

    lexer->at += is_pair ? 2 : 1;
    *ret_symbol = is_pair ? '\0' : (char)c;
    return wg_str_of(begin, (size_t)(lexer->at - begin));
}

struct wg_token wg_lexer_next(struct wg_lexer *lexer)
{
    struct wg_token token = {.kind = TOKEN_END};
    int c;

    skip_blank(lexer);
    token.line = lexer->line;
    c = peek(lexer, 0);
    if (c < 0)
        return token;
    if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1)))) {
        token.kind = TOKEN_NUMBER;
        token.text = take_number(lexer);
    } else if (is_word(c)) {
        const char *begin = lexer->at;

        while (is_word(peek(lexer, 0)))
            lexer->at++;
        token.kind = TOKEN_NAME;
        token.text = wg_str_of(begin, (size_t)(lexer->at - begin));
    } else if (c == '"' || c == '\'') {
        token.kind = TOKEN_STRING;
        token.text = take_string(lexer);
    } else if (long_bracket(lexer, '[') >= 0) {
        token.kind = TOKEN_STRING;
        token.text = skip_long(lexer, long_bracket(lexer, '['));
    } else {
        token.kind = TOKEN_SYMBOL;
        token.text = take_symbol(lexer, &token.symbol);
    }
    return token;
}
