// SPDX-License-Identifier: Apache-2.0
#pragma once

/** The verbs of the command line: one row of a table and one file each. */

enum { CLI_GOOD = 0, CLI_REFUSED = 1, CLI_USAGE = 2 };

/** argv[0] is the verb's name. @return the exit status. */
typedef int (*cli_run)(int argc, char **argv);

struct cli_verb {
    const char *name;
    const char *usage; /**< behind the name: "--config FILE" */
    const char *help;  /**< one line */
    cli_run run;
};

/** Finds the verb and runs it; prints usage, version, and the nearest verb for one that is
 * unknown. */
int cli_main(int argc, char **argv);

int cli_serve(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_config(int argc, char **argv);
int cli_keygen(int argc, char **argv);
int cli_token(int argc, char **argv);
int cli_audit(int argc, char **argv);
int cli_peers(int argc, char **argv);
int cli_doctor(int argc, char **argv);
int cli_policy(int argc, char **argv);
int cli_queue(int argc, char **argv);
int cli_tool(int argc, char **argv);
