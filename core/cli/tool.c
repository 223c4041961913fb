// SPDX-License-Identifier: Apache-2.0
/* The functions of the tool verbs, and one call from the command line. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/tool_impl.h"

static const struct {
    const char *name;
    enum wg_code (*run)(struct tool_call *call);
} runs[] = {
    {"tool canonicalize", tool_canonicalize},
    {"tool parse-json", tool_parse_json},
    {"tool parse-field", tool_parse_field},
    {"tool signature-base", tool_signature_base},
    {"tool sign-request", tool_sign_request},
    {"tool verify-request", tool_verify_request},
    {"tool verify", tool_verify},
    {"tool sign-event", tool_sign_event},
    {"tool verify-event", tool_verify_event},
    {"tool check-name", tool_check_name},
    {"tool check-address", tool_check_address},
};

/* The same verbs are called by lines of --batch, whose members are the options: what they are
 * is taken from the one table. */
static void load_verb(const struct cli_usage *usage, struct tool_verb *ret_verb)
{
    const struct cli_usage *row = usage;
    size_t count = 0;

    *ret_verb = (struct tool_verb){.usage = usage};
    for (size_t i = 0; i < WG_COUNT(runs); i++) {
        if (strcmp(runs[i].name, usage->name) == 0)
            ret_verb->run = runs[i].run;
    }
    while ((row = cli_usage_next(row)) != NULL && count < TOOL_OPTIONS_LIMIT) {
        if (row->row == CLI_ROW_WORD)
            ret_verb->argument = row->name;
        if (row->row != CLI_ROW_OPTION || row->occurs == CLI_INSTEAD)
            continue;
        ret_verb->options[count++] =
            (struct tool_option){row->name + 2, row->occurs == CLI_MUST      ? TOOL_NEEDED
                                                : row->occurs == CLI_SOME    ? TOOL_MANY
                                                : row->kind == CLI_KIND_NONE ? TOOL_FLAG
                                                                             : TOOL_OPTIONAL};
    }
}

/** One line, whatever bytes the input put into the reason. */
static void print_reason(const struct tool_verb *verb, const struct wg_err *err)
{
    fprintf(stderr, "wavegate %s: ", verb->usage->name);
    for (const char *at = err->text; *at; at++)
        fputc((unsigned char)*at < ' ' || *at == 0x7f ? '?' : *at, stderr);
    fputc('\n', stderr);
}

static enum wg_code take_arguments(struct tool_call *call, const struct tool_verb *verb,
                                   const struct cli_arguments *arguments)
{
    for (size_t i = 0; i < arguments->given_count; i++) {
        const struct cli_usage *row = arguments->given[i].option;
        const struct tool_option *option;

        if (tool_find_option(call, verb, wg_str(row->name + 2), &option) != WG_OK ||
            tool_add_value(call, option,
                           row->kind == CLI_KIND_NONE
                               ? WG_STR("true")
                               : wg_str(arguments->given[i].value)) != WG_OK)
            return call->err->code;
    }
    if (verb->argument)
        call->input = wg_str(arguments->words[arguments->word_count - 1]);
    return WG_OK;
}

static enum wg_code read_input(struct wg_buf *input, struct wg_err *err)
{
    for (;;) {
        char piece[65536];
        ssize_t len = read(STDIN_FILENO, piece, sizeof piece);

        if (len < 0)
            return wg_fail(err, WG_IO, "standard input cannot be read");
        if (len == 0)
            return WG_OK;
        wg_buf_add(input, piece, (size_t)len);
        if (wg_buf_status(input, err) != WG_OK)
            return wg_while(err, "standard input");
    }
}

static enum wg_code call_once(struct tool_call *call, const struct tool_verb *verb,
                              struct wg_buf *input, const struct cli_arguments *arguments)
{
    if (take_arguments(call, verb, arguments) != WG_OK)
        return call->err->code;
    if (!verb->argument) {
        if (read_input(input, call->err) != WG_OK)
            return call->err->code;
        call->input = wg_buf_str(input);
    }
    return tool_run(call, verb);
}

static int run_once(const struct tool_verb *verb, const struct cli_arguments *arguments)
{
    struct wg_err err = {0};
    struct wg_arena arena;
    struct wg_buf input, out;
    struct tool_call call = {.arena = &arena, .out = &out, .err = &err};
    enum wg_code code;

    wg_arena_init(&arena);
    wg_buf_init(&input, TOOL_INPUT_LIMIT_BYTES);
    wg_buf_init(&out, TOOL_OUTPUT_LIMIT_BYTES);
    code = call_once(&call, verb, &input, arguments);
    if (fwrite(wg_buf_str(&out).at, 1, out.len, stdout) != out.len || fflush(stdout) != 0)
        code = wg_fail(&err, WG_IO, "standard output cannot be written");
    if (call.is_misused)
        cli_misuse(verb->usage, "%s", err.text);
    else if (code != WG_OK)
        print_reason(verb, &err);
    wg_buf_done(&input);
    wg_buf_done(&out);
    wg_arena_done(&arena);
    return code == WG_OK ? CLI_GOOD : call.is_misused ? CLI_USAGE : CLI_REFUSED;
}

int cli_tool(const struct cli_arguments *arguments)
{
    struct tool_verb verb;
    struct wg_err err;

    load_verb(arguments->verb, &verb);
    if (wg_crypto_start(&err) != WG_OK) {
        print_reason(&verb, &err);
        return CLI_REFUSED;
    }
    if (cli_argument(arguments, "--batch"))
        return tool_batch(&verb);
    return run_once(&verb, arguments);
}
