// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "cli/client.h"

/* What all verbs of the running gateway understand; their values stand behind the verb's own.
 */
static const struct cli_option common[] = {
    {"--config", false}, {"--server", false}, {"--json", true}, {NULL, false}};

static const struct cli_option *find(const struct cli_option *options, const char *written,
                                     size_t len, size_t *ret_index)
{
    size_t i = 0;

    for (; options[i].name; i++) {
        if (wg_str_equal(wg_str(options[i].name), wg_str_of(written, len))) {
            *ret_index = i;
            return &options[i];
        }
    }
    for (size_t k = 0; common[k].name; k++) {
        if (wg_str_equal(wg_str(common[k].name), wg_str_of(written, len))) {
            *ret_index = i + k;
            return &common[k];
        }
    }
    return NULL;
}

static bool misuse(const char *verb, const char *what, const char *written, const char *usage)
{
    fprintf(stderr, "wavegate %s: '%s' %s\nusage: wavegate %s\n", verb, written, what, usage);
    return false;
}

static bool take_option(int argc, char **argv, int *at, const struct cli_option *options,
                        const char *usage, struct cli_arguments *arguments)
{
    const char *written = argv[*at];
    const char *equals = strchr(written, '=');
    size_t index = 0;
    const struct cli_option *option =
        find(options, written, equals ? (size_t)(equals - written) : strlen(written), &index);

    if (!option)
        return misuse(argv[0], "is no option here", written, usage);
    if (arguments->values[index])
        return misuse(argv[0], "is given twice", option->name, usage);
    if (option->is_flag) {
        if (equals)
            return misuse(argv[0], "takes no value", option->name, usage);
        arguments->values[index] = "";
        return true;
    }
    if (!equals && *at + 1 >= argc)
        return misuse(argv[0], "needs a value", written, usage);
    arguments->values[index] = equals ? equals + 1 : argv[++*at];
    return true;
}

bool cli_arguments_read(int argc, char **argv, const struct cli_option *options,
                        const char *usage, struct cli_arguments *ret_arguments)
{
    *ret_arguments = (struct cli_arguments){.word_count = 0};
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            if (!take_option(argc, argv, &i, options, usage, ret_arguments))
                return false;
        } else if (ret_arguments->word_count == CLI_WORDS_LIMIT) {
            return misuse(argv[0], "is one word too many", argv[i], usage);
        } else {
            ret_arguments->words[ret_arguments->word_count++] = argv[i];
        }
    }
    return true;
}

const char *cli_argument(const struct cli_arguments *arguments,
                         const struct cli_option *options, const char *name)
{
    size_t index = 0;

    return find(options, name, strlen(name), &index) ? arguments->values[index] : NULL;
}
