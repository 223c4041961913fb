// SPDX-License-Identifier: Apache-2.0
#include "policy/list_impl.h"

/* RFC 4180, its first line naming the columns; "\n" ends a line as well as "\r\n" does. */

enum { COLUMN_LIMIT = 64, QUOTED_LIMIT_BYTES = 64 * 1024 };

struct table {
    struct wg_str rest; /* absent at the end */
    uint32_t line;      /* where rest begins */
    struct wg_str fields[COLUMN_LIMIT];
    size_t field_count;
    struct wg_list_row row; /* columns point into it */
    struct wg_str *columns[COLUMN_LIMIT];
    size_t column_count;
    size_t quoted_len;
    char quoted[QUOTED_LIMIT_BYTES]; /* fields of this record that held "" */
};

static void skip(struct table *table, size_t len)
{
    table->rest = wg_str_of(table->rest.at + len, table->rest.len - len);
}

/* At a '"'; "" inside stands for one. */
static enum wg_code read_quoted(struct table *table, struct wg_str *ret_field,
                                struct wg_err *err)
{
    char *out = table->quoted + table->quoted_len;
    size_t len = 0;

    skip(table, 1);
    for (;;) {
        size_t quote = wg_str_find(table->rest, '"');

        if (quote == table->rest.len)
            return wg_fail(err, WG_INVALID, "a '\"' is never closed");
        if (len + quote + 1 > QUOTED_LIMIT_BYTES - table->quoted_len)
            return wg_fail(err, WG_INVALID, "quoted fields of one row are longer than %d bytes",
                           QUOTED_LIMIT_BYTES);
        for (size_t i = 0; i < quote; i++)
            table->line += table->rest.at[i] == '\n';
        memcpy(out + len, table->rest.at, quote);
        len += quote;
        skip(table, quote + 1);
        if (!table->rest.len || table->rest.at[0] != '"')
            break;
        out[len++] = '"';
        skip(table, 1);
    }
    table->quoted_len += len;
    *ret_field = wg_str_of(out, len);
    return WG_OK;
}

static bool ends_field(char byte)
{
    return byte == ',' || byte == '\n' || byte == '\r' || byte == '"';
}

static enum wg_code read_field(struct table *table, struct wg_str *ret_field,
                               struct wg_err *err)
{
    size_t len = 0;

    if (table->rest.len && table->rest.at[0] == '"')
        return read_quoted(table, ret_field, err);
    while (len < table->rest.len && !ends_field(table->rest.at[len]))
        len++;
    if (len < table->rest.len && table->rest.at[len] == '"')
        return wg_fail(err, WG_INVALID,
                       "a '\"' inside a field; quote the whole field and write it twice");
    *ret_field = wg_str_of(table->rest.at, len);
    skip(table, len);
    return WG_OK;
}

/* Behind a field. @return whether the row goes on */
static enum wg_code read_separator(struct table *table, bool *ret_has_more, struct wg_err *err)
{
    *ret_has_more = false;
    if (table->rest.len >= 2 && memcmp(table->rest.at, "\r\n", 2) == 0)
        skip(table, 1);
    if (table->rest.len == 0) {
        table->rest.at = NULL;
    } else if (table->rest.at[0] == '\n') {
        table->line++;
        skip(table, 1);
    } else if (table->rest.at[0] == ',') {
        *ret_has_more = true;
        skip(table, 1);
    } else {
        return wg_fail(err, WG_INVALID,
                       "something stands between a field and its ','; quote the whole field");
    }
    return WG_OK;
}

static void skip_line(struct table *table)
{
    wg_str_split(&table->rest, '\n');
    table->line++;
}

/* One row into fields. After a failure the table stands behind its line. */
static enum wg_code read_row(struct table *table, struct wg_err *err)
{
    bool has_more = true;

    table->field_count = table->quoted_len = 0;
    while (has_more) {
        struct wg_str field;

        if (read_field(table, &field, err) != WG_OK ||
            read_separator(table, &has_more, err) != WG_OK) {
            skip_line(table);
            return err->code;
        }
        if (table->field_count == COLUMN_LIMIT) {
            skip_line(table);
            return wg_fail(err, WG_INVALID, "more than %d columns", COLUMN_LIMIT);
        }
        table->fields[table->field_count++] = field;
    }
    return WG_OK;
}

static bool is_empty(const struct table *table)
{
    return table->field_count == 1 && wg_str_trim(table->fields[0]).len == 0;
}

/* Mastodon writes "#domain". */
static struct wg_str column_name(struct wg_str field)
{
    field = wg_str_trim(field);
    return field.len && field.at[0] == '#' ? wg_str_of(field.at + 1, field.len - 1) : field;
}

static enum wg_code read_header(struct table *table, struct wg_err *err)
{
    size_t entries = 0;

    do {
        if (!table->rest.at)
            return WG_OK;
        if (read_row(table, err) != WG_OK)
            return err->code;
    } while (is_empty(table));
    table->column_count = table->field_count;
    for (size_t i = 0; i < table->column_count; i++) {
        table->columns[i] = wg_list_row_column(&table->row, column_name(table->fields[i]));
        entries += table->columns[i] == &table->row.entry;
    }
    if (entries == 1)
        return WG_OK;
    return wg_fail(err, WG_INVALID,
                   "the first line names the columns, and one of them is 'domain' or 'entry'");
}

static enum wg_code fill_row(struct table *table, uint32_t line, struct wg_err *err)
{
    if (table->field_count > table->column_count)
        return wg_fail(
            err, WG_INVALID,
            "%zu fields where the first line names %zu; quote a field that holds ','",
            table->field_count, table->column_count);
    table->row = (struct wg_list_row){.line = line};
    for (size_t i = 0; i < table->field_count; i++) {
        /* Of several columns for one thing, the first that says something. */
        if (table->columns[i] && table->columns[i]->len == 0)
            *table->columns[i] = table->fields[i];
    }
    return WG_OK;
}

static enum wg_code read_rows(struct table *table, struct wg_list_draft *draft,
                              struct wg_err *err)
{
    while (table->rest.at) {
        uint32_t line = table->line;
        enum wg_code code;

        wg_list_draft_give_back(draft, table->rest.at);
        code = read_row(table, err);
        if (code == WG_OK && is_empty(table))
            continue;
        if (code == WG_OK)
            code = fill_row(table, line, err);
        if (code == WG_OK)
            code = wg_list_draft_add(draft, &table->row, err);
        else
            code = wg_list_draft_broken(draft, line, err);
        if (code != WG_OK)
            return code;
    }
    return WG_OK;
}

enum wg_code wg_list_read_csv(struct wg_list_draft *draft, struct wg_str text,
                              struct wg_err *err)
{
    struct table *table = wg_new(struct table);
    enum wg_code code;

    table->rest = text;
    table->line = 1;
    code = read_header(table, err);
    if (code != WG_OK)
        wg_while(err, "%s:1", draft->list->source);
    else
        code = read_rows(table, draft, err);
    wg_free(table);
    return code;
}

bool wg_list_is_csv_header(struct wg_str line)
{
    struct wg_list_row row;
    bool has_comma = wg_str_find(line, ',') < line.len;
    struct wg_str first = wg_str_trim(wg_str_split(&line, ','));

    if (first.len >= 2 && first.at[0] == '"' && first.at[first.len - 1] == '"')
        first = wg_str_of(first.at + 1, first.len - 2);
    while (has_comma) {
        if (wg_list_row_column(&row, column_name(first)) == &row.entry)
            return true;
        has_comma = line.at;
        first = wg_str_split(&line, ',');
    }
    return false;
}
