// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "config/config.h"

/** What the verbs of `wavegate policy` share. */

/** The arguments of all three; a verb refuses those that are not its own. */
struct policy_arguments {
    const char *config; /**< --config */
    const char *policy; /**< --policy */
    const char *server; /**< --server */
    const char *hook;   /**< --hook */
    const char *input;  /**< --input */
    bool is_json, has_coverage;
    const char **paths; /**< NULL-terminated; in the arena */
    size_t path_count;
};

/** options: the names that the verb takes, NULL-terminated. Prints what is wrong. @return false
 * for wrong usage */
bool policy_arguments_read(int argc, char **argv, const char *const *options,
                           struct wg_arena *arena, struct policy_arguments *ret_arguments);

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

int policy_check(int argc, char **argv);
int policy_test(int argc, char **argv);
int policy_eval(int argc, char **argv);
