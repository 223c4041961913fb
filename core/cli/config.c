// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "config/config.h"

enum { REFERENCE_LIMIT_BYTES = 1024 * 1024 };

int cli_config(int argc, char **argv)
{
    struct wg_buf text;

    if (argc != 2 || strcmp(argv[1], "reference") != 0) {
        fprintf(stderr, "usage: wavegate config reference\n");
        return CLI_USAGE;
    }
    wg_buf_init(&text, REFERENCE_LIMIT_BYTES);
    wg_config_reference(&text);
    fwrite(text.at, 1, text.len, stdout);
    wg_buf_done(&text);
    return CLI_GOOD;
}
