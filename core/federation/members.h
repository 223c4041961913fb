// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "wire/event.h"

/** Who of other servers is in each room of each instance, as the events that pass here tell it:
 * a join or anything said by somebody of another server adds him, his leave takes him out, and
 * so does a leave or ban that comes from the instance. The instance's own list of members, when
 * it passes, stands in the place of all that. A copy of the store's namespace "members". Any
 * thread.
 *
 * What cannot be remembered is counted all the same, so that a bound holds: nobody who is
 * counted only is ever taken out again, until a list of members is seen. */
struct wg_members;

enum {
    /** With what the map adds, half a million names take about 60 MB. */
    WG_MEMBERS_LIMIT = 500 * 1000,
    WG_MEMBERS_ROOMS_LIMIT = 100 * 1000,
    /** Of one room; its document must stay under what the store takes. */
    WG_MEMBERS_OF_ROOM_LIMIT = 10 * 1000,
    WG_MEMBERS_OF_ROOM_BYTES = 900 * 1000,
};

#define WG_MEMBERS_UNKNOWN INT64_C(-1) /**< nothing was seen of the room yet */
/** There is no room to count in: as many as can be, so that every bound refuses. */
#define WG_MEMBERS_UNCOUNTABLE INT64_MAX

struct wg_members *wg_members_new(const struct wg_clock *clock);
struct wg_members *wg_members_free(struct wg_members *members);

/** @return participants of other servers, or one of the two above. */
int64_t wg_members_count(struct wg_members *members, struct wg_str server_name,
                         struct wg_str room_id);
bool wg_members_has(struct wg_members *members, struct wg_str server_name,
                    struct wg_str room_id, struct wg_str participant);

/** Whom of another server an event brings into its room: who joins, is invited, or says
 * something. Absent when it brings nobody. Pure. */
struct wg_str wg_members_brought(struct wg_str server_name, const struct wg_event *event);

enum wg_entry {
    WG_ENTRY_NONE,
    WG_ENTRY_KNOWN,   /**< is there already */
    WG_ENTRY_NEW,     /**< has a place; the event is not taken yet */
    WG_ENTRY_AGAIN,   /**< another event of the same, not taken yet either, holds the place */
    WG_ENTRY_COUNTED, /**< would only be counted */
};
/** Before the event is judged: takes its place, so that of many that come at once only as many
 * pass as there are places. *ret_before: how many were there. Ends with wg_members_settle(). */
enum wg_entry wg_members_enter(struct wg_members *members, struct wg_str server_name,
                               struct wg_str room_id, struct wg_str participant,
                               int64_t *ret_before);
void wg_members_settle(struct wg_members *members, struct wg_str server_name,
                       struct wg_str room_id, struct wg_str participant, enum wg_entry entry,
                       bool is_taken);

/** The event has been taken. With adds_only nobody leaves: the instance has not agreed yet. */
void wg_members_note(struct wg_members *members, struct wg_str server_name,
                     const struct wg_event *event, bool adds_only);
/** A join that was counted has come to nothing. */
void wg_members_undo(struct wg_members *members, struct wg_str server_name,
                     const struct wg_event *event);
/** The instance's list of members: participants of any server. What has come in since since_ms
 * (monotonic, when the list was asked for) stays; so does everybody when the list is not whole.
 */
void wg_members_listed(struct wg_members *members, struct wg_str server_name,
                       struct wg_str room_id, const json_t *participants, bool is_whole,
                       int64_t since_ms);

/** Keys of rooms whose document is not what is known now; they count as stored from here on.
 * Copies in arena. @return how many were written. */
size_t wg_members_take_changed(struct wg_members *members, struct wg_arena *arena,
                               struct wg_str *ret_keys, size_t limit);
/** @return the document to store, or NULL: it is to be deleted. */
json_t *wg_members_document(struct wg_members *members, struct wg_str key);
WG_MUST_USE enum wg_code wg_members_restore(struct wg_members *members, struct wg_str key,
                                            const json_t *document, struct wg_err *err);
