// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "base/alloc.h"
#include "base/id.h"
#include "policy/policy_impl.h"

/* Loading may cost ten calls: it builds tables that calls only read. */
enum { LOAD_FACTOR = 10 };

static bool is_refused(struct wg_state *state, size_t size, size_t more, size_t string_size)
{
    /* A large string may be compared or converted by any later call, a large table costs when
     * it grows. */
    if (string_size > WG_LARGE_STRING_BYTES)
        state->has_large_strings = true;
    if (string_size > WG_LARGE_STRING_BYTES || size > WG_LARGE_BLOCK_BYTES)
        wg_budget_look_often(state);
    if (string_size > WG_STRING_LIMIT_BYTES + 64 || size > WG_BLOCK_LIMIT_BYTES ||
        state->memory + more > state->memory_hard) {
        state->is_suspect = true;
        wg_budget_break(state, WG_BROKEN_MEMORY);
        return true;
    }
    if (state->memory + more > state->memory_soft) {
        state->is_suspect = true;
        wg_budget_break(state, WG_BROKEN_MEMORY);
    }
    return false;
}

/* Memory is counted, limited, and paid for: what one instruction may do in the machine (joining
 * strings, growing a table) shows in what it allocates. */
static void charge_memory(struct wg_state *state, size_t bytes)
{
    if (!state->budget)
        return;
    state->budget->left -= 1 + (int64_t)(bytes / 64);
    if (state->budget->left < 0 && !state->budget->broken)
        wg_budget_break(state, WG_BROKEN_INSTRUCTIONS);
}

static void *allocate(void *owner, void *block, size_t old_size, size_t size)
{
    struct wg_state *state = owner;
    size_t string_size = !block && old_size == LUA_TSTRING ? size : 0;
    void *changed;

    if (!block)
        old_size = 0;
    if (size == 0) {
        state->memory -= old_size;
        free(block);
        return NULL;
    }
    if (size > old_size && is_refused(state, size, size - old_size, string_size))
        return NULL;
    changed = realloc(block, size);
    if (!changed) {
        state->is_suspect = true;
        wg_budget_break(state, WG_BROKEN_MEMORY);
        return NULL;
    }
    if (size > old_size)
        charge_memory(state, size - old_size);
    state->memory = state->memory - old_size + size;
    if (state->memory > state->memory_peak)
        state->memory_peak = state->memory;
    return changed;
}

static int on_panic(lua_State *L)
{
    wg_panic("Lua error outside of a protected call: %s", lua_tostring(L, -1));
}

static int load_main(lua_State *L)
{
    struct wg_state *state = wg_state_of(L);
    const struct wg_source *source;
    struct wg_err err;

    wg_sandbox_open(L);
    if (state->edition->open_more)
        state->edition->open_more(L);
    if (wg_edition_source(state->edition, WG_STR(""), &source, &err) != WG_OK)
        return luaL_error(L, "%s", err.text);
    state->loading->source = source;
    wg_sandbox_load(L, source);
    lua_call(L, 0, 0);
    return 0;
}

/* The message goes through as it is: errors of scripts begin with their position. */
static enum wg_code load_failed(struct wg_state *state, const struct wg_budget *budget,
                                struct wg_err *err)
{
    lua_State *L = state->L;
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;

    if (budget->broken == WG_BROKEN_MEMORY && !(text && strstr(text, "budget")))
        text = "memory budget exceeded";
    if (!text)
        text = "an error that is no text";
    return wg_fail(err, budget->broken ? WG_BUDGET : WG_SCRIPT, "%s", text);
}

static enum wg_code load(struct wg_state *state, struct wg_err *err)
{
    const struct wg_config_budget *limits = &state->edition->config->budget;
    struct wg_loading loading = {.options = LUA_NOREF, .handlers = LUA_NOREF};
    struct wg_budget budget;
    int status;
    enum wg_code code = WG_OK;

    wg_budget_init(&budget, limits->instructions * LOAD_FACTOR,
                   limits->running_ms * LOAD_FACTOR);
    state->loading = &loading;
    lua_pushcfunction(state->L, load_main);
    wg_budget_enter(state, &budget, state->L);
    status = lua_pcall(state->L, 0, 0, 0);
    wg_budget_leave(state);
    lua_sethook(state->L, NULL, 0, 0);
    state->loading = NULL;
    if (status != LUA_OK) {
        code = load_failed(state, &budget, err);
        lua_settop(state->L, 0);
    }
    return code;
}

enum wg_code wg_state_new(struct wg_edition *edition, struct wg_policy_worker *worker,
                          struct wg_state **ret_state, struct wg_err *err)
{
    size_t limit = (size_t)edition->config->budget.memory_bytes;
    struct wg_state *state = wg_new(struct wg_state);

    state->references = 1;
    state->edition = wg_edition_ref(edition);
    state->worker = worker;
    state->engine = edition->engine;
    state->is_exact = edition->is_exact;
    state->coverage = edition->coverage;
    state->memory_hard = limit;
    state->memory_soft = limit - limit / 8;
    state->L = lua_newstate(allocate, state);
    if (!state->L) {
        wg_state_unref(state);
        return wg_fail(err, WG_BUDGET, "memory_bytes = %zu is too little for any policy",
                       limit);
    }
    *(struct wg_state **)lua_getextraspace(state->L) = state;
    lua_atpanic(state->L, on_panic);
    if (load(state, err) != WG_OK) {
        wg_state_unref(state);
        return err->code;
    }
    state->is_suspect = false;
    *ret_state = state;
    return WG_OK;
}

struct wg_state *wg_state_ref(struct wg_state *state)
{
    state->references++;
    return state;
}

struct wg_state *wg_state_unref(struct wg_state *state)
{
    if (!state || --state->references > 0)
        return NULL;
    if (state->L)
        lua_close(state->L);
    wg_call_free_idle(state);
    for (size_t i = 0; i < WG_HOOK_COUNT; i++)
        wg_free(state->chains[i].handlers);
    wg_edition_unref(state->edition);
    wg_free(state);
    return NULL;
}
