// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Arguments of a verb, as a table: "--name VALUE", "--name=VALUE" or "--flag", and words
 * beside them. */

enum { CLI_WORDS_LIMIT = 8 };

struct cli_option {
    const char *name;   /**< "--peer"; NULL ends the table */
    const char **value; /**< where its value goes; NULL: a flag */
    bool *flag;
};

struct cli_words {
    const char *at[CLI_WORDS_LIMIT];
    size_t count;
};

/** argv[0] is the verb's name, for messages. Prints what is wrong, with the nearest right name.
 * @return false for wrong usage. */
bool cli_options_read(int argc, char **argv, const struct cli_option *options,
                      struct cli_words *ret_words);
/** "90s", "15m", "2h", "7d" or a number of seconds, as milliseconds; prints what is wrong. */
bool cli_duration(const char *option, const char *text, int64_t *ret_ms);
