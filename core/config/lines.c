// SPDX-License-Identifier: Apache-2.0
#include "config/lines.h"

#include <limits.h>
#include <stdio.h>

#include "config/token.h"

/* Lua itself refuses constructors nested deeper than 200; no setting is deeper than 5. */
enum { DEPTH_LIMIT = 32, PATH_LIMIT_BYTES = 1024 };

/* Values of the map; never 0, for a value may not be NULL. */
static void *line_pack(int line)
{
    return (void *)(intptr_t)line;
}

static int line_unpack(void *value)
{
    return (int)(intptr_t)value;
}

struct walk {
    struct wg_config_lines *lines;
    struct wg_lexer lexer;
    struct wg_token token; /* the one looked at */
    char path[PATH_LIMIT_BYTES];
    size_t path_len;
};

static void advance(struct walk *walk)
{
    walk->token = wg_lexer_next(&walk->lexer);
}

static bool is_symbol(const struct wg_token *token, char symbol)
{
    return token->kind == TOKEN_SYMBOL && token->symbol == symbol;
}

static bool is_word(const struct wg_token *token, const char *word)
{
    return token->kind == TOKEN_NAME && wg_str_is(token->text, word);
}

/* How much deeper the walk is behind this token: brackets and blocks, whose commas are not
 * ours. */
static int nesting(const struct wg_token *token)
{
    static const char *const openers[] = {"function", "do", "if", "repeat"};
    static const char *const closers[] = {"end", "until"};

    if (token->kind == TOKEN_SYMBOL && token->symbol)
        return strchr("([{", token->symbol) ? 1 : strchr(")]}", token->symbol) ? -1 : 0;
    for (size_t i = 0; i < WG_COUNT(openers); i++) {
        if (is_word(token, openers[i]))
            return 1;
    }
    for (size_t i = 0; i < WG_COUNT(closers); i++) {
        if (is_word(token, closers[i]))
            return -1;
    }
    return 0;
}

/* To the separator behind the expression, or to what closes the constructor. */
static void skip_expression(struct walk *walk)
{
    int depth = 0;

    while (walk->token.kind != TOKEN_END) {
        if (depth == 0 && (is_symbol(&walk->token, ',') || is_symbol(&walk->token, ';') ||
                           is_symbol(&walk->token, '}')))
            return;
        depth += nesting(&walk->token);
        if (depth < 0)
            return;
        advance(walk);
    }
}

/* The key at hand and its '=': name =, ["text"] =, [1] =; absent for an item or a computed key.
 */
static struct wg_str take_key(struct walk *walk, bool *ret_is_item)
{
    struct walk ahead = *walk;
    struct wg_str key = {NULL, 0};

    *ret_is_item = true;
    if (walk->token.kind == TOKEN_NAME) {
        key = walk->token.text;
        advance(&ahead);
    } else if (is_symbol(&walk->token, '[')) {
        *ret_is_item = false;
        advance(&ahead);
        if (ahead.token.kind == TOKEN_STRING || ahead.token.kind == TOKEN_NUMBER)
            key = ahead.token.text;
        advance(&ahead);
        if (!is_symbol(&ahead.token, ']'))
            return (struct wg_str){NULL, 0};
        advance(&ahead);
    }
    if (!key.at || !is_symbol(&ahead.token, '='))
        return (struct wg_str){NULL, 0};
    *ret_is_item = false;
    walk->lexer = ahead.lexer;
    walk->token = ahead.token;
    advance(walk);
    return key;
}

/* Puts key behind the path. @return false when there is no room: then nobody will ask for it.
 */
static bool enter(struct walk *walk, struct wg_str key)
{
    if (key.len + 1 > sizeof walk->path - walk->path_len)
        return false;
    memcpy(walk->path + walk->path_len, key.at, key.len);
    walk->path_len += key.len;
    walk->path[walk->path_len++] = WG_LINES_END;
    return true;
}

static void record(struct walk *walk, int line)
{
    struct wg_config_lines *lines = walk->lines;
    struct wg_str path = wg_str_of(walk->path, walk->path_len);
    int first = line_unpack(wg_map_put(&lines->fields, path, line_pack(line)));
    struct wg_config_lines_twice *twice;

    if (!first)
        return;
    twice = wg_arena_new(&lines->arena, struct wg_config_lines_twice);
    twice->path = wg_arena_copy(&lines->arena, path);
    twice->first = first;
    twice->second = line;
    twice->next = lines->twice;
    lines->twice = twice;
}

static void walk_constructor(struct walk *walk, int depth);

static void walk_field(struct walk *walk, int depth, int *item)
{
    size_t was = walk->path_len;
    int line = walk->token.line;
    char number[16];
    bool is_item;
    struct wg_str key = take_key(walk, &is_item);

    if (is_item) {
        snprintf(number, sizeof number, "%d", ++*item);
        key = wg_str(number);
    }
    if (key.at && enter(walk, key)) {
        record(walk, line);
        if (is_symbol(&walk->token, '{') && depth < DEPTH_LIMIT)
            walk_constructor(walk, depth + 1);
    }
    skip_expression(walk);
    walk->path_len = was;
}

/* At its '{'; leaves behind its '}'. */
static void walk_constructor(struct walk *walk, int depth)
{
    int item = 0;

    advance(walk);
    while (walk->token.kind != TOKEN_END && !is_symbol(&walk->token, '}')) {
        const char *was = walk->lexer.at;

        if (is_symbol(&walk->token, ',') || is_symbol(&walk->token, ';'))
            advance(walk);
        else
            walk_field(walk, depth, &item);
        /* A closer that opens nothing ("end", ")"): not Lua, so nothing to find. */
        if (walk->lexer.at == was && nesting(&walk->token) < 0 && !is_symbol(&walk->token, '}'))
            return;
    }
    advance(walk);
}

/* The main chunk ends with its return: the constructor looked for stands behind a `return`
 * outside all braces, and nothing but ';' follows it. */
static bool find_returned(struct wg_config_lines *lines, struct wg_lexer *ret_at)
{
    struct wg_lexer lexer = {lines->source.at, lines->source.at + lines->source.len, 1};
    struct wg_lexer behind_return = lexer;
    struct wg_token token;
    bool is_behind_return = false, has_found = false;
    size_t depth = 0;

    while ((token = wg_lexer_next(&lexer)).kind != TOKEN_END) {
        if (depth == 0) {
            has_found = (has_found && is_symbol(&token, ';')) ||
                        (is_behind_return && is_symbol(&token, '{'));
            if (has_found && is_behind_return)
                *ret_at = behind_return;
            is_behind_return = is_word(&token, "return");
            if (is_behind_return) {
                behind_return = lexer;
                lines->return_line = token.line;
            }
        }
        if (is_symbol(&token, '{'))
            depth++;
        else if (is_symbol(&token, '}') && depth > 0)
            depth--;
    }
    return has_found;
}

void wg_config_lines_init(struct wg_config_lines *lines, struct wg_str source)
{
    struct wg_lexer at;

    *lines = (struct wg_config_lines){.source = source, .return_line = 1};
    wg_arena_init(&lines->arena);
    wg_map_init(&lines->fields);
    if (source.at && find_returned(lines, &at)) {
        struct walk walk = {.lines = lines, .lexer = at};

        advance(&walk);
        walk_constructor(&walk, 1);
    }
}

void wg_config_lines_done(struct wg_config_lines *lines)
{
    wg_map_done(&lines->fields, NULL);
    wg_arena_done(&lines->arena);
}

int wg_config_lines_find(const struct wg_config_lines *lines, struct wg_str path)
{
    return line_unpack(wg_map_get(&lines->fields, path));
}

int wg_config_lines_mention(const struct wg_config_lines *lines, struct wg_str name)
{
    struct wg_lexer lexer = {lines->source.at, lines->source.at + lines->source.len, 1};
    struct wg_token token;

    if (!lines->source.at)
        return 0;
    while ((token = wg_lexer_next(&lexer)).kind != TOKEN_END) {
        if ((token.kind == TOKEN_NAME || token.kind == TOKEN_STRING) &&
            wg_str_equal(token.text, name))
            return token.line;
    }
    return 0;
}
