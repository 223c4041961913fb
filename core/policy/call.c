// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "policy/policy_impl.h"

/* One hook asked: a coroutine walks the chain, so that any handler may wait. Its stack: the
 * hook's argument, ctx, the function that notes where an error happened, then the handler at
 * work. */

enum { ARGUMENT = 1, CTX = 2, ON_ERROR = WG_CALL_BASE };

const struct wg_handler *wg_call_handler(const struct wg_policy_call *call)
{
    return &call->state->chains[call->question->hook].handlers[call->at];
}

const char *wg_call_policy(const struct wg_policy_call *call)
{
    return wg_call_handler(call)->policy;
}

static int walk(lua_State *L, int status, lua_KContext is_first)
{
    struct wg_policy_call *call = wg_state_of(L)->call;
    const struct wg_chain *chain = &call->state->chains[call->question->hook];

    for (;; is_first = false) {
        if (!is_first) {
            if (status != LUA_OK && status != LUA_YIELD)
                return lua_error(L); /* with the message as it is */
            wg_call_take_result(L, call);
            if (call->is_settled || ++call->at >= chain->count)
                return 0;
        }
        lua_settop(L, ON_ERROR);
        wg_trace_handler(call, wg_call_handler(call));
        lua_rawgeti(L, LUA_REGISTRYINDEX, chain->handlers[call->at].function);
        lua_pushvalue(L, ARGUMENT);
        lua_pushvalue(L, CTX);
        status = lua_pcallk(L, 2, LUA_MULTRET, ON_ERROR, false, walk);
    }
}

static int begin_walk(lua_State *L)
{
    wg_view_push(L, wg_state_of(L)->call);
    lua_pushcfunction(L, wg_call_note_error);
    return walk(L, LUA_OK, true);
}

/* ---- calls ---- */

static int make_thread(lua_State *L)
{
    struct wg_policy_call *call = lua_touserdata(L, 1);

    call->thread = lua_newthread(L);
    call->thread_reference = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static bool renew_thread(struct wg_policy_call *call)
{
    lua_State *L = call->state->L;

    luaL_unref(L, LUA_REGISTRYINDEX, call->thread_reference);
    call->thread = NULL;
    call->thread_reference = LUA_NOREF;
    lua_pushcfunction(L, make_thread);
    lua_pushlightuserdata(L, call);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK)
        return true;
    lua_settop(L, 0);
    call->state->is_suspect = true;
    return false;
}

static struct wg_policy_call *take_call(struct wg_state *state)
{
    struct wg_policy_call *call = state->idle;

    if (call) {
        state->idle = call->next;
        call->next = NULL;
        return call;
    }
    call = wg_new(struct wg_policy_call);
    call->state = state;
    call->thread_reference = LUA_NOREF;
    return call;
}

/* The tickets of the call are void from here on. */
static void give_back(struct wg_policy_call *call)
{
    struct wg_state *state = call->state;

    call->serial = 0;
    call->question = NULL;
    call->next = state->idle;
    state->idle = call;
}

void wg_call_free_idle(struct wg_state *state)
{
    while (state->idle) {
        struct wg_policy_call *call = state->idle;

        state->idle = call->next;
        wg_timer_free(call->deadline);
        wg_free(call);
    }
}

/* Dry runs and trials, which have no worker of the gateway behind them, count nothing. */
static bool is_measured(const struct wg_state *state)
{
    return state->worker && !state->worker->fake;
}

static void measure(const struct wg_policy_call *call)
{
    enum wg_hook hook = call->question->hook;

    if (!is_measured(call->state))
        return;
    wg_metric_time(HOOK_TIME, wg_metric_now_ns() - call->began_ns, hook);
    wg_metric_time(HOOK_RUNNING, call->budget.running_ns, hook);
    wg_metric_count(VERDICTS, hook, call->decision->verdict);
    if (call->decision->failure)
        wg_metric_count(POLICY_FAILURES, hook, call->budget.broken);
}

static void finish(struct wg_policy_call *call)
{
    struct wg_decision *decision = call->decision;

    decision->instructions = call->budget.total - call->budget.left;
    decision->running_us = call->budget.running_ns / 1000;
    if (!decision->failure && !call->is_settled)
        wg_decision_default(call->question, decision);
    wg_decision_bound(call->question, decision);
    measure(call);
    wg_trace_end(call);
}

/* Runs the coroutine until it ends or waits. @return whether it waits */
static bool run(struct wg_policy_call *call)
{
    struct wg_state *state = call->state;
    lua_State *L = call->thread;
    bool is_dry = state->is_dry;
    int result_count;
    int status;

    state->call = call;
    state->is_dry = is_dry || call->question->is_dry;
    wg_budget_enter(state, &call->budget, L);
    status = lua_resume(L, NULL, 0, &result_count);
    wg_budget_leave(state);
    state->is_dry = is_dry;
    state->call = NULL;
    if (status == LUA_YIELD)
        return true;
    if (status != LUA_OK) {
        wg_call_take_failure(L, call);
        /* A thread that ended by an error may hold values to be closed, whose __close would run
         * without any budget: it is left to the collector, which closes nothing. */
        call->thread = NULL;
    }
    return false;
}

/* ---- waiting ---- */

static void on_deadline(void *owner)
{
    struct wg_policy_call *call = owner;

    wg_call_interrupt(call, WG_BROKEN_WAITING);
}

static void park(struct wg_policy_call *call)
{
    struct wg_state *state = call->state;

    call->is_parked = true;
    if (call->question->trace)
        call->question->trace->has_waited = true;
    wg_state_ref(state);
    if (!state->worker) /* a dry run: it is cancelled at once */
        return;
    wg_worker_add(state->worker, call);
    if (!call->deadline)
        call->deadline = wg_timer_new(state->worker->loop, on_deadline, call);
    wg_timer_start(call->deadline, state->edition->config->budget.waiting_ms);
}

/* The state may end with this. */
static void unpark(struct wg_policy_call *call)
{
    struct wg_state *state = call->state;

    call->is_parked = false;
    if (call->deadline)
        wg_timer_stop(call->deadline);
    if (state->worker)
        wg_worker_remove(state->worker, call);
    give_back(call);
    wg_state_unref(state);
}

static void stop_waiting(struct wg_policy_call *call)
{
    void (*stop)(void *wait) = call->stop_waiting;
    void *wait = call->wait;

    call->stop_waiting = NULL;
    call->wait = NULL;
    if (stop)
        stop(wait);
}

void wg_call_resume(struct wg_policy_call *call)
{
    void (*on_decided)(void *owner) = call->on_decided;
    void *owner = call->owner;

    call->stop_waiting = NULL;
    call->wait = NULL;
    if (run(call))
        return;
    finish(call);
    unpark(call);
    on_decided(owner);
}

void wg_call_interrupt(struct wg_policy_call *call, enum wg_broken why)
{
    stop_waiting(call);
    call->budget.broken = why;
    wg_call_resume(call);
}

int wg_call_wait(lua_State *L, void (*stop)(void *wait), void *wait, lua_KFunction on_resumed,
                 lua_KContext context)
{
    struct wg_policy_call *call = wg_state_of(L)->call;

    call->stop_waiting = stop;
    call->wait = wait;
    return lua_yieldk(L, 0, context, on_resumed);
}

struct wg_policy_call *wg_call_check_wait(lua_State *L, const char *what)
{
    struct wg_state *state = wg_state_of(L);

    if (!state->call)
        wg_raise(L, "%s: only inside a handler", what);
    if (!lua_isyieldable(L))
        wg_raise(
            L,
            "%s cannot wait inside a metamethod, a comparison of table.sort or a replacement "
            "of string.gsub",
            what);
    return state->call;
}

void wg_policy_cancel(struct wg_policy_call *call)
{
    stop_waiting(call);
    /* What waits in the coroutine is not run any more, its __close included. */
    call->thread = NULL;
    unpark(call);
}

/* ---- asking ---- */

static void begin(struct wg_policy_call *call, const struct wg_question *question,
                  struct wg_arena *arena, struct wg_decision *decision)
{
    const struct wg_config_budget *limits = &call->state->edition->config->budget;

    call->serial = ++call->state->serial;
    call->began_ns = wg_metric_now_ns();
    call->question = question;
    call->arena = arena;
    call->decision = decision;
    call->at = 0;
    call->is_settled = false;
    call->failed_source = NULL;
    call->failed_line = 0;
    call->stop_waiting = NULL;
    call->wait = NULL;
    wg_budget_init(&call->budget, limits->instructions, limits->running_ms);
    wg_trace_begin(call);
}

static void init_decision(struct wg_decision *decision, const struct wg_state *state)
{
    *decision = (struct wg_decision){.generation = state->edition->number,
                                     .limit = {.events = -1, .bytes = -1, .not_before_s = -1}};
}

struct wg_policy_call *wg_call_ask(struct wg_state *state, const struct wg_question *question,
                                   struct wg_arena *arena, struct wg_decision *ret_decision,
                                   void (*on_decided)(void *owner), void *owner)
{
    struct wg_policy_call *call;

    init_decision(ret_decision, state);
    if (state->chains[question->hook].count == 0) {
        wg_decision_default(question, ret_decision);
        wg_decision_bound(question, ret_decision);
        if (is_measured(state))
            wg_metric_count(VERDICTS, question->hook, ret_decision->verdict);
        return NULL;
    }
    call = take_call(state);
    call->on_decided = on_decided;
    call->owner = owner;
    begin(call, question, arena, ret_decision);
    if (!call->thread && !renew_thread(call)) {
        call->budget.broken = WG_BROKEN_MEMORY;
        lua_pushnil(state->L);
        wg_call_take_failure(state->L, call);
        lua_settop(state->L, 0);
    } else {
        lua_pushcfunction(call->thread, begin_walk);
        if (run(call)) {
            park(call);
            return call;
        }
    }
    finish(call);
    give_back(call);
    return NULL;
}
