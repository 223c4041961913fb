// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "policy/list_impl.h"

/* An array of strings or objects, or an object whose member "entries" is one. jansson reads the
 * values one by one: the tree of a million of them would take half a gigabyte. */

enum { VALUE_LIMIT_BYTES = 64 * 1024 };

struct walk {
    struct wg_str rest;
    uint32_t line; /* where rest begins */
};

static void skip(struct walk *walk, size_t len)
{
    for (size_t i = 0; i < len; i++)
        walk->line += walk->rest.at[i] == '\n';
    walk->rest = wg_str_of(walk->rest.at + len, walk->rest.len - len);
}

/* The next byte that is no white space, NUL at the end. */
static char look(struct walk *walk)
{
    size_t len = 0;

    while (len < walk->rest.len && walk->rest.at[len] && strchr(" \t\r\n", walk->rest.at[len]))
        len++;
    skip(walk, len);
    return walk->rest.len ? walk->rest.at[0] : '\0';
}

static bool take(struct walk *walk, char byte)
{
    if (look(walk) != byte)
        return false;
    skip(walk, 1);
    return true;
}

static enum wg_code fail(const struct walk *walk, const struct wg_list_draft *draft,
                         const char *what, struct wg_err *err)
{
    return wg_fail(err, WG_INVALID, "%s:%" PRIu32 ": JSON: %s", draft->list->source, walk->line,
                   what);
}

/* A reference is the caller's. */
static enum wg_code read_value(struct walk *walk, const struct wg_list_draft *draft,
                               json_t **ret_value, struct wg_err *err)
{
    const size_t flags = JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES;
    bool is_cut = walk->rest.len > VALUE_LIMIT_BYTES;
    json_error_t failure;
    json_t *value;

    look(walk);
    value =
        json_loadb(walk->rest.at, is_cut ? VALUE_LIMIT_BYTES : walk->rest.len, flags, &failure);
    if (!value && is_cut && failure.position >= VALUE_LIMIT_BYTES - 1)
        return fail(walk, draft, "a value is longer than 64 KiB", err);
    if (!value) {
        walk->line += failure.line > 0 ? (uint32_t)failure.line - 1 : 0;
        return fail(walk, draft, failure.text, err);
    }
    skip(walk, (size_t)failure.position);
    *ret_value = value;
    return WG_OK;
}

enum { NUMBER_TEXT = 24 };

/* Numbers and truth as the words a table would hold. @return false for what is neither */
static bool member_text(const json_t *value, char number[NUMBER_TEXT], struct wg_str *ret_text)
{
    if (json_is_string(value))
        *ret_text = wg_str_of(json_string_value(value), json_string_length(value));
    else if (json_is_boolean(value))
        *ret_text = json_is_true(value) ? WG_STR("true") : WG_STR("false");
    else if (json_is_integer(value))
        *ret_text =
            wg_str_of(number, (size_t)snprintf(number, NUMBER_TEXT, "%" JSON_INTEGER_FORMAT,
                                               json_integer_value(value)));
    else
        return false;
    return true;
}

static enum wg_code add_object(struct wg_list_draft *draft, json_t *object, uint32_t line,
                               struct wg_err *err)
{
    struct wg_list_row row = {.line = line};
    char number[NUMBER_TEXT];
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        struct wg_str *column = wg_list_row_column(&row, wg_str(name));

        if (!column || column->len || json_is_null(value))
            continue;
        /* One buffer is enough: only expiry may be a number. */
        if (!member_text(value, number, column) ||
            (json_is_integer(value) && column != &row.expires)) {
            wg_fail(err, WG_INVALID, "'%s' is of the wrong type; write a string", name);
            return wg_list_draft_broken(draft, line, err);
        }
    }
    return wg_list_draft_add(draft, &row, err);
}

static enum wg_code add_value(struct wg_list_draft *draft, json_t *value, uint32_t line,
                              struct wg_err *err)
{
    struct wg_list_row row = {.line = line};

    if (json_is_object(value))
        return add_object(draft, value, line, err);
    if (!json_is_string(value)) {
        wg_fail(err, WG_INVALID,
                "an entry is a string, or an object such as {\"entry\": \"spam.example\", "
                "\"reason\": \"spam\"}");
        return wg_list_draft_broken(draft, line, err);
    }
    row.entry = wg_str_of(json_string_value(value), json_string_length(value));
    return wg_list_draft_add(draft, &row, err);
}

static enum wg_code read_entry(struct walk *walk, struct wg_list_draft *draft,
                               struct wg_err *err)
{
    struct wg_list_row row = {0};
    enum wg_code code;
    json_t *value;
    uint32_t line;
    size_t len;

    look(walk);
    line = walk->line;
    wg_list_draft_give_back(draft, walk->rest.at);
    if (wg_list_json_plain(walk->rest, &row, &len)) {
        row.line = line;
        skip(walk, len);
        return wg_list_draft_add(draft, &row, err);
    }
    if (read_value(walk, draft, &value, err) != WG_OK)
        return err->code;
    code = add_value(draft, value, line, err);
    json_decref(value);
    return code;
}

/* Behind the '['. */
static enum wg_code read_array(struct walk *walk, struct wg_list_draft *draft,
                               struct wg_err *err)
{
    if (take(walk, ']'))
        return WG_OK;
    do {
        if (read_entry(walk, draft, err) != WG_OK)
            return err->code;
    } while (take(walk, ','));
    return take(walk, ']') ? WG_OK : fail(walk, draft, "',' or ']' is missing", err);
}

static enum wg_code read_member(struct walk *walk, struct wg_list_draft *draft,
                                bool *has_entries, struct wg_err *err)
{
    bool is_entries;
    json_t *value;

    if (look(walk) != '"')
        return fail(walk, draft, "the name of a member is missing", err);
    if (read_value(walk, draft, &value, err) != WG_OK)
        return err->code;
    is_entries = strcmp(json_string_value(value), "entries") == 0;
    json_decref(value);
    if (!take(walk, ':'))
        return fail(walk, draft, "':' is missing", err);
    if (is_entries && *has_entries)
        return fail(walk, draft, "'entries' stands twice", err);
    if (is_entries) {
        *has_entries = true;
        return take(walk, '[') ? read_array(walk, draft, err)
                               : fail(walk, draft, "'entries' is an array", err);
    }
    if (read_value(walk, draft, &value, err) != WG_OK)
        return err->code;
    json_decref(value);
    return WG_OK;
}

/* Behind the '{'. */
static enum wg_code read_object(struct walk *walk, struct wg_list_draft *draft,
                                struct wg_err *err)
{
    bool has_entries = false;

    do {
        if (read_member(walk, draft, &has_entries, err) != WG_OK)
            return err->code;
    } while (take(walk, ','));
    if (!take(walk, '}'))
        return fail(walk, draft, "',' or '}' is missing", err);
    return has_entries ? WG_OK : fail(walk, draft, "the member 'entries' is missing", err);
}

enum wg_code wg_list_read_json(struct wg_list_draft *draft, struct wg_str text,
                               struct wg_err *err)
{
    struct walk walk = {text, 1};
    enum wg_code code;

    if (take(&walk, '['))
        code = read_array(&walk, draft, err);
    else if (take(&walk, '{'))
        code = read_object(&walk, draft, err);
    else
        return fail(&walk, draft, "a list is an array, or an object with 'entries'", err);
    if (code == WG_OK && (look(&walk) || walk.rest.len))
        return fail(&walk, draft, "something stands behind the list", err);
    return code;
}
