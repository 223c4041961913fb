// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <stdio.h>

#include "policy/kv_kept.h"
#include "policy/limits.h"
#include "policy_kit.h"

/* Limiters and key-value: what survives reload and is shared by all workers. */

static const struct wg_str name = {"n", 1}, key = {"k", 1};

static bool take(struct wg_limits *limits, struct wg_str of, struct wg_str who,
                 const struct wg_limit_rate *rate, double cost, double *ret_wait_s)
{
    struct wg_limiter limiter;

    wg_limits_open(limits, of, rate, &limiter);
    return wg_limits_take(limits, &limiter, who, cost, ret_wait_s);
}

static double wait_of(struct wg_limits *limits, struct wg_str of, struct wg_str who,
                      const struct wg_limit_rate *rate, double cost)
{
    struct wg_limiter limiter;

    wg_limits_open(limits, of, rate, &limiter);
    return wg_limits_wait(limits, &limiter, who, cost);
}

static void keep_info(void *owner, const struct wg_limiter_info *info)
{
    *(struct wg_limiter_info *)owner = *info;
}

static void a_limiter_tells_who_asks_most_and_what_is_left(void **state)
{
    const struct wg_limit_rate rate = {.per_second = 1, .burst = 4};
    struct wg_limiter_info info = {0};
    struct fake_clock clock;
    struct wg_limits *limits;
    char text[32];
    double wait;

    (void)state;
    fake_clock_init(&clock);
    limits = wg_limits_new(&clock.clock);
    for (int i = 0; i < 50; i++) {
        snprintf(text, sizeof text, "peer-%d", i);
        assert_true(take(limits, name, wg_str(text), &rate, 1, &wait));
    }
    for (int i = 0; i < 6; i++)
        (void)take(limits, name, key, &rate, 1, &wait);
    wg_limits_each(limits, keep_info, &info);
    assert_string_equal(info.name, "n");
    assert_int_equal(info.keys, 51);
    assert_int_equal(info.taken, 54);
    assert_int_equal(info.refused, 2);
    assert_int_equal(info.busiest_count, WG_LIMITS_BUSIEST);
    assert_string_equal(info.busiest[0].key, "k");
    assert_true(info.busiest[0].asked >= 6);
    assert_int_equal(info.busiest[0].refused, 2);
    assert_float_equal(info.busiest[0].left, 0, 0.001);
    assert_float_equal(info.busiest[1].left, 3, 0.001);
    assert_true(wg_limits_forgive(limits, name, key));
    assert_false(wg_limits_forgive(limits, name, key));
    assert_true(take(limits, name, key, &rate, 4, &wait));
    fake_clock_turn(&clock, 10000);
    wg_limits_each(limits, keep_info, &info);
    assert_int_equal(info.keys, 0);
    assert_float_equal(info.busiest[0].left, 4, 0.001);
    wg_limits_free(limits);
}

static void a_limiter_lets_the_burst_through_and_then_the_rate(void **state)
{
    const struct wg_limit_rate rate = {.per_second = 2, .burst = 4};
    struct fake_clock clock;
    struct wg_limits *limits;
    double wait;

    (void)state;
    fake_clock_init(&clock);
    limits = wg_limits_new(&clock.clock);
    for (int i = 0; i < 4; i++)
        assert_true(take(limits, name, key, &rate, 1, &wait));
    assert_false(take(limits, name, key, &rate, 1, &wait));
    assert_float_equal(wait, 0.5, 0.001);
    assert_float_equal(wait_of(limits, name, key, &rate, 2), 1.0, 0.001);
    assert_true(take(limits, name, WG_STR("other"), &rate, 1, &wait));
    assert_true(take(limits, WG_STR("m"), key, &rate, 1, &wait));
    fake_clock_turn(&clock, 500);
    assert_true(take(limits, name, key, &rate, 1, &wait));
    assert_false(take(limits, name, key, &rate, 1, &wait));
    fake_clock_turn(&clock, 100000);
    assert_true(take(limits, name, key, &rate, 4, &wait));
    assert_false(take(limits, name, key, &rate, 5, &wait));
    assert_true(wait < 0); /* more than the burst: never */
    wg_limits_free(limits);
}

static void over_a_long_time_the_rate_is_exact(void **state)
{
    const struct wg_limit_rate rate = {.per_second = 7, .burst = 3};
    struct fake_clock clock;
    struct wg_limits *limits;
    double wait;
    int taken = 0;

    (void)state;
    fake_clock_init(&clock);
    limits = wg_limits_new(&clock.clock);
    for (int ms = 0; ms < 100000; ms++, fake_clock_turn(&clock, 1))
        taken += take(limits, name, key, &rate, 1, &wait);
    assert_in_range(taken, 700, 703);
    wg_limits_free(limits);
}

static void a_million_keys_fit_and_idle_ones_are_forgotten(void **state)
{
    const struct wg_limit_rate rate = {.per_second = 1, .burst = 2};
    struct fake_clock clock;
    struct wg_limits *limits;
    char text[32];
    double wait;

    (void)state;
    fake_clock_init(&clock);
    limits = wg_limits_new(&clock.clock);
    for (int i = 0; i < 1500000; i++) {
        int len = snprintf(text, sizeof text, "peer-%d", i);

        assert_true(take(limits, name, wg_str_of(text, (size_t)len), &rate, 2, &wait));
    }
    assert_false(take(limits, name, WG_STR("peer-1499999"), &rate, 1, &wait));
    fake_clock_turn(&clock, 10000);
    assert_true(take(limits, name, WG_STR("peer-1499999"), &rate, 2, &wait));
    wg_limits_free(limits);
}

static struct wg_kv_value integer(int64_t value)
{
    return (struct wg_kv_value){.type = WG_KV_INTEGER, .integer = value};
}

static void values_are_set_added_counted_and_swapped(void **state)
{
    struct wg_kv_value text = {.type = WG_KV_TEXT, .text = WG_STR("v")};
    struct wg_kv_value one = integer(1), two = integer(2), none = {.type = WG_KV_NONE};
    struct wg_kv_value got;
    struct fake_clock clock;
    struct wg_kv *kv;
    struct wg_err err;
    int64_t number;
    bool is_done;

    (void)state;
    fake_clock_init(&clock);
    kv = wg_kv_new(&clock.clock);
    wg_kv_get(kv, key, &got);
    assert_int_equal(got.type, WG_KV_NONE);
    assert_int_equal(wg_kv_set(kv, key, &text, 1000, &err), WG_OK);
    wg_kv_get(kv, key, &got);
    assert_str(got.text, "v");
    wg_kv_value_done(&got);
    assert_int_equal(wg_kv_add(kv, key, &one, 0, &err), WG_EXISTS);
    assert_int_equal(wg_kv_incr(kv, key, 1, 0, &number, &err), WG_INVALID);
    fake_clock_turn(&clock, 1000);
    assert_int_equal(wg_kv_add(kv, key, &one, 0, &err), WG_OK);
    assert_int_equal(wg_kv_incr(kv, key, 4, 0, &number, &err), WG_OK);
    assert_int_equal(number, 5);
    assert_int_equal(wg_kv_incr(kv, key, INT64_MAX, 0, &number, &err), WG_INVALID);
    assert_int_equal(wg_kv_cas(kv, key, &one, &two, 0, &is_done, &err), WG_OK);
    assert_false(is_done);
    one = integer(5);
    assert_int_equal(wg_kv_cas(kv, key, &one, &none, 0, &is_done, &err), WG_OK);
    assert_true(is_done);
    assert_int_equal(wg_kv_cas(kv, key, &none, &two, 0, &is_done, &err), WG_OK);
    assert_true(is_done);
    wg_kv_free(kv);
}

static void a_counter_lives_from_its_first_count(void **state)
{
    struct fake_clock clock;
    struct wg_kv *kv;
    struct wg_err err;
    int64_t number = 0;

    (void)state;
    fake_clock_init(&clock);
    kv = wg_kv_new(&clock.clock);
    for (int i = 0; i < 10; i++, fake_clock_turn(&clock, 100))
        assert_int_equal(wg_kv_incr(kv, key, 1, 450, &number, &err), WG_OK);
    assert_int_equal(number, 5); /* 5 in the first 450 ms, then anew */
    wg_kv_free(kv);
}

static void memory_is_bounded_and_what_is_used_stays(void **state)
{
    char big[WG_KV_VALUE_LIMIT];
    struct wg_kv_value value = {.type = WG_KV_TEXT, .text = {big, sizeof big}};
    struct wg_kv_value small = integer(1), got;
    struct fake_clock clock;
    struct wg_kv *kv;
    struct wg_err err;
    char text[32];

    (void)state;
    memset(big, 'x', sizeof big);
    fake_clock_init(&clock);
    kv = wg_kv_new(&clock.clock);
    assert_int_equal(wg_kv_set(kv, key, &small, 0, &err), WG_OK);
    for (int i = 0; i < 4000; i++) { /* 250 MiB */
        int len = snprintf(text, sizeof text, "big-%d", i);

        assert_int_equal(wg_kv_set(kv, wg_str_of(text, (size_t)len), &value, 0, &err), WG_OK);
        wg_kv_get(kv, key, &got);
        assert_int_equal(got.type, WG_KV_INTEGER);
    }
    wg_kv_get(kv, WG_STR("big-0"), &got);
    assert_int_equal(got.type, WG_KV_NONE);
    value.text.len++;
    assert_int_equal(wg_kv_set(kv, key, &value, 0, &err), WG_TOO_LARGE);
    wg_kv_free(kv);
}

static size_t changed(struct wg_kv *kv, struct wg_arena *arena, struct wg_str keys[8])
{
    return wg_kv_take_changed(kv, arena, keys, 8);
}

static void kv_keeps_what_stands_under_a_kept_prefix(void **state)
{
    const struct wg_kv_value values[] = {
        {.type = WG_KV_BOOLEAN, .boolean = true},
        {.type = WG_KV_INTEGER, .integer = INT64_MAX},
        {.type = WG_KV_NUMBER, .number = 0.1},
        {.type = WG_KV_TEXT, .text = {"\xff\0x", 3}},
    };
    struct fake_clock clock;
    struct wg_arena arena;
    struct wg_kv *kv, *again;
    struct wg_str keys[9];
    struct wg_err err;

    (void)state;
    fake_clock_init(&clock);
    wg_arena_init(&arena);
    kv = wg_kv_new(&clock.clock);
    again = wg_kv_new(&clock.clock);
    assert_int_equal(wg_kv_set(kv, WG_STR("kept/early"), &values[0], 0, &err), WG_OK);
    assert_int_equal(wg_kv_persist(kv, WG_STR("kept/"), &err), WG_OK);
    assert_int_equal(wg_kv_persist(again, WG_STR("kept/"), &err), WG_OK);
    assert_int_equal(wg_kv_set(kv, WG_STR("other"), &values[0], 0, &err), WG_OK);
    assert_int_equal(changed(kv, &arena, keys), 0);
    for (size_t i = 0; i < WG_COUNT(values); i++) {
        struct wg_kv_value got;
        json_t *document;

        assert_int_equal(wg_kv_set(kv, WG_STR("kept/x"), &values[i], 60000, &err), WG_OK);
        assert_int_equal(changed(kv, &arena, keys), 1);
        document = wg_kv_document(kv, keys[0]);
        assert_int_equal(wg_kv_restore(again, keys[0], document, &err), WG_OK);
        assert_int_equal(changed(again, &arena, keys + 1), 0); /* it is stored */
        wg_kv_get(again, WG_STR("kept/x"), &got);
        assert_int_equal(got.type, values[i].type);
        assert_true(got.boolean == values[i].boolean || got.type != WG_KV_BOOLEAN);
        assert_true(got.integer == values[i].integer || got.type != WG_KV_INTEGER);
        assert_true(got.number == values[i].number || got.type != WG_KV_NUMBER);
        assert_true(got.type != WG_KV_TEXT || wg_str_equal(got.text, values[i].text));
        wg_kv_value_done(&got);
        if (i == 1) { /* in the time to come it has expired */
            fake_clock_turn(&clock, 60001);
            assert_null(wg_kv_document(kv, keys[0]));
            assert_int_equal(wg_kv_restore(again, WG_STR("kept/old"), document, &err), WG_OK);
            assert_int_equal(changed(again, &arena, keys), 1); /* to be deleted */
            assert_null(wg_kv_document(again, keys[0]));
        }
        json_decref(document);
    }
    wg_kv_free(again);
    wg_kv_free(kv);
    wg_arena_done(&arena);
}

static void kv_keeps_a_bounded_number(void **state)
{
    struct wg_kv_value one = {.type = WG_KV_BOOLEAN, .boolean = true};
    struct fake_clock clock;
    struct wg_arena arena;
    struct wg_kv *kv;
    struct wg_str *keys;
    struct wg_err err;
    char text[32];

    (void)state;
    fake_clock_init(&clock);
    wg_arena_init(&arena);
    kv = wg_kv_new(&clock.clock);
    keys = wg_arena_alloc(&arena, 2 * WG_KV_KEPT_LIMIT * sizeof *keys);
    assert_int_equal(wg_kv_persist(kv, WG_STR("k"), &err), WG_OK);
    for (int i = 0; i < WG_KV_KEPT_LIMIT + 10; i++) {
        snprintf(text, sizeof text, "k%d", i);
        assert_int_equal(wg_kv_set(kv, wg_str(text), &one, 0, &err), WG_OK);
    }
    assert_int_equal(wg_kv_take_changed(kv, &arena, keys, 2 * WG_KV_KEPT_LIMIT),
                     WG_KV_KEPT_LIMIT);
    one.type = WG_KV_NONE;
    assert_int_equal(wg_kv_set(kv, WG_STR("k0"), &one, 0, &err), WG_OK);
    assert_int_equal(changed(kv, &arena, keys), 1);
    assert_null(wg_kv_document(kv, keys[0]));
    wg_kv_free(kv);
    wg_arena_done(&arena);
}

struct both {
    struct wg_kv *kv;
    struct wg_limits *limits;
    int taken;
};

static void *count_up(void *owner)
{
    const struct wg_limit_rate rate = {.per_second = 0.001, .burst = 1000};
    struct both *both = owner;
    struct wg_err err;
    int64_t number;
    double wait;
    int taken = 0;

    for (int i = 0; i < 5000; i++) {
        if (wg_kv_incr(both->kv, key, 1, 0, &number, &err) != WG_OK)
            break;
        taken += take(both->limits, name, key, &rate, 1, &wait);
    }
    __atomic_add_fetch(&both->taken, taken, __ATOMIC_RELAXED);
    return NULL;
}

static void threads_count_together(void **state)
{
    struct fake_clock clock;
    struct both both;
    pthread_t threads[4];
    struct wg_kv_value got;

    (void)state;
    fake_clock_init(&clock);
    both = (struct both){wg_kv_new(&clock.clock), wg_limits_new(&clock.clock), 0};
    for (size_t i = 0; i < WG_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, &both), 0);
    for (size_t i = 0; i < WG_COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    wg_kv_get(both.kv, key, &got);
    assert_int_equal(got.integer, 20000);
    assert_int_equal(both.taken, 1000);
    wg_kv_free(both.kv);
    wg_limits_free(both.limits);
}

static const char limited[] =
    "local w = require 'wavegate'\nlocal limits = require 'wavegate.limits'\n"
    "local per_peer = limits.new { name = 'p', rate = '2/s', burst = 2 }\n"
    "w.on('event', function(event, ctx)\n"
    "  local seen = w.kv.incr('seen', 1, '1h')\n"
    "  local ok, wait = per_peer:take(ctx.peer.name)\n"
    "  if ok then return end\n"
    "  assert(math.abs(wait - per_peer:wait(ctx.peer.name)) < 0.001)\n"
    "  return w.defer { seconds = wait, reason = seen .. ' seen', code = "
    "'SW_RATE_LIMIT_EXCEEDED' }\n"
    "end)\n";

static void limiters_and_values_survive_a_reload_and_a_dry_run_counts_nothing(void **state)
{
    struct policy_kit kit;

    (void)state;
    kit_init(&kit);
    kit_open(&kit, limited);
    kit_ask(&kit, WG_HOOK_EVENT);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_ALLOW);
    kit_reload(&kit, limited);
    kit_ask(&kit, WG_HOOK_EVENT);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_ALLOW);
    kit_ask(&kit, WG_HOOK_EVENT);
    assert_int_equal(kit.decision.failure, WG_OK);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_DEFER);
    assert_int_equal(kit.decision.code, WG_RATE_LIMITED);
    assert_int_equal(kit.decision.defer_s, 1);
    assert_str(kit.decision.reason, "3 seen");
    fake_clock_turn(&kit.clock, 1000);
    kit_ask(&kit, WG_HOOK_EVENT);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_ALLOW);
    kit_done(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kv_keeps_what_stands_under_a_kept_prefix),
        cmocka_unit_test(kv_keeps_a_bounded_number),
        cmocka_unit_test(a_limiter_tells_who_asks_most_and_what_is_left),
        cmocka_unit_test(a_limiter_lets_the_burst_through_and_then_the_rate),
        cmocka_unit_test(over_a_long_time_the_rate_is_exact),
        cmocka_unit_test(a_million_keys_fit_and_idle_ones_are_forgotten),
        cmocka_unit_test(values_are_set_added_counted_and_swapped),
        cmocka_unit_test(a_counter_lives_from_its_first_count),
        cmocka_unit_test(memory_is_bounded_and_what_is_used_stays),
        cmocka_unit_test(threads_count_together),
        cmocka_unit_test(limiters_and_values_survive_a_reload_and_a_dry_run_counts_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
