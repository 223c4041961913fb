// SPDX-License-Identifier: Apache-2.0
#include "unit/wire/requests.h"

/* RFC 9530 appendix B and D: the body is {"hello": "world"} and a line feed. */
#define BODY WG_STR("{\"hello\": \"world\"}\n")
#define SHA_256 "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
#define SHA_512                                                                           \
    "sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/" \
    "WkppmM44T3qg==:"

static void makes_the_digest_of_rfc_9530(void **state)
{
    struct wg_arena arena;

    (void)state;
    wg_arena_init(&arena);
    assert_true(wg_str_is(wg_digest_make(BODY, &arena), SHA_256));
    assert_true(wg_str_is(wg_digest_make((struct wg_str){0}, &arena),
                          "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"));
    wg_arena_done(&arena);
}

static void judges_digests(void **state)
{
    static const struct {
        const char *why, *field;
        bool is_good;
    } cases[] = {
        {"sha-256", SHA_256, true},
        {"sha-512", SHA_512, true},
        {"both", SHA_256 ", " SHA_512, true},
        {"an unknown one beside a known one", "md5=:AAAA:, " SHA_256, true},
        {"an unknown one of another type", "x=1, " SHA_256, true},
        {"the last of one name counts", "sha-256=:AAAA:, " SHA_256, true},
        {"nothing", "", false},
        {"only unknown ones", "md5=:AAAA:, unixsum=1", false},
        {"upper case is no key",
         "SHA-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:", false},
        {"one good, one wrong",
         SHA_256 ", sha-512=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:", false},
        {"the last of one name is wrong", SHA_256 ", sha-256=:AAAA:", false},
        {"of another body", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", false},
        {"truncated", "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP8=:", false},
        {"empty", "sha-256=::", false},
        {"a string", "sha-256=\"RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=\"", false},
        {"an inner list", "sha-256=(:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:)", false},
        {"the older Digest's form",
         "sha-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=", false},
    };
    struct wg_arena arena;

    (void)state;
    wg_arena_init(&arena);
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_err err = {0};
        enum wg_code code = wg_digest_check(wg_str(cases[i].field), BODY, &arena, &err);

        if (code != (cases[i].is_good ? WG_OK : WG_BAD_SIGNATURE))
            fail_msg("%s: %s", cases[i].why, err.text);
    }
    wg_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_the_digest_of_rfc_9530),
        cmocka_unit_test(judges_digests),
    };
    return cmocka_run_group_tests_name("digest", tests, start_crypto, NULL);
}
