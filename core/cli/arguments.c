// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/macros.h"

struct reading {
    int argc, at;
    char **argv;
    const struct cli_usage *top; /**< of argv[0] */
    struct cli_arguments *arguments;
};

static bool is_option(const char *argument)
{
    return argument[0] == '-' && argument[1] != '\0';
}

static struct wg_str name_of(const char *argument)
{
    return wg_str_of(argument, strcspn(argument, "="));
}

/* The option of any verb below top: which one is meant is not known before all words are. */
static const struct cli_usage *any_option(const struct cli_usage *top, struct wg_str name)
{
    size_t len = strlen(top->name);

    for (const struct cli_usage *row = top; row->name; row++) {
        const struct cli_usage *option;

        if (!cli_usage_is_verb(row))
            continue;
        if (strncmp(row->name, top->name, len) != 0 ||
            (row->name[len] && row->name[len] != ' '))
            continue;
        option = cli_usage_option(row, name);
        if (option)
            return option;
    }
    return NULL;
}

/* The first walk: which verb this is, and whether its help is asked for. */
static const struct cli_usage *find_verb(const struct reading *reading, bool *ret_wants_help)
{
    const struct cli_usage *verb = reading->top;
    const struct cli_usage *child;
    bool is_open = true;

    *ret_wants_help = false;
    for (int i = 1; i < reading->argc && strcmp(reading->argv[i], "--") != 0; i++) {
        const char *argument = reading->argv[i];
        const struct cli_usage *option;

        if (!is_option(argument)) {
            child = is_open ? cli_usage_child(verb, argument) : NULL;
            *ret_wants_help |= !child && is_open && verb->row == CLI_ROW_GROUP &&
                               strcmp(argument, "help") == 0;
            is_open = child != NULL;
            verb = child ? child : verb;
            continue;
        }
        *ret_wants_help |= strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
        option = any_option(reading->top, name_of(argument));
        if (option && option->kind != CLI_KIND_NONE && !strchr(argument, '='))
            i++;
    }
    return verb;
}

static bool is_choice(const char *choices, const char *value)
{
    struct wg_str rest = wg_str(choices);

    while (rest.len > 0) {
        if (wg_str_equal(wg_str_split(&rest, '|'), wg_str(value)))
            return true;
    }
    return false;
}

/* "a, b or c" of "a|b|c". */
static void write_choices(const char *choices, char *text, size_t size)
{
    struct wg_str rest = wg_str(choices);
    size_t len = 0;

    while (rest.len > 0 && len < size) {
        struct wg_str choice = wg_str_split(&rest, '|');

        len += (size_t)snprintf(text + len, size - len, "%s%.*s",
                                len == 0        ? ""
                                : rest.len == 0 ? " or "
                                                : ", ",
                                WG_STR_F(choice));
    }
}

/* NULL when the value is of the kind that its row says. */
static const char *fault_of(const struct cli_usage *row, const char *value, char *text,
                            size_t size)
{
    int64_t ms;
    uint64_t number;

    switch (row->kind) {
    case CLI_KIND_NUMBER:
        return wg_str_to_uint(wg_str(value), INT64_MAX, &number) ? NULL : "a whole number";
    case CLI_KIND_DURATION:
        return cli_duration(value, &ms) ? NULL : "a duration like 90s, 15m, 2h or 7d";
    case CLI_KIND_MOMENT:
        return cli_moment(value, &ms) ? NULL
                                      : "a span before now like 90s, 1h or 7d, a time like "
                                        "2026-05-16T12:31:07Z, or "
                                        "Unix seconds";
    case CLI_KIND_CHOICE:
        write_choices(row->metavar, text, size);
        return is_choice(row->metavar, value) ? NULL : text;
    default:
        return NULL;
    }
}

static bool misuse_option(const struct cli_usage *verb, const char *written)
{
    const char *names[CLI_CHILDREN_LIMIT + 1] = {NULL};
    struct wg_str name = name_of(written);
    const struct cli_usage *row = verb;
    const char *nearest;
    size_t count = 0;

    while ((row = cli_usage_next_of(row, CLI_ROW_OPTION)) != NULL && count < CLI_CHILDREN_LIMIT)
        names[count++] = row->name;
    nearest = wg_str_nearest(name, names);
    cli_misuse(verb, "'%.*s' is no option here%s%s%s", WG_STR_F(name),
               nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    return false;
}

static bool take_option(struct reading *reading)
{
    struct cli_arguments *arguments = reading->arguments;
    const char *written = reading->argv[reading->at];
    const char *value = strchr(written, '=');
    const struct cli_usage *option = cli_usage_option(arguments->verb, name_of(written));
    const char *fault;
    char text[256];

    if (!option)
        return misuse_option(arguments->verb, written);
    if ((option->occurs != CLI_SOME && cli_argument(arguments, option->name)) ||
        arguments->given_count == CLI_GIVEN_LIMIT)
        return cli_misuse(arguments->verb, "'%s' is given twice", option->name) == CLI_GOOD;
    if (option->kind == CLI_KIND_NONE) {
        if (value)
            return cli_misuse(arguments->verb, "'%s' takes no value", option->name) == CLI_GOOD;
        value = "";
    } else if (value) {
        value++;
    } else if (reading->at + 1 < reading->argc) {
        value = reading->argv[++reading->at];
    } else {
        return cli_misuse(arguments->verb, "'%s' needs its value, %s", option->name,
                          option->metavar) == CLI_GOOD;
    }
    fault = fault_of(option, value, text, sizeof text);
    if (fault)
        return cli_misuse(arguments->verb, "%s: '%s' is not %s", option->name, value, fault) ==
               CLI_GOOD;
    arguments->given[arguments->given_count].option = option;
    arguments->given[arguments->given_count++].value = value;
    return true;
}

static bool take_all(struct reading *reading)
{
    struct cli_arguments *arguments = reading->arguments;
    bool is_end = false;

    for (reading->at = 1; reading->at < reading->argc; reading->at++) {
        char *argument = reading->argv[reading->at];

        if (!is_end && strcmp(argument, "--") == 0)
            is_end = true;
        else if (is_end || !is_option(argument))
            arguments->words[arguments->word_count++] = argument;
        else if (!take_option(reading))
            return false;
    }
    return true;
}

static bool is_given_instead(const struct cli_arguments *arguments)
{
    for (size_t i = 0; i < arguments->given_count; i++) {
        if (arguments->given[i].option->occurs == CLI_INSTEAD)
            return true;
    }
    return false;
}

static int check_words(const struct cli_arguments *arguments)
{
    const struct cli_usage *verb = arguments->verb;
    const struct cli_usage *word = verb;
    size_t at = 0;

    for (const char *c = verb->name; *c; c++)
        at += *c == ' ';
    while ((word = cli_usage_next_of(word, CLI_ROW_WORD)) != NULL) {
        if (word->occurs == CLI_ANY)
            return CLI_GOOD;
        if (at == arguments->word_count && word->occurs == CLI_MUST)
            return cli_misuse(verb, "%s is missing: %s", word->name, word->help);
        at += at < arguments->word_count;
    }
    if (at == arguments->word_count)
        return CLI_GOOD;
    if (cli_usage_below(verb->name, NULL))
        return cli_misuse_unknown(verb, arguments->words[at]);
    return cli_misuse(verb, "'%s' is one word too many", arguments->words[at]);
}

static int check(const struct cli_arguments *arguments)
{
    const struct cli_usage *verb = arguments->verb;
    const struct cli_usage *row = verb;

    if (verb->row == CLI_ROW_GROUP) {
        size_t depth = 0;

        for (const char *c = verb->name; *c; c++)
            depth += *c == ' ';
        if (depth < arguments->word_count)
            return cli_misuse_unknown(verb, arguments->words[depth]);
        cli_usage_print_help(verb, true);
        return CLI_USAGE;
    }
    if (is_given_instead(arguments))
        return CLI_GOOD;
    while ((row = cli_usage_next_of(row, CLI_ROW_OPTION)) != NULL) {
        if ((row->occurs == CLI_MUST || row->occurs == CLI_SOME) &&
            !cli_argument(arguments, row->name))
            return cli_misuse(verb, "'%s' is missing: %s", row->name, row->help);
    }
    return check_words(arguments);
}

bool cli_arguments_read(int argc, char **argv, struct cli_arguments *ret_arguments,
                        int *ret_status)
{
    struct reading reading = {
        .argc = argc, .argv = argv, .top = cli_usage_find(argv[0]), .arguments = ret_arguments};
    bool wants_help;

    /* Words are moved to the front: never past what is still to be read. */
    *ret_arguments = (struct cli_arguments){.words = argv + 1};
    ret_arguments->verb = find_verb(&reading, &wants_help);
    if (wants_help) {
        cli_usage_print_help(ret_arguments->verb, false);
        *ret_status = CLI_GOOD;
        return false;
    }
    *ret_status = take_all(&reading) ? check(ret_arguments) : CLI_USAGE;
    return *ret_status == CLI_GOOD;
}

const char *cli_argument(const struct cli_arguments *arguments, const char *name)
{
    size_t cursor = 0;

    return cli_argument_next(arguments, name, &cursor);
}

const char *cli_argument_next(const struct cli_arguments *arguments, const char *name,
                              size_t *cursor)
{
    while (*cursor < arguments->given_count) {
        size_t i = (*cursor)++;

        if (strcmp(arguments->given[i].option->name, name) == 0)
            return arguments->given[i].value;
    }
    return NULL;
}

struct wg_str cli_verb_name(const struct cli_arguments *arguments)
{
    return wg_str_of(arguments->verb->name, strcspn(arguments->verb->name, " "));
}

/* ---- values ---- */

bool cli_duration(const char *text, int64_t *ret_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"", 1000},
                 {"ms", 1},
                 {"s", 1000},
                 {"m", 60 * 1000},
                 {"h", 3600 * 1000},
                 {"d", 86400 * 1000},
                 {"w", 7 * 86400 * 1000}};
    size_t digits = strspn(text, "0123456789");
    uint64_t count;

    for (size_t i = 0; i < WG_COUNT(units); i++) {
        if (strcmp(text + digits, units[i].unit) == 0 &&
            wg_str_to_uint(wg_str_of(text, digits), INT32_MAX, &count)) {
            *ret_ms = (int64_t)count * units[i].ms;
            return true;
        }
    }
    return false;
}

static bool read_date(const char *text, int64_t *ret_ms)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d"};

    for (size_t i = 0; i < WG_COUNT(forms); i++) {
        struct tm parts = {0};
        const char *rest = strptime(text, forms[i], &parts);

        if (rest && *rest == '\0') {
            *ret_ms = (int64_t)timegm(&parts) * 1000;
            return true;
        }
    }
    return false;
}

bool cli_moment(const char *text, int64_t *ret_ms)
{
    const uint64_t earliest_s = 100000000; /* 1973: less is a span */
    uint64_t seconds;
    int64_t span_ms;

    if (wg_str_to_uint(wg_str(text), INT64_MAX / 1000, &seconds) && seconds >= earliest_s) {
        *ret_ms = (int64_t)seconds * 1000;
        return true;
    }
    if (read_date(text, ret_ms))
        return true;
    if (!cli_duration(text, &span_ms))
        return false;
    *ret_ms = wg_clock_wall_ms(wg_clock_system()) - span_ms;
    return true;
}

int64_t cli_argument_duration_ms(const struct cli_arguments *arguments, const char *name,
                                 int64_t otherwise)
{
    const char *text = cli_argument(arguments, name);

    if (text)
        (void)cli_duration(text, &otherwise);
    return otherwise;
}

int64_t cli_argument_number(const struct cli_arguments *arguments, const char *name,
                            int64_t otherwise)
{
    const char *text = cli_argument(arguments, name);
    uint64_t number;

    return text && wg_str_to_uint(wg_str(text), INT64_MAX, &number) ? (int64_t)number
                                                                    : otherwise;
}
