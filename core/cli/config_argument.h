// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>

/** What verbs that need the configuration share. */

/** Reads `--config FILE` (or $WAVEGATE_CONFIG, or wavegate.lua here) as the only argument of a
 * verb. Prints what is wrong. @return false for wrong usage. */
bool cli_config_argument(int argc, char **argv, const char **ret_file);
/** $WAVEGATE_CONFIG, or wavegate.lua here. */
const char *cli_config_file(void);
/** For wg_config_load()'s on_problem: one line on standard error. */
void cli_print_problem(void *owner, const char *text);
