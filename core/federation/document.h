// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "config/config.h"

/** The policy document of an instance as JSON, the form of GET and PUT
 * /v1/admin/federation/policy and of the store. Pure functions. */

enum { WG_POLICY_PEERS_LIMIT = 100 * 1000 }; /**< names in a list of a document */

/** @return a new reference. */
json_t *wg_policy_document_write(const struct wg_config_federation *document);
/** What base becomes when the members of change stand in the place of its own. Every member is
 * judged before anything counts; an unknown one is an error that names the nearest. Texts live
 * in arena, or are base's.
 * @return WG_INVALID with member, value and rule. */
WG_MUST_USE enum wg_code wg_policy_document_merge(const struct wg_config_federation *base,
                                                  const json_t *change, bool allow_ip_literals,
                                                  struct wg_arena *arena,
                                                  struct wg_config_federation *ret_document,
                                                  struct wg_err *err);
