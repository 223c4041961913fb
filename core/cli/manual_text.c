// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <string.h>

#include "cli/manual_impl.h"

/* Text as mdoc(7) wants it. */

enum { LINE_WIDTH = 76 };

#define MANUAL_DATE "November 22, 2026"

static void add_character(struct wg_buf *page, char c)
{
    if (c == '\\')
        wg_buf_addf(page, "\\e");
    else
        wg_buf_addc(page, c);
}

/* A line that begins with a dot or a quote would be a request. */
static void begin_line(struct wg_buf *page, char c)
{
    if (c == '.' || c == '\'')
        wg_buf_addf(page, "\\&");
}

struct marks {
    bool is_code, is_stressed;
};

/* @return how many characters of text were a mark. */
static size_t add_mark(struct wg_buf *page, const char *text, size_t len, struct marks *marks)
{
    if (text[0] == '`') {
        marks->is_code = !marks->is_code;
        wg_buf_addf(page, marks->is_code ? "\\fB" : "\\fR");
        return 1;
    }
    if (!marks->is_code && len > 1 && text[0] == '*' && text[1] == '*') {
        marks->is_stressed = !marks->is_stressed;
        wg_buf_addf(page, marks->is_stressed ? "\\fI" : "\\fR");
        return 2;
    }
    return 0;
}

void manual_add_text(struct wg_buf *page, const char *text, size_t len)
{
    struct marks marks = {false, false};
    size_t column = 0;

    for (size_t i = 0; i < len;) {
        size_t skipped;
        bool is_break = isspace((unsigned char)text[i]);

        if (is_break && column > 0) {
            size_t next = i + 1;

            while (next < len && !isspace((unsigned char)text[next]))
                next++;
            /* mdoc begins each sentence on a line of its own. */
            column =
                strchr(".?!", text[i - 1]) || column + (next - i) > LINE_WIDTH ? 0 : column + 1;
            wg_buf_addc(page, column ? ' ' : '\n');
        }
        if (is_break) {
            i++;
            continue;
        }
        if (column == 0)
            begin_line(page, text[i]);
        skipped = add_mark(page, text + i, len - i, &marks);
        if (skipped == 0)
            add_character(page, text[i]);
        i += skipped ? skipped : 1;
        column++;
    }
    wg_buf_addc(page, '\n');
}

void manual_add_word(struct wg_buf *page, const char *word)
{
    wg_buf_addf(page, " \"\\&");
    for (; *word; word++) {
        if (*word == '"')
            wg_buf_addf(page, "\\(dq");
        else
            add_character(page, *word);
    }
    wg_buf_addc(page, '"');
}

void manual_add_literal(struct wg_buf *page, const char *text, size_t len)
{
    wg_buf_addf(page, ".Bd -literal -offset indent\n");
    for (size_t i = 0; i < len; i++) {
        if (i == 0 || text[i - 1] == '\n')
            begin_line(page, text[i]);
        add_character(page, text[i]);
    }
    wg_buf_addf(page, "%s.Ed\n", len && text[len - 1] == '\n' ? "" : "\n");
}

void manual_begin(struct wg_buf *page, const char *name, const char *section, const char *help)
{
    wg_buf_addf(page, ".\\\" Made by `wavegate help --man` of the program's own tables.\n");
    wg_buf_addf(page, ".Dd " MANUAL_DATE "\n.Dt ");
    for (const char *c = name; *c; c++)
        wg_buf_addc(page, (char)toupper((unsigned char)*c));
    wg_buf_addf(page, " %s\n.Os Wavegate " WAVEGATE_VERSION "\n.Sh NAME\n.Nm %s\n.Nd ", section,
                name);
    manual_add_text(page, help, strlen(help));
}

/* ---- Markdown ---- */

static struct wg_str next_line(struct wg_str *rest)
{
    size_t len = wg_str_find(*rest, '\n');
    struct wg_str line = wg_str_of(rest->at, len);

    rest->at += len + (len < rest->len);
    rest->len -= len + (len < rest->len);
    return line;
}

/* | a | b | c | d |: the first is the tag, the last the text, and those between say what it may
 * be. */
static void add_table_row(struct wg_buf *page, struct wg_str line)
{
    struct wg_str cells[8];
    size_t count = 0;

    while (line.len > 0 && count < 8) {
        struct wg_str cell = wg_str_split(&line, '|');

        while (cell.len && *cell.at == ' ')
            cell = wg_str_of(cell.at + 1, cell.len - 1);
        while (cell.len && cell.at[cell.len - 1] == ' ')
            cell.len--;
        if (cell.len)
            cells[count++] = cell;
    }
    if (count < 2)
        return;
    wg_buf_addf(page, ".It ");
    manual_add_text(page, cells[0].at, cells[0].len);
    manual_add_text(page, cells[count - 1].at, cells[count - 1].len);
    for (size_t i = 1; i + 1 < count; i++) {
        wg_buf_addf(page, i == 1 ? ".br\nValue:\n" : ".br\nDefault:\n");
        manual_add_text(page, cells[i].at, cells[i].len);
    }
}

struct conversion {
    struct wg_buf *page;
    enum { IN_NOTHING, IN_TABLE, IN_LIST, IN_CODE } state;
    struct wg_buf block; /* lines that belong together */
    bool is_paragraph_due;
};

static void flush(struct conversion *conversion)
{
    struct wg_str text = wg_buf_str(&conversion->block);

    if (text.len && conversion->state == IN_CODE)
        manual_add_literal(conversion->page, text.at, text.len);
    else if (text.len && conversion->state == IN_NOTHING && conversion->is_paragraph_due)
        wg_buf_addf(conversion->page, ".Pp\n");
    if (text.len && conversion->state != IN_CODE)
        manual_add_text(conversion->page, text.at, text.len);
    if (text.len)
        conversion->is_paragraph_due = true;
    wg_buf_clear(&conversion->block);
}

static void leave(struct conversion *conversion)
{
    flush(conversion);
    if (conversion->state == IN_TABLE || conversion->state == IN_LIST)
        wg_buf_addf(conversion->page, ".El\n");
    conversion->state = IN_NOTHING;
}

static void add_heading(struct conversion *conversion, struct wg_str line)
{
    leave(conversion);
    conversion->is_paragraph_due = false;
    while (line.len && (*line.at == '#' || *line.at == ' '))
        line = wg_str_of(line.at + 1, line.len - 1);
    wg_buf_addf(conversion->page, ".Sh ");
    for (size_t i = 0; i < line.len; i++)
        wg_buf_addc(conversion->page, (char)toupper((unsigned char)line.at[i]));
    wg_buf_addc(conversion->page, '\n');
}

static void add_line(struct conversion *conversion, struct wg_str line)
{
    while (line.len && *line.at == ' ')
        line = wg_str_of(line.at + 1, line.len - 1);
    if (wg_str_starts(line, WG_STR("| ")) && conversion->state != IN_TABLE) {
        leave(conversion); /* and this line is the table's head */
        conversion->state = IN_TABLE;
        wg_buf_addf(conversion->page, ".Bl -tag -width Ds\n");
    } else if (wg_str_starts(line, WG_STR("| "))) {
        add_table_row(conversion->page, line);
    } else if (wg_str_starts(line, WG_STR("- "))) {
        flush(conversion);
        wg_buf_addf(conversion->page,
                    conversion->state == IN_LIST ? ".It\n" : ".Bl -bullet -compact\n.It\n");
        conversion->state = IN_LIST;
        wg_buf_adds(&conversion->block, wg_str_of(line.at + 2, line.len - 2));
    } else if (line.len && !wg_str_starts(line, WG_STR("|-")) &&
               !wg_str_starts(line, WG_STR("<!--")) && !wg_str_starts(line, WG_STR("# "))) {
        wg_buf_addf(&conversion->block, "%s%.*s", conversion->block.len ? " " : "",
                    WG_STR_F(line));
    } else if (line.len == 0) {
        leave(conversion);
    }
}

void manual_add_markdown(struct wg_buf *page, struct wg_str markdown)
{
    struct conversion conversion = {.page = page};

    wg_buf_init(&conversion.block, MANUAL_LIMIT_BYTES);
    while (markdown.len > 0) {
        struct wg_str line = next_line(&markdown);

        if (wg_str_starts(line, WG_STR("```"))) {
            bool is_end = conversion.state == IN_CODE;

            leave(&conversion);
            conversion.state = is_end ? IN_NOTHING : IN_CODE;
        } else if (conversion.state == IN_CODE) {
            wg_buf_addf(&conversion.block, "%.*s\n", WG_STR_F(line));
        } else if (wg_str_starts(line, WG_STR("## "))) {
            add_heading(&conversion, line);
        } else {
            add_line(&conversion, line);
        }
    }
    leave(&conversion);
    wg_buf_done(&conversion.block);
}
