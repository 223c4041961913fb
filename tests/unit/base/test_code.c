// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/code.h"
#include "base/macros.h"

static const enum wg_code codes[] = {
#define X(name, words, retry, status, code) WG_##name,
    WG_CODES(X)
#undef X
};

/* docs/protocol.md, "Answers": what the wire promises, written a second time. */
static void the_answers_are_those_of_the_protocol(void **state)
{
    static const struct {
        enum wg_code code;
        int status;
        const char *answer;
    } cases[] = {
        {WG_INVALID, 400, "SW_FED_BAD_REQUEST"},
        {WG_PROTOCOL_VERSION, 400, "SW_FED_PROTOCOL_VERSION"},
        {WG_BAD_SIGNATURE, 401, "SW_FED_SIGNATURE_MISMATCH"},
        {WG_PEER_UNKNOWN, 403, "SW_FED_PEER_UNKNOWN"},
        {WG_POLICY_REJECTED, 403, "SW_FED_POLICY_REJECTED"},
        {WG_ROOM_FORBIDDEN, 403, "SW_ROOM_FORBIDDEN"},
        {WG_ROOM_NOT_FOUND, 404, "SW_ROOM_NOT_FOUND"},
        {WG_TOO_LARGE, 413, "SW_CONTENT_TOO_LARGE"},
        {WG_SERVER_UNKNOWN, 421, "SW_FED_SERVER_UNKNOWN"},
        {WG_RATE_LIMITED, 429, "SW_RATE_LIMIT_EXCEEDED"},
        {WG_INVALID_TOKEN, 401, "SW_AUTH_INVALID_TOKEN"},
        {WG_NOT_PERMITTED, 403, "SW_AUTH_INSUFFICIENT_PERMISSION"},
        {WG_PEER_UNREACHABLE, 503, "SW_FED_PEER_UNREACHABLE"},
        {WG_UPSTREAM_UNAVAILABLE, 503, "SW_FED_UPSTREAM_UNAVAILABLE"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        assert_string_equal(wg_code_answer(cases[i].code), cases[i].answer);
        assert_int_equal(wg_code_status(cases[i].code), cases[i].status);
    }
}

static void every_code_has_name_words_and_an_answer(void **state)
{
    (void)state;
    assert_int_equal(WG_OK, 0);
    for (size_t i = 0; i < WG_COUNT(codes); i++) {
        assert_int_equal(codes[i], i);
        assert_true(strlen(wg_code_name(codes[i])) > 0);
        assert_true(strlen(wg_code_words(codes[i])) > 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(wg_code_name(codes[i]), wg_code_name(codes[j]));
        if (codes[i] != WG_OK)
            assert_int_equal(strncmp(wg_code_answer(codes[i]), "SW_", 3), 0);
    }
}

static void a_code_without_an_answer_is_answered_as_internal(void **state)
{
    (void)state;
    assert_string_equal(wg_code_answer(WG_BUDGET), "SW_INTERNAL");
    assert_int_equal(wg_code_status(WG_BUDGET), 500);
    assert_string_equal(wg_code_answer((enum wg_code)9999), "SW_INTERNAL");
    assert_string_equal(wg_code_name((enum wg_code)9999), "INTERNAL");
}

static void an_answer_leads_back_to_its_code(void **state)
{
    enum wg_code code = WG_OK;

    (void)state;
    for (size_t i = 1; i < WG_COUNT(codes); i++) {
        assert_true(wg_code_from_answer(wg_code_answer(codes[i]), &code));
        assert_string_equal(wg_code_answer(code), wg_code_answer(codes[i]));
    }
    code = WG_OK;
    assert_false(wg_code_from_answer("SW_NO_SUCH_CODE", &code));
    assert_false(wg_code_from_answer("", &code));
    assert_int_equal(code, WG_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answers_are_those_of_the_protocol),
        cmocka_unit_test(every_code_has_name_words_and_an_answer),
        cmocka_unit_test(a_code_without_an_answer_is_answered_as_internal),
        cmocka_unit_test(an_answer_leads_back_to_its_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
