// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"

struct case_of {
    const char *why;
    const char *text;
    const char *problem; /* "config.lua" stands for "~/config.lua" */
};

#define UPSTREAM(url)                                                                  \
    "return { instances = { ['a.example.test'] = {\nupstream = " url                   \
    ", certificate = 'a.pem', private_key = 'a.key', signing_key = 'a.key', policy = " \
    "'main.lua' } } }"
#define WITH(field) "return {\n" field ",\n" INSTANCES " }"
#define IN_INSTANCE(field) \
    "return { instances = { ['a.example.test'] = { " INSTANCE_FIELDS "\n" field " } } }"

static void expect_problems(const struct case_of *cases, size_t count)
{
    struct scratch scratch;

    scratch_init(&scratch);
    for (size_t i = 0; i < count; i++) {
        char first[sizeof scratch.err.text + 8];

        if (scratch_load(&scratch, cases[i].text) != WG_CONFIG)
            fail_msg("%s: was accepted", cases[i].why);
        if (!strstr(wg_buf_str(&scratch.problems).at, cases[i].problem))
            fail_msg("%s:\nwanted %s\ngot    %s", cases[i].why, cases[i].problem,
                     wg_buf_str(&scratch.problems).at);
        assert_null(scratch.config);
        assert_int_equal(scratch.err.code, WG_CONFIG);
        snprintf(first, sizeof first, "%s", scratch.err.text);
        assert_memory_equal(first, scratch.folder, strlen(scratch.folder));
    }
    scratch_done(&scratch);
}

static void an_unknown_name_is_told_with_its_line_and_the_nearest_right_one(void **state)
{
    static const struct case_of cases[] = {
        {"the contract's own example",
         "return {\n  data = 'd',\n\n  ingres = { listen = { '0.0.0.0:1' } },\n" INSTANCES "}",
         "config.lua:4: unknown field 'ingres', did you mean 'ingress'?\n"},
        {"below a section", WITH("peers = {\n  resolv = {} }"),
         "config.lua:3: unknown field 'resolv' in peers, did you mean 'resolve'?\n"},
        {"below an instance", IN_INSTANCE("\nfederation = {\nalowed_peers = {} }"),
         "config.lua:4: unknown field 'alowed_peers' in "
         "instances[\"a.example.test\"].federation, "
         "did you mean 'allowed_peers'?\n"},
        {"nothing is near: all that may stand there", WITH("egress = { zzzzzzzzz = 1 }"),
         "config.lua:2: unknown field 'zzzzzzzzz' in egress; the fields here are: listen\n"},
        {"the name stands in a comment and a string before",
         "-- ingres\nlocal x = [[\ningres = 1]]\nreturn {\ningres = 1, " INSTANCES "}",
         "config.lua:5: unknown field 'ingres'"},
        {"a table made by code: where the name first stands",
         "local c = { " INSTANCES "}\nlocal n = 'a' .. 'b'\nc.ingres = 1\nreturn c",
         "config.lua:3: unknown field 'ingres'"},
        {"a name made by code: the return",
         "local c = { " INSTANCES "}\nc['in' .. 'gres'] = 1\n\nreturn c",
         "config.lua:4: unknown field 'ingres'"},
        {"a part made by code: where the name first stands",
         "local function p()\n  return { resolv = {} }\nend\nreturn { peers = p(), " INSTANCES
         "}",
         "config.lua:2: unknown field 'resolv'"},
        {"an item among names", WITH("'stray'"), "takes names (name = value), not list items"},
    };

    (void)state;
    expect_problems(cases, WG_COUNT(cases));
}

static void a_value_of_the_wrong_type_is_told_with_what_would_be_right(void **state)
{
    static const struct case_of cases[] = {
        {"a section", WITH("ingress = 5"),
         "config.lua:2: ingress: must be a table, is a number\n"},
        {"a list", WITH("ingress = { listen = '0.0.0.0:1' }"),
         "config.lua:2: ingress.listen: must be a list of \"ip:port\", in braces, is a "
         "string\n"},
        {"an item", WITH("ingress = { listen = {\n'0.0.0.0:1',\n5 } }"),
         "config.lua:4: ingress.listen[2]: must be a string, is a number\n"},
        {"a list with names", WITH("ingress = { listen = { a = '0.0.0.0:1' } }"),
         "without names or holes"},
        {"a path", WITH("data = {}"), "config.lua:2: data: must be a path, is a table\n"},
        {"an empty path", WITH("data = ''"), "data: may not be empty"},
        {"workers", WITH("workers = 'many'"),
         "workers: must be \"auto\" or an integer, is a string"},
        {"a fraction", WITH("workers = 1.5"),
         "workers: must be \"auto\" or an integer, is a fraction"},
        {"a boolean", WITH("peers = { allow_ip_literals = 'yes' }"),
         "peers.allow_ip_literals: must be true or false, is a string"},
        {"a number in a string", WITH("policy = { instructions = '5000' }"),
         "policy.instructions: must be an integer, is a string"},
        {"a NUL in a path", WITH("data = 'a\\0b'"), "data: may not hold a NUL byte"},
        {"an instance", "return { instances = { ['a.example.test'] = 1 } }",
         "instances[\"a.example.test\"]: must be a table, is a number"},
        {"resolve", WITH("peers = { resolve = 'a' }"), "peers.resolve: must be a table like {"},
        {"the file returns nothing", "data = 5", "config.lua:1: must return a table"},
        {"the file returns a text", "\nreturn 'x'", "config.lua:2: must return a table"},
    };

    (void)state;
    expect_problems(cases, WG_COUNT(cases));
}

static void a_value_out_of_range_is_told_with_the_range(void **state)
{
    static const struct case_of cases[] = {
        {"workers", WITH("workers = 0"), "config.lua:2: workers: must be 1 to 1024\n"},
        {"a duration in seconds", WITH("limits = { head_timeout = 0.001 }"),
         "limits.head_timeout: must be 10ms to 1h\n"},
        {"an endless duration", WITH("limits = { head_timeout = 1/0 }"),
         "must be 10ms to 1h\n"},
        {"no number at all", WITH("limits = { head_timeout = 0/0 }"), "must be 10ms to 1h\n"},
        {"a size", WITH("limits = { body = '1GiB' }"), "limits.body: must be 1KiB to 64MiB\n"},
        {"a count", IN_INSTANCE("federation = { max_backfill_events_per_request = 1001 }"),
         "federation.max_backfill_events_per_request: must be 0 to 1000\n"},
        {"no ingress at all", WITH("ingress = { listen = {} }"),
         "ingress.listen: must have 1 to 64 items\n"},
        {"a duration without a unit", WITH("limits = { idle_timeout = '30' }"),
         "'30' is not a duration: write a number of seconds or a text like"},
        {"a size in words", WITH("limits = { body = 'big' }"), "'big' is not a size: write"},
        {"a day that does not exist",
         IN_INSTANCE("federation = { hide_history_before = '2026-02-31' }"),
         "'2026-02-31' is not a time: write"},
        {"a choice", IN_INSTANCE("federation = { default_mode = 'invite' }"),
         "config.lua:2: instances[\"a.example.test\"].federation.default_mode: 'invite' is not "
         "one "
         "of \"open\", \"invite_only\", \"closed\"\n"},
        {"a choice of the wrong type", WITH("log = { level = 3 }"),
         "log.level: must be one of \"debug\", \"info\", \"warn\", \"error\", is a number"},
    };

    (void)state;
    expect_problems(cases, WG_COUNT(cases));
}

static void a_malformed_address_or_name_is_told_with_the_right_form(void **state)
{
    static const struct case_of cases[] = {
        {"a host name", WITH("ingress = { listen = { 'localhost:8443' } }"),
         "ingress.listen[1]: 'localhost:8443' is not ip:port; write it like 0.0.0.0:8443"},
        {"no port", WITH("egress = { listen = { '127.0.0.1' } }"), "is not ip:port"},
        {"too large a port", WITH("egress = { listen = { '127.0.0.1:65536' } }"),
         "is not ip:port"},
        {"IPv6 without brackets", WITH("egress = { listen = { '::1:80' } }"), "is not ip:port"},
        {"IPv4 in brackets", WITH("egress = { listen = { '[127.0.0.1]:80' } }"),
         "is not ip:port"},
        {"an empty text", WITH("egress = { listen = { '' } }"), "'' is not ip:port"},
        {"a bracket alone", WITH("egress = { listen = { '[' } }"), "'[' is not ip:port"},
        {"two doors at one address",
         WITH("egress = { listen = {\n'127.0.0.1:80' } },\nadmin = { listen = { '127.0.0.1:80' "
              "} }"),
         "config.lua:4: admin.listen[1]: the same address as egress.listen[1] (line 3)"},
        {"the same in two spellings",
         WITH("egress = { listen = { '[::1]:80', '[0:0:0:0:0:0:0:1]:80' } }"),
         "egress.listen[2]: the same address as egress.listen[1]"},
        {"a block with bits behind its prefix",
         WITH("peers = { allow_addresses = {\n'10.1.2.3/8' } }"),
         "config.lua:3: peers.allow_addresses[1]: '10.1.2.3/8' is not a block of addresses"},
        {"a name as a block", WITH("peers = { allow_addresses = { 'example.com' } }"),
         "'example.com' is not a block of addresses like 10.0.0.0/8"},
        {"a server name in upper case",
         "return { instances = { ['A.example'] = { " INSTANCE_FIELDS "} } }",
         "instances[\"A.example\"]: 'A.example' is not a server name"},
        {"an address as a name",
         WITH("peers = { resolve = { ['127.0.0.1'] = '127.0.0.1:1' } }"),
         "peers.resolve[\"127.0.0.1\"]: '127.0.0.1' is not a server name"},
        {"resolve to a name", WITH("peers = { resolve = { ['a.example'] = 'b.example:1' } }"),
         "peers.resolve[\"a.example\"]: 'b.example:1' is not ip:port"},
        {"resolve to port 0", WITH("peers = { resolve = { ['a.example'] = '127.0.0.1:0' } }"),
         "'127.0.0.1:0' is not ip:port"},
        {"a peer with a star inside",
         IN_INSTANCE("federation = { denied_peers = { 'a.*.example' } }"),
         "federation.denied_peers[1]: 'a.*.example' is not a server name"},
        {"upstream without a scheme", UPSTREAM("'127.0.0.1:9001'"),
         "upstream: '127.0.0.1:9001' is not a URL with http:// or https://; write "
         "http://host:port"},
        {"upstream with a path", UPSTREAM("'http://127.0.0.1/x'"), "has a path"},
        {"upstream with a slash", UPSTREAM("'http://127.0.0.1:1/'"), "has a path"},
        {"upstream with a query", UPSTREAM("'http://127.0.0.1?x'"), "has a path"},
        {"upstream with a user", UPSTREAM("'http://u:p@127.0.0.1'"), "use upstream_token_file"},
        {"upstream without a host", UPSTREAM("'http://'"), "is not a host and a port"},
        {"upstream with an empty port", UPSTREAM("'http://a:'"), "is not a host and a port"},
        {"upstream with half a bracket", UPSTREAM("'http://[::1'"), "is not a host and a port"},
        {"upstream with a blank", UPSTREAM("'http://a b'"), "is not a host and a port"},
    };

    (void)state;
    expect_problems(cases, WG_COUNT(cases));
}

static void a_missing_file_is_told_with_its_path_and_what_is_expected(void **state)
{
    static const struct case_of cases[] = {
        {"a key", IN_INSTANCE("signing_key = 'keys/a.key'"),
         "config.lua:2: instances[\"a.example.test\"].signing_key: no such file: ~/keys/a.key: "
         "make one with `wavegate keygen --out keys/a.key`\n"},
        {"a certificate", IN_INSTANCE("certificate = 'b.pem'"),
         "no such file: ~/b.pem: a PEM file with the certificate for this server name"},
        {"a folder", IN_INSTANCE("policy = '.'"),
         "~/. is a folder: write one; the smallest is:"},
        {"anchors", WITH("peers = { trust_anchors = 'sistem' }"),
         "peers.trust_anchors: no such file: ~/sistem: a PEM file of CA certificates, or write "
         "\"system\"\n"},
        {"no home", IN_INSTANCE("policy = '~/main.lua'"), "no such file: ~/~/main.lua"},
        {"an empty path", IN_INSTANCE("policy = ''"), "policy: may not be empty"},
        {"not given",
         "return { instances = {\n['a.example.test'] = { upstream = 'http://a' } } }",
         "config.lua:2: instances[\"a.example.test\"]: 'signing_key' is missing: The Ed25519 "
         "key"},
        {"no instances given", "return {\n}", "config.lua:1: 'instances' is missing"},
        {"no instances", "return {\ninstances = {} }",
         "config.lua:2: instances: must have 1 to 10000 instances, like"},
    };

    (void)state;
    expect_problems(cases, WG_COUNT(cases));
}

static void a_program_that_fails_is_told_with_its_line(void **state)
{
    static const struct case_of cases[] = {
        {"a syntax error", "return {\n  a = = 1\n}",
         "config.lua:2: unexpected symbol near '='\n"},
        {"an end without end", "while true do end",
         "config.lua:1: took more than 10000000 "
         "instructions; a configuration must end"},
        {"the same in a function", "local function f()\n while true do end\nend\nreturn f()",
         "config.lua:2: took more than"},
        {"endless memory", "local t = {}\nfor i = 1, 1e9 do t[i] = { i } end",
         "config.lua: took more"},
        {"endless text", "local s = 'x'\nwhile true do s = s .. s end",
         "config.lua: took more memory"},
        {"endless text in one call", "return ('x'):rep(1 << 40)",
         "config.lua:1: string.rep would"},
        {"nothing, often", "return (''):rep(1 << 60)", "config.lua:1: string.rep would"},
        {"an error", "\nerror('stop here')", "config.lua:2: stop here\n"},
        {"an error that is a table", "error({})",
         "config.lua: ended with an error that is not"},
        {"no io", "local f = io.open('/etc/passwd')",
         "config.lua:1: attempt to index a nil value (global 'io')"},
        {"no os", "os.exit(0)", "(global 'os')"},
        {"no debug", "debug.getinfo(1)", "(global 'debug')"},
        {"no load", "load('return 1')", "(global 'load')"},
        {"no require", "require 'x'", "(global 'require')"},
        {"no pcall to swallow the budget", "pcall(error)", "(global 'pcall')"},
        {"no metatables", "setmetatable({}, {})", "(global 'setmetatable')"},
        {"no bytecode out", "string.dump(function() end)", "(field 'dump')"},
        {"no bytecode in", "\x1bLua", "attempt to load a binary chunk"},
        {"a variable that is not set", "return { data = env('WAVEGATE_NO_SUCH_VARIABLE') }",
         "config.lua:1: environment variable WAVEGATE_NO_SUCH_VARIABLE is not set; set it, or"},
        {"a field twice", WITH("data = 'a',\ndata = 'b'"),
         "config.lua:3: field 'data' is given twice, first on line 2\n"},
    };

    (void)state;
    expect_problems(cases, WG_COUNT(cases));
}

static void all_problems_are_told_in_the_order_of_their_lines(void **state)
{
    struct scratch scratch;

    (void)state;
    scratch_init(&scratch);
    assert_int_equal(scratch_load(&scratch, "return {\n  workers = 0,\n  ingres = 1,\n"
                                            "  log = { level = 'loud' },\n" INSTANCES "\n}"),
                     WG_CONFIG);
    assert_string_equal(wg_buf_str(&scratch.problems).at,
                        "~/config.lua:2: workers: must be 1 to 1024\n"
                        "~/config.lua:3: unknown field 'ingres', did you mean 'ingress'?\n"
                        "~/config.lua:4: log.level: 'loud' is not one of \"debug\", \"info\", "
                        "\"warn\", \"error\"\n");
    scratch_done(&scratch);
}

static void no_more_than_fifty_problems_are_told(void **state)
{
    struct scratch scratch;
    size_t lines = 0;

    (void)state;
    scratch_init(&scratch);
    assert_int_equal(scratch_load(&scratch, "local c = { " INSTANCES " }\n"
                                            "for i = 1, 200 do c['no' .. i] = 1 end\nreturn c"),
                     WG_CONFIG);
    for (size_t i = 0; i < scratch.problems.len; i++)
        lines += scratch.problems.at[i] == '\n';
    assert_int_equal(lines, 51);
    assert_non_null(strstr(scratch.problems.at, "\nand 150 more\n"));
    scratch_done(&scratch);
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
    struct wg_config *config = NULL;
    struct wg_err err;

    (void)state;
    assert_int_equal(wg_config_load("/no/such/config.lua", &config, NULL, NULL, &err),
                     WG_CONFIG);
    assert_string_equal(err.text, "/no/such/config.lua: no such file: name one with --config; "
                                  "`man wavegate.conf` shows a first one");
    assert_int_equal(wg_config_load("/", &config, NULL, NULL, &err), WG_CONFIG);
    assert_string_equal(err.text, "/: Is a directory");
    assert_null(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_name_is_told_with_its_line_and_the_nearest_right_one),
        cmocka_unit_test(a_value_of_the_wrong_type_is_told_with_what_would_be_right),
        cmocka_unit_test(a_value_out_of_range_is_told_with_the_range),
        cmocka_unit_test(a_malformed_address_or_name_is_told_with_the_right_form),
        cmocka_unit_test(a_missing_file_is_told_with_its_path_and_what_is_expected),
        cmocka_unit_test(a_program_that_fails_is_told_with_its_line),
        cmocka_unit_test(all_problems_are_told_in_the_order_of_their_lines),
        cmocka_unit_test(no_more_than_fifty_problems_are_told),
        cmocka_unit_test(a_file_that_cannot_be_read_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
