// SPDX-License-Identifier: Apache-2.0
#include "policy_kit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/file.h"

/* Every script of tests/unit/policy/hostile/ says in its second line how it ends: "Ends: <code>
 * <part of the text>" when its handler is given the event it waits for, "Load: <part of the
 * text>" when it is not even loaded. */

/* The budget is 100 ms of running; what a last instruction and the way out cost comes on top,
 * and sanitizers make all of it slow. */
enum { SCRIPT_LIMIT = 200, STALL_LIMIT_MS = 600 };

static const char folder[] = "tests/unit/policy/hostile";

static void promise_of(const char *text, const char *label, char *ret_promise, size_t size)
{
    const char *line = strstr(text, label);

    *ret_promise = '\0';
    if (line)
        snprintf(ret_promise, size, "%.*s", (int)strcspn(line + strlen(label), "\n"),
                 line + strlen(label));
}

static int64_t cpu_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void attack(struct policy_kit *kit, const char *promise)
{
    char code[16];
    int len = 0;
    int64_t began_ms;

    assert_int_equal(sscanf(promise, "%15s %n", code, &len), 1);
    kit_event(kit, "swp.room.message", "{\"body\":\"attack\"}");
    for (int i = 0; i < 2; i++) { /* what a first one keeps, a second may use */
        began_ms = cpu_ms();
        kit_ask(kit, WG_HOOK_EVENT);
        if (cpu_ms() - began_ms > STALL_LIMIT_MS)
            fail_msg("held the worker for %d ms", (int)(cpu_ms() - began_ms));
    }
    if (strcmp(wg_code_name(kit->decision.failure), code) != 0)
        fail_msg("ended with %s: %.*s", wg_code_name(kit->decision.failure),
                 WG_STR_F(kit->decision.failure_text));
    if (kit->decision.failure) {
        char text[512];

        snprintf(text, sizeof text, "%.*s", WG_STR_F(kit->decision.failure_text));
        assert_has(text, promise + len);
        assert_has(text, ".lua:"); /* the file and the line */
        assert_int_equal(kit->decision.verdict, WG_VERDICT_DENY);
    }
}

static void still_serves(struct policy_kit *kit)
{
    kit_event(kit, "swp.room.message", "{\"body\":\"hello\"}");
    kit_ask(kit, WG_HOOK_EVENT);
    assert_int_equal(kit->decision.failure, WG_OK);
    assert_int_equal(kit->decision.verdict, WG_VERDICT_ALLOW);
}

static void is_contained(void **state)
{
    const char *name = *state;
    struct policy_kit kit;
    struct wg_buf text;
    char path[512];
    char promise[256];

    kit_init(&kit);
    kit.config.budget.instructions = 400000;
    kit.config.budget.running_ms = 100;
    wg_buf_init(&text, 64 * 1024);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(wg_file_read(path, &text, &kit.err), WG_OK);
    snprintf(kit.policy, sizeof kit.policy, "%s/%s", kit.folder, name);
    kit_write(&kit, name, text.at);
    promise_of(text.at, "-- Load: ", promise, sizeof promise);
    if (promise[0]) {
        assert_int_not_equal(kit_load(&kit, text.at), WG_OK);
        assert_has(kit.err.text, promise);
    } else {
        promise_of(text.at, "-- Ends: ", promise, sizeof promise);
        kit_open(&kit, text.at);
        attack(&kit, promise);
        still_serves(&kit);
    }
    wg_buf_done(&text);
    kit_done(&kit);
}

static int is_script(const struct dirent *entry)
{
    return strstr(entry->d_name, ".lua") != NULL;
}

int main(void)
{
    static struct CMUnitTest tests[SCRIPT_LIMIT];
    struct dirent **entries;
    int count = scandir(folder, &entries, is_script, alphasort);
    int failed;

    if (count < 40 || count > SCRIPT_LIMIT)
        return 1;
    for (int i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){.name = entries[i]->d_name,
                                       .test_func = is_contained,
                                       .initial_state = entries[i]->d_name};
    failed = _cmocka_run_group_tests("hostile", tests, (size_t)count, NULL, NULL);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    return failed;
}
