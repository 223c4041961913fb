// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "policy/policy_impl.h"
#include "policy/trial.h"

struct wg_trial {
    struct wg_config config; /**< the engine's: without instances, so that it loads none */
    struct wg_policy_engine *engine;
    struct wg_loop *loop;
    struct wg_policy_worker *worker;
    struct wg_tls_client *tls; /**< these three only where it has HTTP */
    struct wg_dialer *dialer;
    struct wg_http_client *http;
    struct wg_edition *edition;
    struct wg_state *state;
    bool is_decided;
};

/** Host and edition; nothing is loaded yet. */
WG_MUST_USE enum wg_code wg_trial_prepare(const struct wg_trial_options *options,
                                          struct wg_trial **ret_trial, struct wg_err *err);
