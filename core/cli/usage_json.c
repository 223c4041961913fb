// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>

#include "cli/usage.h"
#include "cli/usage_json.h"

/* `wavegate help --json`: the table of the command line for programs. */

static const char *const kinds[] = {
    [CLI_KIND_NONE] = "none",     [CLI_KIND_TEXT] = "text",
    [CLI_KIND_FILE] = "file",     [CLI_KIND_FOLDER] = "folder",
    [CLI_KIND_NUMBER] = "number", [CLI_KIND_DURATION] = "duration",
    [CLI_KIND_MOMENT] = "moment", [CLI_KIND_CHOICE] = "choice",
    [CLI_KIND_PEER] = "peer",     [CLI_KIND_SERVER] = "server",
    [CLI_KIND_ROOM] = "room",     [CLI_KIND_EVENT] = "event",
    [CLI_KIND_TOKEN] = "token",   [CLI_KIND_HOOK] = "hook",
    [CLI_KIND_CODE] = "code",     [CLI_KIND_VERB] = "verb",
};

static const char *const occurrences[] = {[CLI_MAY] = "once or not",
                                          [CLI_MUST] = "once",
                                          [CLI_ANY] = "any number",
                                          [CLI_SOME] = "once or more",
                                          [CLI_INSTEAD] = "instead of all else"};

const char *cli_kind_name(enum cli_kind kind)
{
    return kinds[kind];
}

static json_t *parameters(const struct cli_usage *verb, enum cli_row sort)
{
    json_t *list = json_array();
    const struct cli_usage *row = verb;

    while ((row = cli_usage_next_of(row, sort)) != NULL)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:s?, s:s}", "name", row->name, "kind",
                                        kinds[row->kind], "occurs", occurrences[row->occurs],
                                        "metavar", row->metavar, "help", row->help));
    return list;
}

static json_t *texts(const struct cli_usage *verb)
{
    json_t *list = json_array();
    const struct cli_usage *row = verb;

    while ((row = cli_usage_next_of(row, CLI_ROW_TEXT)) != NULL)
        json_array_append_new(list, json_string(row->help));
    return list;
}

static json_t *examples(const struct cli_usage *verb)
{
    json_t *list = json_array();
    const struct cli_usage *row = verb;

    while ((row = cli_usage_next_of(row, CLI_ROW_EXAMPLE)) != NULL)
        json_array_append_new(list,
                              json_pack("{s:s, s:s}", "command", row->name, "help", row->help));
    return list;
}

json_t *cli_usage_json(void)
{
    json_t *verbs = json_array();

    for (const struct cli_usage *row = cli_usage; row->name; row++) {
        if (!cli_usage_is_verb(row))
            continue;
        json_array_append_new(
            verbs, json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:o}", "verb", row->name, "help",
                             row->help, "wants_sub_verb", row->row == CLI_ROW_GROUP, "text",
                             texts(row), "words", parameters(row, CLI_ROW_WORD), "options",
                             parameters(row, CLI_ROW_OPTION), "examples", examples(row)));
    }
    return json_pack("{s:s, s:o}", "version", WAVEGATE_VERSION, "verbs", verbs);
}
