// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "cli/usage.h"

/** {version, verbs: [{verb, help, wants_sub_verb, text, words, options, examples}]}; the
 * caller's. */
json_t *cli_usage_json(void);
/** "peer" */
const char *cli_kind_name(enum cli_kind kind);
