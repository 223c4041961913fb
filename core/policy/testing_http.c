// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "policy/testing_impl.h"

/* HTTP as a test fakes it: its function answers at once, the policy hears of it in the next
 * turn of its loop, as it would of a real answer. */

struct answer {
    struct wg_arena arena;
    struct wg_http_response response;
    struct wg_err err; /**< code WG_OK: there is a response */
    wg_on_http_answer on_answer;
    void *owner;
};

static void deliver(void *owner)
{
    struct answer *answer = owner;
    bool is_good = answer->err.code == WG_OK;

    answer->on_answer(answer->owner, is_good ? &answer->response : NULL,
                      is_good ? NULL : &answer->err);
    wg_arena_done(&answer->arena);
    wg_free(answer);
}

static void push_request(lua_State *L, const struct wg_http_request *request, struct wg_str url)
{
    lua_createtable(L, 0, 4);
    lua_pushlstring(L, request->method.at, request->method.len);
    lua_setfield(L, -2, "method");
    lua_pushlstring(L, url.at, url.len);
    lua_setfield(L, -2, "url");
    lua_pushlstring(L, request->body.at ? request->body.at : "", request->body.len);
    lua_setfield(L, -2, "body");
    lua_createtable(L, 0, (int)request->header_count);
    for (size_t i = 0; i < request->header_count; i++) {
        lua_pushlstring(L, request->headers[i].name.at, request->headers[i].name.len);
        lua_pushlstring(L, request->headers[i].value.at, request->headers[i].value.len);
        lua_rawset(L, -3);
    }
    lua_setfield(L, -2, "headers");
}

static struct wg_str copy_text(lua_State *L, int index, struct wg_arena *arena)
{
    struct wg_str text = {"", 0};

    if (lua_type(L, index) == LUA_TSTRING)
        text.at = lua_tolstring(L, index, &text.len);
    return wg_arena_copy(arena, text);
}

/* The table at index: { status, headers, body }. */
static void take_response(lua_State *L, int index, struct answer *answer)
{
    lua_getfield(L, index, "status");
    answer->response.status = lua_isinteger(L, -1) ? (int)lua_tointeger(L, -1) : 200;
    lua_getfield(L, index, "body");
    answer->response.body = copy_text(L, -1, &answer->arena);
    lua_getfield(L, index, "headers");
    if (lua_type(L, -1) == LUA_TTABLE) {
        lua_pushnil(L);
        while (lua_next(L, -2)) {
            if (lua_type(L, -2) == LUA_TSTRING)
                wg_headers_add(&answer->response.headers, &answer->arena,
                               copy_text(L, -2, &answer->arena),
                               copy_text(L, -1, &answer->arena));
            lua_pop(L, 1);
        }
    }
}

/* What the test's function returned: the response, or nil and why there is none. */
static void take_results(struct testing *testing, int first, struct answer *answer)
{
    lua_State *L = testing->asking;
    const char *why = lua_type(L, first + 1) == LUA_TSTRING ? lua_tostring(L, first + 1) : NULL;

    if (lua_type(L, first) == LUA_TTABLE)
        take_response(L, first, answer);
    else
        wg_fail(&answer->err, WG_CONNECT_FAILED, "%s", why ? why : "connection refused");
}

/* The function broke: the test hears of it when its question is answered. */
static void note_failure(struct testing *testing, struct answer *answer)
{
    lua_State *L = testing->asking;

    testing->http_failure =
        wg_arena_format(&testing->arena, "t:http: %s",
                        lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "failed");
    wg_fail(&answer->err, WG_CONNECT_FAILED, "the test's own function failed");
}

static void fetch(void *owner, const struct wg_http_request *request, struct wg_str url,
                  wg_on_http_answer on_answer, void *answer_owner)
{
    struct testing_policy *policy = owner;
    struct testing *testing = policy->testing;
    lua_State *L = testing->asking;
    int top = lua_gettop(L);
    struct answer *answer = wg_new(struct answer);

    wg_arena_init(&answer->arena);
    answer->on_answer = on_answer;
    answer->owner = answer_owner;
    if (testing->http_function == LUA_NOREF || !lua_checkstack(L, 16)) {
        testing->http_failure = wg_arena_format(
            &testing->arena, "the policy asks %.*s, and the test has no t:http(function)",
            WG_STR_F(url));
        wg_fail(&answer->err, WG_CONNECT_FAILED, "nothing is faked");
    } else {
        lua_rawgeti(L, LUA_REGISTRYINDEX, testing->http_function);
        push_request(L, request, url);
        if (lua_pcall(L, 1, 2, 0) == LUA_OK)
            take_results(testing, top + 1, answer);
        else
            note_failure(testing, answer);
        lua_settop(L, top);
    }
    wg_loop_post(wg_trial_loop(policy->trial), deliver, answer);
}

/* Time that a policy waits passes at once, as far as it may wait at all. */
static int64_t sleep_for(void *owner, int64_t for_ms)
{
    struct testing_policy *policy = owner;
    int64_t most_ms = policy->config.budget.waiting_ms;

    policy->slept_ms += for_ms;
    if (policy->slept_ms >= most_ms)
        return for_ms + most_ms; /* the deadline comes first */
    policy->testing->wall_ms += for_ms;
    policy->testing->mono_ms += for_ms;
    return 0;
}

static bool find_list(void *owner, struct wg_str where, struct wg_str *ret_text)
{
    const struct testing_policy *policy = owner;

    for (size_t i = 0; i < policy->list_count; i++) {
        if (wg_str_equal(policy->lists[i].where, where)) {
            *ret_text = policy->lists[i].text;
            return true;
        }
    }
    return false;
}

void testing_fake_world(struct testing_policy *policy)
{
    policy->fake = (struct wg_fake_world){fetch, sleep_for, find_list, policy};
}

/* http(function(request) -> response | nil, why) */
int testing_http(lua_State *L)
{
    struct testing *testing = testing_of(L);

    luaL_checktype(L, 1, LUA_TFUNCTION);
    luaL_unref(L, LUA_REGISTRYINDEX, testing->http_function);
    lua_settop(L, 1);
    testing->http_function = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}
