// SPDX-License-Identifier: Apache-2.0
#include "federation/exchange.h"
#include "wire/name.h"

/* Only this gateway signs with the upstream's tag. One that came from outside is an attempt to
 * pass for us, and would confuse an instance that looks for ours. */
static enum wg_code refuse_forged_upstream(struct wg_exchange *x)
{
    struct wg_signature *signatures;
    size_t count;

    if (wg_signatures_read(x->message, x->arena, &signatures, &count, &x->err) != WG_OK)
        return x->err.code = WG_BAD_SIGNATURE;
    for (size_t i = 0; i < count; i++) {
        if (wg_str_is(signatures[i].tag, WG_TAG_UPSTREAM))
            return wg_fail(&x->err, WG_BAD_SIGNATURE,
                           "the tag \"" WG_TAG_UPSTREAM
                           "\" is the gateway's own: leave it out");
    }
    return WG_OK;
}

/* Whoever is refused here is looked for by name: in the log, the audit, among the peers. */
static void name_claimant(struct wg_exchange *x)
{
    bool allow = x->worker->gateway->config->allow_ip_literals;
    struct wg_str name, kid;
    struct wg_err ignored;

    if (wg_keyid_parse(x->signature.keyid, &name, &kid, &ignored) == WG_OK &&
        wg_server_name_check(name, allow, &ignored) == WG_OK)
        x->peer_name = name;
}

static enum wg_code read_claim(struct wg_exchange *x)
{
    struct wg_gateway *gateway = x->worker->gateway;
    int64_t now_s = wg_clock_wall_s(gateway->clock);

    if (refuse_forged_upstream(x) != WG_OK ||
        wg_profile_select(x->message, WG_TAG_FEDERATION, x->arena, &x->signature, &x->err) !=
            WG_OK)
        return x->err.code = WG_BAD_SIGNATURE;
    name_claimant(x);
    if (wg_profile_check(x->message, &x->signature, now_s, &x->err) != WG_OK ||
        wg_keyid_parse(x->signature.keyid, &x->peer_name, &x->kid, &x->err) != WG_OK)
        return x->err.code = WG_BAD_SIGNATURE;
    if (wg_server_name_check(x->peer_name, gateway->config->allow_ip_literals, &x->err) !=
        WG_OK) {
        x->peer_name = (struct wg_str){NULL, 0};
        wg_while(&x->err, "keyid");
        return x->err.code = WG_BAD_SIGNATURE;
    }
    /* Cheap, before the curve; the nonce is taken only once the signature is known to be good.
     */
    if (wg_nonces_has(gateway->nonces, x->peer_name, x->signature.nonce))
        return wg_fail(
            &x->err, WG_BAD_SIGNATURE,
            "the nonce was used before: this request is a replay; sign every attempt "
            "afresh with a new nonce");
    return WG_OK;
}

enum wg_stage_result wg_stage_claim(struct wg_exchange *x)
{
    struct wg_gateway *gateway = x->worker->gateway;

    if (!x->generation) {
        if (read_claim(x) != WG_OK)
            return wg_exchange_refuse(x);
        if (wg_gateway_instance(gateway, x->peer_name))
            return wg_exchange_fail(
                x, WG_PEER_UNKNOWN,
                "'%.*s' lives behind this gateway and does not come from outside",
                WG_STR_F(x->peer_name));
        x->generation = wg_policy_pin(x->worker->policy, x->instance->index);
    }
    /* Nobody makes us fetch a descriptor for a peer that policy would not admit anyway. */
    if (!wg_directory_is_known(gateway->directory, x->peer_name)) {
        enum wg_stage_result result = wg_exchange_ask(x, WG_HOOK_PEER);

        if (result != WG_STAGE_NEXT)
            return result;
        if (x->decision.verdict == WG_VERDICT_DENY)
            return wg_exchange_obey(x);
    }
    return WG_STAGE_NEXT;
}
