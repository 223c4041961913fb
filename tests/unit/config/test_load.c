// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "scratch.h"

static void the_contract_example_loads_with_its_values(void **state)
{
    static const char text[] =
        "return {\n"
        "  ingress = { listen = { '0.0.0.0:8443' } },\n"
        "  egress  = { listen = { '127.0.0.1:8480' } },\n"
        "  admin   = { listen = { '127.0.0.1:8490' } },\n"
        "  data    = 'data',\n"
        "  workers = 'auto',\n"
        "  peers   = {\n"
        "    trust_anchors = 'system',\n"
        "    resolve = { ['peer.example.test'] = '127.0.0.1:9443' },\n"
        "    allow_addresses = {},\n"
        "  },\n"
        "  instances = {\n"
        "    ['a.example.test'] = {\n"
        "      upstream = 'http://127.0.0.1:9001',\n"
        "      certificate = 'a.pem', private_key = 'a.key',\n"
        "      signing_key = 'a.key',\n"
        "      policy = 'main.lua',\n"
        "      federation = { default_mode = 'invite_only', allowed_peers = { "
        "'peer.example.test' } },\n"
        "    },\n"
        "  },\n"
        "}\n";
    struct scratch scratch;
    const struct wg_config *config;
    char path[128];

    (void)state;
    scratch_init(&scratch);
    if (scratch_load(&scratch, text) != WG_OK)
        fail_msg("%s", scratch.err.text);
    config = scratch.config;
    assert_string_equal(config->file, scratch.file);
    assert_string_equal(config->folder, scratch.folder);
    assert_string_equal(config->ingress_listen[0], "0.0.0.0:8443");
    assert_null(config->ingress_listen[1]);
    assert_string_equal(config->egress_listen[0], "127.0.0.1:8480");
    assert_string_equal(config->admin_listen[0], "127.0.0.1:8490");
    snprintf(path, sizeof path, "%s/data", scratch.folder);
    assert_string_equal(config->data, path);
    assert_true(config->workers >= 1);
    assert_string_equal(config->trust_anchors, "system");
    assert_string_equal(config->resolve[0].name, "peer.example.test");
    assert_string_equal(config->resolve[0].address, "127.0.0.1:9443");
    assert_null(config->resolve[1].name);
    assert_int_equal(config->allow_address_count, 0);
    assert_int_equal(config->instance_count, 1);
    assert_string_equal(config->instances[0].server_name, "a.example.test");
    assert_string_equal(config->instances[0].upstream, "http://127.0.0.1:9001");
    snprintf(path, sizeof path, "%s/main.lua", scratch.folder);
    assert_string_equal(config->instances[0].policy, path);
    assert_int_equal(config->instances[0].federation.default_mode, WG_MODE_INVITE_ONLY);
    assert_string_equal(config->instances[0].federation.allowed_peers[0], "peer.example.test");
    scratch_done(&scratch);
}

static void what_is_not_written_has_its_default(void **state)
{
    struct scratch scratch;
    const struct wg_config *config;
    const struct wg_config_instance *instance;

    (void)state;
    scratch_init(&scratch);
    if (scratch_load(&scratch, "return { " INSTANCES " }") != WG_OK)
        fail_msg("%s", scratch.err.text);
    config = scratch.config;
    instance = &config->instances[0];
    assert_string_equal(config->ingress_listen[0], "0.0.0.0:8443");
    assert_string_equal(config->egress_listen[0], "127.0.0.1:8480");
    assert_string_equal(config->admin_listen[0], "127.0.0.1:8490");
    assert_non_null(config->resolve);
    assert_null(config->resolve[0].name);
    assert_false(config->allow_ip_literals);
    assert_int_equal(config->budget.instructions, 1000000);
    assert_int_equal(config->budget.running_ms, 50);
    assert_int_equal(config->budget.waiting_ms, 1000);
    assert_int_equal(config->budget.memory_bytes, 64 << 20);
    assert_int_equal(config->limits.header_bytes, 16384);
    assert_int_equal(config->limits.body_bytes, 262144);
    assert_int_equal(config->limits.head_timeout_ms, 10000);
    assert_int_equal(config->limits.body_timeout_ms, 30000);
    assert_int_equal(config->limits.idle_timeout_ms, 75000);
    assert_int_equal(config->limits.connections_per_address, 1000);
    assert_int_equal(config->limits.drain_timeout_ms, 30000);
    assert_int_equal(config->log_level, WG_LOG_INFO);
    assert_true(config->log_format == WG_LOG_JSON || config->log_format == WG_LOG_HUMAN);
    assert_null(instance->upstream_token_file);
    assert_int_equal(instance->upstream_timeout_ms, 10000);
    assert_int_equal(instance->on_error, WG_ON_ERROR_DENY);
    assert_int_equal(instance->federation.default_mode, WG_MODE_INVITE_ONLY);
    assert_null(instance->federation.allowed_peers[0]);
    assert_null(instance->federation.denied_peers[0]);
    assert_int_equal(instance->federation.max_foreign_participants_per_room, 0);
    assert_int_equal(instance->federation.max_backfill_events_per_request, 100);
    assert_int_equal(instance->federation.hide_history_before_s, 0);
    scratch_done(&scratch);
}

static void what_is_written_replaces_the_default(void **state)
{
    static const char text[] =
        "local function instance(port, more)\n"
        "  local i = { " INSTANCE_FIELDS " }\n"
        "  i.upstream = ('https://[::1]:%d'):format(port)\n"
        "  for name, value in pairs(more) do i[name] = value end\n"
        "  return i\n"
        "end\n"
        "return {\n"
        "  ingress = { listen = { '[::]:0', '127.0.0.1:0', '127.0.0.1:0' } },\n"
        "  egress = { listen = {} }, admin = { listen = {} },\n"
        "  data = '/var/lib/wavegate', workers = 7,\n"
        "  peers = { trust_anchors = 'ca.pem', allow_ip_literals = true,\n"
        "    resolve = { ['b.example'] = '[::1]:5', ['127.0.0.1:7'] = '127.0.0.1:6' },\n"
        "    allow_addresses = { '0.0.0.0/0', '::1/128', '10.0.0.0/8' } },\n"
        "  policy = { running = 0.25, waiting = '2s', memory = 2097152.0 },\n"
        "  limits = { drain_timeout = 0, body = '64 KB', idle_timeout = '5m' },\n"
        "  log = { level = 'debug', format = 'logfmt' },\n"
        "  policy_path = { '/srv/rules', 'mine' },\n"
        "  instances = {\n"
        "    ['b.example'] = instance(2, { upstream_token_file = 'a.key' }),\n"
        "    ['a.example:8448'] = instance(1, { on_error = 'defer',\n"
        "      federation = { default_mode = 'closed', denied_peers = { '*.bad.example' },\n"
        "                     hide_history_before = '2026-01-31' } }),\n"
        "  },\n"
        "}\n";
    struct scratch scratch;
    const struct wg_config *config;
    char path[128];

    (void)state;
    scratch_init(&scratch);
    if (scratch_load(&scratch, text) != WG_OK)
        fail_msg("%s", scratch.err.text);
    config = scratch.config;
    assert_string_equal(config->ingress_listen[0], "[::]:0");
    assert_string_equal(config->ingress_listen[2], "127.0.0.1:0");
    assert_null(config->egress_listen[0]);
    assert_null(config->admin_listen[0]);
    assert_string_equal(config->data, "/var/lib/wavegate");
    assert_int_equal(config->workers, 7);
    assert_string_equal(config->resolve[0].name, "127.0.0.1:7");
    assert_string_equal(config->resolve[1].address, "[::1]:5");
    assert_int_equal(config->allow_address_count, 3);
    assert_int_equal(config->allow_addresses[0].prefix, 96);
    assert_int_equal(config->budget.running_ms, 250);
    assert_int_equal(config->budget.waiting_ms, 2000);
    assert_int_equal(config->budget.memory_bytes, 2097152);
    assert_int_equal(config->limits.drain_timeout_ms, 0);
    assert_int_equal(config->limits.body_bytes, 64000);
    assert_int_equal(config->limits.idle_timeout_ms, 300000);
    assert_int_equal(config->log_level, WG_LOG_DEBUG);
    assert_int_equal(config->log_format, WG_LOG_LOGFMT);
    assert_string_equal(config->policy_path[0], "/srv/rules");
    snprintf(path, sizeof path, "%s/mine", scratch.folder);
    assert_string_equal(config->policy_path[1], path);
    assert_string_equal(config->instances[0].server_name, "a.example:8448");
    assert_string_equal(config->instances[0].upstream, "https://[::1]:1");
    assert_int_equal(config->instances[0].on_error, WG_ON_ERROR_DEFER);
    assert_int_equal(config->instances[0].federation.default_mode, WG_MODE_CLOSED);
    assert_string_equal(config->instances[0].federation.denied_peers[0], "*.bad.example");
    assert_int_equal(config->instances[0].federation.hide_history_before_s, 1769817600);
    assert_non_null(config->instances[1].upstream_token_file);
    scratch_done(&scratch);
}

static void the_environment_can_be_read(void **state)
{
    struct scratch scratch;

    (void)state;
    scratch_init(&scratch);
    setenv("WAVEGATE_TEST_WORKERS", "3", 1);
    if (scratch_load(&scratch,
                     "return { workers = tonumber(env 'WAVEGATE_TEST_WORKERS'),\n"
                     "  data = env('WAVEGATE_NO_SUCH_VARIABLE', '/srv'),\n"
                     "  log = env('WAVEGATE_NO_SUCH_VARIABLE', nil), " INSTANCES " }") != WG_OK)
        fail_msg("%s", scratch.err.text);
    assert_int_equal(scratch.config->workers, 3);
    assert_string_equal(scratch.config->data, "/srv");
    unsetenv("WAVEGATE_TEST_WORKERS");
    scratch_done(&scratch);
}

/* This very test runs from a build tree. */
static void policies_are_searched_beside_the_file_then_where_they_were_shipped(void **state)
{
    struct scratch scratch;
    wg_names path;
    char wanted[128], here[4096];

    (void)state;
    scratch_init(&scratch);
    assert_int_equal(scratch_load(&scratch, "return { " INSTANCES " }"), WG_OK);
    path = scratch.config->policy_path;
    snprintf(wanted, sizeof wanted, "%s/policies", scratch.folder);
    assert_string_equal(path[0], wanted);
    snprintf(wanted, sizeof wanted, "%s/lua", scratch.folder);
    assert_string_equal(path[1], wanted);
    assert_non_null(realpath(path[2], here));
    assert_non_null(strstr(here, "/policies"));
    assert_non_null(realpath(path[3], here));
    assert_non_null(strstr(here, "/lua"));
    assert_null(path[4]);
    scratch_done(&scratch);
}

static void a_file_without_a_folder_is_taken_from_the_current_one(void **state)
{
    struct scratch scratch;
    struct wg_config *config = NULL;
    char was[4096];

    (void)state;
    scratch_init(&scratch);
    assert_int_equal(scratch_load(&scratch, "return { " INSTANCES " }"), WG_OK);
    assert_non_null(getcwd(was, sizeof was));
    assert_int_equal(chdir(scratch.folder), 0);
    assert_int_equal(wg_config_load("config.lua", &config, NULL, NULL, &scratch.err), WG_OK);
    assert_string_equal(config->file, "config.lua");
    assert_string_equal(config->folder, scratch.folder);
    wg_config_free(config);
    scratch_write(&scratch, "config.lua", "return { ingres = 1 }", 21);
    assert_int_equal(wg_config_load("config.lua", &config, NULL, NULL, &scratch.err),
                     WG_CONFIG);
    assert_string_equal(scratch.err.text,
                        "config.lua:1: unknown field 'ingres', did you mean 'ingress'?");
    assert_int_equal(chdir(was), 0);
    scratch_done(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_contract_example_loads_with_its_values),
        cmocka_unit_test(what_is_not_written_has_its_default),
        cmocka_unit_test(what_is_written_replaces_the_default),
        cmocka_unit_test(the_environment_can_be_read),
        cmocka_unit_test(policies_are_searched_beside_the_file_then_where_they_were_shipped),
        cmocka_unit_test(a_file_without_a_folder_is_taken_from_the_current_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
