// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/macros.h"
#include "wire/key.h"

/* RFC 8032 7.1, test 1. */
static const uint8_t rfc_seed[32] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60,
                                     0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
                                     0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19,
                                     0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
static const uint8_t rfc_public[32] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7,
                                       0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
                                       0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25,
                                       0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};
#define RFC_PUBLIC_TEXT "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define RFC_SECRET_LINE "ed25519-secret:nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="

static struct wg_secret_key rfc_key(void)
{
    struct wg_secret_key key;
    struct wg_err err;

    assert_int_equal(wg_secret_key_from_seed(wg_str_of(rfc_seed, sizeof rfc_seed), &key, &err),
                     WG_OK);
    return key;
}

static void makes_the_key_of_rfc_8032(void **state)
{
    struct wg_secret_key key = rfc_key();
    uint8_t signature[WG_SIGNATURE_BYTES];

    (void)state;
    assert_memory_equal(key.public_key.bytes, rfc_public, sizeof rfc_public);
    wg_sign(&key, WG_STR(""), signature);
    assert_int_equal(signature[0], 0xe5);
    assert_int_equal(signature[63], 0x0b);
    assert_true(wg_verify(&key.public_key, WG_STR(""), wg_str_of(signature, sizeof signature)));
    assert_false(
        wg_verify(&key.public_key, WG_STR("x"), wg_str_of(signature, sizeof signature)));
    wg_secret_key_done(&key);
    assert_int_equal(key.bytes[0] | key.bytes[31], 0);
}

static void names_a_key_by_its_hash(void **state)
{
    struct wg_secret_key key = rfc_key();

    (void)state;
    /* base64url(SHA-256(key)), made with another implementation. */
    assert_string_equal(key.public_key.kid, "If4x36FU");
}

static void writes_and_reads_public_keys(void **state)
{
    struct wg_secret_key key = rfc_key();
    struct wg_public_key again;
    char text[WG_PUBLIC_KEY_TEXT];
    struct wg_err err;

    (void)state;
    wg_public_key_write(&key.public_key, text);
    assert_string_equal(text, RFC_PUBLIC_TEXT);
    assert_int_equal(wg_public_key_parse(wg_str(text), &again, &err), WG_OK);
    assert_true(wg_public_key_equal(&again, &key.public_key));
    assert_string_equal(again.kid, key.public_key.kid);
}

static void refuses_other_forms_of_a_public_key(void **state)
{
    static const struct {
        const char *why, *text;
    } cases[] = {
        {"empty", ""},
        {"no prefix", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
        {"other algorithm", "ed448:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
        {"upper case", "ED25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
        {"no padding", "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"base64url", "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
        {"pad bits set", "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp="},
        {"white space", "ed25519: 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUR="},
        {"behind it", "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"},
        {"31 bytes", "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUQ=="},
        {"33 bytes", "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURoA"},
        {"order 1", "ed25519:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
        {"order 4", "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
        {"not canonical: y = p", "ed25519:7f///////////////////////////////////////38="},
        {"mixed order", "ed25519:zbJnzkDFzUUwb6XS8pcxRZOH2/nrkzt71a7Zp2W4jU0="},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_public_key key;
        struct wg_err err = {0};

        if (wg_public_key_parse(wg_str(cases[i].text), &key, &err) != WG_INVALID)
            fail_msg("%s: accepted", cases[i].why);
        assert_true(err.text[0]);
    }
}

static void takes_every_generated_key(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct wg_secret_key key;
        struct wg_public_key again;
        char text[WG_PUBLIC_KEY_TEXT];
        struct wg_err err;

        wg_secret_key_generate(&key);
        wg_public_key_write(&key.public_key, text);
        assert_int_equal(wg_public_key_parse(wg_str(text), &again, &err), WG_OK);
        wg_secret_key_done(&key);
    }
}

static void writes_and_reads_key_files(void **state)
{
    struct wg_secret_key key = rfc_key(), again;
    struct wg_buf file;
    struct wg_err err;

    (void)state;
    wg_buf_init(&file, 4096);
    wg_secret_key_write(&key, &file);
    assert_int_equal(wg_buf_status(&file, &err), WG_OK);
    assert_non_null(strstr(file.at, "\n" RFC_SECRET_LINE "\n"));
    assert_non_null(strstr(file.at, "# public key: " RFC_PUBLIC_TEXT "\n"));
    assert_int_equal(wg_secret_key_parse(wg_buf_str(&file), &again, &err), WG_OK);
    assert_memory_equal(again.bytes, key.bytes, sizeof key.bytes);
    wg_buf_done(&file);
    assert_int_equal(wg_secret_key_parse(WG_STR("\r\n# mine\r\n  " RFC_SECRET_LINE " \r\n\r\n"),
                                         &again, &err),
                     WG_OK);
}

static void refuses_broken_key_files_without_showing_them(void **state)
{
    static const struct {
        const char *why, *text;
    } cases[] = {
        {"empty", ""},
        {"only comments", "# a\n#b\n"},
        {"two keys", RFC_SECRET_LINE "\n" RFC_SECRET_LINE "\n"},
        {"a public key", RFC_PUBLIC_TEXT "\n"},
        {"truncated", "ed25519-secret:nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2\n"},
        {"no key", "ed25519-secret:\n"},
        {"PEM", "-----BEGIN PRIVATE KEY-----\nnWGx\n-----END PRIVATE KEY-----\n"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_secret_key key;
        struct wg_err err = {0};

        if (wg_secret_key_parse(wg_str(cases[i].text), &key, &err) != WG_INVALID)
            fail_msg("%s: accepted", cases[i].why);
        assert_null(strstr(err.text, "nWGx"));
    }
}

static void checks_lengths_before_libsodium_reads(void **state)
{
    struct wg_secret_key key = rfc_key();
    uint8_t signature[WG_SIGNATURE_BYTES + 1] = {0};
    struct wg_str raw = wg_str_of(key.public_key.bytes, 32);

    (void)state;
    wg_sign(&key, WG_STR("m"), signature);
    assert_true(wg_verify_raw(raw, WG_STR("m"), wg_str_of(signature, 64)));
    assert_false(wg_verify_raw(raw, WG_STR("m"), wg_str_of(signature, 63)));
    assert_false(wg_verify_raw(raw, WG_STR("m"), wg_str_of(signature, 65)));
    assert_false(wg_verify_raw(raw, WG_STR("m"), (struct wg_str){0}));
    assert_false(wg_verify_raw(wg_str_of(raw.at, 31), WG_STR("m"), wg_str_of(signature, 64)));
    assert_false(wg_verify_raw((struct wg_str){0}, WG_STR("m"), wg_str_of(signature, 64)));
}

static int start(void **state)
{
    struct wg_err err;

    (void)state;
    return wg_crypto_start(&err) == WG_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_the_key_of_rfc_8032),
        cmocka_unit_test(names_a_key_by_its_hash),
        cmocka_unit_test(writes_and_reads_public_keys),
        cmocka_unit_test(refuses_other_forms_of_a_public_key),
        cmocka_unit_test(takes_every_generated_key),
        cmocka_unit_test(writes_and_reads_key_files),
        cmocka_unit_test(refuses_broken_key_files_without_showing_them),
        cmocka_unit_test(checks_lengths_before_libsodium_reads),
    };
    return cmocka_run_group_tests_name("key", tests, start, NULL);
}
