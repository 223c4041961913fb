// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/id.h"
#include "federation/gateway.h"
#include "federation/history.h"
#include "policy/trace.h"
#include "store/queue.h"
#include "wire/signature.h"

/** One request on its walk through the stages (docs: ARCHITECTURE.md, "One request, one walk"):
 * inbound, from a peer to an instance, or outbound, from an instance to its peers. Everything
 * it learns lives in the arena of its call. */

enum wg_endpoint {
    WG_ENDPOINT_DESCRIPTOR,
    WG_ENDPOINT_SEND,
    WG_ENDPOINT_PROFILE,
    WG_ENDPOINT_MEMBERS,
    WG_ENDPOINT_BACKFILL,
    WG_ENDPOINT_RELAY, /**< outbound only: one event for many peers */
    WG_ENDPOINT_COUNT
};
const char *wg_endpoint_name(enum wg_endpoint endpoint);

enum wg_stage_result {
    WG_STAGE_NEXT,  /**< go on with the next stage */
    WG_STAGE_WAIT,  /**< whoever holds x runs it again, at the same stage */
    WG_STAGE_REPLY, /**< the answer is known (x->answer or x->err): go to record */
};

struct wg_exchange;

/** A stage first looks whether what it waits for has come, so running it again is safe. Its
 * name is also its log field, its metric label and its heading in the documentation. */
struct wg_stage {
    const char *name;
    enum wg_stage_result (*run)(struct wg_exchange *x);
};

/** When a stage was done with, counted from the request's arrival; waiting belongs to it. */
struct wg_stage_time {
    const char *name;
    int64_t ended_us;
};
enum { WG_STAGE_TIMES_MAX = 24 }; /**< the longest walk: out, then turned inside */

enum wg_exchange_outcome {
    WG_EXCHANGE_REFUSED,
    WG_EXCHANGE_ACCEPTED,  /**< the instance took it */
    WG_EXCHANGE_DUPLICATE, /**< taken before */
    WG_EXCHANGE_QUEUED,    /**< durably stored, delivered later */
    WG_EXCHANGE_PASSED,    /**< an answer was passed on */
};

/** Outbound: one of the peers an event goes to, and what was decided about it. */
struct wg_recipient {
    struct wg_str name;
    const struct wg_instance *ours; /**< it lives behind this gateway as well; else NULL */
    bool is_refused;
    struct wg_err refusal;
    int64_t retry_after_s;
    bool is_held; /**< its delivery goes into quarantine */
    struct wg_str held_reason;
    struct wg_decision decision; /**< that refused or held it, else the last of all */
};

/** A question to the policies and what came of it (federation/trail.h). */
struct wg_trail_hook {
    struct wg_trail_hook *next;
    enum wg_hook hook;
    struct wg_str server; /**< whose policies */
    size_t recipient;
    struct wg_trace trace;
    int64_t asked_us, ended_us; /**< since the request came; ended -1: it was not */
    enum wg_verdict verdict;
    bool is_default; /**< no handler had an opinion */
};

struct wg_exchange {
    struct wg_worker *worker;
    struct wg_http_call *call;
    struct wg_message *message;
    struct wg_arena *arena;
    enum wg_direction direction, came; /**< came: of the walk it began with */
    const struct wg_stage *stage;
    const struct wg_stage *record; /**< the last of its walk */
    char request_id[WG_UUID_TEXT];
    char remote_address[WG_IP_TEXT];
    int64_t started_ms;
    int64_t started_us;                             /**< wg_clock_elapsed_us() */
    struct wg_stage_time times[WG_STAGE_TIMES_MAX]; /**< of the stages so far; not of record */
    size_t time_count;
    int64_t started_ns, stage_since_ns; /**< of wg_metric_now_ns() */
    bool is_gone;                       /**< the client went away: nobody reads the answer */

    /* route */
    const struct wg_instance *instance;
    enum wg_endpoint endpoint;
    bool has_endpoint;
    struct wg_str room_id, local_id, before;
    int64_t limit; /**< -1: not asked */

    /* claim */
    struct wg_signature signature;
    struct wg_str peer_name,
        kid; /**< kid absent when keyid names none; outbound: whom it is for */
    struct wg_policy_generation *generation;

    /* discover */
    const struct wg_peer *peer; /**< reference */
    bool is_refreshed;          /**< the descriptor was fetched for this exchange */

    /* authenticate */
    bool is_authenticated;

    /* authenticate, authenticate event; recognise */
    struct wg_public_key shown[2]; /**< keys of the peer that have signed this, each once */
    size_t shown_count;
    size_t shown_at;

    /* parse */
    struct wg_event event;
    bool has_event;
    /** What a refused body calls itself (UUID, bare), for people who look for it: nobody vouches
     * for it. Absent when the event was read. */
    struct wg_str told_id;

    /* judge */
    struct wg_str brought; /**< whom of another server an inbound event brings into its room */
    enum wg_entry entry;
    int64_t participants_before; /**< of other servers, when brought took his place */

    /* admit, judge */
    struct wg_policy_call *policy_call;
    struct wg_question question;
    struct wg_decision decision;
    struct wg_trail_hook *first_hook, *last_hook;
    bool is_asked; /**< the hook at judge_step has been asked */
    unsigned judge_step;
    struct wg_headers labels;
    struct { /**< what hooks narrowed the request to, the tightest of all; -1: not */
        int64_t events, bytes, not_before_s;
    } limits;
    struct wg_str refusing_stage;
    /** Quarantine: taken and kept, delivered only on release. Outbound each recipient has its
     * own, and this is that of the one that is being decided about. */
    bool is_held;
    struct wg_str held_reason;

    /* outbound: parse, decide */
    struct wg_recipient *recipients;
    size_t recipient_count;
    size_t recipient_at;
    struct wg_policy_generation *other_generation; /**< of a recipient that is ours */
    struct wg_str sealed; /**< the event in canonical form, with its origin's signature */

    /* queue */
    bool is_stored; /**< the store has answered */
    enum wg_code store_code;
    bool is_storing;
    size_t new_count;  /**< recipients that had not got it before */
    size_t held_count; /**< of these, in quarantine */

    /* deduplicate */
    bool is_claimed; /**< wg_taken_settle() is due */
    uint8_t event_key[16];

    /* deduplicate, deliver */
    bool is_checked; /**< the store has said whether it knows the event */
    bool is_checking;
    bool is_known;
    bool is_in_lane; /**< wg_lanes_leave() is due */
    unsigned deliver_step;
    bool has_answer; /**< what the step waits for has come */
    bool is_behind;  /**< earlier events of its room wait */
    struct wg_http_fetch *fetch;
    struct wg_str delivery_failure; /**< for the log, not for the peer */
    bool is_delivered;

    /* screen */
    struct wg_history *history;
    bool is_screened;

    /* answer: err when is_refused, else answer */
    bool is_refused;
    struct wg_err err;
    int64_t retry_after_s; /**< 0: no Retry-After */
    enum wg_exchange_outcome outcome;
    int status;
    struct wg_headers answer_headers;
    struct wg_str answer_body;
    bool is_audited; /**< its rows are stored already, with what was promised */
};

/** Starts the walk for a request of the server; it ends by itself. Thread: worker's loop. */
void wg_exchange_start(struct wg_worker *worker, enum wg_direction direction,
                       struct wg_http_call *call);
/** Goes on at x->stage until it waits or is done. */
void wg_exchange_run(struct wg_exchange *x);

/** Ends the walk with a refusal: `return wg_exchange_refuse(x)` after x->err was written. */
enum wg_stage_result wg_exchange_refuse(struct wg_exchange *x);
/** wg_fail() on x->err and refuse, in one. */
enum wg_stage_result wg_exchange_fail(struct wg_exchange *x, enum wg_code code,
                                      const char *format, ...) WG_PRINTF(3, 4);
/** The name under which operators search for what became of x. */
const char *wg_exchange_log_name(const struct wg_exchange *x, enum wg_exchange_outcome outcome);
/** Makes response the answer: status, fields and body, less what our own server writes. */
void wg_exchange_pass(struct wg_exchange *x, const struct wg_http_response *response);
/** Adds a header to the answer; lent. */
void wg_exchange_header(struct wg_exchange *x, const char *name, struct wg_str value);

/** The stages, each in its own file. */
enum wg_stage_result wg_stage_route(struct wg_exchange *x);
enum wg_stage_result wg_stage_claim(struct wg_exchange *x);
enum wg_stage_result wg_stage_discover(struct wg_exchange *x);
enum wg_stage_result wg_stage_authenticate(struct wg_exchange *x);
enum wg_stage_result wg_stage_parse(struct wg_exchange *x);
enum wg_stage_result wg_stage_authenticate_event(struct wg_exchange *x);
enum wg_stage_result wg_stage_recognise(struct wg_exchange *x);
enum wg_stage_result wg_stage_admit(struct wg_exchange *x);
enum wg_stage_result wg_stage_judge(struct wg_exchange *x);
enum wg_stage_result wg_stage_deduplicate(struct wg_exchange *x);
enum wg_stage_result wg_stage_deliver(struct wg_exchange *x);
enum wg_stage_result wg_stage_screen(struct wg_exchange *x);
enum wg_stage_result wg_stage_record(struct wg_exchange *x);

/** Outbound. */
enum wg_stage_result wg_stage_submit_route(struct wg_exchange *x);
enum wg_stage_result wg_stage_submit_parse(struct wg_exchange *x);
enum wg_stage_result wg_stage_seal(struct wg_exchange *x);
enum wg_stage_result wg_stage_decide(struct wg_exchange *x);
enum wg_stage_result wg_stage_queue(struct wg_exchange *x);
enum wg_stage_result wg_stage_inside(struct wg_exchange *x);
enum wg_stage_result wg_stage_proxy(struct wg_exchange *x);

/** Outbound to inbound: a recipient that lives here is asked as if the request had come from
 * outside, without the network. Goes on at admit. */
enum wg_stage_result wg_exchange_turn_inside(struct wg_exchange *x);

/** Shared by claim, authenticate and authenticate event: the descriptor at hand did not do.
 * @return WG_STAGE_WAIT when it is fetched again and the stage will be run again; WG_STAGE_NEXT
 * when there is nothing newer to be had. */
enum wg_stage_result wg_exchange_refresh(struct wg_exchange *x);
/** Shared by authenticate and authenticate event: the request, or its event, bears a good
 * signature of that key. */
void wg_exchange_shows(struct wg_exchange *x, const struct wg_public_key *key);
/** Shared by claim, admit, recognise and judge: asks hook, once. @return WG_STAGE_NEXT with
 * x->decision.
 */
enum wg_stage_result wg_exchange_ask(struct wg_exchange *x, enum wg_hook hook);
/** The query with the `limit` that policy allows, when that is smaller than the one asked for;
 * then only our own signature stands over it. Else the query as it came. */
struct wg_str wg_exchange_clamped_query(struct wg_exchange *x);
/** Carries out x->decision: NEXT for allow, else the refusal it demands. */
enum wg_stage_result wg_exchange_obey(struct wg_exchange *x);
