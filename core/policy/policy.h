// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "config/config.h"
#include "net/loop.h"
#include "wire/event.h"
#include "wire/message.h"

/** The Lua host: asks the policies of an instance, and tells what they decided. Carrying it out is the
 * pipelines' business.
 *
 *   engine      one a process: settings, generations, what survives reload (limiters, key-value, lists)
 *   worker      one a loop: the Lua states of the generations in use there
 *   generation  the policies of one instance as loaded at one moment; a request pins one from its first
 *               hook to its last
 *   call        one hook asked: a chain of handlers, each a coroutine that may wait */

#define WG_HOOKS(X)                                                                                \
    X(PEER, "peer")                                                                                \
    X(INVITE, "invite")                                                                            \
    X(EVENT, "event")                                                                              \
    X(ROOM, "room")                                                                                \
    X(BACKFILL, "backfill")                                                                        \
    X(MEMBERS, "members")                                                                          \
    X(PROFILE, "profile")                                                                          \
    X(KEY, "key")                                                                                  \
    X(DELIVERY, "delivery")

enum wg_hook {
#define X(name, text) WG_HOOK_##name,
    WG_HOOKS(X)
#undef X
    WG_HOOK_COUNT
};
const char *wg_hook_name(enum wg_hook hook);
bool wg_hook_parse(struct wg_str name, enum wg_hook *ret_hook);

enum wg_direction { WG_INBOUND, WG_OUTBOUND };
enum wg_flag { WG_FLAG_UNSET, WG_FLAG_NO, WG_FLAG_YES };

/** What a handler is told. Texts are lent until the call ends; absent ones are nil in Lua, numbers
 * that are not known are -1. */
struct wg_question {
    enum wg_hook hook;
    enum wg_direction direction;
    struct wg_str server; /**< the instance asked for */
    int64_t now_s;
    struct wg_str remote_address;
    /** Its signature has been verified. False when hook peer is asked before discovery, only to refuse
     * early: a handler that counts must not count then. */
    bool is_authenticated;
    struct {
        struct wg_str name, key_id, mode;
        int64_t known_for_s, last_seen_s, key_age_s, events_24h, failures_24h;
        struct wg_headers labels; /**< set by operators */
    } peer;
    struct {
        struct wg_str id;
        enum wg_flag federated; /**< the flag set at the gateway */
        int64_t foreign_participants; /**< as far as events have told; -1: none has */
        enum wg_flag has_participant; /**< whom the event brings is one of them already */
    } room;
    const struct wg_event *event; /**< hooks invite, event */
    struct {
        struct wg_str endpoint, room_id, participant, before;
        int64_t limit;
    } request; /**< hooks backfill, members, profile */
    struct {
        struct wg_str old_key_id, new_key_id;
        bool is_published; /**< its descriptor says so over verified TLS */
    } change; /**< hook key */
    struct {
        struct wg_str destination, event_id, room_id, code, reason;
        int64_t number, status, age_s, next_in_s;
    } attempt; /**< hook delivery */
    struct wg_trace *trace; /**< policy/trace.h; NULL: not wanted */
    /** Only to know: nothing is counted, kept or asked of others. A handler that would wait never
     * goes on: cancel the call then. */
    bool is_dry;
};

enum wg_verdict { WG_VERDICT_NONE, WG_VERDICT_ALLOW, WG_VERDICT_DENY, WG_VERDICT_DEFER, WG_VERDICT_QUARANTINE };
const char *wg_verdict_name(enum wg_verdict verdict);

/** What came of it. Lives in the arena given to wg_policy_ask(). */
struct wg_decision {
    enum wg_verdict verdict; /**< never NONE: the hook's default stands in (policy is then "default") */
    enum wg_code code;       /**< DENY: of the answer; a BUDGET or SCRIPT failure shows in failure */
    struct wg_str reason;    /**< for the peer; absent when none was given */
    int64_t defer_s;         /**< DEFER */
    struct {
        int64_t events, bytes, not_before_s; /**< -1: not limited */
    } limit;
    struct wg_headers labels;     /**< name and value, in the order given */
    struct wg_str policy;         /**< "deny_list", "main", "default" */
    struct wg_str file;           /**< file of the handler that decided; absent for the default */
    int line;
    uint64_t generation;
    enum wg_code failure; /**< WG_OK; else WG_BUDGET, WG_SCRIPT...: on_error decided */
    struct wg_str failure_text;
    int64_t instructions;
    int64_t running_us;
};

struct wg_policy_engine;
struct wg_policy_worker;
struct wg_policy_generation;
struct wg_policy_call;

/** Loads a first generation for every instance. @return WG_SCRIPT with file, line and reason when one
 * cannot be loaded. Thread: the one that will call the other engine functions. */
WG_MUST_USE enum wg_code wg_policy_engine_new(const struct wg_config *config,
                                              const struct wg_clock *clock,
                                              struct wg_policy_engine **ret_engine,
                                              struct wg_err *err);
/** After every worker is gone. */
struct wg_policy_engine *wg_policy_engine_free(struct wg_policy_engine *engine);

/** What a reload came to, for log, metrics and API; called on the thread of loop given to _watch(). */
struct wg_policy_news {
    const char *server_name;
    bool is_ok;
    uint64_t generation;  /**< the one in use now */
    const char *text;     /**< not ok: "policies/main.lua:12: ..." */
    const char *cause;    /**< "file", "signal", "request" */
};
/** Watches the policy files of all instances (inotify, debounced) on this loop and reloads on change. */
WG_MUST_USE enum wg_code wg_policy_watch(struct wg_policy_engine *engine, struct wg_loop *loop,
                                         void (*on_news)(void *owner,
                                                         const struct wg_policy_news *news),
                                         void *owner, struct wg_err *err);
void wg_policy_unwatch(struct wg_policy_engine *engine);
/** Loads a new generation of every instance aside, checks it, swaps it in; a broken one changes nothing.
 * Thread: the loop given to _watch(). */
void wg_policy_reload(struct wg_policy_engine *engine, const char *cause);
/** The same for one instance, with the reason when it fails. */
WG_MUST_USE enum wg_code wg_policy_reload_instance(struct wg_policy_engine *engine,
                                                   size_t instance, const char *cause,
                                                   struct wg_err *err);
/** Another policy document for the instance (copied; NULL: what the configuration says): a generation
 * of the files in use with that document, checked like any other, decides from the next request on. When
 * the check fails nothing has changed. Thread: as wg_policy_reload(). */
WG_MUST_USE enum wg_code wg_policy_set_document(struct wg_policy_engine *engine, size_t instance,
                                                const struct wg_config_federation *document,
                                                const char *cause, struct wg_err *err);
/** The document in use; lent until the next change. Thread: as wg_policy_reload(). */
const struct wg_config_federation *wg_policy_document(const struct wg_policy_engine *engine,
                                                      size_t instance);

/** A generation that was in use; texts lent until the next change. */
struct wg_policy_edition {
    uint64_t number;
    int64_t loaded_at_ms; /**< wall clock */
    const char *cause;    /**< "start", "file", "signal", "request", "document", "rollback" */
    size_t file_count;
    bool is_current;
};
/** Newest first, the one in use and a few before it. @return how many were written. */
size_t wg_policy_generations(const struct wg_policy_engine *engine, size_t instance,
                             struct wg_policy_edition *ret_rows, size_t limit);
/** Why the last attempt to load failed; NULL when it did not. */
const char *wg_policy_last_failure(const struct wg_policy_engine *engine, size_t instance);
/** The files of that generation decide again, as a new generation with the document of now, until they
 * change on disk. @return WG_NOT_FOUND when it is no longer kept. */
WG_MUST_USE enum wg_code wg_policy_rollback(struct wg_policy_engine *engine, size_t instance,
                                            uint64_t number, struct wg_err *err);

/** Thread of loop from here on. */
struct wg_policy_worker *wg_policy_worker_new(struct wg_policy_engine *engine,
                                              struct wg_loop *loop);
/** Cancels calls under way; on_closed when the last has ended. */
void wg_policy_worker_close(struct wg_policy_worker *worker, void (*on_closed)(void *owner),
                            void *owner);

/** Lets handlers use wavegate.http through this client, of the same loop; it must outlast the worker. */
struct wg_http_client;
void wg_policy_worker_set_http(struct wg_policy_worker *worker, struct wg_http_client *client);

/** A figure that a policy keeps with wavegate.metrics. */
struct wg_policy_figure {
    const char *policy, *name;
    bool is_gauge; /**< else it only grows */
    double value;
};
/** Every figure, in no order; any thread. */
void wg_policy_each_figure(struct wg_policy_engine *engine,
                           void (*on_figure)(void *owner, const struct wg_policy_figure *figure),
                           void *owner);

/** A list that the policies of an instance use now. */
struct wg_list;
struct wg_policy_list {
    const char *server_name, *where;
    bool is_remote, is_failing; /**< failing: the last fetch; the last good copy is in force */
    const char *problem;        /**< of the last fetch; "" without */
    int64_t age_s;              /**< of a remote one: since it was last known to be current; -1: never, or a file */
    uint64_t entries, lookups, hits;
    struct wg_list *list; /**< what decides now (policy/list.h); NULL: never fetched */
};
struct wg_kv;
/** What policies remember (policy/kv_kept.h: what of it is to be stored). Any thread. */
struct wg_kv *wg_policy_kv(struct wg_policy_engine *engine);

/** Every list in use. Thread: that of the engine. */
void wg_policy_each_list(struct wg_policy_engine *engine,
                         void (*on_list)(void *owner, const struct wg_policy_list *list),
                         void *owner);

/** Asks every https source anew, whatever its age; files are read when they change. @return how many.
 * Thread: that of the engine. */
size_t wg_policy_refresh_lists(struct wg_policy_engine *engine);

struct wg_limiter_info;
/** Every rate limiter that policies have opened, named "server_name/name" (policy/limits.h). */
void wg_policy_each_limiter(struct wg_policy_engine *engine,
                            void (*on_limiter)(void *owner, const struct wg_limiter_info *info),
                            void *owner);
/** The key of that limiter has all it may have again. @return false when it had taken nothing. */
bool wg_policy_forgive(struct wg_policy_engine *engine, struct wg_str limiter, struct wg_str key);

/** The newest generation of that instance (index into config->instances), pinned until _unpin(). */
struct wg_policy_generation *wg_policy_pin(struct wg_policy_worker *worker, size_t instance);
void wg_policy_unpin(struct wg_policy_generation *generation);
uint64_t wg_policy_number(const struct wg_policy_generation *generation);

/** Asks the handlers of question->hook in order.
 *
 * @return NULL: decided already, *ret_decision is filled and on_decided will not be called. Otherwise a handler
 *         waits, and on_decided comes exactly once, from the loop, with *ret_decision filled. question
 *         and arena must last until then. */
struct wg_policy_call *wg_policy_ask(struct wg_policy_generation *generation,
                                     const struct wg_question *question, struct wg_arena *arena,
                                     struct wg_decision *ret_decision,
                                     void (*on_decided)(void *owner), void *owner);
/** The client has gone: the handler that waits is ended; on_decided will not be called. */
void wg_policy_cancel(struct wg_policy_call *call);
