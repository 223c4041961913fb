// SPDX-License-Identifier: Apache-2.0
#include "policy/list_impl.h"

/* Values as nearly all lists write them, ASCII without escapes and one member for each thing,
 * read without making a tree of each: three times as fast. jansson judges all others, so
 * nothing here has to say what is wrong. */

struct cursor {
    const char *at, *end;
};

static char look(struct cursor *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t'))
        cursor->at++;
    return cursor->at < cursor->end ? *cursor->at : '\0';
}

static bool take(struct cursor *cursor, char byte)
{
    if (look(cursor) != byte)
        return false;
    cursor->at++;
    return true;
}

static bool take_string(struct cursor *cursor, struct wg_str *ret_text)
{
    const char *begin;

    if (!take(cursor, '"'))
        return false;
    for (begin = cursor->at; cursor->at < cursor->end && *cursor->at != '"'; cursor->at++) {
        unsigned char byte = (unsigned char)*cursor->at;

        if (byte < ' ' || byte >= 0x7f || byte == '\\')
            return false;
    }
    *ret_text = wg_str_of(begin, (size_t)(cursor->at - begin));
    return take(cursor, '"');
}

/* true, false, null; a number stays for jansson. */
static bool take_word(struct cursor *cursor, struct wg_str *ret_text)
{
    static const char *const words[] = {"true", "false", "null"};

    look(cursor);
    for (size_t i = 0; i < WG_COUNT(words); i++) {
        size_t len = strlen(words[i]);

        if ((size_t)(cursor->end - cursor->at) <= len || memcmp(cursor->at, words[i], len) != 0)
            continue;
        cursor->at += len;
        *ret_text = words[i][0] == 'n' ? WG_STR("") : wg_str(words[i]);
        return true;
    }
    return false;
}

static bool take_member(struct cursor *cursor, struct wg_list_row *row)
{
    struct wg_str name, value, *column;

    if (!take_string(cursor, &name) || !take(cursor, ':'))
        return false;
    if (look(cursor) == '"' ? !take_string(cursor, &value) : !take_word(cursor, &value))
        return false;
    column = wg_list_row_column(row, name);
    if (column && column->at)
        return false; /* the same member twice, or two for one thing */
    if (column)
        *column = value;
    return true;
}

bool wg_list_json_plain(struct wg_str text, struct wg_list_row *row, size_t *ret_len)
{
    struct cursor cursor = {text.at, text.at + text.len};

    if (look(&cursor) == '"') {
        if (!take_string(&cursor, &row->entry))
            return false;
    } else {
        if (!take(&cursor, '{'))
            return false;
        do {
            if (!take_member(&cursor, row))
                return false;
        } while (take(&cursor, ','));
        if (!take(&cursor, '}'))
            return false;
    }
    *ret_len = (size_t)(cursor.at - text.at);
    return true;
}
