// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/arena.h"
#include "federation/peers.h"
#include "support/fake_clock.h"

struct kit {
    struct fake_clock clock;
    struct wg_directory *directory;
    struct wg_arena arena;
    struct wg_peer_series *rows;
    size_t count;
};

static void kit_open(struct kit *kit, size_t limit)
{
    fake_clock_init(&kit->clock);
    kit->directory = wg_directory_new(&kit->clock.clock, 1000, false);
    wg_peers_set_series(kit->directory, limit);
    wg_arena_init(&kit->arena);
}

static void kit_close(struct kit *kit)
{
    wg_directory_free(kit->directory);
    wg_arena_done(&kit->arena);
}

static void count(struct kit *kit, const char *name, int times)
{
    json_t *nothing = json_object();
    struct wg_err err;

    assert_int_equal(wg_peers_restore(kit->directory, wg_str(name), nothing, &err), WG_OK);
    json_decref(nothing);
    for (int i = 0; i < times; i++)
        wg_peers_count(kit->directory, wg_str(name), WG_PEER_RECEIVED);
}

static void look(struct kit *kit)
{
    kit->count = wg_peers_series(kit->directory, &kit->arena, &kit->rows);
}

/* -1: it has no series of its own. */
static int64_t received(const struct kit *kit, const char *name)
{
    for (size_t i = 0; i + 1 < kit->count; i++)
        if (wg_str_is(kit->rows[i].name, name))
            return (int64_t)kit->rows[i].counts[WG_PEER_RECEIVED];
    return -1;
}

static int64_t others(const struct kit *kit)
{
    assert_null(kit->rows[kit->count - 1].name.at);
    return (int64_t)kit->rows[kit->count - 1].counts[WG_PEER_RECEIVED];
}

static void as_many_as_allowed_have_their_own_and_the_rest_is_summed_up(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, 2);
    count(&kit, "a.test", 3);
    count(&kit, "b.test", 2);
    count(&kit, "c.test", 4);
    count(&kit, "d.test", 1);
    look(&kit);
    assert_int_equal(kit.count, 3);
    assert_int_equal(received(&kit, "a.test"), 3);
    assert_int_equal(received(&kit, "b.test"), 2);
    assert_int_equal(received(&kit, "c.test"), -1);
    assert_int_equal(others(&kit), 5);
    assert_int_equal(wg_peers_known(kit.directory), 4);
    kit_close(&kit);
}

static void
a_much_busier_one_takes_the_place_of_the_least_busy_and_no_sum_goes_back(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, 2);
    count(&kit, "a.test", 100);
    count(&kit, "b.test", 5);
    count(&kit, "c.test", 50);
    fake_clock_turn(&kit.clock, 60 * 1000);
    look(&kit);
    assert_int_equal(received(&kit, "a.test"), 100);
    assert_int_equal(received(&kit, "b.test"), -1);
    assert_int_equal(received(&kit, "c.test"), 0);
    assert_int_equal(others(&kit), 50);
    count(&kit, "c.test", 7);
    count(&kit, "b.test", 1);
    look(&kit);
    assert_int_equal(received(&kit, "c.test"), 7);
    assert_int_equal(others(&kit), 51);
    kit_close(&kit);
}

static void one_that_is_hardly_busier_has_to_wait(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, 1);
    count(&kit, "a.test", 20);
    count(&kit, "b.test", 45);
    fake_clock_turn(&kit.clock, 60 * 1000);
    look(&kit);
    assert_int_equal(received(&kit, "a.test"), 20);
    assert_int_equal(received(&kit, "b.test"), -1);
    kit_close(&kit);
}

static void a_forgotten_peer_makes_room(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, 1);
    count(&kit, "a.test", 2);
    count(&kit, "b.test", 2);
    assert_true(wg_peers_forget(kit.directory, WG_STR("a.test")));
    count(&kit, "b.test", 3);
    look(&kit);
    assert_int_equal(kit.count, 2);
    assert_int_equal(received(&kit, "b.test"), 3);
    assert_int_equal(others(&kit), 2);
    kit_close(&kit);
}

static void without_any_all_are_summed_up(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, 0);
    count(&kit, "a.test", 2);
    fake_clock_turn(&kit.clock, 60 * 1000);
    look(&kit);
    assert_int_equal(kit.count, 1);
    assert_int_equal(others(&kit), 2);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_allowed_have_their_own_and_the_rest_is_summed_up),
        cmocka_unit_test(
            a_much_busier_one_takes_the_place_of_the_least_busy_and_no_sum_goes_back),
        cmocka_unit_test(one_that_is_hardly_busier_has_to_wait),
        cmocka_unit_test(a_forgotten_peer_makes_room),
        cmocka_unit_test(without_any_all_are_summed_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
