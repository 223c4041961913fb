// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "federation/exchange.h"
#include "federation/restore.h"
#include "store/document.h"

/* A key that has signed well but that this instance has not taken from this peer before: hook
 * "key" decides. What it takes is remembered, for good when there is a store. */

enum { RING_LIMIT_BYTES = 4096 };

void wg_exchange_shows(struct wg_exchange *x, const struct wg_public_key *key)
{
    for (size_t i = 0; i < x->shown_count; i++)
        if (wg_public_key_equal(&x->shown[i], key))
            return;
    if (WG_CHECK(x->shown_count < WG_COUNT(x->shown)))
        x->shown[x->shown_count++] = *key;
}

static void on_stored(void *owner, const struct wg_err *err, int64_t version)
{
    (void)owner;
    (void)version;
    if (err->code != WG_OK)
        wg_log(WG_LOG_ERROR, "federation.key_not_stored",
               "an accepted key will be asked about again after a restart, ignoring",
               WG_F_TEXT("reason", err->text));
}

static void store(struct wg_exchange *x)
{
    struct wg_gateway *gateway = x->worker->gateway;
    struct wg_document_put put = {.namespace = wg_str(WG_STORED_KEYS),
                                  .expected_version = WG_DOCUMENT_ANY};
    struct wg_buf key, value;

    if (!gateway->store)
        return;
    wg_buf_init(&key, WG_DOCUMENT_NAME_MAX);
    wg_buf_init(&value, RING_LIMIT_BYTES);
    wg_keyring_key(x->instance->server_name, x->peer_name, &key);
    wg_keyring_write(gateway->keyring, x->instance->server_name, x->peer_name, &value);
    put.key = wg_buf_str(&key);
    put.value = wg_buf_str(&value);
    wg_store_document_put(gateway->store, gateway->control, &put, on_stored, NULL);
    wg_buf_done(&key);
    wg_buf_done(&value);
}

static void accept(struct wg_exchange *x, const struct wg_public_key *key)
{
    if (!wg_keyring_add(x->worker->gateway->keyring, x->instance->server_name, x->peer_name,
                        key))
        return;
    store(x);
    if (x->question.change.old_key_id.at)
        wg_log(WG_LOG_INFO, "federation.key_accepted", "a peer signs with another key",
               WG_F_STR("server", x->instance->server_name), WG_F_STR("peer", x->peer_name),
               WG_F_STR("old_kid", x->question.change.old_key_id), WG_F_TEXT("kid", key->kid),
               WG_F_STR("policy", x->decision.policy));
}

/* Before anybody is asked: an operator has said which key it is, whatever a descriptor says. */
static enum wg_stage_result refuse_unpinned(struct wg_exchange *x,
                                            const struct wg_public_key *key,
                                            const struct wg_public_key *pinned)
{
    x->decision = (struct wg_decision){.verdict = WG_VERDICT_DENY,
                                       .code = WG_POLICY_REJECTED,
                                       .policy = WG_STR("pin"),
                                       .limit = {-1, -1, -1}};
    return wg_exchange_fail(
        x, WG_POLICY_REJECTED,
        "the key of '%.*s' is pinned here to '%s', it signs with '%s': tell "
        "the operator of '%.*s' that the key has changed",
        WG_STR_F(x->peer_name), pinned->kid, key->kid, WG_STR_F(x->instance->server_name));
}

enum wg_stage_result wg_stage_recognise(struct wg_exchange *x)
{
    for (; x->shown_at < x->shown_count; x->shown_at++) {
        const struct wg_public_key *key = &x->shown[x->shown_at];
        enum wg_stage_result result;
        struct wg_public_key pinned;

        if (wg_notes_refuse(x->worker->gateway->notes, x->peer_name, key, &pinned))
            return refuse_unpinned(x, key, &pinned);
        if (!x->is_asked && wg_keyring_has(x->worker->gateway->keyring,
                                           x->instance->server_name, x->peer_name, key))
            continue;
        result = wg_exchange_ask(x, WG_HOOK_KEY);
        if (result == WG_STAGE_NEXT)
            result = wg_exchange_obey(x);
        if (result != WG_STAGE_NEXT)
            return result;
        accept(x, key);
    }
    return WG_STAGE_NEXT;
}
