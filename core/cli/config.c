// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "config/config.h"

enum { REFERENCE_LIMIT_BYTES = 1024 * 1024 };

int cli_config(const struct cli_arguments *arguments)
{
    struct wg_buf text;

    (void)arguments; /* reference is the only sub-verb */
    wg_buf_init(&text, REFERENCE_LIMIT_BYTES);
    wg_config_reference(&text);
    fwrite(text.at, 1, text.len, stdout);
    wg_buf_done(&text);
    return CLI_GOOD;
}
