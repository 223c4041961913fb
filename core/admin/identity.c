// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_impl.h"
#include "federation/probe.h"

static json_t *describe_key(const struct wg_public_key *key)
{
    char text[WG_PUBLIC_KEY_TEXT];

    wg_public_key_write(key, text);
    return json_pack("{s:s, s:s}", "kid", key->kid, "public_key", text);
}

/* Who this instance is to its peers: what the descriptor says, and where it is served. */
void wg_admin_identity(struct wg_admin_request *request)
{
    const struct wg_instance *instance = request->instance;
    struct wg_err err;
    json_t *descriptor;
    int64_t now_s = wg_clock_wall_s(request->gateway->clock), max_age_s;
    struct wg_public_key key = wg_identity_public_key(instance->identity, now_s);
    json_t *json = describe_key(&key);

    json_object_set_new(json, "server_name", wg_admin_string(instance->server_name));
    json_object_set_new(
        json, "descriptor_url",
        json_sprintf("https://%.*s" WG_DESCRIPTOR_PATH, WG_STR_F(instance->server_name)));
    if (wg_json_parse(
            wg_identity_descriptor(instance->identity, now_s, request->arena, &max_age_s),
            &descriptor, &err) == WG_OK)
        json_object_set_new(json, "descriptor", descriptor);
    wg_admin_answer(request, 200, json);
}

static const char *on_error_name(enum wg_on_error on_error)
{
    static const char *const names[] = {"deny", "defer", "allow"};

    return names[on_error];
}

static json_t *describe_certificate(const struct wg_gateway *gateway, size_t index)
{
    struct wg_certificate_state state;
    json_t *json;

    wg_certificates_read(gateway->certificates, index, &state);
    json = json_pack(
        "{s:I, s:I, s:I, s:o, s:o, s:b, s:i, s:s}", "not_before",
        (json_int_t)state.facts.not_before_s, "not_after", (json_int_t)state.facts.not_after_s,
        "days_left",
        (json_int_t)((state.facts.until_s - wg_clock_wall_s(gateway->clock)) / (24 * 3600)),
        "names", wg_admin_string(wg_str(state.facts.names)), "issuer",
        wg_admin_string(wg_str(state.facts.issuer)), "for_name", state.facts.is_for_name,
        "chain_length", (int)state.facts.chain_length, "fingerprint", state.facts.fingerprint);
    json_object_set_new(json, "taken_at", json_integer((json_int_t)state.taken_at_s));
    if (state.distrust[0])
        json_object_set_new(json, "distrust", wg_admin_string(wg_str(state.distrust)));
    if (state.problem[0]) {
        json_object_set_new(json, "problem", wg_admin_string(wg_str(state.problem)));
        json_object_set_new(json, "problem_since",
                            json_integer((json_int_t)state.problem_since_s));
    }
    return json;
}

static json_t *describe_reach(const struct wg_gateway *gateway, size_t index)
{
    struct wg_probe_state state;
    json_t *json;

    wg_probe_read(gateway->probe, index, &state);
    if (!state.is_known)
        return json_null();
    json = json_pack("{s:b, s:I, s:I, s:I}", "ok", state.is_reachable, "since",
                     (json_int_t)state.since_s, "checked_at", (json_int_t)state.checked_s,
                     "took_ms", (json_int_t)state.took_ms);
    if (state.error[0])
        json_object_set_new(json, "error", wg_admin_string(wg_str(state.error)));
    return json;
}

static json_t *describe_instance(const struct wg_gateway *gateway,
                                 const struct wg_instance *instance)
{
    struct wg_policy_edition edition;
    const char *failure = wg_policy_last_failure(gateway->policy, instance->index);
    struct wg_public_key key =
        wg_identity_public_key(instance->identity, wg_clock_wall_s(gateway->clock));
    json_t *json = json_pack("{s:o, s:s, s:s, s:s, s:s}", "server_name",
                             wg_admin_string(instance->server_name), "kid", key.kid, "upstream",
                             instance->config->upstream, "policy", instance->config->policy,
                             "on_error", on_error_name(instance->config->on_error));

    json_object_set_new(json, "reachable", describe_reach(gateway, instance->index));
    if (gateway->certificates)
        json_object_set_new(json, "certificate",
                            describe_certificate(gateway, instance->index));
    if (wg_policy_generations(gateway->policy, instance->index, &edition, 1) == 1)
        json_object_set_new(json, "generation", json_integer((json_int_t)edition.number));
    if (failure)
        json_object_set_new(json, "last_load_failure", wg_admin_string(wg_str(failure)));
    return json;
}

void wg_admin_instances(struct wg_admin_request *request)
{
    const struct wg_gateway *gateway = request->gateway;
    struct wg_str cursor;
    size_t limit, at = 0;
    uint64_t start = 0;
    json_t *rows;

    if (!wg_admin_page(request, 1000, 100, &limit, &cursor))
        return;
    if (cursor.at && !wg_str_to_uint(cursor, gateway->instance_count, &start)) {
        wg_admin_fail(request, WG_INVALID, "query: this cursor is not from this list");
        return;
    }
    rows = json_array();
    for (at = (size_t)start; at < gateway->instance_count && at < start + limit; at++)
        json_array_append_new(rows, describe_instance(gateway, &gateway->instances[at]));
    wg_admin_answer(request, 200,
                    wg_admin_list("instances", rows,
                                  at < gateway->instance_count
                                      ? wg_str(wg_arena_format(request->arena, "%zu", at))
                                      : (struct wg_str){NULL, 0}));
}
