// SPDX-License-Identifier: Apache-2.0
#include "federation/exchange.h"
#include "wire/json.h"

enum { KIDS_READ = 8, SEALED_LIMIT_BYTES = 256 * 1024 };

static enum wg_code check_own_signature(struct wg_exchange *x)
{
    int64_t now_s = wg_clock_wall_s(x->worker->gateway->clock);
    struct wg_identity *identity = x->instance->identity;
    struct wg_public_key key;
    struct wg_str kids[KIDS_READ];
    size_t count = wg_event_signature_kids(&x->event, kids, KIDS_READ);

    for (size_t i = 0; i < count && i < KIDS_READ; i++) {
        if (wg_identity_find_published(identity, kids[i], now_s, &key))
            return wg_event_verify(&x->event, &key, &x->err);
    }
    key = wg_identity_public_key(identity, now_s);
    return wg_fail(
        &x->err, WG_BAD_SIGNATURE,
        "the event is signed with key '%.*s', the gateway has '%s' for '%.*s': send it "
        "unsigned and the gateway signs it",
        WG_STR_F(kids[0]), key.kid, WG_STR_F(x->event.origin));
}

/* One with a signature is checked, one without is signed: what leaves here always verifies. */
static enum wg_code seal(struct wg_exchange *x)
{
    struct wg_str kid;
    struct wg_buf text;
    enum wg_code code;

    if (wg_event_signature_kids(&x->event, &kid, 1) > 0)
        code = check_own_signature(x);
    else
        code = wg_instance_seal(x->instance, &x->event,
                                wg_clock_wall_s(x->worker->gateway->clock), &x->err);
    if (code != WG_OK)
        return code;
    wg_buf_init(&text, SEALED_LIMIT_BYTES);
    code = wg_jcs_write(x->event.json, &text, &x->err);
    if (code == WG_OK)
        x->sealed = wg_arena_copy(x->arena, wg_buf_str(&text));
    wg_buf_done(&text);
    return code;
}

enum wg_stage_result wg_stage_seal(struct wg_exchange *x)
{
    if (!x->has_event || seal(x) == WG_OK)
        return WG_STAGE_NEXT;
    return wg_exchange_refuse(x);
}
