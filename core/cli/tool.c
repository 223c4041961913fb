// SPDX-License-Identifier: Apache-2.0
/* The table of tool verbs, and one call from the command line. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/tool_impl.h"

#define SCHEME                                \
    {                                         \
        "scheme", TOOL_OPTIONAL, "https|http" \
    }

static const struct tool_verb verbs[] = {
    {"canonicalize", NULL, "JSON to its canonical form (RFC 8785)", {{0}}, tool_canonicalize},
    {"parse-json", NULL, "is it JSON as strict as the protocol wants", {{0}}, tool_parse_json},
    {"parse-field",
     NULL,
     "a structured field (RFC 9651), written again canonically",
     {{"type", TOOL_NEEDED, "item|list|dictionary"}},
     tool_parse_field},
    {"signature-base",
     NULL,
     "the signature base (RFC 9421) of a raw HTTP/1.1 request, or one line of it",
     {{"component", TOOL_OPTIONAL, "'\"@path\"'"}, {"label", TOOL_OPTIONAL, "L"}, SCHEME},
     tool_signature_base},
    {"sign-request",
     NULL,
     "a raw HTTP/1.1 request, signed",
     {{"key-file", TOOL_NEEDED, "F"},
      {"server-name", TOOL_NEEDED, "N"},
      {"label", TOOL_OPTIONAL, "L"},
      {"cover", TOOL_OPTIONAL, "'\"@method\" ...'"},
      {"created", TOOL_OPTIONAL, "T"},
      {"nonce", TOOL_OPTIONAL, "X"},
      SCHEME},
     tool_sign_request},
    {"verify-request",
     NULL,
     "is a raw HTTP/1.1 request signed as the profile wants, or with --rfc as RFC 9421 does",
     {{"key", TOOL_MANY, "KEYID=ed25519:BASE64"},
      {"now", TOOL_OPTIONAL, "T"},
      {"rfc", TOOL_FLAG, NULL},
      {"label", TOOL_OPTIONAL, "L"},
      SCHEME},
     tool_verify_request},
    {"verify",
     NULL,
     "is the Ed25519 signature of a message good",
     {{"public-key", TOOL_NEEDED, "HEX"}, {"signature", TOOL_NEEDED, "HEX"}},
     tool_verify},
    {"sign-event",
     NULL,
     "an event, signed, in canonical form",
     {{"key-file", TOOL_NEEDED, "F"}, {"server-name", TOOL_NEEDED, "N"}},
     tool_sign_event},
    {"verify-event",
     NULL,
     "is an event signed by its origin",
     {{"key", TOOL_MANY, "KEYID=ed25519:BASE64"}},
     tool_verify_event},
    {"check-name",
     "NAME",
     "is it a server name; its host and port",
     {{"allow-ip-literal", TOOL_FLAG, NULL}},
     tool_check_name},
    {"check-address", "IP", "its class, and may we connect to it", {{0}}, tool_check_address},
};

static void print_verb(FILE *to, const struct tool_verb *verb)
{
    fprintf(to, "  wavegate tool %s", verb->name);
    for (size_t i = 0; i < TOOL_OPTIONS_LIMIT && verb->options[i].name; i++) {
        const struct tool_option *option = &verb->options[i];
        bool is_needed = option->kind == TOOL_NEEDED || option->kind == TOOL_MANY;

        fprintf(to, " %s--%s%s%s%s", is_needed ? "" : "[", option->name,
                option->value ? " " : "", option->value ? option->value : "",
                is_needed ? "" : "]");
    }
    fprintf(to, "%s%s\n      %s\n", verb->argument ? " " : "",
            verb->argument ? verb->argument : "", verb->help);
}

static void print_usage(FILE *to)
{
    for (size_t i = 0; i < WG_COUNT(verbs); i++)
        print_verb(to, &verbs[i]);
    fprintf(to,
            "\nBytes in on standard input, the result on standard output. Exit status: 0 good, "
            "1 refused,\nwith the reason on standard error, 2 wrong usage. With --batch: one "
            "JSON object a line in,\n{\"id\": ..., \"in_b64\": ..., options as members}, one a "
            "line out, {\"id\", \"ok\", \"out_b64\" or\n\"reason\"}.\n");
}

/** One line, whatever bytes the input put into the reason. */
static void print_reason(const struct tool_verb *verb, const struct wg_err *err)
{
    fprintf(stderr, "wavegate tool %s: ", verb->name);
    for (const char *at = err->text; *at; at++)
        fputc((unsigned char)*at < ' ' || *at == 0x7f ? '?' : *at, stderr);
    fputc('\n', stderr);
}

/** The value of an option: behind its '=', or the next argument. */
static enum wg_code read_option(struct tool_call *call, const struct tool_verb *verb, int argc,
                                char **argv, int *at)
{
    struct wg_str name = wg_str(argv[*at] + 2), value = name;
    const struct tool_option *option;
    bool has_value = wg_str_find(name, '=') < name.len;

    name = wg_str_split(&value, '=');
    if (tool_find_option(call, verb, name, &option) != WG_OK)
        return call->err->code;
    if (option->kind == TOOL_FLAG) {
        if (has_value)
            return tool_misuse(call, "--%s takes no value", option->name);
        value = WG_STR("true");
    } else if (!has_value) {
        if (*at + 1 >= argc)
            return tool_misuse(call, "--%s needs its value", option->name);
        value = wg_str(argv[++*at]);
    }
    return tool_add_value(call, option, value);
}

static enum wg_code read_arguments(struct tool_call *call, const struct tool_verb *verb,
                                   int argc, char **argv)
{
    bool has_argument = false;

    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-' && argv[i][1] == '-' && argv[i][2] != '\0') {
            if (read_option(call, verb, argc, argv, &i) != WG_OK)
                return call->err->code;
        } else if (!verb->argument || has_argument) {
            return tool_misuse(call, "what is '%s'", argv[i]);
        } else {
            call->input = wg_str(argv[i]);
            has_argument = true;
        }
    }
    if (verb->argument && !has_argument)
        return tool_misuse(call, "%s is missing", verb->argument);
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
                              struct wg_buf *input, int argc, char **argv)
{
    if (read_arguments(call, verb, argc, argv) != WG_OK)
        return call->err->code;
    if (!verb->argument) {
        if (read_input(input, call->err) != WG_OK)
            return call->err->code;
        call->input = wg_buf_str(input);
    }
    return tool_run(call, verb);
}

static int run_once(const struct tool_verb *verb, int argc, char **argv)
{
    struct wg_err err = {0};
    struct wg_arena arena;
    struct wg_buf input, out;
    struct tool_call call = {.arena = &arena, .out = &out, .err = &err};
    enum wg_code code;

    wg_arena_init(&arena);
    wg_buf_init(&input, TOOL_INPUT_LIMIT_BYTES);
    wg_buf_init(&out, TOOL_OUTPUT_LIMIT_BYTES);
    code = call_once(&call, verb, &input, argc, argv);
    if (fwrite(wg_buf_str(&out).at, 1, out.len, stdout) != out.len || fflush(stdout) != 0)
        code = wg_fail(&err, WG_IO, "standard output cannot be written");
    if (code != WG_OK)
        print_reason(verb, &err);
    if (call.is_misused)
        print_verb(stderr, verb);
    wg_buf_done(&input);
    wg_buf_done(&out);
    wg_arena_done(&arena);
    return code == WG_OK ? CLI_GOOD : call.is_misused ? CLI_USAGE : CLI_REFUSED;
}

static int unknown(const char *name)
{
    const char *names[WG_COUNT(verbs) + 1] = {NULL};
    const char *nearest;

    for (size_t i = 0; i < WG_COUNT(verbs); i++)
        names[i] = verbs[i].name;
    nearest = wg_str_nearest(wg_str(name), names);
    fprintf(stderr, "wavegate tool: there is no verb '%s'", name);
    if (nearest)
        fprintf(stderr, ", did you mean '%s'?", nearest);
    fprintf(stderr, "\n`wavegate tool help` lists them all.\n");
    return CLI_USAGE;
}

static int run_verb(const struct tool_verb *verb, int argc, char **argv)
{
    struct wg_err err;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_verb(stdout, verb);
        return CLI_GOOD;
    }
    if (wg_crypto_start(&err) != WG_OK) {
        print_reason(verb, &err);
        return CLI_REFUSED;
    }
    if (argc == 2 && strcmp(argv[1], "--batch") == 0)
        return tool_batch(verb);
    return run_once(verb, argc, argv);
}

int cli_tool(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) {
        print_usage(stdout);
        return CLI_GOOD;
    }
    for (size_t i = 0; i < WG_COUNT(verbs); i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            return run_verb(&verbs[i], argc - 1, argv + 1);
    return unknown(argv[1]);
}
