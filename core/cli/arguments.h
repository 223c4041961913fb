// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

#include "cli/usage.h"

/** A verb's arguments, read and checked as usage.def declares them. */

enum { CLI_GIVEN_LIMIT = 64 };

struct cli_arguments {
    const struct cli_usage *verb; /**< its row: the deepest, "queue list" */
    /** What is no option, in order, with the names of sub-verbs: "list". */
    char **words;
    size_t word_count;
    struct {
        const struct cli_usage *option;
        const char *value; /**< "" for a flag */
    } given[CLI_GIVEN_LIMIT];
    size_t given_count;
};

/** argv[0] is the verb's name, and that of a verb; argv is put in another order. Prints what is
 * wrong, or the help that was asked for.
 *
 * @return false when there is nothing to run: ret_status is the exit status then. */
bool cli_arguments_read(int argc, char **argv, struct cli_arguments *ret_arguments,
                        int *ret_status);
/** The value of "--peer", "" for a flag; NULL when it was not given. */
const char *cli_argument(const struct cli_arguments *arguments, const char *name);
/** Each value of an option that may come often: begin with *cursor = 0. NULL after the last. */
const char *cli_argument_next(const struct cli_arguments *arguments, const char *name,
                              size_t *cursor);
/** "queue" of "queue list": what messages begin with. */
struct wg_str cli_verb_name(const struct cli_arguments *arguments);

/** "90s", "15m", "2h", "7d", "1w", "250ms", or a number of seconds. */
bool cli_duration(const char *text, int64_t *ret_ms);
/** Such a duration before now, "2026-05-16", "2026-05-16T12:31:07Z", or Unix seconds, which
 * have nine digits and more. ret_ms: since 1970. */
bool cli_moment(const char *text, int64_t *ret_ms);
/** The value of a DURATION or NUMBER option, which is known to be one; otherwise when it was
 * not given. */
int64_t cli_argument_duration_ms(const struct cli_arguments *arguments, const char *name,
                                 int64_t otherwise);
int64_t cli_argument_number(const struct cli_arguments *arguments, const char *name,
                            int64_t otherwise);
