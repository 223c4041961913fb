// SPDX-License-Identifier: Apache-2.0
#include "base/metric.h"
#include "federation/exchange.h"

enum { KIDS_READ = 8 };

/* One good signature of a key that its origin publishes now. */
static enum wg_code verify(struct wg_exchange *x)
{
    int64_t now_s = wg_clock_wall_s(x->worker->gateway->clock);
    struct wg_str kids[KIDS_READ];
    size_t count = wg_event_signature_kids(&x->event, kids, KIDS_READ);

    if (count == 0)
        return wg_fail(&x->err, WG_BAD_SIGNATURE,
                       "the event has no signature of '%.*s': sign it as "
                       "signatures[origin][\"ed25519:<kid>\"]",
                       WG_STR_F(x->event.origin));
    wg_fail(&x->err, WG_BAD_SIGNATURE,
            "the event is signed with key '%.*s', which %.*s does not publish now",
            WG_STR_F(kids[0]), WG_STR_F(x->event.origin));
    for (size_t i = 0; i < count && i < KIDS_READ; i++) {
        const struct wg_public_key *key;

        if (wg_peer_keys(x->peer, kids[i], now_s, &key, 1) == 1 &&
            wg_event_verify(&x->event, key, &x->err) == WG_OK) {
            wg_exchange_shows(x, key);
            return WG_OK;
        }
    }
    return x->err.code;
}

enum wg_stage_result wg_stage_authenticate_event(struct wg_exchange *x)
{
    struct wg_err err;
    enum wg_stage_result result;

    if (!x->has_event)
        return WG_STAGE_NEXT;
    result = wg_stage_discover(x);
    if (result != WG_STAGE_NEXT)
        return result;
    if (verify(x) == WG_OK) {
        wg_metric_count(SIGNATURES, WG_SIGNED_EVENT, WG_RESULT_SUCCESS);
        return WG_STAGE_NEXT;
    }
    wg_metric_count(SIGNATURES, WG_SIGNED_EVENT, WG_RESULT_FAILURE);
    err = x->err;
    if (wg_exchange_refresh(x) == WG_STAGE_WAIT)
        return WG_STAGE_WAIT;
    x->err = err;
    return wg_exchange_refuse(x);
}
