// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "wire/key.h"

enum { WG_CONTENT_LIMIT_BYTES = 64 * 1024 };

/** An event (docs/protocol.md "Event"), read from JSON once; every text is lent from json.
 * Owner: whoever parsed it; ends with wg_event_done(). */
struct wg_event {
    json_t *json;
    struct wg_str id;   /**< as sent */
    struct wg_str uuid; /**< without "evt-" */
    struct wg_str type, room_id, sender, sender_server, origin;
    int64_t origin_ts;
    json_t *content;          /**< lent */
    size_t content_bytes;     /**< of its canonical form */
    struct wg_str membership; /**< of a swp.room.member event, else absent */
    /** Whom a swp.room.member event is about: an invite, a ban or somebody else's leave names
     * him in content.participant_id; who joins or knocks does so himself. Absent when nobody
     * is named. */
    struct wg_str participant;
};

/** Strict JSON, then every member of the envelope. @return WG_INVALID with the member and the
 * rule, WG_TOO_LARGE for content over the limit. */
WG_MUST_USE enum wg_code wg_event_parse(struct wg_str text, struct wg_event *ret_event,
                                        struct wg_err *err);
/** The same from a value that is already parsed; takes a reference of its own. */
WG_MUST_USE enum wg_code wg_event_from_json(json_t *json, struct wg_event *ret_event,
                                            struct wg_err *err);
void wg_event_done(struct wg_event *event);
bool wg_event_is_invite(const struct wg_event *event);

/** Canonical JSON without "signatures" and "unsigned": what is signed. */
WG_MUST_USE enum wg_code wg_event_signed_bytes(const struct wg_event *event, struct wg_buf *out,
                                               struct wg_err *err);
/** The kids under which the event carries signatures of its origin; writes up to limit of them
 * (lent) and returns how many there are. */
size_t wg_event_signature_kids(const struct wg_event *event, struct wg_str *ret_kids,
                               size_t limit);
/** Is there a signature of event->origin under key->kid, and is it good.
 * @return WG_BAD_SIGNATURE with what is missing or wrong. */
WG_MUST_USE enum wg_code wg_event_verify(const struct wg_event *event,
                                         const struct wg_public_key *key, struct wg_err *err);
/** Adds server_name's signature to event->json (origin must be server_name). */
WG_MUST_USE enum wg_code wg_event_sign(struct wg_event *event, struct wg_str server_name,
                                       const struct wg_secret_key *key, struct wg_err *err);
