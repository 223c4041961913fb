// SPDX-License-Identifier: Apache-2.0
#include "federation/gateway.h"

#include "base/log.h"
#include "federation/peers.h"
#include "federation/standing.h"
#include "wire/name.h"

enum {
    PEERS_LIMIT = 100 * 1000,
    NONCES_LIMIT = 2 * 1000 * 1000,
    TAKEN_LIMIT = 1000 * 1000,
};

static void log_discovery_failure(void *owner, struct wg_str name, const struct wg_err *err,
                                  int64_t retry_s)
{
    (void)owner;
    wg_log(WG_LOG_WARN, "federation.peer_discovery_failed", "a peer's descriptor is not usable",
           WG_F_STR("peer", name), WG_F_TEXT("code", wg_code_name(err->code)),
           WG_F_TEXT("reason", err->text), WG_F_INT("retry_after_s", retry_s));
}

enum wg_code wg_gateway_new(const struct wg_config *config, const struct wg_clock *clock,
                            struct wg_gateway **ret_gateway, struct wg_err *err)
{
    struct wg_gateway *gateway = wg_new(struct wg_gateway);

    gateway->config = config;
    gateway->clock = clock;
    gateway->instances = wg_alloc(config->instance_count * sizeof *gateway->instances);
    for (size_t i = 0; i < config->instance_count; i++) {
        gateway->instance_count = i + 1;
        if (wg_instance_init(&gateway->instances[i], i, &config->instances[i], err) != WG_OK)
            goto failed;
    }
    if (config->queue.retry &&
        wg_schedule_parse(wg_str(config->queue.retry), &gateway->retry, err) != WG_OK) {
        wg_while(err, "%s: queue.retry", config->file);
        goto failed;
    }
    if (wg_policy_engine_new(config, clock, &gateway->policy, err) != WG_OK)
        goto failed;
    gateway->directory = wg_directory_new(clock, PEERS_LIMIT, config->allow_ip_literals);
    wg_peers_set_series(gateway->directory, (size_t)config->metrics_peers);
    wg_directory_on_failure(gateway->directory, log_discovery_failure, NULL);
    gateway->nonces = wg_nonces_new(clock, NONCES_LIMIT);
    gateway->taken = wg_taken_new(TAKEN_LIMIT);
    gateway->lanes = wg_lanes_new();
    gateway->may_wait = wg_alloc(config->instance_count * sizeof *gateway->may_wait);
    gateway->certificate_until_s =
        wg_alloc(config->instance_count * sizeof *gateway->certificate_until_s);
    gateway->tokens = wg_tokens_new(clock);
    gateway->rooms = wg_rooms_new();
    gateway->members = wg_members_new(clock);
    gateway->notes = wg_notes_new();
    gateway->modes = wg_modes_new(config->instance_count);
    for (size_t i = 0; i < config->instance_count; i++)
        wg_modes_set(gateway->modes, i, &config->instances[i].federation);
    gateway->keyring = wg_keyring_new();
    *ret_gateway = gateway;
    return WG_OK;

failed:
    wg_gateway_free(gateway);
    return err->code;
}

struct wg_gateway *wg_gateway_free(struct wg_gateway *gateway)
{
    if (!gateway)
        return NULL;
    wg_certificates_free(gateway->certificates);
    wg_keyring_free(gateway->keyring);
    wg_modes_free(gateway->modes);
    wg_notes_free(gateway->notes);
    wg_members_free(gateway->members);
    wg_rooms_free(gateway->rooms);
    wg_tokens_free(gateway->tokens);
    wg_free(gateway->certificate_until_s);
    wg_free(gateway->may_wait);
    wg_lanes_free(gateway->lanes);
    wg_taken_free(gateway->taken);
    wg_nonces_free(gateway->nonces);
    wg_directory_free(gateway->directory);
    wg_policy_engine_free(gateway->policy);
    for (size_t i = 0; i < gateway->instance_count; i++)
        wg_instance_done(&gateway->instances[i]);
    wg_free(gateway->instances);
    wg_free(gateway->workers);
    wg_free(gateway);
    return NULL;
}

static const struct wg_instance *find(const struct wg_gateway *gateway, struct wg_str name)
{
    for (size_t i = 0; i < gateway->instance_count; i++) {
        if (wg_str_equal_nocase(gateway->instances[i].server_name, name))
            return &gateway->instances[i];
    }
    return NULL;
}

const struct wg_instance *wg_gateway_instance(const struct wg_gateway *gateway,
                                              struct wg_str authority)
{
    const struct wg_instance *instance = find(gateway, authority);
    struct wg_str host;
    uint16_t port;

    if (instance)
        return instance;
    /* Whoever reaches us through a mapped port names the port in Host; the server is the same.
     */
    wg_server_name_split(authority, 443, &host, &port);
    return find(gateway, host);
}

enum wg_code wg_gateway_set_document(struct wg_gateway *gateway, size_t instance,
                                     const struct wg_config_federation *document,
                                     const char *cause, struct wg_err *err)
{
    if (wg_policy_set_document(gateway->policy, instance, document, cause, err) != WG_OK)
        return err->code;
    wg_modes_set(gateway->modes, instance, wg_policy_document(gateway->policy, instance));
    return WG_OK;
}

bool wg_gateway_key_ever(struct wg_gateway *gateway, struct wg_str peer, struct wg_str kid,
                         struct wg_public_key *ret_key)
{
    struct wg_public_key key, pinned;
    int64_t first_s, since_s;

    if (!wg_directory_key_ever(gateway->directory, peer, kid, &key, &first_s) ||
        (wg_notes_pin(gateway->notes, peer, &pinned, &since_s) && first_s >= since_s &&
         !wg_public_key_equal(&key, &pinned)))
        return false;
    *ret_key = key;
    return true;
}

void wg_worker_when_idle(struct wg_worker *worker, void (*on_idle)(void *owner), void *owner)
{
    worker->on_idle = on_idle;
    worker->on_idle_owner = owner;
    if (worker->exchanges == 0)
        wg_loop_post(worker->loop, on_idle, owner);
}

void wg_worker_exchange_ended(struct wg_worker *worker)
{
    worker->exchanges--;
    if (worker->exchanges == 0 && worker->on_idle)
        wg_loop_post(worker->loop, worker->on_idle, worker->on_idle_owner);
}
