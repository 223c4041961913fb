// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "policy/policy.h"
#include "support/fake_clock.h"

/** A folder with policy files, an engine on them and one worker; a question that tests change.
 */
struct policy_kit {
    char folder[64];
    char policy[128];
    struct wg_config config;
    struct wg_config_instance instance;
    const char *policy_path[4];
    struct fake_clock clock;
    struct wg_loop *loop; /**< NULL unless kit_open_loop() was called first */
    struct wg_policy_engine *engine;
    struct wg_policy_worker *worker;
    struct wg_err err;
    struct wg_event event;
    struct wg_question question;
    struct wg_arena arena;
    struct wg_decision decision;
    bool is_decided;
};

/** The folder and the settings; nothing is loaded yet. */
void kit_init(struct policy_kit *kit);
void kit_done(struct policy_kit *kit);
void kit_write(struct policy_kit *kit, const char *name, const char *text);
void kit_open_loop(struct policy_kit *kit);
/** Writes text as main.lua and starts engine and worker. @return the engine's code */
enum wg_code kit_load(struct policy_kit *kit, const char *text);
/** kit_load() that must succeed. */
void kit_open(struct policy_kit *kit, const char *text);
/** The question's event, with that content (JSON). */
void kit_event(struct policy_kit *kit, const char *type, const char *content);
/** Asks hook; kit->decision is filled. The handler must not wait. */
void kit_ask(struct policy_kit *kit, enum wg_hook hook);
/** The same where the handler may wait: turns the loop until it is decided. */
void kit_ask_waiting(struct policy_kit *kit, enum wg_hook hook);
/** Writes main.lua anew and reloads. */
void kit_reload(struct policy_kit *kit, const char *text);

#define assert_str(text, expected)                                                   \
    do {                                                                             \
        struct wg_str kit_text = (text);                                             \
        const char *kit_expected = (expected);                                       \
        if (!wg_str_is(kit_text, kit_expected))                                      \
            fail_msg("got '%.*s', expected '%s'", WG_STR_F(kit_text), kit_expected); \
    } while (0)
#define assert_has(text, part)                                   \
    do {                                                         \
        const char *kit_text = (text);                           \
        if (!strstr(kit_text, part))                             \
            fail_msg("'%s' does not have '%s'", kit_text, part); \
    } while (0)
