// SPDX-License-Identifier: Apache-2.0
#include "federation/exchange.h"

static void on_known(void *owner)
{
    wg_exchange_run(owner);
}

static enum wg_lookup look_up(struct wg_exchange *x, bool is_refresh,
                              const struct wg_peer **ret_peer)
{
    struct wg_lookup_how how = {
        .loop = x->worker->loop,
        .client = x->worker->client,
        .is_refresh = is_refresh,
        .on_known = on_known,
        .owner = x,
    };

    if (!how.client) {
        wg_fail(&x->err, WG_CANCELLED, "the gateway is stopping");
        return WG_LOOKUP_FAILED;
    }
    return wg_directory_lookup(x->worker->gateway->directory, x->peer_name, &how, ret_peer,
                               &x->retry_after_s, &x->err);
}

enum wg_stage_result wg_stage_discover(struct wg_exchange *x)
{
    if (x->peer)
        return WG_STAGE_NEXT;
    switch (look_up(x, false, &x->peer)) {
    case WG_LOOKUP_WAIT:
        x->is_refreshed = true; /* it will be as new as can be */
        return WG_STAGE_WAIT;
    case WG_LOOKUP_FAILED:
        if (x->err.code == WG_CANCELLED) { /* we are shutting down */
            x->err.code = WG_PEER_UNREACHABLE;
            x->retry_after_s = 1;
        }
        return wg_exchange_refuse(x);
    case WG_LOOKUP_FOUND:
        break;
    }
    if (!x->peer->descriptor.speaks_v1)
        return wg_exchange_fail(x, WG_PROTOCOL_VERSION,
                                "'%.*s' speaks %.*s, this server " WG_SPOKEN_VERSION
                                ": update one of them",
                                WG_STR_F(x->peer_name), WG_STR_F(x->peer->descriptor.versions));
    return WG_STAGE_NEXT;
}

enum wg_stage_result wg_exchange_refresh(struct wg_exchange *x)
{
    const struct wg_peer *now = NULL;
    enum wg_lookup result;

    if (x->is_refreshed)
        return WG_STAGE_NEXT;
    x->is_refreshed = true;
    result = look_up(x, true, &now);
    if (result == WG_LOOKUP_WAIT) {
        x->peer = wg_peer_unref(x->peer); /* the stage finds the new one when it runs again */
        return WG_STAGE_WAIT;
    }
    wg_peer_unref(now);
    return WG_STAGE_NEXT;
}
