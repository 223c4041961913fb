// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/admin_impl.h"
#include "policy/trace.h"
#include "wire/descriptor.h"

/** The doctor: a walk over a table of checks (doctor_table.c), one after the other, each ending
 * as ok, failed or skipped with what was seen and what to do. The checks stand in one file a
 * subject, doctor_*.c; docs/troubleshooting.md names each by its id.
 *
 * It only looks: what the directory knows, the queue and the policies' memory stay as they are.
 *
 * Thread: the control loop. Time: DOCTOR_STEP_MS a check, DOCTOR_WALK_MS in all. */

enum {
    DOCTOR_STEP_MS = 12 * 1000,
    DOCTOR_WALK_MS = 90 * 1000,
    DOCTOR_RUNS_MAX = 4, /**< at work at once */
    DOCTOR_ADDRESSES = 16,
    DOCTOR_CHECKS_MAX = 48,
};

struct doctor;

enum doctor_subject {
    DOCTOR_OF_PEER,
    DOCTOR_OF_ROOM, /**< behind those of the peer, when a room was named */
    DOCTOR_OF_SELF
};
enum doctor_result { DOCTOR_PENDING, DOCTOR_OK, DOCTOR_FAILED, DOCTOR_SKIPPED };

/** A row of the table. */
struct doctor_check {
    const char *id; /**< "peer.tls": for scripts and the documentation, never changed */
    const char *title;
    enum doctor_subject subject;
    /** Id of an earlier check; when that one did not end ok, this one is skipped. NULL: none.
     */
    const char *needs;
    /** Ends with doctor_end(), at once or later; what waits is told by a callback in any case,
     * early when the deadline rings (doctor_fetch, doctor_dial) or the gateway stops. */
    void (*run)(struct doctor *doctor);
};
extern const struct doctor_check doctor_checks[];
extern const size_t doctor_check_count;

/** What came of it. */
struct doctor_row {
    const struct doctor_check *check;
    enum doctor_result result;
    struct wg_str seen, remedy; /**< remedy absent: nothing to do */
    json_t *details;            /**< for scripts; NULL: none */
    int64_t took_ms;
};

/** An address of the peer, and how far we came with it. */
struct doctor_address {
    struct doctor *doctor;
    struct wg_dial_candidate candidate;
    char text[WG_IP_TEXT + 8]; /**< "192.0.2.1:443" */
    struct wg_dial *dial;
    bool was_tried, is_reached;
    struct wg_err err; /**< of the last attempt */
    char tls_version[16];
    int64_t certificate_until_s;
};

struct doctor {
    struct wg_admin_request *request;
    struct wg_admin *admin;
    struct doctor *next; /**< in admin->doctors */
    struct doctor_row rows[DOCTOR_CHECKS_MAX];
    size_t row_count, at;
    bool is_in_step, is_late, is_stopping;
    struct wg_timer *deadline;
    int64_t started_ms, step_started_ms;

    /* work under way */
    struct wg_http_fetch *fetch;
    void (*on_answer)(struct doctor *doctor, const struct wg_http_response *response,
                      const struct wg_err *err);
    struct wg_dial *survey;
    void *state;    /**< the check's own, in the request's arena */
    size_t waiting; /**< dials under way */
    void (*on_all_dialed)(struct doctor *doctor);

    /* of a peer: what earlier checks have found out */
    struct wg_str peer, host;
    struct wg_str room_id; /**< absent: none was named */
    uint16_t port;
    struct doctor_address addresses[DOCTOR_ADDRESSES];
    size_t address_count;
    struct wg_descriptor descriptor; /**< as published now, once peer.descriptor is ok */
    int64_t asked_at_ms;             /**< wall clock, when the descriptor was asked for */
    int64_t skew_ms;                 /**< their clock less ours */
    bool has_skew;
};

/* ---- doctor_text.c: what a check says ---- */

void doctor_see(struct doctor *doctor, const char *format, ...) WG_PRINTF(2, 3);
void doctor_advise(struct doctor *doctor, const char *format, ...) WG_PRINTF(2, 3);
/** A member of the row's details; takes value over. */
void doctor_detail(struct doctor *doctor, const char *name, json_t *value);
/** "3 days", "2 h", "40 s": the largest unit that says enough. */
const char *doctor_span(struct doctor *doctor, int64_t seconds);
/** "2026-05-16" */
const char *doctor_day(struct doctor *doctor, int64_t at_s);

/** "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7) to milliseconds since 1970; a Date has
 * whole seconds, so half of one is added. @return false when it is none. */
bool doctor_read_date(struct doctor *doctor, struct wg_str date, int64_t *ret_ms);

/** What is wrong in one of many: the first few in words, the others counted. Starts as {0}. */
enum { DOCTOR_FINDINGS_SHOWN = 3, DOCTOR_FINDING_BYTES = 400 };
struct doctor_findings {
    size_t count;
    char text[DOCTOR_FINDINGS_SHOWN][DOCTOR_FINDING_BYTES];
};
void doctor_find(struct doctor_findings *findings, const char *format, ...) WG_PRINTF(2, 3);
const char *doctor_findings_text(struct doctor *doctor, const struct doctor_findings *findings);

/* ---- doctor.c: the walk ---- */

/** The key of the instance that signs now. */
struct wg_public_key doctor_our_key(const struct doctor *doctor);

/** Ends the check at work; the next one begins in a later turn of the loop. */
void doctor_end(struct doctor *doctor, enum doctor_result result);
/** The row of an earlier check. */
const struct doctor_row *doctor_row_of(const struct doctor *doctor, const char *id);
/** One request at a time; on_answer comes once, with WG_TIMEOUT past the check's deadline. */
void doctor_fetch(struct doctor *doctor, const struct wg_http_request *request,
                  void (*on_answer)(struct doctor *doctor,
                                    const struct wg_http_response *response,
                                    const struct wg_err *err));
/** The same with a client of the check's own. */
void doctor_fetch_with(struct doctor *doctor, struct wg_http_client *client,
                       const struct wg_http_request *request,
                       void (*on_answer)(struct doctor *doctor,
                                         const struct wg_http_response *response,
                                         const struct wg_err *err));

/* ---- doctor_policy.c: what our policies say of the peer ---- */

struct doctor_verdict {
    struct wg_decision decision;
    struct wg_trace trace;
    bool is_waiting; /**< a handler would ask somebody else: there is no decision */
};
void doctor_ask_key(struct doctor *doctor, struct wg_str old_kid, struct wg_str new_kid,
                    struct doctor_verdict *ret_verdict);
/** Hook room, for doctor->room_id. */
void doctor_ask_room(struct doctor *doctor, enum wg_direction direction,
                     struct doctor_verdict *ret_verdict);
/** "SW_FED_PEER_UNKNOWN: reason (standard, policies/standard.lua:77)" */
const char *doctor_verdict_text(struct doctor *doctor, const struct doctor_verdict *verdict);

/* ---- doctor_ask.c: signed requests to the peer ---- */

/** target: a path as the descriptor has it, filled, with its query. */
void doctor_ask_peer(struct doctor *doctor, const char *method, struct wg_str target,
                     void (*on_answer)(struct doctor *doctor,
                                       const struct wg_http_response *response,
                                       const struct wg_err *err));
/** Ends the check: their descriptor came, this did not. */
void doctor_no_answer(struct doctor *doctor, const struct wg_err *err);

/* ---- the checks ---- */

void doctor_peer_name(struct doctor *doctor);
void doctor_peer_addresses(struct doctor *doctor);
void doctor_peer_tcp(struct doctor *doctor);
void doctor_peer_tls(struct doctor *doctor);
void doctor_peer_descriptor(struct doctor *doctor);
void doctor_peer_versions(struct doctor *doctor);
void doctor_peer_clock(struct doctor *doctor);
void doctor_peer_key(struct doctor *doctor);
void doctor_peer_lately(struct doctor *doctor);
void doctor_peer_inbound(struct doctor *doctor);
void doctor_peer_outbound(struct doctor *doctor);
void doctor_peer_history(struct doctor *doctor);
void doctor_peer_knows_us(struct doctor *doctor);
void doctor_peer_send(struct doctor *doctor);
void doctor_peer_sees_us(struct doctor *doctor);
void doctor_peer_rooms(struct doctor *doctor);
void doctor_peer_queue(struct doctor *doctor);
void doctor_peer_dead(struct doctor *doctor);
void doctor_room_here(struct doctor *doctor);
void doctor_room_there(struct doctor *doctor);
void doctor_room_history(struct doctor *doctor);
void doctor_self_store(struct doctor *doctor);
void doctor_self_disk(struct doctor *doctor);
void doctor_self_audit(struct doctor *doctor);
void doctor_self_certificates(struct doctor *doctor);
void doctor_self_keys(struct doctor *doctor);
void doctor_self_policies(struct doctor *doctor);
void doctor_self_lists(struct doctor *doctor);
void doctor_self_instances(struct doctor *doctor);
void doctor_self_clock(struct doctor *doctor);
void doctor_self_descriptor(struct doctor *doctor);
void doctor_self_queue(struct doctor *doctor);
void doctor_self_limits(struct doctor *doctor);
