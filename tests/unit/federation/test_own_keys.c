// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>

#include "federation/identity.h"

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S, START_S = 1000000000 };

/* What a test begins with: one key, and a second one to rotate to. */
struct rig {
    struct wg_secret_key first, second, third;
    struct wg_own_keys keys;
    struct wg_err err;
};

static void rig_open(struct rig *rig)
{
    wg_secret_key_generate(&rig->first);
    wg_secret_key_generate(&rig->second);
    wg_secret_key_generate(&rig->third);
    wg_own_keys_init(&rig->keys, &rig->first, START_S - 100 * DAY_S);
}

static void rotate(struct rig *rig, const struct wg_secret_key *to, int64_t now_s)
{
    if (wg_own_keys_rotate(&rig->keys, to, now_s, 25 * HOUR_S, 6 * DAY_S, &rig->err) != WG_OK)
        fail_msg("%s", rig->err.text);
}

static void assert_signs(const struct rig *rig, const struct wg_secret_key *key, int64_t now_s)
{
    assert_string_equal(wg_own_keys_signer(&rig->keys, now_s)->key.kid, key->public_key.kid);
}

/* What a restart would find. */
static void write_and_read(struct rig *rig)
{
    struct wg_own_keys read;
    struct wg_buf text;

    wg_buf_init(&text, WG_OWN_KEYS_TEXT_BYTES);
    wg_own_keys_write(&rig->keys, WG_STR("a.example"), &text);
    if (wg_own_keys_parse(wg_buf_str(&text), &read, &rig->err) != WG_OK)
        fail_msg("%s in:\n%s", rig->err.text, text.at);
    wg_buf_done(&text);
    assert_int_equal(read.count, rig->keys.count);
    assert_string_equal(read.file.kid, rig->keys.file.kid);
    for (size_t i = 0; i < read.count; i++) {
        assert_string_equal(read.at[i].key.kid, rig->keys.at[i].key.kid);
        assert_int_equal(read.at[i].from_s, rig->keys.at[i].from_s);
        assert_int_equal(read.at[i].until_s, rig->keys.at[i].until_s);
        assert_int_equal(read.at[i].has_secret, read.count > 1 && rig->keys.at[i].has_secret);
    }
    wg_own_keys_done(&rig->keys);
    rig->keys = read;
}

static void the_clock_alone_decides_which_key_signs(void **state)
{
    struct wg_descriptor_key published[WG_OWN_KEYS_PUBLISHED];
    const int64_t switch_s = START_S + 25 * HOUR_S;
    struct rig rig;

    (void)state;
    rig_open(&rig);
    assert_int_equal(wg_own_keys_published(&rig.keys, START_S, published), 1);
    assert_int_equal(wg_own_keys_change_s(&rig.keys, START_S), INT64_MAX);
    rotate(&rig, &rig.second, START_S);
    for (int restart = 0; restart < 2; restart++) {
        assert_signs(&rig, &rig.first, START_S);
        assert_signs(&rig, &rig.first, switch_s - 1);
        assert_signs(&rig, &rig.second, switch_s);
        assert_signs(&rig, &rig.second, switch_s + 1000 * DAY_S);
        assert_string_equal(wg_own_keys_next(&rig.keys, START_S)->key.kid,
                            rig.second.public_key.kid);
        assert_null(wg_own_keys_next(&rig.keys, switch_s));
        assert_int_equal(wg_own_keys_change_s(&rig.keys, START_S), switch_s);
        assert_int_equal(wg_own_keys_change_s(&rig.keys, switch_s), switch_s + 6 * DAY_S);
        write_and_read(&rig);
    }
    wg_own_keys_done(&rig.keys);
}

static void both_are_published_from_the_start_until_the_old_one_ends(void **state)
{
    struct wg_descriptor_key published[WG_OWN_KEYS_PUBLISHED];
    const int64_t switch_s = START_S + 25 * HOUR_S, end_s = switch_s + 6 * DAY_S;
    struct rig rig;

    (void)state;
    rig_open(&rig);
    rotate(&rig, &rig.second, START_S);
    assert_int_equal(wg_own_keys_published(&rig.keys, START_S, published), 2);
    assert_string_equal(published[0].key.kid, rig.first.public_key.kid);
    assert_int_equal(published[0].valid_until_s, end_s);
    assert_string_equal(published[1].key.kid, rig.second.public_key.kid);
    assert_int_equal(published[1].valid_from_s, switch_s - WG_OWN_KEYS_LEAD_S);
    assert_int_equal(published[1].valid_until_s, INT64_MAX);
    assert_int_equal(wg_own_keys_published(&rig.keys, switch_s, published), 2);
    assert_string_equal(published[0].key.kid, rig.second.public_key.kid);
    assert_string_equal(published[1].key.kid, rig.first.public_key.kid);
    assert_int_equal(wg_own_keys_published(&rig.keys, end_s, published), 1);
    assert_non_null(wg_own_keys_find(&rig.keys, wg_str(rig.first.public_key.kid)));
    wg_own_keys_done(&rig.keys);
}

static void an_old_key_s_secret_is_forgotten_with_its_end(void **state)
{
    const int64_t end_s = START_S + 25 * HOUR_S + 6 * DAY_S;
    struct rig rig;

    (void)state;
    rig_open(&rig);
    rotate(&rig, &rig.second, START_S);
    assert_false(wg_own_keys_tidy(&rig.keys, end_s - 1));
    assert_true(wg_own_keys_tidy(&rig.keys, end_s));
    assert_false(wg_own_keys_tidy(&rig.keys, end_s));
    assert_false(wg_own_keys_find(&rig.keys, wg_str(rig.first.public_key.kid))->has_secret);
    write_and_read(&rig);
    assert_signs(&rig, &rig.second, end_s);
    /* The file of the configuration still holds the first. */
    assert_int_equal(wg_own_keys_see_file(&rig.keys, &rig.first, end_s, DAY_S),
                     WG_OWN_KEYS_SAME);
    assert_signs(&rig, &rig.second, end_s);
    assert_int_equal(wg_own_keys_check(&rig.keys, end_s, &rig.err), WG_OK);
    wg_own_keys_done(&rig.keys);
}

static void one_rotation_at_a_time_and_it_can_be_taken_back(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig);
    assert_int_equal(wg_own_keys_cancel(&rig.keys, START_S, &rig.err), WG_NOT_FOUND);
    rotate(&rig, &rig.second, START_S);
    assert_int_equal(wg_own_keys_rotate(&rig.keys, &rig.third, START_S + 1, 0, DAY_S, &rig.err),
                     WG_EXISTS);
    assert_non_null(strstr(rig.err.text, "wavegate key cancel"));
    assert_int_equal(wg_own_keys_cancel(&rig.keys, START_S + 2, &rig.err), WG_OK);
    assert_int_equal(rig.keys.count, 1);
    assert_int_equal(rig.keys.at[0].until_s, INT64_MAX);
    assert_null(wg_own_keys_find(&rig.keys, wg_str(rig.second.public_key.kid)));
    rotate(&rig, &rig.third, START_S + 3);
    assert_signs(&rig, &rig.third, START_S + 3 + 25 * HOUR_S);
    assert_int_equal(wg_own_keys_cancel(&rig.keys, START_S + 3 + 25 * HOUR_S, &rig.err),
                     WG_NOT_FOUND);
    wg_own_keys_done(&rig.keys);
}

static void without_an_overlap_the_new_key_signs_at_once(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig);
    assert_int_equal(wg_own_keys_rotate(&rig.keys, &rig.second, START_S, 0, DAY_S, &rig.err),
                     WG_OK);
    assert_signs(&rig, &rig.second, START_S);
    for (int i = 0; i < WG_OWN_KEYS_PUBLISHED - 2; i++) {
        wg_secret_key_generate(&rig.third);
        assert_int_equal(wg_own_keys_rotate(&rig.keys, &rig.third, START_S, 0, DAY_S, &rig.err),
                         WG_OK);
    }
    wg_secret_key_generate(&rig.third);
    assert_int_equal(wg_own_keys_rotate(&rig.keys, &rig.third, START_S, 0, DAY_S, &rig.err),
                     WG_FULL);
    assert_int_equal(
        wg_own_keys_rotate(&rig.keys, &rig.third, START_S + DAY_S, 0, DAY_S, &rig.err), WG_OK);
    wg_own_keys_done(&rig.keys);
}

static void a_new_key_in_the_file_signs_at_once_and_ends_a_rotation(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig);
    rotate(&rig, &rig.second, START_S);
    assert_int_equal(wg_own_keys_see_file(&rig.keys, &rig.third, START_S + 10, DAY_S),
                     WG_OWN_KEYS_REPLACED);
    assert_signs(&rig, &rig.third, START_S + 10);
    assert_null(wg_own_keys_next(&rig.keys, START_S + 10));
    assert_int_equal(wg_own_keys_find(&rig.keys, wg_str(rig.first.public_key.kid))->until_s,
                     START_S + 10 + DAY_S);
    assert_null(wg_own_keys_find(&rig.keys, wg_str(rig.second.public_key.kid)));
    write_and_read(&rig);
    assert_signs(&rig, &rig.third, START_S + 10);
    wg_own_keys_done(&rig.keys);
}

static void a_former_key_in_the_file_is_not_taken_back(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig);
    assert_int_equal(wg_own_keys_rotate(&rig.keys, &rig.second, START_S, 0, DAY_S, &rig.err),
                     WG_OK);
    assert_int_equal(wg_own_keys_see_file(&rig.keys, &rig.second, START_S + 1, DAY_S),
                     WG_OWN_KEYS_NOTED);
    assert_int_equal(wg_own_keys_see_file(&rig.keys, &rig.first, START_S + 2, DAY_S),
                     WG_OWN_KEYS_FORMER);
    assert_signs(&rig, &rig.second, START_S + 2);
    wg_own_keys_done(&rig.keys);
}

static void a_key_replaced_while_the_gateway_was_down_stays_known(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig);
    write_and_read(&rig); /* the secret stood in the file alone, and that is another one now */
    assert_int_equal(wg_own_keys_see_file(&rig.keys, &rig.second, START_S, DAY_S),
                     WG_OWN_KEYS_REPLACED);
    assert_signs(&rig, &rig.second, START_S);
    assert_int_equal(wg_own_keys_check(&rig.keys, START_S, &rig.err), WG_OK);
    assert_int_equal(wg_own_keys_find(&rig.keys, wg_str(rig.first.public_key.kid))->until_s,
                     START_S + DAY_S);
    wg_own_keys_done(&rig.keys);
}

static void refuses_a_keyring_that_is_not_whole(void **state)
{
    static const char *const texts[] = {
        "",
        "# only a comment\n",
        "signing_key ed25519:AAAA\n",
        "key ed25519-secret:AAAA 1 -\n",
        "key ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= 1\n",
        "key ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= 1 x\n",
        "key ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= -1 -\n",
        "lock ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= 1 -\n",
        "key ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= 1 -\n", /* no signing_key */
        "signing_key ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
        "key ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= 1 -\n"
        "key ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= 2 -\n",
    };
    struct wg_own_keys keys;
    struct wg_err err;

    (void)state;
    for (size_t i = 0; i < WG_COUNT(texts); i++) {
        if (wg_own_keys_parse(wg_str(texts[i]), &keys, &err) != WG_CONFIG)
            fail_msg("taken: %s", texts[i]);
    }
}

static void a_keyring_without_the_secret_that_signs_is_an_error(void **state)
{
    struct wg_own_keys keys;
    struct wg_err err;
    struct rig rig;
    char text[512], first[WG_PUBLIC_KEY_TEXT], second[WG_PUBLIC_KEY_TEXT];

    (void)state;
    rig_open(&rig);
    wg_public_key_write(&rig.first.public_key, first);
    wg_public_key_write(&rig.second.public_key, second);
    snprintf(text, sizeof text, "signing_key %s\nkey %s 1 50\nkey %s 2 -\n", first, first,
             second);
    assert_int_equal(wg_own_keys_parse(wg_str(text), &keys, &err), WG_OK);
    assert_int_equal(wg_own_keys_see_file(&keys, &rig.first, 100, DAY_S), WG_OWN_KEYS_SAME);
    assert_int_equal(wg_own_keys_check(&keys, 100, &err), WG_CONFIG);
    assert_non_null(strstr(err.text, rig.second.public_key.kid));
    wg_own_keys_done(&keys);
    wg_own_keys_done(&rig.keys);
}

static void a_descriptor_is_kept_no_longer_than_it_is_true(void **state)
{
    struct wg_identity *identity = wg_identity_new(WG_STR("a.example"));
    const int64_t switch_s = START_S + 25 * HOUR_S;
    struct wg_descriptor descriptor;
    struct wg_arena arena;
    struct wg_str text;
    int64_t age_s;
    struct rig rig;

    (void)state;
    rig_open(&rig);
    wg_arena_init(&arena);
    wg_identity_set(identity, &rig.keys);
    text = wg_identity_descriptor(identity, START_S, &arena, &age_s);
    assert_int_equal(age_s, 3600);
    assert_null(strstr(text.at, "\"keys\""));
    rotate(&rig, &rig.second, START_S);
    wg_identity_set(identity, &rig.keys);
    (void)wg_identity_descriptor(identity, START_S, &arena, &age_s);
    assert_int_equal(age_s, 3600);
    (void)wg_identity_descriptor(identity, switch_s - 1000, &arena, &age_s);
    assert_int_equal(age_s, 1000);
    (void)wg_identity_descriptor(identity, switch_s - 5, &arena, &age_s);
    assert_int_equal(age_s, 60);
    text = wg_identity_descriptor(identity, switch_s, &arena, &age_s);
    assert_int_equal(age_s, 3600);
    assert_int_equal(
        wg_descriptor_parse(text, WG_STR("a.example"), &arena, &descriptor, &rig.err), WG_OK);
    assert_string_equal(descriptor.keys[0].key.kid, rig.second.public_key.kid);
    assert_int_equal(descriptor.key_count, 2);
    /* A clock that is set back finds the former state again. */
    text = wg_identity_descriptor(identity, START_S, &arena, &age_s);
    assert_int_equal(
        wg_descriptor_parse(text, WG_STR("a.example"), &arena, &descriptor, &rig.err), WG_OK);
    assert_string_equal(descriptor.keys[0].key.kid, rig.first.public_key.kid);
    wg_arena_done(&arena);
    wg_identity_free(identity);
    wg_own_keys_done(&rig.keys);
}

enum { READERS = 3, TURNS = 2000 };

struct reader {
    struct wg_identity *identity;
    struct wg_str message;
    unsigned bad;
};

/* As workers do, while another thread rotates: what was signed verifies with a key that is
 * known, and the descriptor is whole. */
static void *sign_and_verify(void *owner)
{
    struct reader *reader = owner;

    for (int i = 0; i < TURNS; i++) {
        uint8_t signature[WG_SIGNATURE_BYTES];
        struct wg_secret_key secret;
        struct wg_public_key key;
        struct wg_arena arena;
        int64_t age_s;

        wg_identity_signer(reader->identity, START_S + i, &secret);
        wg_sign(&secret, reader->message, signature);
        reader->bad +=
            !wg_identity_find(reader->identity, wg_str(secret.public_key.kid), &key) ||
            !wg_verify(&key, reader->message, wg_str_of(signature, sizeof signature));
        wg_secret_key_done(&secret);
        wg_arena_init(&arena);
        reader->bad +=
            wg_identity_descriptor(reader->identity, START_S + i, &arena, &age_s).len < 100;
        wg_arena_done(&arena);
    }
    return NULL;
}

static void workers_sign_while_keys_are_exchanged(void **state)
{
    struct wg_identity *identity = wg_identity_new(WG_STR("a.example"));
    struct reader readers[READERS];
    pthread_t threads[READERS];
    struct rig rig;

    (void)state;
    rig_open(&rig);
    wg_identity_set(identity, &rig.keys);
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = (struct reader){identity, WG_STR("what is signed"), 0};
        assert_int_equal(pthread_create(&threads[i], NULL, sign_and_verify, &readers[i]), 0);
    }
    for (int turn = 0; turn < 40; turn++) {
        struct wg_secret_key next;

        wg_secret_key_generate(&next);
        assert_int_equal(wg_own_keys_rotate(&rig.keys, &next, START_S + (int64_t)turn * DAY_S,
                                            0, HOUR_S, &rig.err),
                         WG_OK);
        wg_identity_set(identity, &rig.keys);
    }
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(readers[i].bad, 0);
    }
    wg_identity_free(identity);
    wg_own_keys_done(&rig.keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_alone_decides_which_key_signs),
        cmocka_unit_test(both_are_published_from_the_start_until_the_old_one_ends),
        cmocka_unit_test(an_old_key_s_secret_is_forgotten_with_its_end),
        cmocka_unit_test(one_rotation_at_a_time_and_it_can_be_taken_back),
        cmocka_unit_test(without_an_overlap_the_new_key_signs_at_once),
        cmocka_unit_test(a_new_key_in_the_file_signs_at_once_and_ends_a_rotation),
        cmocka_unit_test(a_former_key_in_the_file_is_not_taken_back),
        cmocka_unit_test(a_key_replaced_while_the_gateway_was_down_stays_known),
        cmocka_unit_test(refuses_a_keyring_that_is_not_whole),
        cmocka_unit_test(a_keyring_without_the_secret_that_signs_is_an_error),
        cmocka_unit_test(a_descriptor_is_kept_no_longer_than_it_is_true),
        cmocka_unit_test(workers_sign_while_keys_are_exchanged),
    };
    struct wg_err err;

    return wg_crypto_start(&err) == WG_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
