// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

int cli_version(const struct cli_arguments *arguments)
{
    (void)arguments;
    printf("wavegate " WAVEGATE_VERSION "\n");
    return CLI_GOOD;
}

int cli_main(int argc, char **argv)
{
    static char help[] = "help", version[] = "version";
    struct cli_arguments arguments;
    const struct cli_usage *verb;
    int status;

    if (argc < 2) {
        cli_usage_print_help(NULL, true);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        argv[1] = help;
    if (strcmp(argv[1], "--version") == 0)
        argv[1] = version;
    verb = cli_usage_child(NULL, argv[1]);
    if (!verb)
        return cli_misuse_unknown(NULL, argv[1]);
    if (!cli_arguments_read(argc - 1, argv + 1, &arguments, &status))
        return status;
    return verb->run(&arguments);
}
