// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "policy/policy_impl.h"
#include "policy/testing.h"
#include "policy/trial.h"

enum { TESTING_POLICY_LIMIT = 64 }; /**< of one test */

/** One file of tests being run. */
struct testing {
    const struct wg_testing_options *options;
    struct wg_config config; /**< of the file itself */
    struct wg_config_instance instance;
    struct wg_clock clock;
    int64_t wall_ms, mono_ms;
    char *main_path;          /**< beside the test: where `use` looks first */
    struct wg_arena arena;    /**< of one test */
    int http_function;        /**< reference; LUA_NOREF: the test fakes no HTTP */
    lua_State *asking;        /**< of the question under way */
    const char *http_failure; /**< of the test's function, while that question was asked */
    struct testing_policy {   /**< what wg_trial_new() was given must last */
        struct wg_config config;
        struct wg_config_instance instance;
        struct wg_trial *trial;
        struct testing *testing;
        struct wg_fake_world fake;
        struct testing_list {
            struct wg_str where, text;
        } * lists; /**< faked ones */
        size_t list_count;
        int64_t slept_ms; /**< in the question under way */
    } * policies[TESTING_POLICY_LIMIT];
    size_t policy_count;
};

static inline struct testing *testing_of(lua_State *L)
{
    return wg_state_of(L)->edition->tool;
}

/** HTTP and waiting as the test has them, for that policy. */
void testing_fake_world(struct testing_policy *policy);
int testing_http(lua_State *L);
/** The value at index as JSON, a new reference; NULL and *ret_why when it cannot be. */
json_t *testing_json(lua_State *L, int index, const char **ret_why);
/** Pushes what came of a question as a table. */
void testing_push_answer(lua_State *L, const struct wg_decision *decision,
                         const struct wg_trace *trace);
