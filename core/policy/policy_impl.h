// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <lauxlib.h>
#include <lua.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "http/client.h"
#include "policy/list.h"
#include "policy/policy.h"
#include "policy/trace.h"

/** The inside of core/policy/: what its files share.
 *
 *   edition     the texts of one instance's files as read at one moment; shared by all threads
 *   state       an edition loaded into one Lua state: handlers and their calls; one thread
 *   generation  (policy.h) what a worker pins: an edition and its state there */

enum {
    WG_SOURCE_LIMIT_BYTES = 1024 * 1024, /**< of one file */
    WG_SOURCE_COUNT_LIMIT = 256,
    WG_LARGE_STRING_BYTES = 64 * 1024,
    WG_LARGE_BLOCK_BYTES = 256 * 1024,
    WG_STRING_LIMIT_BYTES =
        1024 * 1024, /**< of one Lua string: bounds what one instruction can cost */
    WG_BLOCK_LIMIT_BYTES = 24 * 1024 * 1024, /**< of one table or stack */
    WG_HANDLER_LIMIT = 256,
    WG_USE_DEPTH_LIMIT = 16,
    WG_LABEL_LIMIT = 16,
    WG_CALL_DEPTH_LIMIT = 4000,    /**< functions that call each other */
    WG_PROTECTED_DEPTH_LIMIT = 64, /**< pcall inside pcall */
    WG_RESULT_LIMIT = 8000,        /**< values of one table.unpack or string.byte */
};

/* ---- edition.c ---- */

struct wg_source {
    char *key;   /**< what was asked for: "deny_list"; "" for the main file */
    char *path;  /**< where it was read */
    char *shown; /**< in messages: "policies/main.lua" */
    char *name;  /**< the policy's name: "main" */
    char *text;
    size_t len;
};

/* ---- document.c ---- */

/** The policy document of an instance when an operator has put one in the place of what the
 * configuration says; shared by editions. */
struct wg_document_copy {
    atomic_uint references;
    struct wg_config_federation federation;
    struct wg_arena arena;
};
struct wg_document_copy *wg_document_copy(const struct wg_config_federation *federation);
struct wg_document_copy *
wg_document_ref(struct wg_document_copy *document); /**< NULL is fine */
struct wg_document_copy *wg_document_unref(struct wg_document_copy *document);

struct wg_edition {
    atomic_uint references;
    uint64_t number;
    int64_t loaded_at_ms; /**< wall clock */
    char *cause;
    struct wg_document_copy *document; /**< NULL: the configuration's */
    const struct wg_config *config;
    const struct wg_config_instance *instance;
    struct wg_policy_engine *engine;
    struct wg_source **sources;
    size_t source_count;
    char **folders; /**< looked into, whether or not they exist */
    size_t folder_count;
    struct wg_edition_list **lists; /**< policy/lists.h */
    size_t list_count;
    const struct wg_fake_world *fake; /**< of tests; NULL in the gateway */
    /* For tools; NULL in the gateway. */
    void (*open_more)(
        lua_State *L); /**< adds to what require finds, before the main file runs */
    void *tool;
    struct wg_coverage *coverage;
    bool is_exact;
    bool lacks_required; /**< it failed only for want of an option that must be given */
    bool is_sealed; /**< checked: from here on nothing is read from disk, so any thread may use
                       it */
};

struct wg_edition *wg_edition_new(const struct wg_config *config,
                                  const struct wg_config_instance *instance);
/** Another with the same files, so that nothing is read again. */
struct wg_edition *wg_edition_again(const struct wg_edition *edition);
struct wg_edition *wg_edition_ref(struct wg_edition *edition);
struct wg_edition *wg_edition_unref(struct wg_edition *edition);
/** The file of that module, read when it was not yet. "" is the instance's own file.
 * @return WG_NOT_FOUND with the folders that were searched; WG_INVALID for a name that is none.
 */
WG_MUST_USE enum wg_code wg_edition_source(struct wg_edition *edition, struct wg_str key,
                                           const struct wg_source **ret_source,
                                           struct wg_err *err);
/** For tools: the main file is this text. */
void wg_edition_add_main(struct wg_edition *edition, const char *shown, struct wg_str text);
/** A change in the folder of path is a change of the edition. */
void wg_edition_look_into(struct wg_edition *edition, const char *path);
bool wg_edition_equal(const struct wg_edition *a, const struct wg_edition *b);

/* ---- budget.c ---- */

enum wg_broken {
    WG_BROKEN_NOT,
    WG_BROKEN_INSTRUCTIONS,
    WG_BROKEN_TIME,
    WG_BROKEN_MEMORY,
    WG_BROKEN_WAITING,
    WG_BROKEN_CANCELLED,
};

/** What a call, or a load, may still spend. Once broken it stays so: nothing in Lua can catch
 * it. */
struct wg_budget {
    int64_t left; /**< instructions */
    int64_t total;
    int64_t running_ns; /**< of CPU or of the clock, whichever is less, before this turn */
    int64_t running_limit_ns;
    int64_t turn_began_ns;
    int64_t turn_began_cpu_ns; /**< -1: not read yet */
    int step;                  /**< instructions between two looks */
    int protected_depth;       /**< pcall inside pcall */
    enum wg_broken broken;
    const struct wg_source *broken_source; /**< where that was noticed first */
    int broken_line;
};

struct wg_state;

void wg_budget_init(struct wg_budget *budget, int64_t instructions, int64_t running_ms);
/** L runs Lua on this budget from now on, until _leave(). */
void wg_budget_enter(struct wg_state *state, struct wg_budget *budget, lua_State *L);
void wg_budget_leave(struct wg_state *state);
/** Pays for work that the machine's instructions do not show. Raises when nothing is left. */
void wg_budget_charge(lua_State *L, int64_t work);
/** Raises again when the budget is broken: after every protected call on a script's behalf. */
void wg_budget_recheck(lua_State *L);
/** Marks it broken and makes the next instruction notice; does not raise (the allocator calls
 * it). */
void wg_budget_break(struct wg_state *state, enum wg_broken why);
/** For the rest of this call the budget is looked at more often: one instruction may cost much.
 */
void wg_budget_look_often(struct wg_state *state);
/** What of the budget a matcher or a sorter may use, in the same unit. */
int64_t wg_budget_left(lua_State *L);
int64_t wg_mono_ns(void);

/* ---- state.c ---- */

struct wg_handler {
    int function;                   /**< reference in the registry */
    const struct wg_source *source; /**< the file that registered it */
    const char *policy;
    int line; /**< where the function begins */
};

struct wg_chain {
    struct wg_handler *handlers;
    size_t count;
};

/** The file that is being run by wavegate.use, or the main one. */
struct wg_loading {
    const struct wg_source *source;
    const char *caller; /**< "policies/main.lua:5: "; NULL for the main file */
    int options;        /**< reference to the table given to use; LUA_NOREF: none given */
    int handlers; /**< reference to the table that gets the handlers; LUA_NOREF: the chains do
                   */
    bool are_options_declared;
    struct wg_loading *outer;
};

struct wg_state {
    unsigned references; /**< the generation, and each call that waits */
    lua_State *L;
    struct wg_edition *edition;
    struct wg_policy_worker *worker; /**< NULL where an edition is checked */
    struct wg_policy_engine *engine;
    size_t memory, memory_peak, memory_soft, memory_hard;
    bool is_dry;     /**< a dry run: nothing outside may change */
    bool is_suspect; /**< met the end of its memory: to be replaced before the next call */
    bool is_exact;   /**< counts single instructions: slow */
    struct wg_coverage *coverage; /**< notes the lines that run; NULL: nobody wants to know */
    bool has_large_strings;
    struct wg_budget *budget; /**< of whoever runs now; NULL between calls */
    lua_State *thread;        /**< that runs now */
    struct wg_policy_call *call;
    struct wg_loading *loading; /**< NULL once loaded */
    unsigned use_depth;
    struct wg_chain chains[WG_HOOK_COUNT];
    struct wg_policy_call *idle; /**< calls kept for reuse, with their threads */
    uint64_t serial;             /**< of the last ticket */
};

/** Loads the edition: sandbox, main file, everything it uses.
 * @return WG_SCRIPT or WG_BUDGET with "file:line: reason". */
WG_MUST_USE enum wg_code wg_state_new(struct wg_edition *edition,
                                      struct wg_policy_worker *worker,
                                      struct wg_state **ret_state, struct wg_err *err);
struct wg_state *wg_state_ref(struct wg_state *state);
struct wg_state *wg_state_unref(struct wg_state *state);

static inline struct wg_state *wg_state_of(lua_State *L)
{
    return *(struct wg_state **)lua_getextraspace(L);
}

/* ---- sandbox.c ---- */

/** Leaves the registry with what every file sees, and nothing else reachable. */
void wg_sandbox_open(lua_State *L);
/** Compares what scripts can reach with the list of what they may. @return the first name that
 * is too much or missing, or NULL. */
const char *wg_sandbox_verify(lua_State *L);
/** What files see: "pairs", "string", "string.sub"; NULL-terminated. Modules are not among
 * them.
 */
const char *const *wg_sandbox_names(void);
/** Compiles source (text only) with an environment of its own; pushes the function. Raises. */
void wg_sandbox_load(lua_State *L, const struct wg_source *source);
/** Replaces the table on top by a view of it that cannot be written to. */
void wg_lock(lua_State *L);
bool wg_is_locked(lua_State *L, int index);
/** Raises unless the argument is a table that scripts may write to. */
void wg_check_writable(lua_State *L, int index);
/** "policies/main.lua:12: " of the nearest Lua function at or above level; pushes it ("" when
 * none). */
void wg_where(lua_State *L, int level);
/** Raises with the position of the script that called. */
WG_NORETURN void wg_raise(lua_State *L, const char *format, ...) WG_PRINTF(2, 3);
/** Pushes how a value reads, without addresses; runs __tostring. */
void wg_tostring(lua_State *L, int index);
/** Raises when a string about to be made would be longer than WG_STRING_LIMIT_BYTES. */
void wg_check_string_size(lua_State *L, size_t len);

/* What the libraries offer; each replaces or wraps the stock one, whose table is on top. */
void wg_base_open(lua_State *L);   /**< adds to the table on top */
void wg_string_open(lua_State *L); /**< pushes the library */
void wg_table_open(lua_State *L);
void wg_math_open(lua_State *L);
void wg_utf8_open(lua_State *L);
extern const luaL_Reg wg_match_functions[]; /**< find, match, gmatch, gsub */
int wg_string_format(lua_State *L);
int wg_table_sort(lua_State *L);

/* ---- verdict.c ---- */

enum wg_answer {
    WG_ANSWER_ALLOW,
    WG_ANSWER_DENY,
    WG_ANSWER_DEFER,
    WG_ANSWER_QUARANTINE,
    WG_ANSWER_LIMIT,
    WG_ANSWER_LABEL,
};

/** What wavegate.deny{} and its like return. User value 1: the reason, or the list of labels.
 */
struct wg_answer_value {
    enum wg_answer kind;
    enum wg_code code;
    int64_t seconds;
    int64_t events, bytes, not_before_s;
    const struct wg_source *source;
    int line;
};
void wg_verdict_open(lua_State *L); /**< adds to the module on top */
/** @return NULL when the value is none. */
const struct wg_answer_value *wg_verdict_at(lua_State *L, int index);
const char *wg_answer_name(enum wg_answer answer);
/** The source whose text L runs at level, and the line. */
const struct wg_source *wg_source_at(lua_State *L, int level, int *ret_line);

/* ---- view.c, content.c ---- */

void wg_view_open(lua_State *L);
/** The i-th field of all that handlers see, and whose it is; NULL past the last. */
const char *wg_view_field(size_t i, const char **ret_view);
/** Pushes the hook's argument and ctx. */
void wg_view_push(lua_State *L, struct wg_policy_call *call);
void wg_content_open(lua_State *L);
/** Pushes a JSON value that lives as long as the call. */
void wg_content_push(lua_State *L, struct wg_policy_call *call, const json_t *json);
bool wg_content_is(lua_State *L, int index);
/** The JSON behind such a value, lent. */
const json_t *wg_content_json(lua_State *L, int index);
/** next(): pushes key and value and returns 2, or nil and 1. */
int wg_content_next(lua_State *L);
/** Raises unless it is still the call that the ticket was made for. */
struct wg_policy_call *wg_ticket_check(lua_State *L, struct wg_policy_call *call,
                                       uint64_t serial, const char *what);

/* ---- module_wavegate.c, options.c, units.c ---- */

void wg_modules_open(lua_State *L); /**< fills the table of loaded modules on top */
int wg_options_declare(lua_State *L);
/** A check after the file has run: options given but never declared. Raises. */
void wg_options_settle(lua_State *L, struct wg_loading *loading);
WG_MUST_USE enum wg_code wg_units_duration(struct wg_str text, double *ret_seconds,
                                           struct wg_err *err);
WG_MUST_USE enum wg_code wg_units_rate(struct wg_str text, double *ret_per_second,
                                       struct wg_err *err);
WG_MUST_USE enum wg_code wg_units_size(struct wg_str text, int64_t *ret_bytes,
                                       struct wg_err *err);
WG_MUST_USE enum wg_code wg_units_time(struct wg_str text, int64_t *ret_unix_s,
                                       struct wg_err *err);
/** A copy of the table's string keys against names (NULL-terminated); raises for the first that
 * is not there, with the nearest. */
void wg_check_fields(lua_State *L, int index, const char *what, const char *const *names);

/* ---- call.c ---- */

struct wg_policy_call {
    struct wg_state *state;
    uint64_t serial; /**< tickets of this call bear it; 0 when none is under way */
    lua_State *thread;
    int thread_reference;
    struct wg_budget budget;
    const struct wg_question *question;
    struct wg_arena *arena;
    struct wg_decision *decision;
    void (*on_decided)(void *owner);
    void *owner;
    int64_t began_ns;
    size_t at;       /**< handler of the chain that runs */
    bool is_settled; /**< a verdict has ended the chain */
    bool is_limited;
    bool is_parked;
    const struct wg_source *failed_source;
    int failed_line;
    struct wg_policy_call *next,
        *previous; /**< among the idle of the state, or the waiting of the worker */
    /* While it waits: */
    struct wg_timer *deadline;
    void (*stop_waiting)(void *wait);
    void *wait;
};

/** For a function of Lua that waits: `return wg_call_wait(...)` behind wg_call_check_wait().
 * stop ends the operation without calling back. When it is over, wg_call_resume() from the
 * loop; on_resumed then gives the function's results, beginning with wg_budget_recheck(). In a
 * dry run nothing is to be started, and the call is never resumed. */
struct wg_policy_call *wg_call_check_wait(lua_State *L, const char *what);
int wg_call_wait(lua_State *L, void (*stop)(void *wait), void *wait, lua_KFunction on_resumed,
                 lua_KContext context);
void wg_call_resume(struct wg_policy_call *call);
/** wg_call_wait() for a time. */
int wg_call_sleep(lua_State *L, int64_t for_ms, lua_KFunction after, lua_KContext context);
/** Name of the policy whose handler runs. */
const char *wg_call_policy(const struct wg_policy_call *call);

/* Between call.c, which runs the chain, and call_answer.c. */
enum { WG_CALL_BASE = 3 }; /**< on the coroutine's stack; what a handler returns stands above */
const struct wg_handler *wg_call_handler(const struct wg_policy_call *call);
/** Takes what the handler at work returned; raises when that is no verdict. */
void wg_call_take_result(lua_State *L, struct wg_policy_call *call);
/** Message handler: notes file and line while the stack of the error still stands. */
int wg_call_note_error(lua_State *L);
/** The error on top of the stack ends the call. */
void wg_call_take_failure(lua_State *L, struct wg_policy_call *call);
/** Ends the wait and breaks the budget. */
void wg_call_interrupt(struct wg_policy_call *call, enum wg_broken why);

/** Ask on any state; what wg_policy_ask() and the dry run share. */
struct wg_policy_call *wg_call_ask(struct wg_state *state, const struct wg_question *question,
                                   struct wg_arena *arena, struct wg_decision *ret_decision,
                                   void (*on_decided)(void *owner), void *owner);
void wg_call_free_idle(struct wg_state *state);
/** What stands when no handler answered. */
void wg_decision_default(const struct wg_question *question, struct wg_decision *decision);
/** What must be limited although nobody said so. */
void wg_decision_bound(const struct wg_question *question, struct wg_decision *decision);
/** What stands when a handler failed; decision->failure and its text are set already. */
void wg_decision_failed(const struct wg_question *question, enum wg_on_error on_error,
                        struct wg_decision *decision);
/* ---- trace.c: no-ops when the question has no trace ---- */

void wg_trace_begin(const struct wg_policy_call *call);
void wg_trace_handler(const struct wg_policy_call *call, const struct wg_handler *handler);
/** value is what it returned, NULL for nothing; its reason, or list of labels, is on top. */
void wg_trace_answer(lua_State *L, const struct wg_policy_call *call,
                     const struct wg_answer_value *value);
void wg_trace_failure(const struct wg_policy_call *call);
void wg_trace_hit(const struct wg_policy_call *call, const struct wg_list_match *match);
void wg_trace_end(const struct wg_policy_call *call);

/** Asks every hook that has handlers with a made sample. */
WG_MUST_USE enum wg_code wg_dry_run(struct wg_state *state, struct wg_err *err);

/* ---- engine.c, worker.c ---- */

enum { WG_FORMER_EDITIONS = 8 }; /**< kept to roll back to */

struct wg_engine_instance {
    const struct wg_config_instance *config;
    struct wg_edition *edition;                    /**< guarded by the engine's lock */
    struct wg_edition *former[WG_FORMER_EDITIONS]; /**< newest first */
    struct wg_edition *read; /**< what was last read from disk and taken, in use or not */
    struct wg_document_copy *document; /**< NULL: the configuration's */
    atomic_uint_least64_t number;
    uint64_t last_number;
    char *last_failure;    /**< text of the last attempt when it failed */
    char **failed_folders; /**< looked into by it: they are watched too */
    size_t failed_folder_count;
};

struct wg_policy_engine {
    const struct wg_config *config;
    const struct wg_clock *clock;
    pthread_mutex_t lock;
    struct wg_engine_instance *instances;
    size_t instance_count;
    struct wg_policy_worker *workers; /**< guarded by lock */
    struct wg_limits *limits;         /**< these three survive every reload */
    struct wg_kv *kv;
    struct wg_figures *figures;
    struct wg_feeds *feeds; /**< policy/lists.h */
    struct wg_watch *watch;
    void (*on_news)(void *owner, const struct wg_policy_news *news);
    void *owner;
};

/** Loads, checks and publishes an edition of the instance, and tells. Takes edition over. */
WG_MUST_USE enum wg_code wg_engine_replace(struct wg_policy_engine *engine,
                                           struct wg_engine_instance *instance,
                                           struct wg_edition *edition, const char *cause,
                                           struct wg_err *err);
struct wg_edition *wg_engine_edition(struct wg_policy_engine *engine, size_t instance);
/** Watches what the editions of now look into; a no-op before wg_policy_watch(). */
void wg_watch_renew(struct wg_policy_engine *engine);
void wg_worker_join(struct wg_policy_engine *engine, struct wg_policy_worker *worker);
void wg_worker_leave(struct wg_policy_engine *engine, struct wg_policy_worker *worker);
/** Lets the worker load what is newest, in its own time; any thread, engine's lock held. */
void wg_worker_notify(struct wg_policy_worker *worker);
void wg_worker_add(struct wg_policy_worker *worker, struct wg_policy_call *call);
void wg_worker_remove(struct wg_policy_worker *worker, struct wg_policy_call *call);

/** What a tool puts in the place of the world. */
typedef void (*wg_on_http_answer)(void *owner, const struct wg_http_response *response,
                                  const struct wg_err *err);
struct wg_fake_world {
    /** on_answer comes once, from the worker's loop. */
    void (*fetch)(void *owner, const struct wg_http_request *request, struct wg_str url,
                  wg_on_http_answer on_answer, void *answer_owner);
    /** A handler waits. @return for how long in truth */
    int64_t (*sleep)(void *owner, int64_t for_ms);
    /** The text of a list. @return false: none is faked under that name */
    bool (*list)(void *owner, struct wg_str where, struct wg_str *ret_text);
    void *owner;
};

struct wg_policy_worker {
    const struct wg_fake_world *fake; /**< NULL in the gateway */
    atomic_uint references;           /**< the owner, and each post under way */
    struct wg_policy_engine *engine;
    struct wg_loop *loop;                  /**< NULL in tests that never wait */
    struct wg_policy_generation **current; /**< one an instance */
    struct wg_policy_worker *next;
    struct wg_policy_call *waiting;
    struct wg_http_client *http; /**< NULL: no HTTP for policies */
    bool is_closing;
    void (*on_closed)(void *owner);
    void *owner;
};

struct wg_policy_generation {
    unsigned references;
    struct wg_policy_worker *worker;
    struct wg_edition *edition;
    struct wg_state *state;
    uint64_t refused; /**< a newer number that could not be loaded here: not tried again */
};
