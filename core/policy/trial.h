// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "policy/policy.h"
#include "policy/trace.h"

/** One instance's policy on a host of its own, for tools: the real sandbox, budgets and
 * modules, but nobody else's requests, limiters or keys.
 *
 * Owner: whoever called _new(). One thread; not from inside a loop. */
struct wg_trial;
struct wg_coverage;
struct wg_fake_world;

struct wg_trial_options {
    const struct wg_config *config; /**< lent, as is all here */
    const struct wg_config_instance *instance;
    struct wg_str text;    /**< of the main file; absent: instance->policy is read */
    const char *text_name; /**< what messages call it; NULL: the file's own name */
    const struct wg_clock *clock;
    struct wg_coverage *coverage;     /**< NULL: not wanted */
    const struct wg_fake_world *fake; /**< policy_impl.h; NULL: the world itself */
    bool has_http;                    /**< wavegate.http reaches others, as config says */
    bool is_exact;                    /**< instructions are counted one by one, which is slow */
};

/** Loads and checks as a reload does. @return WG_SCRIPT or WG_BUDGET with "file:line: reason"
 */
WG_MUST_USE enum wg_code wg_trial_new(const struct wg_trial_options *options,
                                      struct wg_trial **ret_trial, struct wg_err *err);
struct wg_trial *wg_trial_free(struct wg_trial *trial);
/** wg_policy_ask(), and waits for the handlers that wait. */
void wg_trial_ask(struct wg_trial *trial, const struct wg_question *question,
                  struct wg_arena *arena, struct wg_decision *ret_decision);
/** Where its handlers wait. */
struct wg_loop *wg_trial_loop(const struct wg_trial *trial);
/** How many handlers that hook has. */
size_t wg_trial_handlers(const struct wg_trial *trial, enum wg_hook hook);
