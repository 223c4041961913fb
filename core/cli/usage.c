// SPDX-License-Identifier: Apache-2.0
#include "cli/usage.h"

#include <string.h>

#include "cli/cli.h"

#define GROUP(name, run, help) {CLI_ROW_GROUP, name, CLI_KIND_NONE, CLI_MAY, NULL, help, run},
#define VERB(name, run, help) {CLI_ROW_VERB, name, CLI_KIND_NONE, CLI_MAY, NULL, help, run},
#define SUB(name, help) {CLI_ROW_SUB, name, CLI_KIND_NONE, CLI_MAY, NULL, help, NULL},
#define TEXT(text) {CLI_ROW_TEXT, "", CLI_KIND_NONE, CLI_MAY, NULL, text, NULL},
#define EXAMPLE(command, help) \
    {CLI_ROW_EXAMPLE, command, CLI_KIND_NONE, CLI_MAY, NULL, help, NULL},
#define ROW(row, kind, occurs, name, metavar, help) \
    {CLI_ROW_##row, name, CLI_KIND_##kind, CLI_##occurs, metavar, help, NULL},
#define OPTION(kind, name, metavar, help) ROW(OPTION, kind, MAY, name, metavar, help)
#define NEEDED(kind, name, metavar, help) ROW(OPTION, kind, MUST, name, metavar, help)
#define MANY(kind, name, metavar, help) ROW(OPTION, kind, SOME, name, metavar, help)
#define FLAG(name, help) ROW(OPTION, NONE, MAY, name, NULL, help)
#define INSTEAD(name, help) ROW(OPTION, NONE, INSTEAD, name, NULL, help)
#define WORD(kind, name, help) ROW(WORD, kind, MUST, name, NULL, help)
#define MAYBE_WORD(kind, name, help) ROW(WORD, kind, MAY, name, NULL, help)
#define WORDS(kind, name, help) ROW(WORD, kind, ANY, name, NULL, help)

const struct cli_usage cli_usage[] = {
#include "cli/usage.def"
    {CLI_ROW_TEXT, NULL, CLI_KIND_NONE, CLI_MAY, NULL, NULL, NULL}};

bool cli_usage_is_verb(const struct cli_usage *row)
{
    return row->row == CLI_ROW_GROUP || row->row == CLI_ROW_VERB || row->row == CLI_ROW_SUB;
}

const struct cli_usage *cli_usage_find(const char *path)
{
    for (const struct cli_usage *row = cli_usage; row->name; row++) {
        if (cli_usage_is_verb(row) && strcmp(row->name, path) == 0)
            return row;
    }
    return NULL;
}

const struct cli_usage *cli_usage_next(const struct cli_usage *row)
{
    row++;
    return row->name && !cli_usage_is_verb(row) ? row : NULL;
}

const struct cli_usage *cli_usage_next_of(const struct cli_usage *row, enum cli_row sort)
{
    do
        row = cli_usage_next(row);
    while (row && row->row != sort);
    return row;
}

static bool is_right_below(const char *path, const char *name)
{
    size_t len = strlen(path);

    if (len == 0)
        return strchr(name, ' ') == NULL;
    return strncmp(name, path, len) == 0 && name[len] == ' ' && !strchr(name + len + 1, ' ');
}

const struct cli_usage *cli_usage_below(const char *path, const struct cli_usage *row)
{
    for (row = row ? row + 1 : cli_usage; row->name; row++) {
        if (cli_usage_is_verb(row) && is_right_below(path, row->name))
            return row;
    }
    return NULL;
}

const struct cli_usage *cli_usage_option(const struct cli_usage *verb, struct wg_str name)
{
    const struct cli_usage *row = verb;

    while ((row = cli_usage_next_of(row, CLI_ROW_OPTION)) != NULL) {
        if (wg_str_equal(wg_str(row->name), name))
            return row;
    }
    return NULL;
}

static const char *last_name(const struct cli_usage *row)
{
    const char *space = strrchr(row->name, ' ');

    return space ? space + 1 : row->name;
}

const struct cli_usage *cli_usage_child(const struct cli_usage *verb, const char *name)
{
    const struct cli_usage *row = NULL;

    while ((row = cli_usage_below(verb ? verb->name : "", row)) != NULL) {
        if (strcmp(last_name(row), name) == 0)
            return row;
    }
    return NULL;
}

const char *cli_usage_nearest_child(const struct cli_usage *verb, const char *written)
{
    const char *names[CLI_CHILDREN_LIMIT + 1] = {NULL};
    const struct cli_usage *row = NULL;
    size_t count = 0;

    while ((row = cli_usage_below(verb ? verb->name : "", row)) != NULL &&
           count < CLI_CHILDREN_LIMIT)
        names[count++] = last_name(row);
    return wg_str_nearest(wg_str(written), names);
}
