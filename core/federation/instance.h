// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "net/dialer.h"
#include "wire/descriptor.h"

/** One home server behind the gateway: its name, keys and upstream. Made at start, read-only
 * afterwards. Any thread may read. */
struct wg_instance {
    size_t index; /**< in config->instances, and for wg_policy_pin() */
    const struct wg_config_instance *config;
    struct wg_str server_name;
    struct wg_secret_key key;
    struct wg_dial_target upstream;
    struct wg_str upstream_token; /**< absent: none */
    struct wg_str descriptor;     /**< the JSON served to peers */
};

/** Loads key and token of the instance. @return WG_CONFIG with file and remedy. */
WG_MUST_USE enum wg_code wg_instance_init(struct wg_instance *instance, size_t index,
                                          const struct wg_config_instance *config,
                                          struct wg_err *err);
void wg_instance_done(struct wg_instance *instance);
