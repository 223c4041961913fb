// SPDX-License-Identifier: Apache-2.0
#include "policy_kit.h"

/* Modules that need no waiting; each script checks itself, in a handler. */

static void is_fine(const char *script)
{
    struct policy_kit kit;
    struct wg_buf text;

    kit_init(&kit);
    wg_buf_init(&text, 64 * 1024);
    wg_buf_addf(&text,
                "local w = require 'wavegate'\n"
                "w.on('event', function(event, ctx)\n"
                "  if event.content.body ~= 'go' then return end\n"
                "%s\n"
                "  return w.allow()\n"
                "end)\n",
                script);
    kit_open(&kit, text.at);
    kit_event(&kit, "swp.room.message",
              "{\"body\":\"go\",\"list\":[1,{\"a\":null,\"b\":\"x\"}]}");
    kit_ask(&kit, WG_HOOK_EVENT);
    if (kit.decision.failure)
        fail_msg("%.*s", WG_STR_F(kit.decision.failure_text));
    assert_str(kit.decision.policy, "main");
    wg_buf_done(&text);
    kit_done(&kit);
}

static void json_is_read_strictly_and_written_canonically(void **state)
{
    (void)state;
    is_fine(
        "local json = require 'wavegate.json'\n"
        "local v = json.decode '{\"b\":[1,2.5,null,\"x\"],\"a\":true,\"n\":null,\"o\":{}}'\n"
        "assert(v.a == true and v.n == nil and v.b[1] == 1 and v.b[2] == 2.5 and v.b[3] == "
        "json.null)\n"
        "assert(math.type(v.b[1]) == 'integer')\n"
        "assert(json.encode(v) == '{\"a\":true,\"b\":[1,2.5,null,\"x\"],\"o\":{}}')\n"
        "local none, why = json.decode '{\"a\":1,\"a\":2}'\n"
        "assert(none == nil and why:find 'a')\n"
        "assert(json.decode '' == nil and json.decode '[1,]' == nil and json.decode "
        "'\"\\255\"' == nil)\n"
        "assert(json.encode {} == '{}' and json.encode(json.array {}) == '[]')\n"
        "assert(json.encode(json.decode '[]') == '[]' and json.encode(nil) == 'null')\n"
        "assert(json.encode(event.content.list) == '[1,{\"a\":null,\"b\":\"x\"}]')\n"
        "assert(json.encode { x = 'a\"\\n' } == '{\"x\":\"a\\\\\"\\\\n\"}')\n"
        "for _, bad in ipairs { { 1, nil, 3 }, { 1, a = 2 }, { [1.5] = 1 }, { 0 / 0 }, { print "
        "}, { '\\255' },\n"
        "  { 1 << 60 } } do\n"
        "  assert(not pcall(json.encode, bad))\n"
        "end\n"
        "local loop = {} loop.loop = loop\n"
        "assert(not pcall(json.encode, loop))\n"
        "assert(not pcall(json.encode, event))\n");
}

static void base64_and_hashes_are_the_usual_ones(void **state)
{
    (void)state;
    is_fine(
        "local base64, hash = w.base64, w.hash\n"
        "assert(base64.encode 'hello' == 'aGVsbG8=' and base64.decode 'aGVsbG8=' == 'hello')\n"
        "assert(base64.encode '' == '' and base64.decode '' == '' and base64.decode '*' == "
        "nil)\n"
        "assert(base64.decode 'aGVsbG8' == nil and base64.encode_url '\\255\\254' == '__4')\n"
        "assert(base64.decode_url '__4' == '\\255\\254')\n"
        "assert(hash.sha256 'abc' == "
        "'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')\n"
        "assert(#hash.sha512 'abc' == 128)\n"
        "assert(hash.hmac_sha256('Jefe', 'what do ya want for nothing?') ==\n"
        "  '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843') -- RFC 4231 "
        "4.3\n"
        "assert(hash.equal('a', 'a') and not hash.equal('a', 'b') and not hash.equal('a', "
        "'aa'))\n");
}

static void time_is_read_and_written(void **state)
{
    (void)state;
    is_fine(
        "local time = w.time\n"
        "assert(time.now() == 1000000000 and time.format(0) == '1970-01-01T00:00:00Z')\n"
        "assert(time.parse '2026-01-31T12:00:00Z' == 1769860800 and time.parse 'x' == nil)\n"
        "assert(time.format(time.parse '2024-02-29') == '2024-02-29T00:00:00Z')\n"
        "local utc = time.utc(1769860800)\n"
        "assert(utc.year == 2026 and utc.month == 1 and utc.day == 31 and utc.hour == 12 and "
        "utc.weekday == 6)\n"
        "assert(not pcall(time.format, 1e300) and not pcall(time.format, 0/0))\n");
}

static void addresses_are_compared_with_blocks(void **state)
{
    (void)state;
    is_fine("local net = w.net\n"
            "local block = net.block '192.0.2.0/24'\n"
            "assert(block:has(ctx.remote_address) and not block:has '192.0.3.1' and not "
            "block:has 'x')\n"
            "assert(net.block 'fd00::/8':has 'fd12::1' and not block:has 'fd12::1' and not "
            "block:has(nil))\n"
            "assert(net.is_address '::1' and not net.is_address '127.1')\n"
            "assert(net.class '10.0.0.1' == 'private' and net.class '8.8.8.8' == 'global' and "
            "net.class '' == nil)\n"
            "assert(not pcall(net.block, '10.0.0.1/8'))\n"
            "assert(not pcall(block.has, 'x', 'y'))\n");
}

struct heard {
    int count;
    double total, gauge;
};

static void on_figure(void *owner, const struct wg_policy_figure *figure)
{
    struct heard *heard = owner;

    heard->count++;
    assert_string_equal(figure->policy, "main");
    if (figure->is_gauge)
        heard->gauge = figure->value;
    else
        heard->total = figure->value;
}

static void figures_are_kept_with_the_name_of_the_policy(void **state)
{
    struct policy_kit kit;
    struct heard heard = {.count = 0};

    (void)state;
    kit_init(&kit);
    kit_open(&kit, "local w = require 'wavegate'\n"
                   "w.on('event', function(event, ctx)\n"
                   "  w.metrics.count 'seen' w.metrics.count('seen', 2) "
                   "w.metrics.gauge('size', event.size)\n"
                   "  assert(not pcall(w.metrics.count, 'Seen')) assert(not "
                   "pcall(w.metrics.count, 'seen', -1))\n"
                   "  w.log.debug('seen', { peer = ctx.peer.name, n = 1, t = {} })\n"
                   "  print('seen', event, nil)\n"
                   "end)\n");
    kit_ask(&kit, WG_HOOK_EVENT);
    assert_int_equal(kit.decision.failure, WG_OK);
    wg_policy_each_figure(kit.engine, on_figure, &heard);
    assert_int_equal(heard.count, 2);
    assert_float_equal(heard.total, 3, 0);
    assert_true(heard.gauge > 10);
    kit_done(&kit);
}

static void values_of_key_value_keep_their_type(void **state)
{
    (void)state;
    is_fine(
        "local kv = w.kv\n"
        "for _, v in ipairs { 'text', 1, 1.5, true, false, 'a\\0b' } do\n"
        "  kv.set('k', v)\n"
        "  assert(kv.get 'k' == v and math.type(kv.get 'k') == math.type(v))\n"
        "end\n"
        "kv.set('k', nil)\n"
        "assert(kv.get 'k' == nil and kv.add('k', 'x', '1m') and not kv.add('k', 'y') and "
        "kv.get 'k' == 'x')\n"
        "assert(kv.cas('k', 'x', 'z') and not kv.cas('k', 'x', 'q') and kv.get 'k' == 'z')\n"
        "assert(kv.incr 'n' == 1 and kv.incr('n', 10) == 11 and kv.incr('n', -1) == 10)\n"
        "assert(not pcall(kv.incr, 'k') and not pcall(kv.set, 'k', {}) and not pcall(kv.set, "
        "'', 1))\n"
        "assert(not pcall(kv.set, 'k', 1, -1) and not pcall(kv.set, 'k', 1, 'soon'))\n");
}

static void modules_that_change_something_want_a_handler(void **state)
{
    struct policy_kit kit;

    (void)state;
    kit_init(&kit);
    kit_open(&kit,
             "local w = require 'wavegate'\n"
             "for _, f in ipairs { w.kv.get, w.kv.incr, w.metrics.count, w.time.sleep } do\n"
             "  local ok, why = pcall(f, 1, 1)\n"
             "  assert(not ok)\n"
             "end\n"
             "local ok, why = pcall(w.kv.get, 'x')\n"
             "assert(why:find 'only inside a handler')\n");
    kit_done(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_read_strictly_and_written_canonically),
        cmocka_unit_test(base64_and_hashes_are_the_usual_ones),
        cmocka_unit_test(time_is_read_and_written),
        cmocka_unit_test(addresses_are_compared_with_blocks),
        cmocka_unit_test(figures_are_kept_with_the_name_of_the_policy),
        cmocka_unit_test(values_of_key_value_keep_their_type),
        cmocka_unit_test(modules_that_change_something_want_a_handler),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
