// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/macros.h"
#include "wire/name.h"

static const char label63[] = "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc";

static void takes_host_and_port_in_a_label_form(void **state)
{
    static const char *const cases[] = {
        "peer.example.com",
        "peer.example.com:8443",
        "localhost",
        "a.b:1",
        "a:65535",
        "1.example",
        "4-you.example",
        "xn--bcher-kva.example",
        "xn--p1ai",
        "xn--80ak6aa92e.com",
        "xn--fiqs8s",
        "xn--ls8h.example",
        "0x.example",
        "127.example",
        "a--b.example",
        "0xfg",
        "a.x1",
        "xn--zca.example",
        "xn--11b5bs3a9aj6g",
        label63,
    };
    struct wg_err err;

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        if (wg_server_name_check(wg_str(cases[i]), false, &err) != WG_OK)
            fail_msg("'%s': %s", cases[i], err.text);
    }
}

static void refuses_every_other_form_of_server_name(void **state)
{
    static const struct {
        const char *why, *name;
    } cases[] = {
        {"empty", ""},
        {"upper case", "Peer.example.com"},
        {"a U-label", "b\xc3\xbc"
                      "cher.example"},
        {"percent encoding", "peer%2eexample.com"},
        {"a trailing dot", "peer.example.com."},
        {"a leading dot", ".example.com"},
        {"an empty label", "peer..com"},
        {"only a dot", "."},
        {"a leading hyphen", "-peer.example.com"},
        {"a trailing hyphen", "peer-.example.com"},
        {"an underscore", "_peer.example.com"},
        {"a space", "peer example.com"},
        {"a tab", "peer\t.example.com"},
        {"a path", "peer.example.com/"},
        {"a URL", "https://peer.example.com"},
        {"user information", "user@peer.example.com"},
        {"a fragment", "peer.example.com#kid"},
        {"a wildcard", "*.example.com"},
        {"full-width letters", "\xef\xbd\x81.example"},
        {"an ideographic full stop", "peer\xe3\x80\x82"
                                     "com"},
        {"no port behind the colon", "peer.example.com:"},
        {"port zero", "peer.example.com:0"},
        {"a leading zero", "peer.example.com:0443"},
        {"a port too large", "peer.example.com:65536"},
        {"a signed port", "peer.example.com:+443"},
        {"a port of letters", "peer.example.com:https"},
        {"two ports", "peer.example.com:1:2"},
        {"no host", ":443"},
        {"hyphens that belong to A-labels", "ab--c.example"},
        {"an A-label without content", "xn--.example"},
        {"an A-label of ASCII only", "xn--abc-.example"},
        {"Punycode that overflows", "xn--99999999.example"},
        {"Punycode that breaks off", "xn--zz.example"},
        {"an A-label in upper case", "XN--BCHER-KVA.example"},
        {"an A-label of a control", "xn--a"},
        {"an A-label of a capital (U+00DC)", "xn--bcher-2pa.example"},
        {"an A-label of a surrogate", "xn--a-rc4g"},
        {"an A-label of U+2488, a digit with a full stop", "xn--a-ecp.ru"},
        {"an A-label of a zero-width space", "xn--ab-h1t"},
    };
    struct wg_err err;

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        if (wg_server_name_check(wg_str(cases[i].name), true, &err) != WG_INVALID)
            fail_msg("%s: '%s' was accepted", cases[i].why, cases[i].name);
    }
    assert_int_equal(wg_server_name_check(WG_STR("a.b\0c"), true, &err), WG_INVALID);
}

static void keeps_the_limits_of_labels_and_names(void **state)
{
    char name[300];
    struct wg_err err;

    (void)state;
    snprintf(name, sizeof name, "%s1.example", label63);
    assert_int_equal(wg_server_name_check(wg_str(name), false, &err), WG_INVALID);
    snprintf(name, sizeof name, "%s.%s.%s.%s", label63, label63, label63, label63);
    assert_int_equal(strlen(name), 255);
    assert_int_equal(wg_server_name_check(wg_str(name), false, &err), WG_OK);
    snprintf(name, sizeof name, "%s.%s.%s.%s:1", label63, label63, label63, label63);
    assert_int_equal(wg_server_name_check(wg_str(name), false, &err), WG_INVALID);
}

static void takes_for_an_address_whatever_a_resolver_would(void **state)
{
    static const struct {
        const char *name;
        bool is_canonical;
    } cases[] = {
        {"127.0.0.1", true},
        {"127.0.0.1:8443", true},
        {"127.1", false},
        {"0177.0.0.1", false},
        {"0x7f.1", false},
        {"0x7f000001", false},
        {"2130706433", false},
        {"0", false},
        {"1.2.3", false},
        {"0x", false},
        {"a.1", false},
        {"a.0x1f", false},
        {"1.2.3.4.5", false},
        {"256.1.1.1", false},
        {"[::1]", true},
        {"[2001:db8::1]:443", true},
        {"[2001:DB8::1]", false},
        {"[0:0::1]", false},
        {"[::ffff:1.2.3.4]", false},
        {"[1.2.3.4]", false},
        {"[fe80::1%25lo]", false},
        {"[]", false},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_err err = {WG_OK, ""};

        if (wg_server_name_check(wg_str(cases[i].name), false, &err) != WG_INVALID ||
            !strstr(err.text, "is an IP address"))
            fail_msg("'%s' was not taken for an address: %s", cases[i].name, err.text);
        if ((wg_server_name_check(wg_str(cases[i].name), true, &err) == WG_OK) !=
            cases[i].is_canonical)
            fail_msg("'%s' with literals allowed: %s", cases[i].name, err.text);
    }
}

static void splits_a_name_into_host_and_port(void **state)
{
    static const struct {
        const char *name, *host;
        uint16_t port;
    } cases[] = {
        {"peer.example", "peer.example", 443},
        {"peer.example:8443", "peer.example", 8443},
        {"[::1]", "::1", 443},
        {"[2001:db8::1]:8443", "2001:db8::1", 8443},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_str host;
        uint16_t port;

        wg_server_name_split(wg_str(cases[i].name), 443, &host, &port);
        assert_true(wg_str_is(host, cases[i].host));
        assert_int_equal(port, cases[i].port);
    }
}

static void reads_a_participant(void **state)
{
    struct wg_str local, server;
    struct wg_err err;

    (void)state;
    assert_int_equal(wg_participant_parse(WG_STR("@alice.b+c=d_e~f-1:peer.example:8443"),
                                          &local, &server, &err),
                     WG_OK);
    assert_true(wg_str_is(local, "alice.b+c=d_e~f-1"));
    assert_true(wg_str_is(server, "peer.example:8443"));
}

static void refuses_what_is_no_participant(void **state)
{
    static const struct {
        const char *why, *text;
    } cases[] = {
        {"empty", ""},
        {"no @", "alice:peer.example"},
        {"no server", "@alice"},
        {"an empty server", "@alice:"},
        {"an empty local id", "@:peer.example"},
        {"a server in upper case", "@alice:Peer.example"},
        {"a space", "@al ice:peer.example"},
        {"a slash", "@al/ice:peer.example"},
        {"a second @", "@alice@x:peer.example"},
        {"a percent sign", "@al%69ce:peer.example"},
        {"UTF-8", "@\xc3\xa9:peer.example"},
        {"a dot segment", "@..:peer.example"},
        {"the other dot segment", "@.:peer.example"},
    };
    struct wg_str local, server;
    struct wg_err err;
    char text[300];

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        if (wg_participant_parse(wg_str(cases[i].text), &local, &server, &err) != WG_INVALID)
            fail_msg("%s: '%s' was accepted", cases[i].why, cases[i].text);
    }
    snprintf(text, sizeof text, "@%0256d:peer.example", 0);
    assert_int_equal(wg_participant_parse(wg_str(text), &local, &server, &err), WG_INVALID);
}

static void an_event_id_is_a_uuid_in_either_case(void **state)
{
    const struct wg_str bare = WG_STR("0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11");
    const struct wg_str prefixed = WG_STR("evt-0190F2B8-3C1E-7B2A-9D57-0C4C2B8D9E11");
    struct wg_str a, b;
    uint8_t key_a[16], key_b[16];
    struct wg_err err;

    (void)state;
    assert_int_equal(wg_event_id_parse(bare, &a, &err), WG_OK);
    assert_int_equal(wg_event_id_parse(prefixed, &b, &err), WG_OK);
    assert_true(wg_str_equal(a, bare));
    assert_int_equal(b.len, 36);
    wg_event_id_key(a, key_a);
    wg_event_id_key(b, key_b);
    assert_memory_equal(key_a, key_b, 16);
    assert_int_equal(key_a[0], 0x01);
    assert_int_equal(key_a[15], 0x11);
}

static void refuses_what_is_no_event_id(void **state)
{
    static const char *const cases[] = {
        "",
        "evt-",
        "0190f2b83c1e7b2a9d570c4c2b8d9e11",
        "0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e1",
        "0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e111",
        "0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e1g",
        "0190f2b8-3c1e-7b2a-9d570-c4c2b8d9e11",
        "{0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e1}",
        "EVT-0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11",
        "evt-evt-0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11",
        " 0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e1",
    };
    struct wg_str uuid;
    struct wg_err err;

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        if (wg_event_id_parse(wg_str(cases[i]), &uuid, &err) != WG_INVALID)
            fail_msg("'%s' was accepted", cases[i]);
    }
}

static void a_room_id_keeps_to_its_alphabet(void **state)
{
    static const struct {
        const char *id;
        bool is_good;
    } cases[] = {
        {"room-5f1d2c", true}, {"!abc:peer.example", true},
        {"A.b_c~d", true},     {"...", true},
        {"", false},           {".", false},
        {"..", false},         {"a/b", false},
        {"a b", false},        {"a%20b", false},
        {"a?b", false},        {"\xc3\xa9", false},
        {"{room_id}", false},
    };
    struct wg_err err;
    char text[300];

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        if ((wg_room_id_check(wg_str(cases[i].id), &err) == WG_OK) != cases[i].is_good)
            fail_msg("'%s': expected %d", cases[i].id, cases[i].is_good);
    }
    snprintf(text, sizeof text, "%0255d", 0);
    assert_int_equal(wg_room_id_check(wg_str(text), &err), WG_OK);
    snprintf(text, sizeof text, "%0256d", 0);
    assert_int_equal(wg_room_id_check(wg_str(text), &err), WG_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_host_and_port_in_a_label_form),
        cmocka_unit_test(refuses_every_other_form_of_server_name),
        cmocka_unit_test(keeps_the_limits_of_labels_and_names),
        cmocka_unit_test(takes_for_an_address_whatever_a_resolver_would),
        cmocka_unit_test(splits_a_name_into_host_and_port),
        cmocka_unit_test(reads_a_participant),
        cmocka_unit_test(refuses_what_is_no_participant),
        cmocka_unit_test(an_event_id_is_a_uuid_in_either_case),
        cmocka_unit_test(refuses_what_is_no_event_id),
        cmocka_unit_test(a_room_id_keeps_to_its_alphabet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
