// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "policy/trial.h"

/** What is wrong with a policy, as far as can be told before it serves. */
struct wg_check_problem {
    const char *file;
    int line;         /**< 0: of the file as a whole */
    const char *kind; /**< "load", "global", "field", "unreachable" */
    const char *text;
};

struct wg_check_options {
    struct wg_trial_options trial;
    /** It is a ready-made policy by itself: options that must be given are not missed. */
    bool is_alone;
};

/** Loads the policy and all it uses, asks every hook once with a sample, and reads the sources
 * for names the sandbox does not have and handlers that are never asked. Problems are told by
 * file in the order they were loaded, then by line. @return how many */
size_t wg_policy_check(const struct wg_check_options *options,
                       void (*on_file)(void *owner, const char *file),
                       void (*on_problem)(void *owner, const struct wg_check_problem *problem),
                       void *owner);
/** The names only; nothing is run. For files that need more than the sandbox has, such as
 * tests. */
size_t wg_policy_check_names(const char *file, struct wg_str text,
                             void (*on_problem)(void *owner,
                                                const struct wg_check_problem *problem),
                             void *owner);
