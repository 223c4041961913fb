// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "policy/policy_impl.h"

/* One hook asked: a coroutine walks the chain, so that any handler may wait. Its stack: the
 * hook's argument, ctx, the function that notes where an error happened, then the handler at
 * work. */

enum { ARGUMENT = 1, CTX = 2, ON_ERROR = 3 };

static const struct wg_handler *handler_of(const struct wg_policy_call *call)
{
    return &call->state->chains[call->question->hook].handlers[call->at];
}

const char *wg_call_policy(const struct wg_policy_call *call)
{
    return handler_of(call)->policy;
}

/* ---- verdicts ---- */

static void take_limit(struct wg_decision *decision, const struct wg_answer_value *value)
{
    if (value->events >= 0 &&
        (decision->limit.events < 0 || value->events < decision->limit.events))
        decision->limit.events = value->events;
    if (value->bytes >= 0 &&
        (decision->limit.bytes < 0 || value->bytes < decision->limit.bytes))
        decision->limit.bytes = value->bytes;
    if (value->not_before_s > decision->limit.not_before_s)
        decision->limit.not_before_s = value->not_before_s;
}

/* A label given twice keeps the place of the first and the value of the last. */
static void put_label(struct wg_policy_call *call, struct wg_str name, struct wg_str text)
{
    struct wg_headers *labels = &call->decision->labels;

    for (size_t i = 0; i < labels->count; i++) {
        if (wg_str_equal(labels->at[i].name, name)) {
            labels->at[i].value = wg_arena_copy(call->arena, text);
            return;
        }
    }
    if (labels->count < WG_LABEL_LIMIT)
        wg_headers_add(labels, call->arena, wg_arena_copy(call->arena, name),
                       wg_arena_copy(call->arena, text));
}

/* The list of names on top; the values stand under them. */
static void take_labels(lua_State *L, struct wg_policy_call *call)
{
    for (lua_Integer i = 1; lua_rawgeti(L, -1, i) == LUA_TSTRING; i++) {
        struct wg_str name, text;

        name.at = lua_tolstring(L, -1, &name.len);
        lua_pushvalue(L, -1);
        lua_rawget(L, -3);
        text.at = lua_tolstring(L, -1, &text.len);
        put_label(call, name, text);
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
}

static void take_final(lua_State *L, struct wg_policy_call *call,
                       const struct wg_answer_value *value)
{
    static const enum wg_verdict verdicts[] = {
        [WG_ANSWER_ALLOW] = WG_VERDICT_ALLOW,
        [WG_ANSWER_DENY] = WG_VERDICT_DENY,
        [WG_ANSWER_DEFER] = WG_VERDICT_DEFER,
        [WG_ANSWER_QUARANTINE] = WG_VERDICT_QUARANTINE,
    };
    struct wg_decision *decision = call->decision;
    struct wg_str reason;

    decision->verdict = verdicts[value->kind];
    decision->code = value->code;
    if (value->kind == WG_ANSWER_DENY && value->code == WG_OK)
        decision->code = call->question->hook == WG_HOOK_PEER   ? WG_PEER_UNKNOWN
                         : call->question->hook == WG_HOOK_ROOM ? WG_ROOM_FORBIDDEN
                                                                : WG_POLICY_REJECTED;
    decision->defer_s = value->seconds;
    if (lua_type(L, -1) == LUA_TSTRING) {
        reason.at = lua_tolstring(L, -1, &reason.len);
        decision->reason = wg_arena_copy(call->arena, reason);
    }
    decision->policy = wg_arena_copy(call->arena, wg_str(handler_of(call)->policy));
    decision->line = value->line;
    if (value->source)
        decision->file = wg_arena_copy(call->arena, wg_str(value->source->shown));
    call->is_settled = true;
}

/* What a handler returned stands behind ON_ERROR. */
static void take_result(lua_State *L, struct wg_policy_call *call)
{
    const struct wg_handler *handler = handler_of(call);
    int count = lua_gettop(L) - ON_ERROR;
    const struct wg_answer_value *value;

    while (count > 0 && lua_isnil(L, ON_ERROR + count))
        count--;
    if (count == 0) {
        wg_trace_answer(L, call, NULL);
        return;
    }
    value = wg_verdict_at(L, ON_ERROR + 1);
    if (count > 1 || !value) {
        call->failed_source = handler->source;
        call->failed_line = handler->line;
        luaL_error(
            L,
            "%s:%d: a handler of '%s' returned %s%s; return nothing, or one verdict such as "
            "wavegate.deny { reason = \"...\" }",
            handler->source->shown, handler->line, wg_hook_name(call->question->hook),
            count > 1 ? "more than one value" : "a ",
            count > 1 ? "" : luaL_typename(L, ON_ERROR + 1));
    }
    lua_getiuservalue(L, ON_ERROR + 1, 1);
    wg_trace_answer(L, call, value);
    if (value->kind == WG_ANSWER_LIMIT)
        take_limit(call->decision, value);
    else if (value->kind == WG_ANSWER_LABEL)
        take_labels(L, call);
    else
        take_final(L, call, value);
}

/* ---- failures ---- */

/* Message handler: notes file and line while the stack of the error still stands. */
static int note_error(lua_State *L)
{
    struct wg_policy_call *call = wg_state_of(L)->call;

    if (!call->failed_source)
        call->failed_source = wg_source_at(L, 1, &call->failed_line);
    return 1;
}

static const char *error_text(lua_State *L, int index, char ret_number[32])
{
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        return lua_tostring(L, index);
    case LUA_TNUMBER:
        snprintf(ret_number, 32, "%.14g", lua_tonumber(L, index));
        return ret_number;
    default:
        return NULL;
    }
}

/* Runs outside of any protection: makes nothing in Lua, runs no metamethod. */
static void describe_failure(lua_State *L, struct wg_policy_call *call)
{
    struct wg_decision *decision = call->decision;
    const struct wg_handler *handler = handler_of(call);
    const struct wg_source *source =
        call->failed_source ? call->failed_source : handler->source;
    int line = call->failed_source ? call->failed_line : handler->line;
    char number[32];
    const char *text = error_text(L, -1, number);

    if (call->budget.broken == WG_BROKEN_MEMORY && (!text || !strstr(text, "budget")))
        text = "memory budget exceeded";
    if (!text)
        text = "an error that is no text";
    decision->failure = call->budget.broken ? WG_BUDGET : WG_SCRIPT;
    decision->policy = wg_arena_copy(call->arena, wg_str(handler->policy));
    decision->file = wg_arena_copy(call->arena, wg_str(source->shown));
    decision->line = line;
    /* Errors that Lua raises begin with a position already. */
    decision->failure_text =
        strncmp(text, source->shown, strlen(source->shown)) == 0
            ? wg_str(wg_arena_format(call->arena, "%.400s", text))
            : wg_str(wg_arena_format(call->arena, "%s:%d: %.400s", source->shown, line, text));
}

static void fail(lua_State *L, struct wg_policy_call *call)
{
    if (call->budget.broken_source) {
        call->failed_source = call->budget.broken_source;
        call->failed_line = call->budget.broken_line;
    }
    describe_failure(L, call);
    wg_decision_failed(call->question, call->state->edition->instance->on_error,
                       call->decision);
    wg_trace_failure(call);
}

/* ---- the chain ---- */

static int walk(lua_State *L, int status, lua_KContext is_first)
{
    struct wg_policy_call *call = wg_state_of(L)->call;
    const struct wg_chain *chain = &call->state->chains[call->question->hook];

    for (;; is_first = false) {
        if (!is_first) {
            if (status != LUA_OK && status != LUA_YIELD)
                return lua_error(L); /* with the message as it is */
            take_result(L, call);
            if (call->is_settled || ++call->at >= chain->count)
                return 0;
        }
        lua_settop(L, ON_ERROR);
        wg_trace_handler(call, handler_of(call));
        lua_rawgeti(L, LUA_REGISTRYINDEX, chain->handlers[call->at].function);
        lua_pushvalue(L, ARGUMENT);
        lua_pushvalue(L, CTX);
        status = lua_pcallk(L, 2, LUA_MULTRET, ON_ERROR, false, walk);
    }
}

static int begin_walk(lua_State *L)
{
    wg_view_push(L, wg_state_of(L)->call);
    lua_pushcfunction(L, note_error);
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
        fail(L, call);
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
        fail(state->L, call);
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
