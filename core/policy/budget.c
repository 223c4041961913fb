// SPDX-License-Identifier: Apache-2.0
#include <time.h>

#include "policy/coverage.h"
#include "policy/policy_impl.h"

/* Instructions between two looks at the budget. One instruction costs at most what a string of
 * WG_STRING_LIMIT_BYTES can make it cost (a comparison, a conversion to a number: up to 2 ms),
 * so a state that has met a large string looks more often. */
enum { STEP = 100, STEP_WITH_LARGE_STRINGS = 8, STEP_WHEN_BROKEN = 1 };

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t wg_mono_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void wg_budget_init(struct wg_budget *budget, int64_t instructions, int64_t running_ms)
{
    *budget = (struct wg_budget){
        .left = instructions, .total = instructions, .running_limit_ns = running_ms * 1000000};
}

static const char *broken_text(const struct wg_state *state)
{
    switch (state->budget->broken) {
    case WG_BROKEN_TIME:
        return "running time budget exceeded";
    case WG_BROKEN_MEMORY:
        return "memory budget exceeded";
    case WG_BROKEN_WAITING:
        return "waiting time budget exceeded";
    case WG_BROKEN_CANCELLED:
        return "cancelled: the gateway stops";
    case WG_BROKEN_INSTRUCTIONS:
    case WG_BROKEN_NOT:
        break;
    }
    return "instruction budget exceeded";
}

static void on_count(lua_State *L, lua_Debug *activation);

/* Safe wherever the allocator may be called from: lua_sethook() is made for signal handlers. */
static void set_step(struct wg_state *state, int step)
{
    int mask = LUA_MASKCOUNT | (state->coverage ? LUA_MASKLINE : 0);

    if (state->is_exact)
        step = STEP_WHEN_BROKEN;
    if (state->budget->step == step)
        return;
    state->budget->step = step;
    lua_sethook(state->thread, on_count, mask, step);
}

/* Always with the place where it was noticed first: what catches and goes on is raised for
 * again further out. */
static void raise_broken(lua_State *L, int level)
{
    struct wg_state *state = wg_state_of(L);
    struct wg_budget *budget = state->budget;

    if (!budget->broken_source)
        budget->broken_source = wg_source_at(L, level, &budget->broken_line);
    lua_pushfstring(L, "%s:%d: %s", budget->broken_source ? budget->broken_source->shown : "?",
                    budget->broken_line, broken_text(state));
    lua_error(L);
}

/* The clock runs on while the machine gives the CPU to others, which is not the script's fault:
 * past the limit, what the thread itself has used since the first look of this turn decides. */
static bool is_out_of_time(struct wg_budget *budget)
{
    int64_t used = budget->running_ns + wg_mono_ns() - budget->turn_began_ns;

    if (budget->turn_began_cpu_ns < 0)
        budget->turn_began_cpu_ns = read_clock(CLOCK_THREAD_CPUTIME_ID);
    if (used < budget->running_limit_ns)
        return false;
    return budget->running_ns + read_clock(CLOCK_THREAD_CPUTIME_ID) -
               budget->turn_began_cpu_ns >=
           budget->running_limit_ns;
}

static void look(lua_State *L, int level)
{
    struct wg_state *state = wg_state_of(L);
    struct wg_budget *budget = state->budget;

    if (!budget->broken) {
        if (budget->left < 0)
            wg_budget_break(state, WG_BROKEN_INSTRUCTIONS);
        else if (is_out_of_time(budget))
            wg_budget_break(state, WG_BROKEN_TIME);
    }
    if (budget->broken)
        raise_broken(L, level);
}

/* Lua itself would let a script stand a hundred thousand calls deep, and then takes time by
 * that depth for every error that is caught. */
static void check_depth(lua_State *L)
{
    lua_Debug activation;

    if (lua_getstack(L, WG_CALL_DEPTH_LIMIT, &activation))
        wg_raise(L, "stack overflow: more than %d calls inside each other",
                 WG_CALL_DEPTH_LIMIT);
}

static void on_count(lua_State *L, lua_Debug *activation)
{
    struct wg_state *state = wg_state_of(L);

    if (activation->event == LUA_HOOKLINE) {
        wg_coverage_hit(state->coverage, L, activation);
        return;
    }
    if (!state->budget)
        return;
    state->budget->left -= state->budget->step;
    look(L, 0);
    check_depth(L);
}

void wg_budget_enter(struct wg_state *state, struct wg_budget *budget, lua_State *L)
{
    state->budget = budget;
    state->thread = L;
    budget->turn_began_ns = wg_mono_ns();
    budget->turn_began_cpu_ns = -1;
    budget->step = 0;
    set_step(state, budget->broken             ? STEP_WHEN_BROKEN
                    : state->has_large_strings ? STEP_WITH_LARGE_STRINGS
                                               : STEP);
}

void wg_budget_leave(struct wg_state *state)
{
    struct wg_budget *budget = state->budget;

    budget->running_ns += wg_mono_ns() - budget->turn_began_ns;
    state->budget = NULL;
    state->thread = NULL;
}

void wg_budget_break(struct wg_state *state, enum wg_broken why)
{
    if (!state->budget)
        return;
    if (!state->budget->broken)
        state->budget->broken = why;
    set_step(state, STEP_WHEN_BROKEN);
}

void wg_budget_look_often(struct wg_state *state)
{
    if (state->budget && state->budget->step > STEP_WITH_LARGE_STRINGS)
        set_step(state, STEP_WITH_LARGE_STRINGS);
}

void wg_budget_charge(lua_State *L, int64_t work)
{
    struct wg_state *state = wg_state_of(L);

    if (!state->budget)
        return;
    state->budget->left -= work;
    if (state->budget->left < 0 || state->budget->broken || work >= STEP)
        look(L, 0);
}

void wg_budget_recheck(lua_State *L)
{
    struct wg_state *state = wg_state_of(L);

    if (state->budget && state->budget->broken)
        raise_broken(L, 0);
}

int64_t wg_budget_left(lua_State *L)
{
    const struct wg_state *state = wg_state_of(L);

    if (!state->budget)
        return INT64_MAX / 4;
    return state->budget->left < 0 ? 0 : state->budget->left;
}
