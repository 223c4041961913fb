// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "policy/policy_impl.h"

/* What a handler's answer, or its failure, makes of the decision. */

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
    decision->policy = wg_arena_copy(call->arena, wg_str(wg_call_handler(call)->policy));
    decision->line = value->line;
    if (value->source)
        decision->file = wg_arena_copy(call->arena, wg_str(value->source->shown));
    call->is_settled = true;
}

void wg_call_take_result(lua_State *L, struct wg_policy_call *call)
{
    const struct wg_handler *handler = wg_call_handler(call);
    int count = lua_gettop(L) - WG_CALL_BASE;
    const struct wg_answer_value *value;

    while (count > 0 && lua_isnil(L, WG_CALL_BASE + count))
        count--;
    if (count == 0) {
        wg_trace_answer(L, call, NULL);
        return;
    }
    value = wg_verdict_at(L, WG_CALL_BASE + 1);
    if (count > 1 || !value) {
        call->failed_source = handler->source;
        call->failed_line = handler->line;
        luaL_error(
            L,
            "%s:%d: a handler of '%s' returned %s%s; return nothing, or one verdict such as "
            "wavegate.deny { reason = \"...\" }",
            handler->source->shown, handler->line, wg_hook_name(call->question->hook),
            count > 1 ? "more than one value" : "a ",
            count > 1 ? "" : luaL_typename(L, WG_CALL_BASE + 1));
    }
    lua_getiuservalue(L, WG_CALL_BASE + 1, 1);
    wg_trace_answer(L, call, value);
    if (value->kind == WG_ANSWER_LIMIT)
        take_limit(call->decision, value);
    else if (value->kind == WG_ANSWER_LABEL)
        take_labels(L, call);
    else
        take_final(L, call, value);
}

int wg_call_note_error(lua_State *L)
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
    const struct wg_handler *handler = wg_call_handler(call);
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

void wg_call_take_failure(lua_State *L, struct wg_policy_call *call)
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
