// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/client.h"
#include "wire/descriptor.h"

/** What we know of other servers: their descriptors, keys, and how they have behaved. Shared by
 * all workers, sharded; any thread unless said otherwise.
 *
 * A descriptor is fetched once however many ask for it, kept for its cache life, and after a
 * failure not asked for again before the back-off (5 s doubling to 10 min) has passed. */
struct wg_directory;

/** A peer as known at one moment; read-only, reference-counted. */
struct wg_peer {
    struct wg_str name;
    struct wg_descriptor descriptor;
    int64_t fetched_at_s;
    int64_t certificate_until_s; /**< of its TLS certificate */
};

struct wg_peer_facts {
    int64_t known_since_s; /**< -1 when never */
    int64_t last_seen_s;   /**< last authenticated request; -1 when never */
    int64_t key_since_s;   /**< when its signing key was first seen; -1 */
    int64_t events_24h;    /**< taken from it */
    int64_t failures_24h;  /**< refused to it */
    char kid[WG_KID_CHARS + 1];
};

/** limit: peers remembered at most; when full, those never authenticated go first. */
struct wg_directory *wg_directory_new(const struct wg_clock *clock, size_t limit,
                                      bool allow_ip_literals);
struct wg_directory *wg_directory_free(struct wg_directory *directory);

enum wg_lookup {
    WG_LOOKUP_FOUND,  /**< *ret_peer is a reference */
    WG_LOOKUP_WAIT,   /**< on_known comes once, from loop; then look up again */
    WG_LOOKUP_FAILED, /**< err says why: WG_PEER_UNREACHABLE, *ret_retry_s seconds to wait */
};

/** What to do when a descriptor has to be fetched, on behalf of whom. */
struct wg_lookup_how {
    struct wg_loop *loop;
    struct wg_http_client *client; /**< of that loop */
    bool is_refresh; /**< the descriptor at hand did not do: fetch again, at most once a minute
                        for a peer */
    bool is_forced;  /**< an operator asks: fetch again whatever was tried lately */
    void (*on_known)(void *owner);
    void *owner;
};

/** Call on how->loop's thread. With is_refresh, WG_LOOKUP_FOUND at once means: no refetch now,
 * this is what there is. */
enum wg_lookup wg_directory_lookup(struct wg_directory *directory, struct wg_str name,
                                   const struct wg_lookup_how *how,
                                   const struct wg_peer **ret_peer, int64_t *ret_retry_s,
                                   struct wg_err *err);
/** Is there a descriptor that may be used now, without asking anyone. */
bool wg_directory_is_known(struct wg_directory *directory, struct wg_str name);
const struct wg_peer *wg_peer_unref(const struct wg_peer *peer);

void wg_directory_facts(struct wg_directory *directory, struct wg_str name,
                        struct wg_peer_facts *ret_facts);
/** It has proved who it is. @return whether that is news: the first time in a second. */
bool wg_directory_saw(struct wg_directory *directory, struct wg_str name);

/** Keys of the peer that may sign a request now, whose kid is kid (absent: any).
 * @return how many were written, at most limit. */
size_t wg_peer_keys(const struct wg_peer *peer, struct wg_str kid, int64_t now_s,
                    const struct wg_public_key **ret_keys, size_t limit);

/** A key the peer has published at any time we know of, by its kid, and since when we know it.
 * @return false when we have not seen it. */
bool wg_directory_key_ever(struct wg_directory *directory, struct wg_str name,
                           struct wg_str kid, struct wg_public_key *ret_key,
                           int64_t *ret_first_s);

/** A discovery that failed, for the log; called on the loop that fetched. */
void wg_directory_on_failure(struct wg_directory *directory,
                             void (*on_failure)(void *owner, struct wg_str name,
                                                const struct wg_err *err, int64_t retry_s),
                             void *owner);
