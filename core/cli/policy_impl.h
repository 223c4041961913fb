// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "cli/arguments.h"
#include "config/config.h"

/** What the verbs of `wavegate policy` share. */

/** The arguments of all three. */
struct policy_arguments {
    const char *config; /**< --config */
    const char *policy; /**< --policy */
    const char *server; /**< --server */
    const char *hook;   /**< --hook */
    const char *input;  /**< --input */
    bool is_json, has_coverage;
    char **paths;
    size_t path_count;
};

void policy_arguments_take(const struct cli_arguments *given,
                           struct policy_arguments *ret_arguments);

/** Settings for policies without a configuration file: the standard budget; names in messages
 * from the current folder on; `use` and `require` search folder (NULL: none), then policies/
 * and lua/ here, then what comes with Wavegate. */
void policy_bare_config(struct wg_arena *arena, const char *folder,
                        struct wg_config *ret_config);
/** An instance for such a policy, with the standard document. */
void policy_bare_instance(const char *file, struct wg_config_instance *ret_instance);

/** Prints a JSON value and a line end on standard output, and drops it. */
void policy_print_json(json_t *json);
/** wg_str as JSON; null when absent or no UTF-8. */
json_t *policy_json_text(struct wg_str text);

int policy_check(const struct cli_arguments *arguments);
int policy_test(const struct cli_arguments *arguments);
int policy_eval(const struct cli_arguments *arguments);
