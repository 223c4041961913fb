// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdatomic.h>

#include "federation/certificates.h"
#include "federation/directory.h"
#include "federation/instance.h"
#include "federation/keyring.h"
#include "federation/lanes.h"
#include "federation/members.h"
#include "federation/nonces.h"
#include "federation/notes.h"
#include "federation/rooms.h"
#include "federation/taken.h"
#include "federation/tokens.h"
#include "federation/toll.h"
#include "http/router.h"
#include "http/server.h"
#include "net/listener.h"
#include "policy/policy.h"
#include "relay/relay.h"
#include "store/store.h"

struct wg_store;

/** What all workers of the process share. Made by wg_gateway_new() before the first worker,
 * freed after the last. */
struct wg_gateway {
    const struct wg_config *config;
    const struct wg_clock *clock;
    struct wg_instance *instances;
    size_t instance_count;
    struct wg_policy_engine *policy;
    struct wg_directory *directory;
    struct wg_nonces *nonces;
    struct wg_taken *taken;
    struct wg_lanes *lanes;
    atomic_bool *may_wait; /**< by instance: wg_queue_may_wait() */
    /** By instance: when the TLS certificate in use ends, seconds since 1970; 0 while none is.
     * Written by whoever loads certificates, read by anybody. */
    _Atomic int64_t *certificate_until_s;
    struct wg_schedule retry;
    struct wg_worker **workers; /**< set by serve before the first one runs; NULL in `check` */
    unsigned worker_count;
    struct wg_tokens *tokens;
    struct wg_rooms *rooms;
    struct wg_members *members;
    struct wg_notes *notes;
    struct wg_modes *modes;          /**< federation/standing.h */
    atomic_uint_fast64_t audit_lost; /**< rows that could not be stored */
    struct wg_keyring *keyring;
    struct wg_probe *probe;               /**< the same; NULL: nothing is looked at */
    struct wg_key_keeper *key_keeper;     /**< the same; for the control loop alone */
    struct wg_certificates *certificates; /**< set by serve; NULL in `check` */
    /** Set by wg_gateway_restore(); NULL where nothing has to last (`wavegate check`). */
    struct wg_store *store;
    char ingress[WG_SOCKET_TEXT]; /**< "ip:port" of the first door for peers; set by serve */
    /** The main thread's loop. It outlives the store, so what nobody waits for answers there.
     */
    struct wg_loop *control;
};

WG_MUST_USE enum wg_code wg_gateway_new(const struct wg_config *config,
                                        const struct wg_clock *clock,
                                        struct wg_gateway **ret_gateway, struct wg_err *err);
struct wg_gateway *wg_gateway_free(struct wg_gateway *gateway);
/** By Host or SNI, in any case, with or without the port: NULL when no instance here bears the
 * name. */
const struct wg_instance *wg_gateway_instance(const struct wg_gateway *gateway,
                                              struct wg_str authority);

/** Puts another policy document in force (NULL: the configuration's); as
 * wg_policy_set_document().
 */
WG_MUST_USE enum wg_code wg_gateway_set_document(struct wg_gateway *gateway, size_t instance,
                                                 const struct wg_config_federation *document,
                                                 const char *cause, struct wg_err *err);
/** A key the peer has shown at any time we know of, by its kid: for history. One that came up
 * after another was pinned is not among them. */
bool wg_gateway_key_ever(struct wg_gateway *gateway, struct wg_str peer, struct wg_str kid,
                         struct wg_public_key *ret_key);

/** One event loop's share: what its requests need and nobody else touches. Thread: its loop. */
struct wg_worker {
    struct wg_gateway *gateway;
    struct wg_loop *loop;
    struct wg_http_client *client; /**< NULL once the worker is closing */
    struct wg_dialer *dialer;      /**< beneath client; set for the control loop only */
    struct wg_policy_worker *policy;
    unsigned index;         /**< among gateway->workers */
    struct wg_relay *relay; /**< the destinations that belong to this worker */
    struct wg_timer *relay_timer;
    struct wg_toll toll;
    unsigned exchanges; /**< under way */
    void (*on_idle)(void *owner);
    void *on_idle_owner;
};

/** Calls on_idle(owner) from the loop, once, when no exchange is under way. */
void wg_worker_when_idle(struct wg_worker *worker, void (*on_idle)(void *owner), void *owner);
/** An exchange of the worker has ended. */
void wg_worker_exchange_ended(struct wg_worker *worker);
