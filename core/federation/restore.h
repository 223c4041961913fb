// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "federation/gateway.h"

/** Namespaces of the store's documents. */
#define WG_STORED_TOKENS "tokens"     /**< by id */
#define WG_STORED_ROOMS "rooms"       /**< by server name and room id: wg_rooms_key() */
#define WG_STORED_KEYS "peer_keys"    /**< by server name and peer: wg_keyring_key() */
#define WG_STORED_POLICIES "policies" /**< policy documents, by server name */
#define WG_STORED_MEMBERS "members"   /**< of other servers, by server name and room id */
#define WG_STORED_KV "kv"             /**< what policies keep, by server name and key */
#define WG_STORED_NOTES "peer_notes"  /**< what operators set down, by server name */
#define WG_STORED_PEERS "peers"       /**< by server name */

/** Gives the gateway its store, and fills tokens, room flags and policy documents from it.
 * Blocks, so before the first worker. @return what the store or a policy says. */
WG_MUST_USE enum wg_code wg_gateway_restore(struct wg_gateway *gateway, struct wg_store *store,
                                            struct wg_loop *control, struct wg_err *err);
