// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/arguments.h"

/** What verbs that need the configuration share. */

/** The value of --config, or $WAVEGATE_CONFIG, or wavegate.lua here. */
const char *cli_config_argument(const struct cli_arguments *arguments);
/** $WAVEGATE_CONFIG, or wavegate.lua here. */
const char *cli_config_file(void);
/** For wg_config_load()'s on_problem: one line on standard error. */
void cli_print_problem(void *owner, const char *text);
