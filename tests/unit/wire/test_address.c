// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "wire/address.h"

static struct wg_ip ip_of(const char *text)
{
    struct wg_ip ip;
    struct wg_err err;

    if (wg_ip_parse(wg_str(text), &ip, &err) != WG_OK)
        fail_msg("%s: %s", text, err.text);
    return ip;
}

static struct wg_cidr cidr_of(const char *text)
{
    struct wg_cidr cidr;
    struct wg_err err;

    if (wg_cidr_parse(wg_str(text), &cidr, &err) != WG_OK)
        fail_msg("%s: %s", text, err.text);
    return cidr;
}

static void knows_the_class_of_every_special_block(void **state)
{
    static const struct {
        const char *ip, *name;
    } cases[] = {
        {"0.0.0.0", "unspecified"},
        {"0.1.2.3", "reserved"},
        {"9.255.255.255", "global"},
        {"10.0.0.0", "private"},
        {"10.255.255.255", "private"},
        {"11.0.0.0", "global"},
        {"100.63.255.255", "global"},
        {"100.64.0.1", "shared"},
        {"100.127.255.255", "shared"},
        {"100.128.0.0", "global"},
        {"127.0.0.1", "loopback"},
        {"127.255.255.255", "loopback"},
        {"169.254.169.254", "link-local"},
        {"172.15.255.255", "global"},
        {"172.16.0.0", "private"},
        {"172.31.255.255", "private"},
        {"172.32.0.0", "global"},
        {"192.0.0.8", "reserved"},
        {"192.0.1.0", "global"},
        {"192.0.2.7", "documentation"},
        {"192.88.99.1", "transition"},
        {"192.168.1.1", "private"},
        {"198.17.255.255", "global"},
        {"198.18.0.0", "benchmark"},
        {"198.19.255.255", "benchmark"},
        {"198.51.100.1", "documentation"},
        {"203.0.113.1", "documentation"},
        {"223.255.255.255", "global"},
        {"224.0.0.1", "multicast"},
        {"239.255.255.255", "multicast"},
        {"240.0.0.1", "reserved"},
        {"255.255.255.255", "broadcast"},
        {"8.8.8.8", "global"},
        {"::", "unspecified"},
        {"::1", "loopback"},
        {"64:ff9b:1::1", "transition"},
        {"100::1", "reserved"},
        {"200::1", "reserved"},
        {"2001:2::1", "benchmark"},
        {"2001:10::1", "reserved"},
        {"2001:20::1", "reserved"},
        {"2001:1ff:ffff::1", "reserved"},
        {"2001:200::1", "global"},
        {"2001:db8::1", "documentation"},
        {"2001:4860:4860::8888", "global"},
        {"2606:4700::1111", "global"},
        {"3ffe::1", "global"},
        {"3fff:fff::1", "documentation"},
        {"3fff:1000::1", "global"},
        {"4000::1", "reserved"},
        {"5f00::1", "reserved"},
        {"fc00::1", "unique-local"},
        {"fdff::1", "unique-local"},
        {"fe80::1", "link-local"},
        {"febf::1", "link-local"},
        {"fec0::1", "private"},
        {"ff02::1", "multicast"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_ip ip = ip_of(cases[i].ip);
        const char *name = wg_ip_class_name(wg_ip_classify(&ip));

        if (strcmp(name, cases[i].name) != 0)
            fail_msg("%s is %s, expected %s", cases[i].ip, name, cases[i].name);
    }
}

static void judges_a_carrier_by_what_it_carries(void **state)
{
    static const struct {
        const char *why, *ip, *name;
    } cases[] = {
        {"an IPv4-mapped address is the IPv4 address", "::ffff:127.0.0.1", "loopback"},
        {"the same in hexadecimal", "::ffff:7f00:1", "loopback"},
        {"a mapped public address is public", "::ffff:8.8.8.8", "global"},
        {"IPv4-compatible", "::127.0.0.1", "loopback"},
        {"IPv4-compatible, public", "::8.8.8.8", "transition"},
        {"NAT64 of the metadata address", "64:ff9b::a9fe:a9fe", "link-local"},
        {"NAT64 of a public address", "64:ff9b::8.8.8.8", "transition"},
        {"6to4 of a private address", "2002:a00:1::1", "private"},
        {"6to4 of a public address", "2002:808:808::1", "transition"},
        {"Teredo: the client is inverted, 10.0.0.1", "2001:0:808:808:0:0:f5ff:fffe", "private"},
        {"Teredo: the server is 127.0.0.1", "2001:0:7f00:1:0:0:f7f7:f7f7", "loopback"},
        {"Teredo between public addresses", "2001:0:808:808:0:0:f7f7:f7f7", "transition"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_ip ip = ip_of(cases[i].ip);
        const char *name = wg_ip_class_name(wg_ip_classify(&ip));

        if (strcmp(name, cases[i].name) != 0)
            fail_msg("%s: %s is %s, expected %s", cases[i].why, cases[i].ip, name,
                     cases[i].name);
    }
}

static void reads_only_strict_forms(void **state)
{
    static const char *const cases[] = {
        "",           "127.1",     "0177.0.0.1",   "0x7f.0.0.1", "2130706433", "1.2.3.4.5",
        "1.2.3.256",  " 1.2.3.4",  "1.2.3.4 ",     "1.2.3.4/8",  "[::1]",      "::1%lo",
        "fe80::1%25", "1:2:3:4:5", ":::",          "12345::",    "::g",        "01.2.3.4",
        "1.2.3.",     "::1.2.3",   "::ffff:1.2.3", "localhost",
    };
    struct wg_ip ip;
    struct wg_err err;

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        if (wg_ip_parse(wg_str(cases[i]), &ip, &err) != WG_INVALID)
            fail_msg("'%s' was taken for an address", cases[i]);
    }
    assert_int_equal(wg_ip_parse(WG_STR("1.2.3.4\0x"), &ip, &err), WG_INVALID);
}

static void writes_what_it_read(void **state)
{
    static const char *const cases[] = {
        "0.0.0.0", "1.2.3.4", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1:2:3:4"};

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_ip ip = ip_of(cases[i]);
        char text[WG_IP_TEXT];

        wg_ip_write(&ip, text);
        assert_string_equal(text, cases[i]);
    }
}

static void a_block_has_its_addresses_and_no_others(void **state)
{
    static const struct {
        const char *block, *ip;
        bool has;
    } cases[] = {
        {"10.0.0.0/8", "10.255.1.2", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "::ffff:10.1.1.1", true},
        {"10.1.2.3", "10.1.2.3", true},
        {"10.1.2.3", "10.1.2.2", false},
        {"0.0.0.0/0", "8.8.8.8", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "10.0.0.1", false},
        {"fd00::/9", "fd7f::1", true},
        {"fd00::/9", "fd80::1", false},
        {"::1", "::1", true},
        {"192.168.4.0/22", "192.168.7.255", true},
        {"192.168.4.0/22", "192.168.8.0", false},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_cidr cidr = cidr_of(cases[i].block);
        struct wg_ip ip = ip_of(cases[i].ip);

        if (wg_cidr_has(&cidr, &ip) != cases[i].has)
            fail_msg("%s in %s: expected %d", cases[i].ip, cases[i].block, cases[i].has);
    }
}

static void refuses_blocks_that_do_not_say_what_they_mean(void **state)
{
    static const char *const cases[] = {
        "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/",    "10.0.0.0/-1", "::/129",     "fd00::1/8",
        "10/8",       "/8",          "10.0.0.0/8/8", "10.0.0.0/a",  "10.0.0.0/+8"};
    struct wg_cidr cidr;
    struct wg_err err;

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        if (wg_cidr_parse(wg_str(cases[i]), &cidr, &err) != WG_INVALID)
            fail_msg("'%s' was taken for a block", cases[i]);
    }
    assert_int_equal(wg_cidr_parse(WG_STR("10.1.2.3/8"), &cidr, &err), WG_INVALID);
    assert_non_null(strstr(err.text, "write 10.0.0.0/8"));
}

static void the_guard_opens_what_is_listed_and_nothing_behind_it(void **state)
{
    static const struct {
        const char *why, *ip, *allowed;
        bool opens;
    } cases[] = {
        {"public", "8.8.8.8", "10.0.0.0/8", true},
        {"loopback", "127.0.0.1", "10.0.0.0/8", false},
        {"listed", "127.0.0.1", "127.0.0.0/8", true},
        {"listed, in disguise", "::ffff:127.0.0.1", "127.0.0.0/8", true},
        {"NAT64 is not public by itself", "64:ff9b::8.8.8.8", "10.0.0.0/8", false},
        {"NAT64 listed, public behind it", "64:ff9b::8.8.8.8", "64:ff9b::/96", true},
        {"NAT64 listed, loopback behind it", "64:ff9b::127.0.0.1", "64:ff9b::/96", false},
        {"what is behind 6to4 is listed, 6to4 is not", "2002:a00:1::1", "10.0.0.0/8", false},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_ip ip = ip_of(cases[i].ip);
        struct wg_cidr allowed = cidr_of(cases[i].allowed);
        struct wg_err err = {WG_OK, ""};
        enum wg_code code = wg_ip_guard(&ip, &allowed, 1, &err);

        if (code != (cases[i].opens ? WG_OK : WG_ADDRESS_REFUSED))
            fail_msg("%s: %s", cases[i].why, err.text);
        if (!cases[i].opens)
            assert_non_null(strstr(err.text, "peers.allow_addresses"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_class_of_every_special_block),
        cmocka_unit_test(judges_a_carrier_by_what_it_carries),
        cmocka_unit_test(reads_only_strict_forms),
        cmocka_unit_test(writes_what_it_read),
        cmocka_unit_test(a_block_has_its_addresses_and_no_others),
        cmocka_unit_test(refuses_blocks_that_do_not_say_what_they_mean),
        cmocka_unit_test(the_guard_opens_what_is_listed_and_nothing_behind_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
