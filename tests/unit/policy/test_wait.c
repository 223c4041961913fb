// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "../http/server_rig.h"
#include "http/client.h"
#include "net/dialer.h"
#include "policy_kit.h"

/* Handlers that wait: for time and for HTTP. */

static void open_kit(struct policy_kit *kit, const char *body)
{
    struct wg_buf text;

    kit_init(kit);
    kit_open_loop(kit);
    wg_buf_init(&text, 64 * 1024);
    wg_buf_addf(&text,
                "local w = require 'wavegate'\n"
                "w.on('event', function(event, ctx)\n%s\nend)\n",
                body);
    kit_open(kit, text.at);
    wg_buf_done(&text);
}

static void a_handler_sleeps_and_goes_on(void **state)
{
    struct policy_kit kit;

    (void)state;
    open_kit(
        &kit,
        "  local t = event.type\n"
        "  w.time.sleep(0.01)\n"
        "  pcall(w.time.sleep, 0.01) -- also inside pcall\n"
        "  return w.deny { reason = t .. ' ' .. event.content.body .. ' ' .. ctx.peer.name }");
    kit_ask_waiting(&kit, WG_HOOK_EVENT);
    assert_int_equal(kit.decision.failure, WG_OK);
    assert_str(kit.decision.reason, "swp.room.message hi peer.example.test");
    assert_int_equal(kit.decision.line, 6);
    kit_done(&kit);
}

static void a_handler_that_waits_too_long_is_ended(void **state)
{
    struct policy_kit kit;

    (void)state;
    kit_init(&kit);
    kit_open_loop(&kit);
    kit.config.budget.waiting_ms = 20;
    kit_open(&kit, "local w = require 'wavegate'\n"
                   "w.on('event', function()\n"
                   "  while true do pcall(function()\n"
                   "    w.time.sleep(60) end) end\n"
                   "end)\n");
    kit_ask_waiting(&kit, WG_HOOK_EVENT);
    assert_int_equal(kit.decision.failure, WG_BUDGET);
    assert_str(kit.decision.failure_text, "main.lua:4: waiting time budget exceeded");
    assert_int_equal(kit.decision.verdict, WG_VERDICT_DENY);
    kit_done(&kit);
}

static void never(void *owner)
{
    (void)owner;
    fail_msg("decided after it was cancelled");
}

static void a_cancelled_call_is_not_heard_of_again(void **state)
{
    struct policy_kit kit;
    struct wg_policy_generation *generation;
    struct wg_policy_call *call;

    (void)state;
    open_kit(&kit, "  w.time.sleep(0.01)");
    generation = wg_policy_pin(kit.worker, 0);
    kit.question.hook = WG_HOOK_EVENT;
    call = wg_policy_ask(generation, &kit.question, &kit.arena, &kit.decision, never, NULL);
    assert_non_null(call);
    wg_policy_cancel(call);
    wg_policy_unpin(generation);
    for (int i = 0; i < 50; i++) {
        wg_loop_turn(kit.loop);
        usleep(1000);
    }
    kit_ask_waiting(&kit, WG_HOOK_EVENT); /* its thread is another one */
    assert_int_equal(kit.decision.verdict, WG_VERDICT_ALLOW);
    kit_done(&kit);
}

static void count_one(void *owner)
{
    ++*(int *)owner;
}

enum { CROWD = 1000 };

static void a_thousand_wait_and_an_ordinary_call_does_not(void **state)
{
    static struct wg_decision decisions[CROWD];
    struct policy_kit kit;
    struct wg_policy_generation *generation;
    struct timespec began, ended;
    int decided = 0;

    (void)state;
    open_kit(&kit, "  if event.content.body == 'hi' then w.time.sleep(0.3) end");
    generation = wg_policy_pin(kit.worker, 0);
    kit.question.hook = WG_HOOK_EVENT;
    for (int i = 0; i < CROWD; i++)
        assert_non_null(wg_policy_ask(generation, &kit.question, &kit.arena, &decisions[i],
                                      count_one, &decided));
    kit_reload(
        &kit,
        "require('wavegate').on('event', function() end)"); /* they keep what they began with */
    kit_event(&kit, "swp.room.message", "{\"body\":\"quick\"}");
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (int i = 0; i < 100; i++)
        assert_null(
            wg_policy_ask(generation, &kit.question, &kit.arena, &kit.decision, never, NULL));
    clock_gettime(CLOCK_MONOTONIC, &ended);
    assert_true(
        (ended.tv_sec - began.tv_sec) * 1000 + (ended.tv_nsec - began.tv_nsec) / 1000000 < 200);
    for (int i = 0; i < 20000 && decided < CROWD; i++) {
        wg_loop_turn(kit.loop);
        usleep(200);
    }
    assert_int_equal(decided, CROWD);
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(decisions[i].verdict, WG_VERDICT_ALLOW);
    wg_policy_unpin(generation);
    kit_done(&kit);
}

static void a_worker_that_closes_ends_what_waits(void **state)
{
    struct policy_kit kit;
    struct wg_policy_generation *generation;
    int decided = 0;

    (void)state;
    open_kit(&kit, "  w.time.sleep(1)");
    generation = wg_policy_pin(kit.worker, 0);
    kit.question.hook = WG_HOOK_EVENT;
    assert_non_null(wg_policy_ask(generation, &kit.question, &kit.arena, &kit.decision,
                                  count_one, &decided));
    wg_policy_unpin(generation);
    wg_policy_worker_close(kit.worker, NULL, NULL);
    kit.worker = NULL;
    assert_int_equal(decided, 1);
    assert_int_equal(kit.decision.failure, WG_BUDGET);
    kit_done(&kit);
}

static void memoize_asks_once_and_serves_what_is_stale(void **state)
{
    struct policy_kit kit;
    struct wg_policy_generation *generation;
    static struct wg_decision decisions[10];
    int decided = 0;

    (void)state;
    kit_init(&kit);
    kit_open_loop(&kit);
    kit_open(&kit, "local w = require 'wavegate'\n"
                   "local asked, fail = 0, false\n"
                   "local look_up = w.memoize(function(key)\n"
                   "  w.time.sleep(0.02)\n"
                   "  if fail then error 'down' end\n"
                   "  asked = asked + 1\n"
                   "  return key .. ' ' .. asked\n"
                   "end, { ttl = '10s', stale = '1m' })\n"
                   "w.on('event', function(event) return w.deny { reason = look_up 'x' } end)\n"
                   "w.on('peer', function(peer) fail = peer.name == 'bad' end)\n");
    generation = wg_policy_pin(kit.worker, 0);
    kit.question.hook = WG_HOOK_EVENT;
    for (int i = 0; i < 10; i++)
        assert_non_null(wg_policy_ask(generation, &kit.question, &kit.arena, &decisions[i],
                                      count_one, &decided));
    for (int i = 0; i < 20000 && decided < 10; i++) {
        wg_loop_turn(kit.loop);
        usleep(200);
    }
    for (int i = 0; i < 10; i++)
        assert_str(decisions[i].reason, "x 1");
    kit_ask(&kit, WG_HOOK_EVENT); /* known: no wait */
    assert_str(kit.decision.reason, "x 1");

    fake_clock_turn(&kit.clock, 11000); /* stale: one asks, the others take what is known */
    decided = 0;
    kit.question.hook = WG_HOOK_EVENT;
    assert_non_null(wg_policy_ask(generation, &kit.question, &kit.arena, &decisions[0],
                                  count_one, &decided));
    kit_ask(&kit, WG_HOOK_EVENT);
    assert_str(kit.decision.reason, "x 1");
    for (int i = 0; i < 20000 && decided < 1; i++) {
        wg_loop_turn(kit.loop);
        usleep(200);
    }
    assert_str(decisions[0].reason, "x 2");

    kit.question.peer.name = WG_STR("bad"); /* the source fails: stale is better than nothing */
    kit_ask(&kit, WG_HOOK_PEER);
    fake_clock_turn(&kit.clock, 11000);
    kit_ask_waiting(&kit, WG_HOOK_EVENT);
    assert_str(kit.decision.reason, "x 2");
    fake_clock_turn(&kit.clock, 100000);
    kit_ask_waiting(&kit, WG_HOOK_EVENT);
    assert_int_equal(kit.decision.failure, WG_SCRIPT);
    assert_str(kit.decision.failure_text, "main.lua:5: down");
    wg_policy_unpin(generation);
    kit_done(&kit);
}

/* ---- HTTP ---- */

struct web {
    struct policy_kit kit;
    struct rig *rig;
    struct wg_dialer *dialer;
    struct wg_http_client *client;
    struct wg_cidr loopback;
    bool is_closed;
};

static void web_open(struct web *web, const char *body)
{
    struct wg_buf text;
    char address[32];
    const struct wg_resolve_entry resolve[] = {{"svc.example.test", address},
                                               {"nobody.example.test", "127.0.0.1:1"},
                                               {"inside.example.test", "10.0.0.1"},
                                               {NULL, NULL}};
    struct wg_dialer_options dialer = {
        .resolve = resolve, .allowed = &web->loopback, .allowed_count = 1};
    const struct wg_http_client_options options = {.connections_per_origin = 4};

    web->is_closed = false;
    assert_int_equal(wg_cidr_parse(WG_STR("127.0.0.0/8"), &web->loopback, &web->kit.err),
                     WG_OK);
    web->rig = rig_default();
    snprintf(address, sizeof address, "127.0.0.1:%u", web->rig->port);
    kit_init(&web->kit);
    web->kit.loop = web->rig->loop;
    wg_buf_init(&text, 64 * 1024);
    wg_buf_addf(&text,
                "local w = require 'wavegate'\nlocal http = require 'wavegate.http'\n"
                "local base = 'http://svc.example.test'\n"
                "w.on('event', function(event, ctx)\n%s\nend)\n",
                body);
    kit_open(&web->kit, text.at);
    wg_buf_done(&text);
    web->dialer = wg_dialer_new(web->rig->loop, &dialer);
    web->client = wg_http_client_new(web->rig->loop, web->dialer, &options);
    wg_policy_worker_set_http(web->kit.worker, web->client);
}

static void on_client_closed(void *owner)
{
    ((struct web *)owner)->is_closed = true;
}

static void web_close(struct web *web)
{
    wg_policy_worker_close(web->kit.worker, NULL, NULL);
    web->kit.worker = NULL;
    wg_http_client_close(web->client, on_client_closed, web);
    for (int i = 0; i < 20000 && !web->is_closed; i++) {
        wg_loop_turn(web->rig->loop);
        usleep(200);
    }
    assert_true(web->is_closed);
    wg_dialer_free(web->dialer);
    for (unsigned i = 0; i < web->rig->held_count; i++) /* each call must be ended */
        rig_answer(web->rig->held[i], WG_STR(""));
    rig_free(web->rig);
    web->kit.loop = NULL;
    kit_done(&web->kit);
}

static void http_is_asked_while_others_go_on(void **state)
{
    struct web web;

    (void)state;
    web_open(&web, "  local got = assert(http.get(base .. '/echo?x=1', { headers = { Accept = "
                   "'text/plain' } }))\n"
                   "  local sent = assert(http.post(base .. '/echo', 'body'))\n"
                   "  return w.deny { reason = got.status .. got.body .. sent.body .. "
                   "type(got.headers) }");
    kit_ask_waiting(&web.kit, WG_HOOK_EVENT);
    if (web.kit.decision.failure)
        fail_msg("%.*s", WG_STR_F(web.kit.decision.failure_text));
    assert_str(web.kit.decision.reason, "200[GET /echo?x=1 ][POST /echo body]table");
    web_close(&web);
}

static void an_answer_may_be_kept(void **state)
{
    struct web web;

    (void)state;
    web_open(&web,
             "  return w.deny { reason = http.get(base .. '/echo', { cache = '10s' }).body }");
    kit_ask_waiting(&web.kit, WG_HOOK_EVENT);
    kit_ask(&web.kit, WG_HOOK_EVENT);
    assert_str(web.kit.decision.reason, "[GET /echo ]");
    assert_int_equal(web.rig->requests, 1);
    fake_clock_turn(&web.kit.clock, 10000);
    kit_ask_waiting(&web.kit, WG_HOOK_EVENT);
    assert_int_equal(web.rig->requests, 2);
    web_close(&web);
}

static void failures_of_the_world_are_returned_and_mistakes_raised(void **state)
{
    struct web web;

    (void)state;
    web_open(&web, "  local none, why, code = http.get 'http://nobody.example.test/'\n"
                   "  assert(none == nil and code == 'CONNECT_FAILED', code)\n"
                   "  none, why, code = http.get 'http://inside.example.test/'\n"
                   "  assert(none == nil and code == 'ADDRESS_REFUSED', code)\n"
                   "  none, why, code = http.get(base .. '/hold', { deadline = '30ms' })\n"
                   "  assert(none == nil and code == 'TIMEOUT', code)\n"
                   "  for _, url in ipairs { 'ftp://x/', 'http://', 'http://a b/', base .. '/a "
                   "b', base .. '/#x',\n"
                   "    base .. '/\\n', 'http://user@host/', 'http://127.0.0.1/' } do\n"
                   "    assert(not pcall(http.get, url), url)\n"
                   "  end\n"
                   "  for _, headers in ipairs { { Host = 'x' }, { a = 'x\\r\\nb: c' }, { ['a "
                   "b'] = 'x' }, { 'x' } } do\n"
                   "    assert(not pcall(http.get, base, { headers = headers }))\n"
                   "  end\n"
                   "  return w.allow()");
    kit_ask_waiting(&web.kit, WG_HOOK_EVENT);
    if (web.kit.decision.failure)
        fail_msg("%.*s", WG_STR_F(web.kit.decision.failure_text));
    web_close(&web);
}

static void a_call_that_is_cancelled_or_late_ends_its_request(void **state)
{
    struct web web;
    struct wg_policy_generation *generation;
    struct wg_policy_call *call;

    (void)state;
    web_open(&web, "  http.get(base .. '/hold')");
    web.kit.config.budget.waiting_ms = 50;
    kit_ask_waiting(&web.kit, WG_HOOK_EVENT);
    assert_int_equal(web.kit.decision.failure == WG_BUDGET || web.kit.decision.failure == WG_OK,
                     1);
    generation = wg_policy_pin(web.kit.worker, 0);
    call = wg_policy_ask(generation, &web.kit.question, &web.kit.arena, &web.kit.decision,
                         never, NULL);
    assert_non_null(call);
    wg_policy_cancel(call);
    wg_policy_unpin(generation);
    web_close(&web);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_sleeps_and_goes_on),
        cmocka_unit_test(a_handler_that_waits_too_long_is_ended),
        cmocka_unit_test(a_cancelled_call_is_not_heard_of_again),
        cmocka_unit_test(a_thousand_wait_and_an_ordinary_call_does_not),
        cmocka_unit_test(a_worker_that_closes_ends_what_waits),
        cmocka_unit_test(memoize_asks_once_and_serves_what_is_stale),
        cmocka_unit_test(http_is_asked_while_others_go_on),
        cmocka_unit_test(an_answer_may_be_kept),
        cmocka_unit_test(failures_of_the_world_are_returned_and_mistakes_raised),
        cmocka_unit_test(a_call_that_is_cancelled_or_late_ends_its_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
