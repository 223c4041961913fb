// SPDX-License-Identifier: Apache-2.0
#include "unit/wire/requests.h"

static struct wg_arena arena;

static int open_arena(void **state)
{
    (void)state;
    wg_arena_init(&arena);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    wg_arena_done(&arena);
    return 0;
}

#define PARAMS                                                                \
    ";created=1778939467;keyid=\"peer.example.com#q7f3K2aZ\";alg=\"ed25519\"" \
    ";nonce=\"AAAAAAAAAAAAAAAAAAAAAA\";tag=\"scaiwave-federation-v1\""
#define ALL "(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\")"

/** What select and then check say of a Signature-Input. */
static enum wg_code judge(struct wg_message message, const char *input, int64_t now_s,
                          struct wg_err *err)
{
    struct wg_signature signature;

    made_header(&message, &arena, "signature-input", input);
    made_header(&message, &arena, "signature", "sw=:AA==:, b=:AA==:");
    if (wg_profile_select(&message, WG_TAG_FEDERATION, &arena, &signature, err) != WG_OK)
        return err->code;
    return wg_profile_check(&message, &signature, now_s, err);
}

static void accepts_what_the_profile_allows(void **state)
{
    static const struct {
        const char *why, *method, *target, *body, *input;
    } cases[] = {
        {"all of it", "POST", "/send?x", "{}", "sw=" ALL PARAMS},
        {"no query, no body", "GET", "/a", "",
         "sw=(\"@method\" \"@authority\" \"@path\")" PARAMS},
        {"any order", "GET", "/a", "", "sw=(\"@path\" \"@method\" \"@authority\")" PARAMS},
        {"more than asked", "GET", "/a", "",
         "sw=(\"@path\" \"@method\" \"@authority\" \"date\" \"@query\")" PARAMS},
        {"@target-uri for its parts", "POST", "/a?b", "{}",
         "sw=(\"@method\" \"@target-uri\" \"content-digest\")" PARAMS},
        {"@request-target for its parts", "GET", "/a?b", "",
         "sw=(\"@method\" \"@authority\" \"@request-target\")" PARAMS},
        {"keyid without kid", "GET", "/a", "",
         "sw=(\"@method\" \"@authority\" "
         "\"@path\");created=1778939467;keyid=\"peer.example.com\""
         ";nonce=\"AAAAAAAAAAAAAAAAAAAAAA\";tag=\"scaiwave-federation-v1\""},
        {"expires at this second", "GET", "/a", "",
         "sw=(\"@method\" \"@authority\" \"@path\")" PARAMS ";expires=1778939467"},
        {"others beside it", "GET", "/a", "",
         "b=();tag=\"other\", sw=(\"@method\" \"@authority\" \"@path\")" PARAMS ", c=()"},
        {"any label", "GET", "/a", "", "b=(\"@method\" \"@authority\" \"@path\")" PARAMS},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_err err = {0};

        if (judge(made_request(cases[i].method, cases[i].target, cases[i].body), cases[i].input,
                  MADE_NOW_S, &err) != WG_OK)
            fail_msg("%s: %s", cases[i].why, err.text);
    }
}

static void refuses_what_the_profile_does_not_allow(void **state)
{
    static const struct {
        enum wg_code code;
        const char *input, *text;
    } cases[] = {
        {WG_BAD_SIGNATURE, "", "not signed"},
        {WG_BAD_SIGNATURE, "sw=" ALL, "no signature of the request has the tag"},
        {WG_BAD_SIGNATURE, "sw=" ALL ";tag=\"wavegate-upstream-v1\"", "has the tag"},
        {WG_BAD_SIGNATURE, "sw=" ALL PARAMS ", b=" ALL PARAMS, "both have the tag"},
        {WG_BAD_SIGNATURE, "x=" ALL PARAMS, "nothing labelled 'x'"},
        {WG_INVALID, "sw=((", "Signature-Input: "},
        {WG_BAD_SIGNATURE, "sw=(\"@authority\" \"@path\" \"@query\" \"content-digest\")" PARAMS,
         "does not cover \"@method\""},
        {WG_BAD_SIGNATURE, "sw=(\"@method\" \"@path\" \"@query\" \"content-digest\")" PARAMS,
         "does not cover \"@authority\""},
        {WG_BAD_SIGNATURE, "sw=(\"@method\" \"@request-target\" \"content-digest\")" PARAMS,
         "does not cover \"@authority\""},
        {WG_BAD_SIGNATURE,
         "sw=(\"@method\" \"@authority\" \"@query\" \"content-digest\")" PARAMS,
         "does not cover \"@path\""},
        {WG_BAD_SIGNATURE,
         "sw=(\"@method\" \"@authority\" \"@path\" \"content-digest\")" PARAMS,
         "does not cover \"@query\""},
        {WG_BAD_SIGNATURE,
         "sw=(\"@method\" \"@authority\" \"@path\" \"@query-param\";name=\"x\" "
         "\"content-digest\")" PARAMS,
         "does not cover \"@query\""},
        {WG_BAD_SIGNATURE, "sw=(\"@method\" \"@authority\" \"@path\" \"@query\")" PARAMS,
         "does not cover \"content-digest\""},
        {WG_BAD_SIGNATURE,
         "sw=(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\";req)" PARAMS,
         "does not cover \"content-digest\""},
        {WG_BAD_SIGNATURE,
         "sw=" ALL ";keyid=\"p.example\";nonce=\"AAAAAAAAAAAAAAAAAAAAAA\""
         ";tag=\"scaiwave-federation-v1\"",
         "no created"},
        {WG_BAD_SIGNATURE,
         "sw=" ALL ";created=1778939467;nonce=\"AAAAAAAAAAAAAAAAAAAAAA\""
         ";tag=\"scaiwave-federation-v1\"",
         "no keyid"},
        {WG_BAD_SIGNATURE,
         "sw=" ALL ";created=1778939467;keyid=\"p.example\";tag=\"scaiwave-federation-v1\"",
         "no nonce"},
        {WG_BAD_SIGNATURE, "sw=" ALL PARAMS ";nonce=\"AAAAAAAAAAAAAAAAAAAAA\"",
         "21 characters"},
        {WG_BAD_SIGNATURE, "sw=" ALL PARAMS ";nonce=\"AAAAAAAAAAAAAAAAAAAAA A\"", "a space"},
        {WG_BAD_SIGNATURE, "sw=" ALL PARAMS ";alg=\"hmac-sha256\"", "only \"ed25519\""},
        {WG_BAD_SIGNATURE, "sw=" ALL PARAMS ";expires=1778939466", "expired 1 s ago"},
        {WG_INVALID, "sw=" ALL PARAMS ";keyid=\"\"", "keyid: "},
        {WG_INVALID, "sw=" ALL PARAMS ";keyid=\"Peer.example\"", "keyid: "},
        {WG_INVALID, "sw=" ALL PARAMS ";keyid=\"peer.example#short\"", "keyid: "},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_err err = {0};
        enum wg_code code =
            judge(made_request("POST", "/send?x", "{}"), cases[i].input, MADE_NOW_S, &err);

        if (code != cases[i].code || !strstr(err.text, cases[i].text))
            fail_msg("%s: %s '%s', expected '%s'", cases[i].input, wg_code_name(code), err.text,
                     cases[i].text);
    }
}

static void refuses_a_nonce_longer_than_it_keeps(void **state)
{
    struct wg_err err;

    (void)state;
    assert_int_equal(judge(made_request("POST", "/send?x", "{}"),
                           wg_arena_format(&arena, "sw=" ALL PARAMS ";nonce=\"%0257d\"", 0),
                           MADE_NOW_S, &err),
                     WG_BAD_SIGNATURE);
    assert_int_equal(judge(made_request("POST", "/send?x", "{}"),
                           wg_arena_format(&arena, "sw=" ALL PARAMS ";nonce=\"%0256d\"", 0),
                           MADE_NOW_S, &err),
                     WG_OK);
}

static void says_by_how_many_seconds_clocks_differ(void **state)
{
    static const struct {
        int64_t drift_s;
        const char *text;
    } cases[] = {
        {59, NULL},
        {60, NULL},
        {-60, NULL},
        {61,
         "created is 61 s in the past, at most 60 s are allowed: check both servers' clocks "
         "(NTP)"},
        {-61, "created is 61 s in the future, at most 60 s are allowed: check both servers' "
              "clocks (NTP)"},
        {86400, "created is 86400 s in the past, at most 60 s are allowed: check both servers' "
                "clocks (NTP)"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_err err = {0};
        enum wg_code code = judge(made_request("POST", "/send?x", "{}"), "sw=" ALL PARAMS,
                                  MADE_NOW_S + cases[i].drift_s, &err);

        assert_int_equal(code, cases[i].text ? WG_BAD_SIGNATURE : WG_OK);
        assert_string_equal(err.text, cases[i].text ? cases[i].text : "");
    }
}

static void splits_keyids(void **state)
{
    static const struct {
        const char *keyid, *server, *kid;
    } cases[] = {
        {"peer.example.com", "peer.example.com", NULL},
        {"peer.example.com#q7f3K2aZ", "peer.example.com", "q7f3K2aZ"},
        {"peer.example.com:8443#-_f3K2aZ", "peer.example.com:8443", "-_f3K2aZ"},
        {"127.0.0.1:8443", "127.0.0.1:8443", NULL},
        {"#q7f3K2aZ", NULL, NULL},
        {"peer.example.com#", NULL, NULL},
        {"peer.example.com#q7f3K2a", NULL, NULL},
        {"peer.example.com#q7f3K2aZZ", NULL, NULL},
        {"peer.example.com#q7f3K2a+", NULL, NULL},
        {"peer.example.com#q7f3#2aZ", NULL, NULL},
        {"https://peer.example.com", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_str server = {0}, kid = {0};
        struct wg_err err;
        enum wg_code code = wg_keyid_parse(wg_str(cases[i].keyid), &server, &kid, &err);

        if (code != (cases[i].server ? WG_OK : WG_INVALID))
            fail_msg("%s: %s", cases[i].keyid, wg_code_name(code));
        assert_true(wg_str_equal(server, wg_str(cases[i].server)));
        assert_true(wg_str_equal(kid, wg_str(cases[i].kid)));
    }
}

#define in_arena(test) cmocka_unit_test_setup_teardown(test, open_arena, close_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_arena(accepts_what_the_profile_allows),
        in_arena(refuses_what_the_profile_does_not_allow),
        in_arena(refuses_a_nonce_longer_than_it_keeps),
        in_arena(says_by_how_many_seconds_clocks_differ),
        in_arena(splits_keyids),
    };
    return cmocka_run_group_tests_name("profile", tests, start_crypto, NULL);
}
