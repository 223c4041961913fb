// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "federation/identity.h"
#include "net/dialer.h"
#include "wire/event.h"
#include "wire/signature.h"

/** One home server behind the gateway: its name, keys and upstream. Made at start, read-only
 * afterwards. Any thread may read. */
struct wg_instance {
    size_t index; /**< in config->instances, and for wg_policy_pin() */
    const struct wg_config_instance *config;
    struct wg_str server_name;
    struct wg_identity *identity; /**< its keys, which may change */
    struct wg_dial_target upstream;
    struct wg_str upstream_token; /**< absent: none */
};

/** Loads key and token of the instance. @return WG_CONFIG with file and remedy. */
WG_MUST_USE enum wg_code wg_instance_init(struct wg_instance *instance, size_t index,
                                          const struct wg_config_instance *config,
                                          struct wg_err *err);
void wg_instance_done(struct wg_instance *instance);
/** The key in the file the configuration names; wg_secret_key_done() it. ret_from_s: since when
 * that file is as it is. */
WG_MUST_USE enum wg_code wg_instance_read_key(const struct wg_config_instance *config,
                                              struct wg_secret_key *ret_key,
                                              int64_t *ret_from_s, struct wg_err *err);

/** wg_message_sign() with the key that signs at options->created_s; sets options->keyid. */
WG_MUST_USE enum wg_code wg_instance_sign(const struct wg_instance *instance,
                                          struct wg_message *message,
                                          struct wg_sign_options *options,
                                          struct wg_arena *arena, struct wg_err *err);
/** wg_event_sign() with the key that signs at now_s. */
WG_MUST_USE enum wg_code wg_instance_seal(const struct wg_instance *instance,
                                          struct wg_event *event, int64_t now_s,
                                          struct wg_err *err);
