// SPDX-License-Identifier: Apache-2.0
#include "policy/testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "policy/question.h"
#include "policy/testing_impl.h"

/* require "wavegate.testing.host": what lua/wavegate/testing.lua stands on. Functions that may
 * fail give nil and the reason, so that the Lua side can name the line of the test. */

enum {
    /* A load may take ten times these. */
    FILE_INSTRUCTIONS = 100000000,
    FILE_RUNNING_MS = 60 * 1000,
    FILE_MEMORY_BYTES = 512 * 1024 * 1024,
};
static const int64_t first_moment_ms = (int64_t)1767225600 * 1000; /* 2026-01-01T00:00:00Z */

static int64_t wall(void *owner)
{
    return ((struct testing *)owner)->wall_ms;
}

static int64_t mono(void *owner)
{
    return ((struct testing *)owner)->mono_ms;
}

static void reset_clock(struct testing *testing)
{
    testing->wall_ms = testing->mono_ms = first_moment_ms;
}

static int fail(lua_State *L, const char *why)
{
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

/* ---- policies ---- */

static const char *text_field(lua_State *L, int table, const char *name, struct wg_arena *arena)
{
    const char *text = NULL;

    if (lua_getfield(L, table, name) == LUA_TSTRING)
        text = wg_arena_copy(arena, wg_str(lua_tostring(L, -1))).at;
    lua_pop(L, 1);
    return text;
}

static int64_t number_field(lua_State *L, int table, const char *name, int64_t otherwise)
{
    int64_t number = otherwise;

    if (lua_getfield(L, table, name) == LUA_TNUMBER)
        number = (int64_t)lua_tonumber(L, -1);
    lua_pop(L, 1);
    return number;
}

static wg_names names_field(lua_State *L, int table, const char *name, struct wg_arena *arena)
{
    const char **names;
    lua_Integer count = 0;

    if (lua_getfield(L, table, name) == LUA_TTABLE)
        count = (lua_Integer)lua_rawlen(L, -1);
    names = wg_arena_alloc(arena, ((size_t)count + 1) * sizeof *names);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, -1, i);
        names[i - 1] =
            wg_arena_copy(arena, wg_str(lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1)
                                                                       : "not-a-string"))
                .at;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return names;
}

/* A choice by its name; unknown ones are the first. */
static int choice_field(lua_State *L, int table, const char *name, const char *const *names,
                        int otherwise)
{
    int choice = otherwise;

    if (lua_getfield(L, table, name) == LUA_TSTRING)
        for (choice = 0; names[choice + 1]; choice++)
            if (strcmp(names[choice], lua_tostring(L, -1)) == 0)
                break;
    lua_pop(L, 1);
    return choice;
}

/* The policy document, from field document of the table. */
static void read_document(lua_State *L, int table, struct wg_arena *arena,
                          struct wg_config_federation *federation)
{
    static const char *const modes[] = {"open", "invite_only", "closed", NULL};

    *federation = (struct wg_config_federation){.default_mode = WG_MODE_INVITE_ONLY,
                                                .max_backfill_events_per_request = 100};
    if (lua_getfield(L, table, "document") != LUA_TTABLE)
        lua_newtable(L);
    table = lua_gettop(L);
    federation->default_mode = (enum wg_default_mode)choice_field(L, table, "default_mode",
                                                                  modes, WG_MODE_INVITE_ONLY);
    federation->allowed_peers = names_field(L, table, "allowed_peers", arena);
    federation->denied_peers = names_field(L, table, "denied_peers", arena);
    federation->max_foreign_participants_per_room =
        number_field(L, table, "max_foreign_participants_per_room", 0);
    federation->max_backfill_events_per_request =
        number_field(L, table, "max_backfill_events_per_request", 100);
    federation->hide_history_before_s = number_field(L, table, "hide_history_before", 0);
    lua_settop(L, table - 1);
}

static void read_instance(lua_State *L, struct testing *testing,
                          struct wg_config_instance *instance)
{
    static const char *const choices[] = {"deny", "defer", "allow", NULL};
    const char *server = text_field(L, 1, "server", &testing->arena);
    const char *file = text_field(L, 1, "file", &testing->arena);

    *instance = (struct wg_config_instance){.server_name = server ? server : "chat.example.com",
                                            .policy = file ? file : testing->main_path};
    instance->on_error =
        (enum wg_on_error)choice_field(L, 1, "on_error", choices, WG_ON_ERROR_DENY);
    read_document(L, 1, &testing->arena, &instance->federation);
}

/* Field lists: { ["lists/deny.txt"] = "bad.example" } */
static void read_lists(lua_State *L, struct testing_policy *policy, struct wg_arena *arena)
{
    if (lua_getfield(L, 1, "lists") == LUA_TTABLE) {
        lua_pushnil(L);
        while (lua_next(L, -2)) {
            struct testing_list *lists =
                wg_arena_alloc(arena, (policy->list_count + 1) * sizeof *lists);

            if (policy->list_count)
                memcpy(lists, policy->lists, policy->list_count * sizeof *lists);
            policy->lists = lists;
            if (lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING)
                lists[policy->list_count++] =
                    (struct testing_list){wg_arena_copy(arena, wg_str(lua_tostring(L, -2))),
                                          wg_arena_copy(arena, wg_str(lua_tostring(L, -1)))};
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
}

/* open { text, file, server, on_error, document, lists } -> number of the policy | nil, why */
static int host_open(lua_State *L)
{
    struct testing *testing = testing_of(L);
    struct testing_policy *policy;
    struct wg_trial_options options;
    struct wg_err err;
    const char *text;

    luaL_checktype(L, 1, LUA_TTABLE);
    if (testing->policy_count == TESTING_POLICY_LIMIT)
        return fail(L, "a test may open 64 policies");
    policy = wg_arena_new(&testing->arena, struct testing_policy);
    policy->testing = testing;
    testing_fake_world(policy);
    policy->config = *testing->options->config;
    policy->config.instances = &policy->instance;
    policy->config.instance_count = 1;
    read_instance(L, testing, &policy->instance);
    read_lists(L, policy, &testing->arena);
    text = text_field(L, 1, "text", &testing->arena);
    options = (struct wg_trial_options){.config = &policy->config,
                                        .instance = &policy->instance,
                                        .text = wg_str(text),
                                        .text_name = "policy",
                                        .clock = &testing->clock,
                                        .coverage = testing->options->coverage,
                                        .fake = &policy->fake};
    if (wg_trial_new(&options, &policy->trial, &err) != WG_OK)
        return fail(L, err.text);
    testing->policies[testing->policy_count++] = policy;
    lua_pushinteger(L, (lua_Integer)testing->policy_count);
    return 1;
}

/* ask(policy, hook, question) -> answer | nil, why */
static int host_ask(lua_State *L)
{
    struct testing *testing = testing_of(L);
    lua_Integer number = luaL_checkinteger(L, 1);
    struct testing_policy *policy;
    enum wg_hook hook;
    struct wg_question question;
    struct wg_event event;
    struct wg_decision decision;
    struct wg_trace trace = {.arena = &testing->arena};
    struct wg_err err;
    const char *why = NULL;
    json_t *json;
    enum wg_code code;

    if (number < 1 || (size_t)number > testing->policy_count)
        return fail(L, "this policy belonged to a test that has ended");
    policy = testing->policies[number - 1];
    if (!wg_hook_parse(wg_str(luaL_checkstring(L, 2)), &hook))
        return fail(L, "there is no such hook");
    json = testing_json(L, 3, &why);
    if (!json)
        return fail(L, why);
    code = wg_question_read(json, hook, policy->instance.server_name, testing->wall_ms / 1000,
                            &testing->arena, &event, &question, &err);
    json_decref(json);
    if (code != WG_OK)
        return fail(L, err.text);
    question.trace = &trace;
    testing->asking = L;
    testing->http_failure = NULL;
    policy->slept_ms = 0;
    wg_trial_ask(policy->trial, &question, &testing->arena, &decision);
    wg_event_done(&event);
    if (testing->http_failure)
        return fail(L, testing->http_failure);
    testing_push_answer(L, &decision, &trace);
    return 1;
}

/* ---- tests ---- */

static void close_policies(struct testing *testing)
{
    while (testing->policy_count > 0)
        wg_trial_free(testing->policies[--testing->policy_count]->trial);
    wg_arena_done(&testing->arena);
    wg_arena_init(&testing->arena);
}

/* begin(): a test begins; the one before is over, with all it opened. */
static int host_begin(lua_State *L)
{
    struct testing *testing = testing_of(L);

    close_policies(testing);
    reset_clock(testing);
    luaL_unref(L, LUA_REGISTRYINDEX, testing->http_function);
    testing->http_function = LUA_NOREF;
    return 0;
}

/* report(name, place [, failure [, failure_place]]) */
static int host_report(lua_State *L)
{
    const struct wg_testing_options *options = testing_of(L)->options;
    struct wg_test_result result = {.name = luaL_checkstring(L, 1),
                                    .place = luaL_checkstring(L, 2),
                                    .failure = luaL_optstring(L, 3, NULL),
                                    .failure_place = luaL_optstring(L, 4, NULL)};

    options->on_result(options->owner, &result);
    return 0;
}

/* turn(seconds): the clock goes on. */
static int host_turn(lua_State *L)
{
    struct testing *testing = testing_of(L);
    lua_Number seconds = luaL_checknumber(L, 1);

    if (!(seconds >= 0 && seconds <= 1e11))
        return fail(L, "the clock turns forward only");
    testing->wall_ms += (int64_t)(seconds * 1000);
    testing->mono_ms += (int64_t)(seconds * 1000);
    lua_pushboolean(L, 1);
    return 1;
}

/* moment "2026-01-31" -> seconds since 1970 | nil, why */
static int host_moment(lua_State *L)
{
    struct wg_err err;
    struct wg_str text;
    int64_t moment;

    text.at = luaL_checklstring(L, 1, &text.len);
    if (wg_units_time(text, &moment, &err) != WG_OK)
        return fail(L, err.text);
    lua_pushinteger(L, moment);
    return 1;
}

static int host_now(lua_State *L)
{
    lua_pushinteger(L, testing_of(L)->wall_ms / 1000);
    return 1;
}

/* where(level) -> "file:line" of the function that called; 1 is the caller itself */
static int host_where(lua_State *L)
{
    size_t len;
    const char *text;

    wg_where(L, (int)luaL_checkinteger(L, 1));
    text = lua_tolstring(L, -1, &len);
    lua_pushlstring(L, text, len >= 2 ? len - 2 : 0);
    return 1;
}

static const luaL_Reg functions[] = {
    {"ask", host_ask},       {"begin", host_begin},
    {"http", testing_http},  {"moment", host_moment},
    {"now", host_now},       {"open", host_open},
    {"report", host_report}, {"turn", host_turn},
    {"where", host_where},   {NULL, NULL},
};

static void open_host(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, "wavegate.loaded");
    luaL_newlib(L, functions);
    wg_lock(L);
    lua_setfield(L, -2, "wavegate.testing.host");
    lua_pop(L, 1);
}

/* ---- a file ---- */

static void init(struct testing *testing, const struct wg_testing_options *options,
                 const char *file)
{
    const char *slash = strrchr(file, '/');
    size_t folder_len = slash ? (size_t)(slash - file) + 1 : 0;
    size_t size = folder_len + sizeof "main.lua";

    *testing = (struct testing){
        .options = options, .config = *options->config, .http_function = LUA_NOREF};
    testing->clock = (struct wg_clock){wall, mono, testing};
    reset_clock(testing);
    wg_arena_init(&testing->arena);
    testing->instance =
        (struct wg_config_instance){.server_name = "chat.example.com", .policy = file};
    testing->config.instances = &testing->instance;
    testing->config.instance_count = 1;
    testing->config.budget.instructions = FILE_INSTRUCTIONS;
    testing->config.budget.running_ms = FILE_RUNNING_MS;
    testing->config.budget.memory_bytes = FILE_MEMORY_BYTES;
    testing->main_path = wg_alloc(size);
    snprintf(testing->main_path, size, "%.*smain.lua", (int)folder_len, file);
}

static enum wg_code run(struct testing *testing, struct wg_policy_engine *engine,
                        struct wg_err *err)
{
    struct wg_edition *edition = wg_edition_new(&testing->config, &testing->instance);
    struct wg_state *state = NULL;
    enum wg_code code;

    edition->engine = engine;
    edition->open_more = open_host;
    edition->tool = testing;
    code = wg_state_new(edition, NULL, &state, err);
    wg_state_unref(state);
    wg_edition_unref(edition);
    return code;
}

enum wg_code wg_testing_run(const struct wg_testing_options *options, const char *file,
                            struct wg_err *err)
{
    struct testing testing;
    struct wg_config bare = *options->config;
    struct wg_policy_engine *engine;
    enum wg_code code;

    init(&testing, options, file);
    bare.instances = NULL;
    bare.instance_count = 0;
    code = wg_policy_engine_new(&bare, &testing.clock, &engine, err);
    if (code == WG_OK) {
        code = run(&testing, engine, err);
        close_policies(&testing);
        wg_policy_engine_free(engine);
    }
    wg_arena_done(&testing.arena);
    wg_free(testing.main_path);
    return code;
}
