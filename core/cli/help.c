// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/manual_impl.h"
#include "cli/usage_json.h"

/* What the table of usage.def says, for people. */

enum { WIDTH = 80, NAME_WIDTH = 26, VERB_WIDTH = 10, TEXT_LIMIT_BYTES = 256 * 1024 };

/* Words of text, broken before the width is passed. column is where the line stands. */
static void add_wrapped(struct wg_buf *out, const char *text, size_t indent, size_t column)
{
    while (*text) {
        size_t len = strcspn(text, " ");

        if (column + len + 1 > WIDTH && column > indent) {
            wg_buf_addf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            wg_buf_addc(out, ' ');
            column++;
        }
        wg_buf_add(out, text, len);
        column += len;
        text += len + (text[len] == ' ');
    }
}

/* ---- synopsis ---- */

static void add_piece(struct wg_buf *out, const char *piece, size_t indent, size_t *column)
{
    size_t len = strlen(piece);

    if (*column + len + 1 > WIDTH) {
        wg_buf_addf(out, "\n%*s", (int)indent, "");
        *column = indent;
    } else {
        wg_buf_addc(out, ' ');
        *column += 1;
    }
    wg_buf_adds(out, wg_str(piece));
    *column += len;
}

static bool is_needed(const struct cli_usage *row)
{
    return row->occurs == CLI_MUST || row->occurs == CLI_SOME;
}

static void write_piece(const struct cli_usage *row, char *piece, size_t size)
{
    bool needed = is_needed(row);

    snprintf(piece, size, "%s%s%s%s%s%s", needed ? "" : "[", row->name, row->metavar ? " " : "",
             row->metavar ? row->metavar : "", needed ? "" : "]",
             row->occurs == CLI_ANY || row->occurs == CLI_SOME ? "..." : "");
}

void cli_usage_write_synopsis(const struct cli_usage *verb, struct wg_buf *text)
{
    size_t column = strlen("usage: wavegate ") + strlen(verb->name);
    size_t indent = column + 1 < 32 ? column + 1 : 32;
    char piece[160];

    wg_buf_addf(text, "wavegate %s", verb->name);
    if (verb->row == CLI_ROW_GROUP)
        add_piece(text, "VERB ...", indent, &column);
    for (int pass = 0; pass < 3; pass++) { /* needed options, other options, words */
        const struct cli_usage *row = verb;
        enum cli_row sort = pass == 2 ? CLI_ROW_WORD : CLI_ROW_OPTION;

        while ((row = cli_usage_next_of(row, sort)) != NULL) {
            if (pass < 2 && is_needed(row) != (pass == 0))
                continue;
            write_piece(row, piece, sizeof piece);
            add_piece(text, piece, indent, &column);
        }
    }
}

/* ---- help ---- */

static void add_row(struct wg_buf *out, const char *name, const char *metavar, const char *help)
{
    size_t len = strlen(name) + (metavar ? 1 + strlen(metavar) : 0);

    wg_buf_addf(out, "  %s%s%s", name, metavar ? " " : "", metavar ? metavar : "");
    if (len > NAME_WIDTH - 4)
        wg_buf_addf(out, "\n%*s", NAME_WIDTH, "");
    else
        wg_buf_addf(out, "%*s", (int)(NAME_WIDTH - 2 - len), "");
    add_wrapped(out, help, NAME_WIDTH, NAME_WIDTH);
    wg_buf_addc(out, '\n');
}

static void add_children(const struct cli_usage *verb, struct wg_buf *out)
{
    const struct cli_usage *child = NULL;
    size_t skip = strlen(verb->name) + 1;

    if (!cli_usage_below(verb->name, NULL))
        return;
    wg_buf_addf(out, "\nverbs:\n");
    while ((child = cli_usage_below(verb->name, child)) != NULL)
        add_row(out, child->name + skip, NULL, child->help);
    wg_buf_addf(out, "\n`wavegate help %s VERB` says more of each.\n", verb->name);
}

static void add_rows(const struct cli_usage *verb, enum cli_row sort, struct wg_buf *out)
{
    const struct cli_usage *row = verb;
    bool is_first = true;

    while ((row = cli_usage_next_of(row, sort)) != NULL) {
        if (is_first)
            wg_buf_addc(out, '\n');
        is_first = false;
        if (sort == CLI_ROW_TEXT) {
            add_wrapped(out, row->help, 0, 0);
            wg_buf_addc(out, '\n');
        } else if (sort == CLI_ROW_EXAMPLE) {
            wg_buf_addf(out, "  %s\n      ", row->name);
            add_wrapped(out, row->help, 6, 6);
            wg_buf_addc(out, '\n');
        } else {
            add_row(out, row->name, row->metavar, row->help);
        }
    }
}

static void write_verb(const struct cli_usage *verb, struct wg_buf *out)
{
    const struct cli_usage *example = cli_usage_next_of(verb, CLI_ROW_EXAMPLE);

    add_wrapped(out, verb->help, 0, 0);
    wg_buf_addf(out, "\n\nusage: ");
    cli_usage_write_synopsis(verb, out);
    wg_buf_addc(out, '\n');
    add_rows(verb, CLI_ROW_TEXT, out);
    add_rows(verb, CLI_ROW_WORD, out);
    add_rows(verb, CLI_ROW_OPTION, out);
    add_children(verb, out);
    if (example) {
        wg_buf_addf(out, "\nexamples:");
        add_rows(verb, CLI_ROW_EXAMPLE, out);
    }
}

static void write_verbs(struct wg_buf *out)
{
    const struct cli_usage *verb = NULL;

    wg_buf_addf(out, "wavegate " WAVEGATE_VERSION ": a scriptable federation gateway\n\n");
    while ((verb = cli_usage_below("", verb)) != NULL) {
        wg_buf_addf(out, "  wavegate %-*s ", VERB_WIDTH, verb->name);
        add_wrapped(out, verb->help, VERB_WIDTH + 12, VERB_WIDTH + 12);
        wg_buf_addc(out, '\n');
    }
    wg_buf_addf(out, "\n`wavegate help VERB` says more of each.\n");
}

void cli_usage_write_help(const struct cli_usage *verb, struct wg_buf *text)
{
    if (verb)
        write_verb(verb, text);
    else
        write_verbs(text);
    wg_buf_addf(text, "\nExit status: 0 good, 1 refused or failed, 2 wrong usage.\n");
}

void cli_usage_print_help(const struct cli_usage *verb, bool is_error)
{
    struct wg_buf text;

    wg_buf_init(&text, TEXT_LIMIT_BYTES);
    cli_usage_write_help(verb, &text);
    fwrite(text.at, 1, text.len, is_error ? stderr : stdout);
    wg_buf_done(&text);
}

/* ---- what is wrong ---- */

static void print_synopsis(const struct cli_usage *verb)
{
    struct wg_buf text;

    wg_buf_init(&text, TEXT_LIMIT_BYTES);
    cli_usage_write_synopsis(verb, &text);
    fprintf(stderr, "\nusage: %s\n", text.at);
    wg_buf_done(&text);
}

static void print_plain(const char *text)
{
    for (; *text; text++)
        fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, stderr);
}

int cli_misuse(const struct cli_usage *verb, const char *format, ...)
{
    char what[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    fprintf(stderr, "wavegate %s: ", verb->name);
    print_plain(what);
    print_synopsis(verb);
    fprintf(stderr, "`wavegate help %s` says more.\n", verb->name);
    return CLI_USAGE;
}

int cli_misuse_unknown(const struct cli_usage *verb, const char *written)
{
    const char *nearest = cli_usage_nearest_child(verb, written);

    fprintf(stderr, "wavegate%s%s: there is no verb '", verb ? " " : "",
            verb ? verb->name : "");
    print_plain(written);
    fprintf(stderr, "'%s%s%s", nearest ? ", did you mean '" : "", nearest ? nearest : "",
            nearest ? "'?" : "");
    if (verb)
        print_synopsis(verb);
    else
        fputc('\n', stderr);
    fprintf(stderr, "`wavegate help%s%s` lists them all.\n", verb ? " " : "",
            verb ? verb->name : "");
    return CLI_USAGE;
}

int cli_help(const struct cli_arguments *arguments)
{
    const struct cli_usage *verb = NULL;
    json_t *json;

    if (cli_argument(arguments, "--man"))
        return manual_write(cli_argument(arguments, "--man"));
    if (cli_argument(arguments, "--json")) {
        json = cli_usage_json();
        cli_print_json(json, JSON_INDENT(1));
        json_decref(json);
        return CLI_GOOD;
    }
    for (size_t i = 0; i < arguments->word_count; i++) {
        const struct cli_usage *child = cli_usage_child(verb, arguments->words[i]);

        if (!child)
            return cli_misuse_unknown(verb, arguments->words[i]);
        verb = child;
    }
    cli_usage_print_help(verb, false);
    return CLI_GOOD;
}
