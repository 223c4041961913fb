// SPDX-License-Identifier: Apache-2.0
#include "policy_kit.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SAYS(reason)                        \
    "local wavegate = require 'wavegate'\n" \
    "wavegate.on('event', function() return wavegate.deny { reason = '" reason "' } end)\n"

struct news {
    int count, good;
    char text[512], cause[32];
};

static void on_news(void *owner, const struct wg_policy_news *news)
{
    struct news *heard = owner;

    heard->count++;
    heard->good += news->is_ok;
    snprintf(heard->text, sizeof heard->text, "%s", news->text);
    snprintf(heard->cause, sizeof heard->cause, "%s", news->cause);
}

static void watch(struct policy_kit *kit, struct news *heard)
{
    *heard = (struct news){.count = 0};
    assert_int_equal(wg_policy_watch(kit->engine, kit->loop, on_news, heard, &kit->err), WG_OK);
}

static void is_said(struct policy_kit *kit, const char *reason)
{
    kit_ask(kit, WG_HOOK_EVENT);
    assert_str(kit->decision.reason, reason);
}

static void a_reload_takes_effect_at_the_next_pin_and_old_pins_keep_the_old(void **state)
{
    struct policy_kit kit;
    struct wg_policy_generation *old;

    (void)state;
    kit_init(&kit);
    kit_open(&kit, SAYS("one"));
    old = wg_policy_pin(kit.worker, 0);
    kit_reload(&kit, SAYS("two"));
    is_said(&kit, "two");
    assert_int_equal(kit.decision.generation, 2);
    kit.question.hook = WG_HOOK_EVENT;
    assert_null(wg_policy_ask(old, &kit.question, &kit.arena, &kit.decision, NULL, NULL));
    assert_str(kit.decision.reason, "one");
    assert_int_equal(wg_policy_number(old), 1);
    wg_policy_unpin(old);
    kit_done(&kit);
}

static void a_broken_generation_changes_nothing_and_says_where(void **state)
{
    static const struct {
        const char *text, *failure;
    } broken[] = {
        {"local x = = 1\n", "main.lua:1: "},
        {"error 'not today'\n", "main.lua:1: not today"},
        {"while true do end\n", "instruction budget exceeded"},
        {"require 'nowhere'\n", "main.lua:1: require: no file nowhere.lua in "},
        {"local w = require 'wavegate'\n\nw.on('event', function(e)\n  return e.tpye\nend)\n",
         "main.lua:4: event has no field 'tpye', did you mean 'type'? (trying hook 'event'"},
    };
    struct policy_kit kit;
    struct news heard;

    (void)state;
    kit_init(&kit);
    kit_open_loop(&kit);
    kit_open(&kit, SAYS("one"));
    watch(&kit, &heard);
    for (size_t i = 0; i < WG_COUNT(broken); i++) {
        kit_reload(&kit, broken[i].text);
        assert_int_equal(heard.count, (int)i + 1);
        assert_int_equal(heard.good, 0);
        assert_has(heard.text, broken[i].failure);
        assert_string_equal(heard.cause, "request");
        is_said(&kit, "one");
        assert_int_equal(kit.decision.generation, 1);
    }
    kit_done(&kit);
}

static void the_first_generation_must_load(void **state)
{
    struct policy_kit kit;

    (void)state;
    kit_init(&kit);
    assert_int_equal(kit_load(&kit, "local x = = 1\n"), WG_SCRIPT);
    assert_has(kit.err.text, "main.lua:1: ");
    kit_done(&kit);
}

/* Turns the loop until the news has come; the clock moves a millisecond a turn, so that timers
 * ring. */
static void await(struct policy_kit *kit, const struct news *heard, int count)
{
    for (int i = 0; i < 20000 && heard->count < count; i++) {
        wg_loop_turn(kit->loop);
        usleep(500);
    }
    assert_int_equal(heard->count, count);
}

static void a_change_on_disk_is_noticed_however_it_is_made(void **state)
{
    struct policy_kit kit;
    struct news heard;
    char from[256], to[256];

    (void)state;
    kit_init(&kit);
    kit_open_loop(&kit);
    kit_write(&kit, "here/helper.lua", "return 'h1'\n");
    snprintf(kit.policy, sizeof kit.policy, "%s/here/main.lua", kit.folder);
    kit_write(&kit, "here/main.lua",
              "local w = require 'wavegate'\nlocal h = require 'helper'\n"
              "w.on('event', function() return w.deny { reason = h } end)\n");
    kit_open(&kit, "-- nothing");
    watch(&kit, &heard);

    kit_write(&kit, "here/helper.lua", "return 'h2'\n"); /* in place */
    await(&kit, &heard, 1);
    is_said(&kit, "h2");
    assert_string_equal(heard.cause, "file");

    kit_write(&kit, "here/helper.lua~", "return 'h3'\n"); /* as editors do */
    snprintf(from, sizeof from, "%s/here/helper.lua~", kit.folder);
    snprintf(to, sizeof to, "%s/here/helper.lua", kit.folder);
    assert_int_equal(rename(from, to), 0);
    await(&kit, &heard, 2);
    is_said(&kit, "h3");

    kit_write(&kit, "there/main.lua", SAYS("h4")); /* a whole folder */
    snprintf(from, sizeof from, "%s/here", kit.folder);
    snprintf(to, sizeof to, "%s/gone", kit.folder);
    assert_int_equal(rename(from, to), 0);
    snprintf(to, sizeof to, "%s/there", kit.folder);
    assert_int_equal(rename(to, from), 0);
    for (int i = 0; i < 20000 && heard.good < 3;
         i++) { /* the moment without a file may be news, too */
        wg_loop_turn(kit.loop);
        usleep(500);
    }
    is_said(&kit, "h4");

    kit_write(&kit, "here/main.lua", "broken(\n");
    await(&kit, &heard, heard.count + 1);
    assert_has(heard.text, "here/main.lua:");
    is_said(&kit, "h4");
    kit_done(&kit);
}

static void a_file_that_says_the_same_is_no_new_generation(void **state)
{
    struct policy_kit kit;
    struct news heard;

    (void)state;
    kit_init(&kit);
    kit_open_loop(&kit);
    kit_open(&kit, SAYS("one"));
    watch(&kit, &heard);
    kit_write(&kit, "main.lua", SAYS("one"));
    wg_policy_reload(kit.engine, "file");
    assert_int_equal(heard.count, 0);
    wg_policy_reload(kit.engine, "signal");
    assert_int_equal(heard.good, 1);
    is_said(&kit, "one");
    assert_int_equal(kit.decision.generation, 2);
    kit_done(&kit);
}

static void three_hundred_reloads_leave_the_memory_as_it_was(void **state)
{
    struct policy_kit kit;
    size_t before = 0;

    (void)state;
    kit_init(&kit);
    kit_open(&kit, SAYS("one"));
    for (int i = 0; i < 300; i++) {
        kit_reload(&kit, i % 2 ? SAYS("odd") : SAYS("even"));
        is_said(&kit, i % 2 ? "odd" : "even");
        if (i == 50)
            before = mallinfo2().uordblks;
    }
    /* Generations that are kept for a rollback differ by a byte or two. */
    assert_true(mallinfo2().uordblks < before + 64 * 1024);
    assert_int_equal(kit.decision.generation, 301);
    kit_done(&kit);
}

static void a_call_that_ran_out_of_memory_costs_the_next_one_nothing(void **state)
{
    struct policy_kit kit;

    (void)state;
    kit_init(&kit);
    kit.config.budget.memory_bytes = 4 * 1024 * 1024;
    kit_open(&kit,
             "local w = require 'wavegate'\nlocal kept = {}\n"
             "w.on('event', function(e)\n"
             "  if e.content.body == 'grow' then while true do kept[#kept + 1] = {} end end\n"
             "  return w.deny { reason = 'kept ' .. #kept }\n"
             "end)\n");
    kit_event(&kit, "swp.room.message", "{\"body\":\"grow\"}");
    kit_ask(&kit, WG_HOOK_EVENT);
    assert_int_equal(kit.decision.failure, WG_BUDGET);
    kit_event(&kit, "swp.room.message", "{\"body\":\"hello\"}");
    is_said(&kit, "kept 0");
    kit_done(&kit);
}

struct asker {
    struct wg_policy_engine *engine;
    const struct wg_question *question;
    atomic_bool *is_over;
    int asked, wrong, generations;
};

/* A worker as the gateway has them, but for its loop: it takes the newest generation at each
 * pin. */
static void *ask_on(void *owner)
{
    struct asker *asker = owner;
    struct wg_policy_worker *worker = wg_policy_worker_new(asker->engine, NULL);
    struct wg_question question = *asker->question;
    uint64_t last = 0;

    question.hook = WG_HOOK_EVENT;
    while (!atomic_load(asker->is_over)) {
        struct wg_policy_generation *generation = wg_policy_pin(worker, 0);
        struct wg_decision decision;
        struct wg_arena arena;

        wg_arena_init(&arena);
        for (int i = 0; i < 3; i++) {
            if (wg_policy_ask(generation, &question, &arena, &decision, NULL, NULL) ||
                decision.verdict != WG_VERDICT_DENY ||
                decision.generation != wg_policy_number(generation))
                asker->wrong++;
            asker->asked++;
        }
        asker->generations += wg_policy_number(generation) != last;
        last = wg_policy_number(generation);
        wg_arena_done(&arena);
        wg_policy_unpin(generation);
    }
    wg_policy_worker_close(worker, NULL, NULL);
    return NULL;
}

static void workers_go_on_while_generations_change(void **state)
{
    struct policy_kit kit;
    struct asker askers[2];
    pthread_t threads[2];
    atomic_bool is_over = false;

    (void)state;
    kit_init(&kit);
    kit_open(&kit, SAYS("one"));
    for (size_t i = 0; i < WG_COUNT(askers); i++) {
        askers[i] = (struct asker){
            .engine = kit.engine, .question = &kit.question, .is_over = &is_over};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_on, &askers[i]), 0);
    }
    for (int i = 0; i < 100; i++)
        kit_reload(&kit, i % 2 ? SAYS("odd") : SAYS("even"));
    atomic_store(&is_over, true);
    for (size_t i = 0; i < WG_COUNT(askers); i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(askers[i].wrong, 0);
        assert_true(askers[i].asked > 0 && askers[i].generations > 1);
    }
    kit_done(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reload_takes_effect_at_the_next_pin_and_old_pins_keep_the_old),
        cmocka_unit_test(a_broken_generation_changes_nothing_and_says_where),
        cmocka_unit_test(the_first_generation_must_load),
        cmocka_unit_test(a_change_on_disk_is_noticed_however_it_is_made),
        cmocka_unit_test(a_file_that_says_the_same_is_no_new_generation),
        cmocka_unit_test(three_hundred_reloads_leave_the_memory_as_it_was),
        cmocka_unit_test(workers_go_on_while_generations_change),
        cmocka_unit_test(a_call_that_ran_out_of_memory_costs_the_next_one_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
