// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <unistd.h>

#include "net/tls_client_impl.h"
#include "net_kit.h"

static void presents_the_certificate_of_the_name_asked_for(void **state)
{
    static const struct {
        const char *host, *presented;
    } cases[] = {
        {"a.example.test", "a.example.test"},
        {"b.example.test", "b.example.test"},
    };
    struct net_kit kit;

    (void)state;
    net_kit_open(&kit, true);
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_stream *stream = net_kit_dial(&kit, cases[i].host);

        /* Verified for its own name: it cannot have been the other's. */
        assert_string_equal(kit.err.text, "");
        wg_stream_close(stream);
        net_kit_until(&kit, &kit.guest_count, (int)i + 1);
        assert_true(
            wg_str_is(wg_stream_info(kit.guests[i].stream)->server_name, cases[i].presented));
    }
    net_kit_close(&kit);
}

static void compares_server_names_without_case(void **state)
{
    const struct wg_dial_target target = {.is_tls = true, .is_trusted = true};
    struct wg_dial_target at = target;
    struct wg_stream *stream;
    struct net_kit kit;

    (void)state;
    net_kit_open(&kit, true);
    at.host = WG_STR("B.Example.Test");
    at.port = kit.port;
    stream = net_kit_dial_target(&kit, &at);
    assert_string_equal(kit.err.text, "");
    wg_stream_close(stream);
    net_kit_close(&kit);
}

static void refuses_a_server_name_it_has_no_certificate_for(void **state)
{
    struct net_kit kit;

    (void)state;
    net_kit_open(&kit, true);
    assert_null(net_kit_dial(&kit, "c.example.test"));
    assert_int_equal(kit.err.code, WG_TLS_FAILED);
    assert_non_null(strstr(kit.err.text, "reaching c.example.test at 127.0.0.1:"));
    assert_non_null(strstr(kit.err.text, "no certificate for c.example.test there (TLS alert "
                                         "unrecognized_name)"));
    assert_int_equal(wg_listener_counts(kit.listener).handshakes_failed, 1);
    assert_int_equal(kit.guest_count, 0);
    net_kit_close(&kit);
}

struct refusal {
    const char *why;
    struct tls_kit_leaf leaf;
    const char *text;
};

static void says_why_a_certificate_is_refused(void **state)
{
    static const struct refusal cases[] = {
        {"expired",
         {.dns_name = "a.example.test", .not_after = "20210203040506"},
         "certificate expired on 2021-02-03"},
        {"not yet valid",
         {.dns_name = "a.example.test", .not_before = "20480102030405"},
         "certificate is not valid before 2048-01-02"},
        {"for others",
         {.dns_name = "x.example.test"},
         "certificate is for x.example.test, not a.example.test"},
        {"not for sub-domains of a wildcard's parent",
         {.dns_name = "*.a.example.test"},
         "certificate is for *.a.example.test, not a.example.test"},
        {"foreign bytes stay out of logs",
         {.dns_name = "x\n\x1b[31m"},
         "certificate is for x??[31m, not a.example.test"},
        {"signed by nobody",
         {.dns_name = "a.example.test", .is_self_signed = true},
         "certificate is signed by itself and is no trust anchor"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct net_kit kit;

        net_kit_open(&kit, true);
        net_kit_set_certificate(&kit, "a.example.test", &cases[i].leaf);
        assert_null(net_kit_dial(&kit, "a.example.test"));
        assert_int_equal(kit.err.code, WG_TLS_FAILED);
        if (!strstr(kit.err.text, cases[i].text))
            fail_msg("%s: '%s' says not '%s'", cases[i].why, kit.err.text, cases[i].text);
        net_kit_close(&kit);
    }
}

static void refuses_an_authority_it_does_not_trust(void **state)
{
    struct tls_kit other;
    struct net_kit kit;

    (void)state;
    net_kit_open(&kit, true);
    tls_kit_open(&other);
    net_kit_replace_client(&kit, other.authority_file);
    assert_null(net_kit_dial(&kit, "a.example.test"));
    assert_int_equal(kit.err.code, WG_TLS_FAILED);
    net_kit_close(&kit);
    tls_kit_close(&other);
}

static void verifies_an_address_by_its_own_entry(void **state)
{
    static const struct {
        const char *ip; /**< in the certificate */
        const char *text;
    } cases[] = {{"\x7f\x00\x00\x01", ""}, {"\x7f\x00\x00\x02", "certificate is for"}};

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        const struct tls_kit_leaf leaf = {
            .dns_name = "127.0.0.1", .ip = cases[i].ip, .ip_len = 4};
        struct wg_stream *stream;
        struct net_kit kit;

        net_kit_open(&kit, true);
        /* No SNI is sent, so the first certificate is presented. */
        net_kit_set_certificate(&kit, "a.example.test", &leaf);
        stream = net_kit_dial_target(&kit, &(struct wg_dial_target){.host = WG_STR("127.0.0.1"),
                                                                    .port = kit.port,
                                                                    .is_tls = true,
                                                                    .is_trusted = true});
        if (!strstr(kit.err.text, cases[i].text) || !stream != !!cases[i].text[0])
            fail_msg("'%s'", kit.err.text);
        if (stream) {
            net_kit_until(&kit, &kit.guest_count, 1);
            assert_null(wg_stream_info(kit.guests[0].stream)->server_name.at);
            wg_stream_close(stream);
        }
        net_kit_close(&kit);
    }
}

static void talk_once(struct net_kit *kit, const char *host, bool *ret_is_resumed)
{
    int guests = kit->guest_count;
    struct wg_stream *stream = net_kit_dial(kit, host);
    struct wg_err err;
    struct tap tap;

    assert_string_equal(kit->err.text, "");
    *ret_is_resumed = wg_stream_info(stream)->is_resumed;
    assert_int_equal(wg_stream_info(stream)->certificate_until_s, 2524607999);
    tap_open(&tap, stream);
    net_kit_until(kit, &kit->guest_count, guests + 1);
    /* In TLS 1.3 tickets travel with the first words of the server. */
    assert_int_equal(wg_stream_write(kit->guests[guests].stream, "hello", 5, &err), WG_OK);
    net_kit_until(kit, &tap.reads, 1);
    wg_stream_finish(stream);
    net_kit_until(kit, &kit->guests[guests].ends, 1);
    wg_stream_finish(kit->guests[guests].stream);
    net_kit_until(kit, &tap.closes, 1);
    tap_done(&tap);
}

static void resumes_sessions(void **state)
{
    static const mbedtls_ssl_protocol_version versions[] = {MBEDTLS_SSL_VERSION_TLS1_2,
                                                            MBEDTLS_SSL_VERSION_TLS1_3};

    (void)state;
    for (size_t i = 0; i < WG_COUNT(versions); i++) {
        bool is_resumed;
        struct net_kit kit;

        net_kit_open(&kit, true);
        mbedtls_ssl_conf_max_tls_version(&kit.tls_client->config, versions[i]);
        mbedtls_ssl_conf_min_tls_version(&kit.tls_client->config, versions[i]);
        talk_once(&kit, "a.example.test", &is_resumed);
        assert_false(is_resumed);
        talk_once(&kit, "a.example.test", &is_resumed);
        assert_true(is_resumed);
        talk_once(&kit, "a.example.test", &is_resumed);
        assert_true(is_resumed);
        talk_once(&kit, "b.example.test", &is_resumed);
        assert_false(is_resumed);
        net_kit_close(&kit);
    }
}

static void resumes_at_another_worker_that_shares_the_ticket_key(void **state)
{
    uint8_t key[48], other_key[48];
    struct net_kit kit;
    bool is_resumed;

    (void)state;
    memset(key, 7, sizeof key);
    memset(other_key, 8, sizeof other_key);
    net_kit_open(&kit, true);
    wg_tls_server_set_ticket_key(kit.tls_server, key);
    talk_once(&kit, "a.example.test", &is_resumed);
    net_kit_replace_server(&kit);
    wg_tls_server_set_ticket_key(kit.tls_server, key);
    talk_once(&kit, "a.example.test", &is_resumed);
    assert_true(is_resumed);
    wg_tls_server_set_ticket_key(kit.tls_server, other_key);
    talk_once(&kit, "a.example.test", &is_resumed);
    assert_true(is_resumed);
    net_kit_replace_server(&kit);
    wg_tls_server_set_ticket_key(kit.tls_server, key);
    talk_once(&kit, "a.example.test", &is_resumed);
    assert_false(is_resumed);
    net_kit_close(&kit);
}

static void a_reload_leaves_connections_alone(void **state)
{
    const struct tls_kit_leaf fresh = {.dns_name = "a.example.test",
                                       .not_after = "20480101000000"};
    struct wg_stream *stream;
    struct tap *guest, tap;
    struct net_kit kit;
    struct wg_err err;

    (void)state;
    net_kit_open(&kit, true);
    tap_open(&tap, net_kit_connect(&kit, &guest));
    net_kit_set_certificate(&kit, "a.example.test", &fresh);
    assert_int_equal(wg_stream_write(tap.stream, "still here", 10, &err), WG_OK);
    net_kit_until(&kit, &guest->reads, 1);
    assert_string_equal(guest->got.at, "still here");
    wg_stream_close(tap.stream);
    /* One that has no session to resume. */
    net_kit_replace_client(&kit, net_kit_tls.authority_file);
    stream = net_kit_dial(&kit, "a.example.test");
    assert_int_equal(wg_stream_info(stream)->certificate_until_s, 2461449600);
    wg_stream_close(stream);
    net_kit_close(&kit);
    tap_done(&tap);
}

static void says_when_the_certificate_in_use_ends(void **state)
{
    const struct tls_kit_leaf fresh = {.dns_name = "a.example.test",
                                       .not_after = "20480101000000"};
    struct net_kit kit;

    (void)state;
    net_kit_open(&kit, true);
    net_kit_set_certificate(&kit, "a.example.test", &fresh);
    assert_int_equal(
        wg_tls_server_certificate_until_s(kit.tls_server, WG_STR("A.example.test:8448")),
        2461449600);
    assert_int_equal(wg_tls_server_certificate_until_s(kit.tls_server, WG_STR("nobody.test")),
                     0);
    net_kit_close(&kit);
}

static void refuses_files_that_do_not_fit_and_keeps_the_old(void **state)
{
    const struct tls_kit_leaf leaf = {.dns_name = "z.example.test"};
    char certificate[TLS_KIT_PATH], key[TLS_KIT_PATH], unused[TLS_KIT_PATH];
    struct wg_stream *stream;
    struct net_kit kit;
    struct wg_err err;

    (void)state;
    net_kit_open(&kit, true);
    tls_kit_issue(&net_kit_tls, "y", &leaf, certificate, unused);
    tls_kit_issue(&net_kit_tls, "z", &leaf, unused, key);
    assert_int_equal(
        wg_tls_server_set(kit.tls_server, WG_STR("a.example.test"), certificate, key, &err),
        WG_CONFIG);
    assert_non_null(strstr(err.text, "does not belong to the certificate"));
    assert_int_equal(
        wg_tls_server_set(kit.tls_server, WG_STR("a.example.test"), "/nowhere.crt", key, &err),
        WG_CONFIG);
    assert_non_null(strstr(err.text, "/nowhere.crt"));
    assert_int_equal(wg_tls_server_set(kit.tls_server, WG_STR("a.example.test"), certificate,
                                       certificate, &err),
                     WG_CONFIG);
    assert_int_equal(wg_tls_server_set(kit.tls_server, WG_STR(""), certificate, key, &err),
                     WG_CONFIG);
    stream = net_kit_dial(&kit, "a.example.test");
    assert_non_null(stream);
    wg_stream_close(stream);
    net_kit_close(&kit);
}

static void knows_the_trust_anchors_of_the_system_and_names_missing_files(void **state)
{
    struct wg_tls_client *tls;
    struct wg_err err;

    (void)state;
    assert_int_equal(wg_tls_client_new("/nowhere.pem", &tls, &err), WG_CONFIG);
    assert_non_null(strstr(err.text, "/nowhere.pem"));
    assert_int_equal(wg_tls_client_new("/dev/null", &tls, &err), WG_CONFIG);
    if (access("/etc/ssl/certs/ca-certificates.crt", R_OK) == 0) {
        assert_int_equal(wg_tls_client_new("system", &tls, &err), WG_OK);
        wg_tls_client_free(tls);
    }
}

static void says_when_the_other_side_speaks_no_tls(void **state)
{
    struct net_kit kit;

    (void)state;
    net_kit_open(&kit, true);
    kit.guest_says = "HTTP/1.1 400 Bad Request\r\n\r\n";
    net_kit_replace_listener(&kit, false);
    assert_null(net_kit_dial(&kit, "a.example.test"));
    assert_int_equal(kit.err.code, WG_TLS_FAILED);
    if (!strstr(kit.err.text, "what came is not TLS"))
        fail_msg("%s", kit.err.text);
    net_kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presents_the_certificate_of_the_name_asked_for),
        cmocka_unit_test(compares_server_names_without_case),
        cmocka_unit_test(refuses_a_server_name_it_has_no_certificate_for),
        cmocka_unit_test(says_why_a_certificate_is_refused),
        cmocka_unit_test(refuses_an_authority_it_does_not_trust),
        cmocka_unit_test(verifies_an_address_by_its_own_entry),
        cmocka_unit_test(resumes_sessions),
        cmocka_unit_test(resumes_at_another_worker_that_shares_the_ticket_key),
        cmocka_unit_test(a_reload_leaves_connections_alone),
        cmocka_unit_test(says_when_the_certificate_in_use_ends),
        cmocka_unit_test(refuses_files_that_do_not_fit_and_keeps_the_old),
        cmocka_unit_test(knows_the_trust_anchors_of_the_system_and_names_missing_files),
        cmocka_unit_test(says_when_the_other_side_speaks_no_tls),
    };

    return cmocka_run_group_tests(tests, net_kit_setup_group, net_kit_teardown_group);
}
