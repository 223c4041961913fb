// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "federation/directory_impl.h"
#include "support/fake_clock.h"

/* Stands in for discover.c: counts what would be asked of the network. The test settles by
 * itself. */
static int fetches;

void wg_directory_fetch(struct wg_directory *directory, struct wg_str name,
                        const struct wg_lookup_how *how)
{
    (void)directory, (void)name, (void)how;
    fetches++;
}

static struct fake_clock fake;
static struct wg_loop *loop;
static struct wg_directory *directory;
static int woken;

static void on_known(void *owner)
{
    (void)owner;
    woken++;
}

static enum wg_lookup look_up(const char *name, bool is_refresh, int64_t *ret_retry_s)
{
    struct wg_lookup_how how = {
        .loop = loop, .is_refresh = is_refresh, .on_known = on_known, .owner = NULL};
    const struct wg_peer *peer = NULL;
    struct wg_err err;
    enum wg_lookup result =
        wg_directory_lookup(directory, wg_str(name), &how, &peer, ret_retry_s, &err);

    wg_peer_unref(peer);
    return result;
}

static void settle_well(const char *name, unsigned char key, int64_t age_s)
{
    struct wg_peer_box *box = wg_new(struct wg_peer_box);

    atomic_init(&box->references, 1);
    wg_arena_init(&box->arena);
    box->peer.name = wg_arena_copy(&box->arena, wg_str(name));
    box->peer.fetched_at_s = wg_clock_wall_s(&fake.clock);
    box->peer.descriptor.key_count = 1;
    memset(box->peer.descriptor.keys[0].key.bytes, key, WG_PUBLIC_KEY_BYTES);
    snprintf(box->peer.descriptor.keys[0].key.kid, WG_KID_CHARS + 1, "key-%d", key);
    wg_directory_settle(directory, wg_str(name), box, age_s, NULL, NULL);
}

static void settle_badly(const char *name)
{
    struct wg_err err;

    wg_fail(&err, WG_PEER_UNREACHABLE, "connection refused");
    wg_directory_settle(directory, wg_str(name), NULL, 0, &err, &err);
}

static int set_up(void **state)
{
    (void)state;
    fake_clock_init(&fake);
    directory = wg_directory_new(&fake.clock, 1000, false);
    fetches = woken = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    wg_directory_free(directory);
    return 0;
}

static void one_fetch_serves_all_who_ask(void **state)
{
    int64_t retry_s;

    (void)state;
    for (int i = 0; i < 20; i++)
        assert_int_equal(look_up("peer.example", false, &retry_s), WG_LOOKUP_WAIT);
    assert_int_equal(fetches, 1);
    settle_well("peer.example", 1, 3600);
    wg_loop_turn(loop);
    assert_int_equal(woken, 20);
    assert_int_equal(look_up("peer.example", false, &retry_s), WG_LOOKUP_FOUND);
    assert_true(wg_directory_is_known(directory, wg_str("peer.example")));
    assert_int_equal(fetches, 1);
}

static void a_descriptor_lives_as_long_as_its_cache_life(void **state)
{
    int64_t retry_s;

    (void)state;
    look_up("peer.example", false, &retry_s);
    settle_well("peer.example", 1, 60);
    fake_clock_turn(&fake, 59 * 1000);
    assert_int_equal(look_up("peer.example", false, &retry_s), WG_LOOKUP_FOUND);
    fake_clock_turn(&fake, 1000);
    assert_false(wg_directory_is_known(directory, wg_str("peer.example")));
    assert_int_equal(look_up("peer.example", false, &retry_s), WG_LOOKUP_WAIT);
    assert_int_equal(fetches, 2);
    settle_well("peer.example", 1, 60);
    wg_loop_turn(loop);
}

static void a_failure_is_not_asked_about_again_before_its_back_off(void **state)
{
    static const int64_t expected_s[] = {5, 10, 20, 40, 80, 160, 320, 600, 600};
    int64_t retry_s = 0;

    (void)state;
    for (size_t i = 0; i < WG_COUNT(expected_s); i++) {
        assert_int_equal(look_up("peer.example", false, &retry_s), WG_LOOKUP_WAIT);
        settle_badly("peer.example");
        assert_int_equal(fetches, (int)i + 1);
        assert_int_equal(look_up("peer.example", false, &retry_s), WG_LOOKUP_FAILED);
        assert_int_equal(retry_s, expected_s[i]);
        fake_clock_turn(&fake, expected_s[i] * 1000 - 1);
        assert_int_equal(look_up("peer.example", false, &retry_s), WG_LOOKUP_FAILED);
        fake_clock_turn(&fake, 1);
    }
    assert_int_equal(look_up("peer.example", false, &retry_s), WG_LOOKUP_WAIT);
    settle_well("peer.example", 1, 60);
    fake_clock_turn(&fake, 61 * 1000);
    look_up("peer.example", false, &retry_s);
    settle_badly("peer.example");
    look_up("peer.example", false, &retry_s);
    assert_int_equal(retry_s, 5); /* success has made it forget */
    wg_loop_turn(loop);
}

static void a_refetch_comes_at_most_once_a_minute(void **state)
{
    int64_t retry_s;

    (void)state;
    look_up("peer.example", false, &retry_s);
    settle_well("peer.example", 1, 3600);
    assert_int_equal(look_up("peer.example", true, &retry_s), WG_LOOKUP_WAIT);
    assert_int_equal(fetches, 2);
    /* Others who are content with what is there do not wait for it. */
    assert_int_equal(look_up("peer.example", false, &retry_s), WG_LOOKUP_FOUND);
    settle_well("peer.example", 2, 3600);
    assert_int_equal(look_up("peer.example", true, &retry_s), WG_LOOKUP_FOUND);
    fake_clock_turn(&fake, 59 * 1000);
    assert_int_equal(look_up("peer.example", true, &retry_s), WG_LOOKUP_FOUND);
    assert_int_equal(fetches, 2);
    fake_clock_turn(&fake, 1000);
    assert_int_equal(look_up("peer.example", true, &retry_s), WG_LOOKUP_WAIT);
    assert_int_equal(fetches, 3);
    settle_badly("peer.example");
    /* A refetch that fails takes nothing away. */
    assert_int_equal(look_up("peer.example", false, &retry_s), WG_LOOKUP_FOUND);
    wg_loop_turn(loop);
}

static void former_keys_are_remembered(void **state)
{
    struct wg_peer_facts facts;
    int64_t retry_s;

    (void)state;
    look_up("peer.example", false, &retry_s);
    settle_well("peer.example", 1, 60);
    fake_clock_turn(&fake, 100 * 1000);
    look_up("peer.example", false, &retry_s);
    settle_well("peer.example", 2, 60);
    wg_directory_facts(directory, wg_str("peer.example"), &facts);
    assert_string_equal(facts.kid, "key-2");
    assert_int_equal(facts.key_since_s, 1000000100);
    assert_int_equal(facts.last_seen_s, -1);
    wg_directory_saw(directory, wg_str("peer.example"));
    wg_directory_facts(directory, wg_str("peer.example"), &facts);
    assert_int_equal(facts.known_since_s, 1000000100);
    assert_int_equal(facts.last_seen_s, 1000000100);
    wg_loop_turn(loop);
}

static void strangers_make_room_and_known_peers_stay(void **state)
{
    int64_t retry_s;

    (void)state;
    look_up("known.example", false, &retry_s);
    settle_well("known.example", 1, 24 * 3600);
    wg_directory_saw(directory, wg_str("known.example"));
    for (int i = 0; i < 5000; i++) {
        char name[32];

        snprintf(name, sizeof name, "s%d.example", i);
        assert_int_equal(look_up(name, false, &retry_s), WG_LOOKUP_WAIT);
        settle_badly(name);
    }
    assert_true(wg_directory_is_known(directory, wg_str("known.example")));
    wg_loop_turn(loop);
}

static void a_name_that_is_none_is_never_asked(void **state)
{
    static const char *const names[] = {"127.1", "[::1]", "UPPER.example", "a..b", ""};
    int64_t retry_s;

    (void)state;
    for (size_t i = 0; i < WG_COUNT(names); i++)
        assert_int_equal(look_up(names[i], false, &retry_s), WG_LOOKUP_FAILED);
    assert_int_equal(fetches, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_fetch_serves_all_who_ask),
        TEST(a_descriptor_lives_as_long_as_its_cache_life),
        TEST(a_failure_is_not_asked_about_again_before_its_back_off),
        TEST(a_refetch_comes_at_most_once_a_minute),
        TEST(former_keys_are_remembered),
        TEST(strangers_make_room_and_known_peers_stay),
        TEST(a_name_that_is_none_is_never_asked),
    };
    struct wg_err err;
    int failed;

    if (wg_loop_new(wg_clock_system(), &loop, &err) != WG_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    wg_loop_stop(loop);
    wg_loop_run(loop);
    wg_loop_free(loop);
    return failed;
}
