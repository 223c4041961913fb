// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/admin_impl.h"
#include "federation/history.h"

/** Pulling a room's history: pages from each peer in turn (backfill_page.c), newest first, then
 * their events to the instance, oldest first, one after the other, then the report
 * (backfill.c). */

enum { BACKFILL_EVENTS_MAX = 1000, BACKFILL_PEERS_MAX = 8, BACKFILL_PAGES_MAX = 64 };

struct backfill_peer {
    struct wg_str name;
    size_t pages, received, refused;
    struct wg_str refused_reason; /* of the first */
    struct wg_str error, sw_code; /* why no more came */
};

struct backfill {
    struct wg_admin_read read; /* first: request->state is seen as this by peer_read.c */
    struct wg_admin_request *request;
    struct wg_str room_id, before;
    size_t limit;
    struct backfill_peer peers[BACKFILL_PEERS_MAX];
    size_t peer_count, peer_at;
    struct wg_str cursor; /* of the peer being asked */
    json_t *seen;         /* ids, whoever they came from */
    json_t *events;       /* as delivered: oldest first */
    size_t at, own, accepted, duplicate, refused;
    struct wg_str refused_reason, instance_error;
};

/** Asks peers[peer_at] and those behind it until there is enough; then backfill_deliver(). */
void backfill_pull(struct backfill *backfill);
void backfill_deliver(void *backfill);
