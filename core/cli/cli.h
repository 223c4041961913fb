// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/arguments.h"

/** The verbs of the command line: rows of usage.def, and one file each. */

/** Reads the arguments as usage.def wants them and runs the verb; prints help and version, and
 * the nearest name of what is unknown. */
int cli_main(int argc, char **argv);

int cli_serve(const struct cli_arguments *arguments);
int cli_check(const struct cli_arguments *arguments);
int cli_config(const struct cli_arguments *arguments);
int cli_keygen(const struct cli_arguments *arguments);
int cli_key(const struct cli_arguments *arguments);
int cli_token(const struct cli_arguments *arguments);
int cli_audit(const struct cli_arguments *arguments);
int cli_log(const struct cli_arguments *arguments);
int cli_lists(const struct cli_arguments *arguments);
int cli_limits(const struct cli_arguments *arguments);
int cli_peers(const struct cli_arguments *arguments);
int cli_top(const struct cli_arguments *arguments);
int cli_doctor(const struct cli_arguments *arguments);
int cli_why(const struct cli_arguments *arguments);
int cli_policy(const struct cli_arguments *arguments);
int cli_queue(const struct cli_arguments *arguments);
int cli_tool(const struct cli_arguments *arguments);
int cli_completion(const struct cli_arguments *arguments);
int cli_help(const struct cli_arguments *arguments);
int cli_version(const struct cli_arguments *arguments);
