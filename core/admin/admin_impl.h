// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "admin/admin.h"
#include "base/id.h"
#include "federation/exchange.h"
#include "store/audit.h"
#include "wire/json.h"

/** What the files of core/admin/ share: a request on its way to its handler, and the ways to
 * answer it. */

struct wg_admin_request;
struct wg_metrics_queue;
struct wg_metrics_question;

enum wg_admin_wants {
    WG_WANTS_INSTANCE = 1,      /**< request->instance is set */
    WG_WANTS_BODY = 2,          /**< request->body is a JSON object */
    WG_WANTS_BODY_IF_GIVEN = 4, /**< a JSON object, or NULL when the body is empty */
};

struct wg_admin_route {
    const char *method, *pattern;
    enum wg_token_role role; /**< NONE: everybody */
    unsigned wants;
    void (*handle)(struct wg_admin_request *request);
};

struct wg_admin {
    struct wg_worker *worker;
    bool is_stopping;
    struct wg_route *routes; /**< the table, as the router wants it */
    size_t route_count;
    json_t *description; /**< docs/openapi.json, which says what each route takes */
    /** Changes of a policy document, one after the other: each begins with what the one before
     * has left. */
    struct wg_admin_request *changing;
    struct wg_admin_request *waiting, **waiting_end;
    struct doctor *doctors;         /**< at work: doctor_impl.h */
    struct wg_metrics_queue *queue; /**< as known for /metrics; NULL: not yet */
    struct wg_metrics_question *asking;
};

struct wg_admin_request {
    struct wg_admin *admin;
    struct wg_worker *worker;
    struct wg_gateway *gateway;
    struct wg_http_call *call;
    const struct wg_message *message;
    struct wg_arena *arena; /**< of the call: goes with the answer */
    char request_id[WG_UUID_TEXT];
    int64_t started_ms;
    const struct wg_admin_route *route; /**< NULL: none was found */
    struct wg_route_match match;
    struct wg_token_bearer bearer; /**< id is empty when nobody has proved who he is */
    const struct wg_instance *instance;
    json_t *body;
    struct wg_headers headers; /**< of the answer */
    void *state;               /**< the handler's, in arena */
    struct wg_admin_request *next;
};

/* ---- answer.c: each ends the request; it is gone on return ---- */

/** Takes json over. */
void wg_admin_answer(struct wg_admin_request *request, int status, json_t *json);
/** With a body that is JSON already; lent. */
void wg_admin_answer_text(struct wg_admin_request *request, int status, struct wg_str body);
/** With the status and SW_ code of code. */
void wg_admin_fail(struct wg_admin_request *request, enum wg_code code, const char *format, ...)
    WG_PRINTF(3, 4);
/** The same from an err that says all. What broke in store, policies or network is an
 * operator's to read, so its text is passed on. */
void wg_admin_fail_err(struct wg_admin_request *request, const struct wg_err *err);
/** With a status and code that no row of code.h has. */
void wg_admin_refuse(struct wg_admin_request *request, int status, const char *sw_code,
                     const char *format, ...) WG_PRINTF(4, 5);
/** A header field of the answer; lent. */
void wg_admin_header(struct wg_admin_request *request, const char *name, struct wg_str value);

/* ---- request.c ---- */

/** A parameter of the path. */
struct wg_str wg_admin_capture(const struct wg_admin_request *request, const char *name);
/** Of the query: absent when not given. @return false after having answered. */
bool wg_admin_query(struct wg_admin_request *request, const char *name,
                    struct wg_str *ret_value);
/** "limit" and "cursor" of a list: limit 1 to most, fallback when not given. @return false
 * after having answered. */
bool wg_admin_page(struct wg_admin_request *request, size_t most, size_t fallback,
                   size_t *ret_limit, struct wg_str *ret_cursor);
/** Refuses members of the body that are not in names (NULL-terminated), with the nearest.
 * @return false after having answered. */
bool wg_admin_members(struct wg_admin_request *request, const char *const *names);
enum wg_admin_kind { WG_ADMIN_TEXT, WG_ADMIN_NUMBER, WG_ADMIN_BOOLEAN };
/** A member that is there is of that kind: one that is not must never count as not given.
 * @return false when it was refused */
bool wg_admin_member_fits(struct wg_admin_request *request, const json_t *object,
                          const char *name, enum wg_admin_kind kind);
/** The row of the audit that belongs to an act of this request. */
struct wg_audit_row wg_admin_audit(struct wg_admin_request *request, const char *action);
/** The row's extra: json as text in the arena; takes json over. */
struct wg_str wg_admin_text(struct wg_admin_request *request, json_t *json);
/** JSON that this gateway has written and stored; NULL when there is none. Unlike what comes
 * from outside, its whole numbers stay whole. */
json_t *wg_admin_stored(struct wg_str text);
/** A JSON string of any bytes; null when absent. */
json_t *wg_admin_string(struct wg_str text);
/** "2026-05-16T12:31:07.123Z"; null for what has not been (0 and less). */
json_t *wg_admin_time(int64_t wall_ms);
/** {name: [...rows], "next_cursor": ...}; takes rows over; an absent cursor is left out. */
json_t *wg_admin_list(const char *name, json_t *rows, struct wg_str next_cursor);

/* ---- lists.c: pages of what is in memory in a fixed order; the cursor is a place in it ----
 */

/** @return false after having answered. */
bool wg_admin_offset(struct wg_admin_request *request, struct wg_str cursor,
                     uint64_t *ret_skip);
/** Takes rows over: limit of them behind the first skip, and one more when there are. */
json_t *wg_admin_offset_list(struct wg_admin_request *request, const char *name, json_t *rows,
                             size_t limit, uint64_t skip);

/* ---- peers.c ---- */

/** The peer's name from the path. @return false after having answered. */
bool wg_admin_peer_name(struct wg_admin_request *request, struct wg_str *ret_name);
/** All that is known of a peer, its row in a list; NULL when nothing is. */
json_t *wg_admin_peer_describe(struct wg_admin_request *request, struct wg_str name);

/* ---- parameters.c ---- */

/** docs/openapi.json; the caller's. */
json_t *wg_admin_description(void);
/** Refuses a query parameter that the route does not know, with the nearest it does. @return
 * false after having answered. */
bool wg_admin_parameters(struct wg_admin_request *request);

/* ---- peer_read.c: a signed GET at a peer ---- */

struct wg_admin_read {
    struct wg_str peer; /**< server name */
    enum wg_endpoint endpoint;
    struct wg_str value; /**< room or local id */
    struct wg_str query; /**< with its "?", or absent */
    bool is_forced;      /**< its descriptor is fetched afresh, whatever was tried lately */
    /** Once, from the loop: response, lent until the return, or NULL and err. */
    void (*on_answer)(struct wg_admin_request *request, const struct wg_http_response *response,
                      const struct wg_err *err);
    bool was_forced; /**< peer_read.c's own */
};
/** read lives in the request's arena until on_answer. */
void wg_admin_peer_read(struct wg_admin_request *request, struct wg_admin_read *read);
/** "answered 403 SW_FED_PEER_UNKNOWN: ..." of an answer that is no success. */
struct wg_str wg_admin_refusal(struct wg_admin_request *request,
                               const struct wg_http_response *response,
                               struct wg_str *ret_sw_code);

/* ---- upstream.c: to the instance, signed as from the gateway ---- */

/** POST of an event, or, without body, a GET. on_answer as above; everything is copied. */
void wg_admin_ask_instance(struct wg_admin_request *request, struct wg_str peer,
                           struct wg_str target, struct wg_str body,
                           void (*on_answer)(void *request,
                                             const struct wg_http_response *response,
                                             const struct wg_err *err));

/* ---- the handlers, one file a subject ---- */

void wg_admin_healthz(struct wg_admin_request *request);
void wg_admin_readyz(struct wg_admin_request *request);
void wg_admin_metrics(struct wg_admin_request *request);
void wg_admin_openapi(struct wg_admin_request *request);
void wg_admin_identity(struct wg_admin_request *request);
void wg_admin_policy_get(struct wg_admin_request *request);
void wg_admin_policy_put(struct wg_admin_request *request);
void wg_admin_policy_delete(struct wg_admin_request *request);
void wg_admin_room_get(struct wg_admin_request *request);
void wg_admin_room_put(struct wg_admin_request *request);
void wg_admin_overview(struct wg_admin_request *request);
void wg_admin_instances(struct wg_admin_request *request);
void wg_admin_key_list(struct wg_admin_request *request);
void wg_admin_key_rotate(struct wg_admin_request *request);
void wg_admin_key_cancel(struct wg_admin_request *request);
void wg_admin_generations(struct wg_admin_request *request);
void wg_admin_reload(struct wg_admin_request *request);
void wg_admin_rollback(struct wg_admin_request *request);
void wg_admin_log_get(struct wg_admin_request *request);
void wg_admin_log_put(struct wg_admin_request *request);
void wg_admin_token_list(struct wg_admin_request *request);
void wg_admin_token_create(struct wg_admin_request *request);
void wg_admin_token_get(struct wg_admin_request *request);
void wg_admin_token_revoke(struct wg_admin_request *request);
void wg_admin_queue_list(struct wg_admin_request *request);
void wg_admin_queue_show(struct wg_admin_request *request);
void wg_admin_queue_shape(struct wg_admin_request *request);
void wg_admin_queue_suspensions(struct wg_admin_request *request);
void wg_admin_queue_change(struct wg_admin_request *request);
void wg_admin_queue_suspend(struct wg_admin_request *request);
void wg_admin_queue_resume(struct wg_admin_request *request);
void wg_admin_peer_list(struct wg_admin_request *request);
void wg_admin_peer_get(struct wg_admin_request *request);
void wg_admin_peer_refresh(struct wg_admin_request *request);
void wg_admin_peer_forget(struct wg_admin_request *request);
void wg_admin_peer_label(struct wg_admin_request *request);
void wg_admin_list_list(struct wg_admin_request *request);
void wg_admin_list_lookup(struct wg_admin_request *request);
void wg_admin_list_refresh(struct wg_admin_request *request);
void wg_admin_limit_list(struct wg_admin_request *request);
void wg_admin_limit_forgive(struct wg_admin_request *request);
void wg_admin_peer_pin(struct wg_admin_request *request);
void wg_admin_peer_unpin(struct wg_admin_request *request);
void wg_admin_foreign_refresh(struct wg_admin_request *request);
void wg_admin_invite(struct wg_admin_request *request);
void wg_admin_backfill(struct wg_admin_request *request);
void wg_admin_doctor(struct wg_admin_request *request);
/** Those at work end soon. */
void wg_admin_doctor_stop(struct wg_admin *admin);
/** A row without its trace. */
json_t *wg_admin_audit_json(const struct wg_audit_row *row);
void wg_admin_event_story(struct wg_admin_request *request);
void wg_admin_audit_search(struct wg_admin_request *request);
void wg_admin_audit_verify(struct wg_admin_request *request);

/** All routes. */
extern const struct wg_admin_route wg_admin_routes[];
extern const size_t wg_admin_routes_count;
