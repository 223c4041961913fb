// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/dialer_impl.h"
#include "net_kit.h"

/** Without a TLS client, without anything allowed unless options say so. */
static void use_dialer(struct net_kit *kit, const struct wg_dialer_options *options)
{
    wg_dialer_free(kit->dialer);
    kit->dialer = wg_dialer_new(kit->loop, options);
}

static void judges_the_form_of_a_host_first(void **state)
{
    static const struct {
        const char *why;
        struct wg_str host;
        bool is_trusted;
    } cases[] = {
        {"an IPv4 address", WG_STR("127.0.0.1"), false},
        {"an IPv6 address", WG_STR("::1"), false},
        {"an IPv6 address in brackets", WG_STR("[::1]"), false},
        {"IPv4 as IPv6", WG_STR("::ffff:127.0.0.1"), false},
        {"two parts, as inet_aton() reads them", WG_STR("127.1"), false},
        {"hexadecimal", WG_STR("0x7f.1"), false},
        {"one number", WG_STR("2130706433"), false},
        {"octal", WG_STR("0177.0.0.1"), false},
        {"just zero", WG_STR("0"), false},
        {"a dot behind it", WG_STR("127.0.0.1."), false},
        {"empty", WG_STR(""), false},
        {"with a port", WG_STR("a.example.test:80"), false},
        {"a space", WG_STR("a.example.test "), false},
        {"a NUL", WG_STR("a.example.test\0.evil"), false},
        {"a trusted one may not be a riddle either", WG_STR("127.1"), true},
        {"nor in hexadecimal", WG_STR("0x7f000001"), true},
        {"nor empty", WG_STR(""), true},
        {"nor a path", WG_STR("a/b"), true},
        {"nor have a scope", WG_STR("fe80::1%lo"), true},
    };
    struct net_kit kit;

    (void)state;
    net_kit_open(&kit, false);
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        const struct wg_dial_target target = {
            .host = cases[i].host, .port = kit.port, .is_trusted = cases[i].is_trusted};

        if (net_kit_dial_target(&kit, &target) || kit.err.code != WG_ADDRESS_REFUSED)
            fail_msg("%s: %s", cases[i].why, kit.err.text);
        assert_string_not_equal(kit.err.text, "");
    }
    assert_int_equal(kit.guest_count, 0);
    net_kit_close(&kit);
}

static void guards_every_address_unless_trusted(void **state)
{
    static const struct {
        const char *why, *fixed;
    } cases[] = {
        {"loopback", "127.0.0.1"},
        {"loopback as IPv6", "::ffff:127.0.0.1"},
        {"loopback of IPv6", "::1"},
        {"with a port", "[::1]:443"},
        {"private", "10.0.0.1"},
        {"metadata of clouds", "169.254.169.254"},
        {"unspecified, which is this machine", "0.0.0.0"},
        {"NAT64 of loopback", "64:ff9b::7f00:1"},
    };
    struct net_kit kit;

    (void)state;
    net_kit_open(&kit, false);
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        const struct wg_resolve_entry table[] = {{"a.example.test", cases[i].fixed}, {0}};

        use_dialer(&kit, &(struct wg_dialer_options){.resolve = table});
        if (net_kit_dial(&kit, "a.example.test") || kit.err.code != WG_ADDRESS_REFUSED)
            fail_msg("%s: %s", cases[i].why, kit.err.text);
        assert_non_null(strstr(kit.err.text, "reaching a.example.test at "));
    }
    assert_int_equal(kit.guest_count, 0);
    net_kit_close(&kit);
}

static void guards_what_the_resolver_answers(void **state)
{
    struct wg_stream *stream;
    struct net_kit kit;

    (void)state;
    net_kit_open(&kit, false);
    use_dialer(&kit, &(struct wg_dialer_options){0});
    assert_null(net_kit_dial(&kit, "localhost"));
    assert_int_equal(kit.err.code, WG_ADDRESS_REFUSED);
    stream = net_kit_dial_target(&kit, &(struct wg_dial_target){.host = WG_STR("localhost"),
                                                                .port = kit.port,
                                                                .is_trusted = true});
    assert_string_equal(kit.err.text, "");
    wg_stream_close(stream);
    net_kit_close(&kit);
}

static void connects_where_the_operator_wrote_an_address(void **state)
{
    struct wg_stream *stream;
    struct net_kit kit;

    (void)state;
    net_kit_open(&kit, false);
    use_dialer(&kit, &(struct wg_dialer_options){0});
    stream = net_kit_dial_target(&kit, &(struct wg_dial_target){.host = WG_STR("127.0.0.1"),
                                                                .port = kit.port,
                                                                .is_trusted = true});
    assert_string_equal(kit.err.text, "");
    wg_stream_close(stream);
    net_kit_close(&kit);
}

static void names_a_name_that_does_not_resolve(void **state)
{
    struct net_kit kit;

    (void)state;
    net_kit_open(&kit, false);
    /* Longer than DNS allows, so nobody is asked. */
    assert_null(net_kit_dial_target(
        &kit, &(struct wg_dial_target){
                  .host = WG_STR("a_label_of_more_than_sixty_three_characters_is_none_that_any_"
                                 "resolver_asks_for"),
                  .port = 1,
                  .is_trusted = true}));
    assert_int_equal(kit.err.code, WG_UNRESOLVED);
    assert_non_null(strstr(kit.err.text, "resolving a_label"));
    net_kit_close(&kit);
}

static void says_that_nobody_listens(void **state)
{
    struct net_kit kit;

    (void)state;
    net_kit_open(&kit, false);
    wg_listener_close(kit.listener);
    kit.listener = NULL;
    wg_loop_turn(kit.loop);
    assert_null(net_kit_dial(&kit, "a.example.test"));
    assert_int_equal(kit.err.code, WG_CONNECT_FAILED);
    assert_non_null(strstr(kit.err.text, "reaching a.example.test at 127.0.0.1:"));
    assert_non_null(strstr(kit.err.text, "connection refused"));
    net_kit_close(&kit);
}

enum { FILLERS = 8 };

/** A port that answers nothing: its queue is full, so Linux drops what comes. */
struct black_hole {
    int listener, fillers[FILLERS];
    char address[WG_SOCKET_TEXT];
    struct sockaddr_in at;
};

static void open_black_hole(struct black_hole *hole)
{
    socklen_t len = sizeof hole->at;

    hole->at =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    hole->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(hole->listener, (struct sockaddr *)&hole->at, len), 0);
    assert_int_equal(listen(hole->listener, 0), 0);
    getsockname(hole->listener, (struct sockaddr *)&hole->at, &len);
    snprintf(hole->address, sizeof hole->address, "127.0.0.1:%d", ntohs(hole->at.sin_port));
    for (int i = 0; i < FILLERS; i++) {
        hole->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(hole->fillers[i], (struct sockaddr *)&hole->at, sizeof hole->at);
    }
}

static void close_black_hole(struct black_hole *hole)
{
    for (int i = 0; i < FILLERS; i++)
        close(hole->fillers[i]);
    close(hole->listener);
}

static void use_black_hole(struct net_kit *kit, struct black_hole *hole, int64_t timeout_ms)
{
    const struct wg_resolve_entry table[] = {{"a.example.test", hole->address}, {0}};
    struct wg_dialer_options options = {.resolve = table, .connect_timeout_ms = timeout_ms};
    struct wg_cidr loopback;
    struct wg_err err;

    assert_int_equal(wg_cidr_parse(WG_STR("127.0.0.0/8"), &loopback, &err), WG_OK);
    options.allowed = &loopback;
    options.allowed_count = 1;
    use_dialer(kit, &options);
}

static void gives_up_on_an_address_that_does_not_answer(void **state)
{
    struct black_hole hole;
    struct net_kit kit;

    (void)state;
    net_kit_open(&kit, false);
    open_black_hole(&hole);
    use_black_hole(&kit, &hole, 20);
    assert_null(net_kit_dial(&kit, "a.example.test"));
    assert_int_equal(kit.err.code, WG_TIMEOUT);
    assert_non_null(strstr(kit.err.text, "no answer within 20 ms"));
    net_kit_close(&kit);
    close_black_hole(&hole);
}

static void gives_up_on_a_handshake_that_does_not_end(void **state)
{
    const struct wg_resolve_entry table[] = {{"a.example.test", NULL}, {0}};
    struct wg_dialer_options options = {.handshake_timeout_ms = 20};
    struct wg_resolve_entry fixed[2];
    struct wg_cidr loopback;
    struct net_kit kit;
    struct wg_err err;

    (void)state;
    net_kit_open(&kit, true);
    net_kit_replace_listener(&kit, false);
    memcpy(fixed, table, sizeof fixed);
    fixed[0].address = kit.address;
    assert_int_equal(wg_cidr_parse(WG_STR("127.0.0.1/32"), &loopback, &err), WG_OK);
    options.resolve = fixed;
    options.allowed = &loopback;
    options.allowed_count = 1;
    options.tls = kit.tls_client;
    use_dialer(&kit, &options);
    assert_null(net_kit_dial(&kit, "a.example.test"));
    assert_int_equal(kit.err.code, WG_TIMEOUT);
    assert_non_null(strstr(kit.err.text, "handshake took too long"));
    net_kit_close(&kit);
}

struct outcome {
    int calls;
    enum wg_code code;
};

static void on_outcome(void *owner, struct wg_stream *stream, const struct wg_err *err)
{
    struct outcome *outcome = owner;

    assert_null(stream);
    outcome->calls++;
    outcome->code = err->code;
}

static void tells_of_a_cancelled_dial_once_and_from_the_loop(void **state)
{
    static const struct {
        const char *why, *host;
        int turns;
    } cases[] = {
        {"before it began", "a.example.test", 0},
        {"while it connects", "a.example.test", 2},
        {"while it resolves", "localhost", 1},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_dial_target target = {.host = wg_str(cases[i].host), .port = 1};
        struct outcome outcome = {0};
        struct black_hole hole;
        struct wg_dial *dial;
        struct net_kit kit;

        net_kit_open(&kit, false);
        open_black_hole(&hole);
        use_black_hole(&kit, &hole, 10000);
        dial = wg_dial(kit.dialer, &target, on_outcome, &outcome);
        for (int turn = 0; turn < cases[i].turns; turn++)
            wg_loop_turn(kit.loop);
        assert_int_equal(outcome.calls, 0);
        wg_dial_cancel(dial);
        wg_dial_cancel(dial);
        assert_int_equal(outcome.calls, 0);
        net_kit_until(&kit, &outcome.calls, 1);
        assert_int_equal(outcome.code, WG_CANCELLED);
        net_kit_close(&kit);
        assert_int_equal(outcome.calls, 1);
        close_black_hole(&hole);
    }
}

static void freeing_the_dialer_cancels_its_dials(void **state)
{
    const char *hosts[] = {"a.example.test", "localhost", "127.0.0.1", "a.example.test"};
    struct outcome outcomes[WG_COUNT(hosts)] = {0};
    struct wg_dial *last = NULL;
    struct black_hole hole;
    struct net_kit kit;

    (void)state;
    net_kit_open(&kit, false);
    open_black_hole(&hole);
    use_black_hole(&kit, &hole, 10000);
    for (size_t i = 0; i < WG_COUNT(hosts); i++) {
        const struct wg_dial_target target = {.host = wg_str(hosts[i]), .port = 1};

        if (i == 2)
            wg_loop_turn(kit.loop);
        last = wg_dial(kit.dialer, &target, on_outcome, &outcomes[i]);
    }
    wg_dial_cancel(last);
    kit.dialer = wg_dialer_free(kit.dialer);
    for (size_t i = 0; i < WG_COUNT(hosts); i++)
        assert_int_equal(outcomes[i].calls, 0);
    for (size_t i = 0; i < WG_COUNT(hosts); i++) {
        net_kit_until(&kit, &outcomes[i].calls, 1);
        assert_int_equal(outcomes[i].code, WG_CANCELLED);
    }
    net_kit_close(&kit);
    close_black_hole(&hole);
}

static void goes_on_to_the_next_address(void **state)
{
    (void)state;
    for (int is_silent = 0; is_silent < 2; is_silent++) {
        struct wg_dial_target target = {.host = WG_STR("a.example.test"), .port = 1};
        struct sockaddr_in live = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        struct black_hole hole;
        struct wg_dial *dial;
        struct net_kit kit;

        net_kit_open(&kit, false);
        open_black_hole(&hole);
        if (!is_silent)
            close_black_hole(&hole); /* now it refuses */
        live.sin_port = htons(kit.port);
        dial = wg_dial(kit.dialer, &target, net_kit_on_dialed, &kit);
        wg_later_cancel(&dial->later);
        memcpy(&dial->addresses[0], &hole.at, sizeof hole.at);
        memcpy(&dial->addresses[1], &live, sizeof live);
        dial->address_count = 2;
        wg_dial_go_on(dial);
        net_kit_until_true(&kit, &kit.is_dialed);
        assert_string_equal(kit.err.text, "");
        assert_int_equal(wg_stream_info(kit.dialed)->remote_port, kit.port);
        wg_stream_close(kit.dialed);
        net_kit_close(&kit);
        if (is_silent)
            close_black_hole(&hole);
    }
}

struct survey {
    struct wg_dial_candidate candidates[WG_DIAL_ADDRESSES];
    size_t count;
    struct wg_err err;
    bool is_done;
};

static void on_surveyed(void *owner, const struct wg_dial_candidate *candidates, size_t count,
                        const struct wg_err *err)
{
    struct survey *survey = owner;

    if (count)
        memcpy(survey->candidates, candidates, count * sizeof *candidates);
    survey->count = count;
    if (count == 0)
        survey->err = *err;
    survey->is_done = true;
}

static void a_survey_shows_what_the_guard_says_and_connects_to_nothing(void **state)
{
    static const struct wg_resolve_entry table[] = {
        {"a.example.test", "10.0.0.1"}, {"b.example.test", "127.0.0.1:4711"}, {0}};
    struct wg_cidr allowed;
    struct survey inside = {.is_done = false}, outside = {.is_done = false};
    struct net_kit kit;

    (void)state;
    net_kit_open(&kit, false);
    assert_int_equal(wg_cidr_parse(WG_STR("127.0.0.0/8"), &allowed, &kit.err), WG_OK);
    use_dialer(&kit, &(struct wg_dialer_options){
                         .resolve = table, .allowed = &allowed, .allowed_count = 1});
    wg_dial_survey(kit.dialer,
                   &(struct wg_dial_target){.host = WG_STR("a.example.test"), .port = 443},
                   on_surveyed, &inside);
    wg_dial_survey(kit.dialer,
                   &(struct wg_dial_target){.host = WG_STR("b.example.test"), .port = 443},
                   on_surveyed, &outside);
    assert_false(inside.is_done);
    net_kit_until_true(&kit, &inside.is_done);
    net_kit_until_true(&kit, &outside.is_done);
    assert_int_equal(inside.count, 1);
    assert_int_equal(inside.candidates[0].refusal.code, WG_ADDRESS_REFUSED);
    assert_non_null(strstr(inside.candidates[0].refusal.text, "10.0.0.1 is a private address"));
    assert_int_equal(inside.candidates[0].port, 443);
    assert_int_equal(outside.count, 1);
    assert_int_equal(outside.candidates[0].refusal.code, WG_OK);
    assert_true(outside.candidates[0].is_fixed);
    assert_int_equal(outside.candidates[0].port, 4711);
    assert_int_equal(kit.guest_count, 0);
    net_kit_close(&kit);
}

static void a_cancelled_survey_is_told_once(void **state)
{
    struct survey survey = {.is_done = false};
    struct wg_dial *dial;
    struct net_kit kit;

    (void)state;
    net_kit_open(&kit, false);
    dial = wg_dial_survey(kit.dialer,
                          &(struct wg_dial_target){.host = WG_STR("localhost"), .port = 443},
                          on_surveyed, &survey);
    wg_dial_cancel(dial);
    wg_dial_cancel(dial);
    net_kit_until_true(&kit, &survey.is_done);
    assert_int_equal(survey.count, 0);
    assert_int_equal(survey.err.code, WG_CANCELLED);
    net_kit_close(&kit);
}

static void an_address_of_choice_is_guarded_like_any_other(void **state)
{
    const struct wg_dial_target target = {.host = WG_STR("a.example.test"), .port = 443};
    struct net_kit kit;
    struct wg_ip ip;

    (void)state;
    net_kit_open(&kit, false);
    use_dialer(&kit, &(struct wg_dialer_options){0});
    assert_int_equal(wg_ip_parse(WG_STR("127.0.0.1"), &ip, &kit.err), WG_OK);
    kit.is_dialed = false;
    wg_dial_address(kit.dialer, &target, &ip, kit.port, net_kit_on_dialed, &kit);
    net_kit_until_true(&kit, &kit.is_dialed);
    assert_null(kit.dialed);
    assert_int_equal(kit.err.code, WG_ADDRESS_REFUSED);
    net_kit_close(&kit);
}

static void an_address_of_choice_is_met_without_an_earlier_session(void **state)
{
    const struct wg_dial_target target = {
        .host = WG_STR("a.example.test"), .port = 443, .is_tls = true};
    struct net_kit kit;
    struct wg_ip ip;

    (void)state;
    net_kit_open(&kit, true);
    assert_int_equal(wg_ip_parse(WG_STR("127.0.0.1"), &ip, &kit.err), WG_OK);
    for (int i = 0; i < 3; i++) {
        kit.is_dialed = false;
        wg_dial_address(kit.dialer, &target, &ip, kit.port, net_kit_on_dialed, &kit);
        net_kit_until_true(&kit, &kit.is_dialed);
        assert_string_equal(kit.err.text, "");
        assert_int_equal(wg_stream_info(kit.dialed)->remote_port, kit.port);
        assert_false(wg_stream_info(kit.dialed)->is_resumed);
        wg_stream_close(kit.dialed);
    }
    net_kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_the_form_of_a_host_first),
        cmocka_unit_test(guards_every_address_unless_trusted),
        cmocka_unit_test(guards_what_the_resolver_answers),
        cmocka_unit_test(connects_where_the_operator_wrote_an_address),
        cmocka_unit_test(names_a_name_that_does_not_resolve),
        cmocka_unit_test(says_that_nobody_listens),
        cmocka_unit_test(gives_up_on_an_address_that_does_not_answer),
        cmocka_unit_test(gives_up_on_a_handshake_that_does_not_end),
        cmocka_unit_test(tells_of_a_cancelled_dial_once_and_from_the_loop),
        cmocka_unit_test(freeing_the_dialer_cancels_its_dials),
        cmocka_unit_test(goes_on_to_the_next_address),
        cmocka_unit_test(a_survey_shows_what_the_guard_says_and_connects_to_nothing),
        cmocka_unit_test(a_cancelled_survey_is_told_once),
        cmocka_unit_test(an_address_of_choice_is_guarded_like_any_other),
        cmocka_unit_test(an_address_of_choice_is_met_without_an_earlier_session),
    };

    return cmocka_run_group_tests(tests, net_kit_setup_group, net_kit_teardown_group);
}
