// SPDX-License-Identifier: Apache-2.0
#include "base/metric.h"
#include "federation/exchange.h"
#include "federation/queue.h"
#include "federation/standing.h"

enum { KEYS_TRIED = 4 };

static enum wg_code verify(struct wg_exchange *x)
{
    const struct wg_public_key *keys[KEYS_TRIED];
    int64_t now_s = wg_clock_wall_s(x->worker->gateway->clock);
    size_t count = wg_peer_keys(x->peer, x->kid, now_s, keys, KEYS_TRIED);

    if (count == 0)
        return wg_fail(&x->err, WG_BAD_SIGNATURE,
                       "key '%.*s' is not one that %.*s publishes in its descriptor now",
                       WG_STR_F(x->kid), WG_STR_F(x->peer_name));
    for (size_t i = 0; i < count; i++) {
        if (wg_signature_verify(x->message, &x->signature, keys[i], x->arena, &x->err) ==
            WG_OK) {
            wg_exchange_shows(x, keys[i]);
            return WG_OK;
        }
    }
    return x->err.code;
}

/* RFC 9421 covers the digest field only; that the body fits it is ours to check. */
static enum wg_code check_digest(struct wg_exchange *x)
{
    struct wg_str field = wg_headers_joined(&x->message->headers, "content-digest", x->arena);

    if (!field.at && x->message->body.len == 0)
        return WG_OK;
    return wg_digest_check(field, x->message->body, x->arena, &x->err);
}

enum wg_stage_result wg_stage_authenticate(struct wg_exchange *x)
{
    struct wg_gateway *gateway = x->worker->gateway;
    enum wg_stage_result result = wg_stage_discover(x);

    if (result != WG_STAGE_NEXT)
        return result;
    if (check_digest(x) != WG_OK)
        return wg_exchange_refuse(x);
    if (verify(x) != WG_OK) {
        struct wg_err err = x->err;

        wg_metric_count(SIGNATURES, WG_SIGNED_REQUEST, WG_RESULT_FAILURE);
        if (wg_exchange_refresh(x) == WG_STAGE_WAIT)
            return WG_STAGE_WAIT;
        x->err = err;
        return wg_exchange_refuse(x);
    }
    wg_metric_count(SIGNATURES, WG_SIGNED_REQUEST, WG_RESULT_SUCCESS);
    if (wg_nonces_add(gateway->nonces, x->peer_name, x->signature.nonce, &x->err) != WG_OK) {
        x->retry_after_s = x->err.code == WG_RATE_LIMITED ? WG_CREATED_WINDOW_S : 0;
        return wg_exchange_refuse(x);
    }
    x->is_authenticated = true;
    if (wg_directory_saw(gateway->directory, x->peer_name))
        wg_queue_wake(gateway, true, x->peer_name, WG_RELAY_CONTACT);
    wg_standing_clock(gateway->directory, x->peer_name,
                      x->signature.created_s - wg_clock_wall_s(gateway->clock), "signature");
    return WG_STAGE_NEXT;
}
