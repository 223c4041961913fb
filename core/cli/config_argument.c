// SPDX-License-Identifier: Apache-2.0
#include "cli/config_argument.h"

#include <stdio.h>
#include <stdlib.h>

const char *cli_config_file(void)
{
    const char *file = getenv("WAVEGATE_CONFIG");

    return file && *file ? file : "wavegate.lua";
}

const char *cli_config_argument(const struct cli_arguments *arguments)
{
    const char *file = cli_argument(arguments, "--config");

    return file && *file ? file : cli_config_file();
}

void cli_print_problem(void *owner, const char *text)
{
    (void)owner;
    fprintf(stderr, "%s\n", text);
}
