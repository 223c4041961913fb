// SPDX-License-Identifier: Apache-2.0
#include "policy/trace.h"

#include "policy/policy_impl.h"

/* What a handler cost is the difference of the call's budget before and after it. A step holds
 * the budget's reading at its beginning until it ends. */

static int64_t running_us(const struct wg_policy_call *call)
{
    const struct wg_budget *budget = &call->budget;
    int64_t turn_ns = wg_mono_ns() - budget->turn_began_ns;

    /* A turn that has ended is counted already. */
    return (budget->running_ns + (call->state->budget == budget ? turn_ns : 0)) / 1000;
}

static struct wg_trace_step *add_step(struct wg_trace *trace)
{
    if (trace->count == trace->capacity) {
        size_t capacity = trace->capacity ? 2 * trace->capacity : 4;
        struct wg_trace_step *steps =
            wg_arena_alloc(trace->arena, capacity * sizeof *trace->steps);

        if (trace->count)
            memcpy(steps, trace->steps, trace->count * sizeof *steps);
        trace->steps = steps;
        trace->capacity = capacity;
    }
    return &trace->steps[trace->count++];
}

static struct wg_trace_step *last_step(const struct wg_policy_call *call)
{
    struct wg_trace *trace = call->question->trace;

    return trace && trace->count ? &trace->steps[trace->count - 1] : NULL;
}

void wg_trace_handler(const struct wg_policy_call *call, const struct wg_handler *handler)
{
    struct wg_trace *trace = call->question->trace;
    struct wg_trace_step *step;

    if (!trace)
        return;
    step = add_step(trace);
    *step = (struct wg_trace_step){
        .policy = wg_arena_copy(trace->arena, wg_str(handler->policy)),
        .file = wg_arena_copy(trace->arena, wg_str(handler->source->shown)),
        .line = handler->line,
        .answer = "waiting",
        .instructions = call->budget.left,
        .running_us = running_us(call)};
}

static void end_step(struct wg_trace_step *step, const struct wg_policy_call *call,
                     const char *answer)
{
    step->answer = answer;
    step->instructions -= call->budget.left;
    step->running_us = running_us(call) - step->running_us;
}

static void note_place(struct wg_trace_step *step, struct wg_arena *arena,
                       const struct wg_source *source, int line)
{
    if (source)
        step->said_file = wg_arena_copy(arena, wg_str(source->shown));
    step->said_line = line;
}

static void note_limit(struct wg_trace_step *step, struct wg_arena *arena,
                       const struct wg_answer_value *value)
{
    struct wg_buf text;

    wg_buf_init(&text, 256);
    if (value->events >= 0)
        wg_buf_addf(&text, "events = %lld, ", (long long)value->events);
    if (value->bytes >= 0)
        wg_buf_addf(&text, "bytes = %lld, ", (long long)value->bytes);
    if (value->not_before_s >= 0)
        wg_buf_addf(&text, "not_before = %lld, ", (long long)value->not_before_s);
    text.len -= 2;
    step->text = wg_arena_copy(arena, wg_buf_str(&text));
    wg_buf_done(&text);
}

/* The list of names on top of the stack, whose values stand under them. */
static void note_labels(lua_State *L, struct wg_trace_step *step, struct wg_arena *arena)
{
    struct wg_buf text;

    wg_buf_init(&text, 16 * 1024);
    for (lua_Integer i = 1; lua_rawgeti(L, -1, i) == LUA_TSTRING; i++) {
        lua_pushvalue(L, -1);
        lua_rawget(L, -3);
        wg_buf_addf(&text, "%s%s = %s", i > 1 ? ", " : "", lua_tostring(L, -2),
                    lua_tostring(L, -1));
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
    step->text = wg_arena_copy(arena, wg_buf_str(&text));
    wg_buf_done(&text);
}

void wg_trace_answer(lua_State *L, const struct wg_policy_call *call,
                     const struct wg_answer_value *value)
{
    struct wg_trace_step *step = last_step(call);
    struct wg_arena *arena;
    struct wg_str reason;

    if (!step)
        return;
    arena = call->question->trace->arena;
    end_step(step, call, value ? wg_answer_name(value->kind) : "nothing");
    if (!value)
        return;
    note_place(step, arena, value->source, value->line);
    if (value->kind == WG_ANSWER_LIMIT) {
        note_limit(step, arena, value);
    } else if (value->kind == WG_ANSWER_LABEL) {
        note_labels(L, step, arena);
    } else if (lua_type(L, -1) == LUA_TSTRING) {
        reason.at = lua_tolstring(L, -1, &reason.len);
        step->text = wg_arena_copy(arena, reason);
    }
}

void wg_trace_failure(const struct wg_policy_call *call)
{
    struct wg_trace_step *step = last_step(call);
    const struct wg_decision *decision = call->decision;

    if (!step || strcmp(step->answer, "waiting") != 0)
        return;
    end_step(step, call, "failed");
    step->said_file = decision->file;
    step->said_line = decision->line;
    step->text = decision->failure_text;
}

void wg_trace_hit(const struct wg_policy_call *call, const struct wg_list_match *match)
{
    struct wg_trace_step *step = last_step(call);
    struct wg_trace_hit **end, *hit;
    struct wg_arena *arena;
    int count = 0;

    if (!step)
        return;
    for (end = &step->hits; *end; end = &(*end)->next)
        count++;
    if (count == WG_TRACE_HITS_MAX)
        return;
    arena = call->question->trace->arena;
    hit = *end = wg_arena_new(arena, struct wg_trace_hit);
    hit->source = wg_arena_copy(arena, wg_str(match->source));
    hit->entry = wg_arena_copy(arena, match->text);
    if (match->reason.at)
        hit->reason = wg_arena_copy(arena, match->reason);
    hit->line = match->line;
}

void wg_trace_begin(const struct wg_policy_call *call)
{
    struct wg_trace *trace = call->question->trace;

    if (!trace)
        return;
    call->state->memory_peak = call->state->memory;
    trace->call_bytes = -(int64_t)call->state->memory;
}

void wg_trace_end(const struct wg_policy_call *call)
{
    struct wg_trace *trace = call->question->trace;

    if (!trace)
        return;
    trace->peak_bytes = (int64_t)call->state->memory_peak;
    trace->call_bytes += trace->peak_bytes;
}
