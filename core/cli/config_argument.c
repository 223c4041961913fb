// SPDX-License-Identifier: Apache-2.0
#include "cli/config_argument.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cli_config_file(void)
{
    const char *file = getenv("WAVEGATE_CONFIG");

    return file && *file ? file : "wavegate.lua";
}

bool cli_config_argument(int argc, char **argv, const char **ret_file)
{
    const char *file = NULL;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
            file = argv[++i];
        } else if (strncmp(argv[i], "--config=", 9) == 0) {
            file = argv[i] + 9;
        } else {
            fprintf(stderr,
                    "wavegate %s: '%s' is not understood\nusage: wavegate %s --config FILE\n",
                    argv[0], argv[i], argv[0]);
            return false;
        }
    }
    *ret_file = file && *file ? file : cli_config_file();
    return true;
}

void cli_print_problem(void *owner, const char *text)
{
    (void)owner;
    fprintf(stderr, "%s\n", text);
}
