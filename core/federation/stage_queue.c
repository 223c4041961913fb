// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "federation/audit.h"
#include "federation/exchange.h"
#include "federation/presence.h"
#include "federation/queue.h"
#include "federation/upstream.h"
#include "wire/name.h"

/* The promise towards an instance: stored and fsynced for every recipient that policy let
 * through. */

static void on_accepted(void *owner, const struct wg_err *err,
                        const struct wg_accepted *accepted)
{
    struct wg_exchange *x = owner;

    x->is_stored = true;
    if (err->code != WG_OK) {
        x->store_code = err->code;
        x->delivery_failure = wg_arena_copy(x->arena, wg_str(err->text));
    } else {
        x->new_count = accepted->new_count;
        x->held_count = accepted->held_count;
        x->outcome = accepted->is_duplicate ? WG_EXCHANGE_DUPLICATE : WG_EXCHANGE_QUEUED;
        x->is_audited = !accepted->is_duplicate;
    }
    wg_exchange_run(x);
}

static void store(struct wg_exchange *x)
{
    struct wg_destination *destinations =
        wg_arena_alloc(x->arena, x->recipient_count * sizeof *destinations);
    struct wg_hold *holds = wg_arena_alloc(x->arena, x->recipient_count * sizeof *holds);
    struct wg_accept accept = {
        .message =
            {
                .server = x->instance->server_name,
                .origin = x->event.origin,
                .sender = x->instance->server_name,
                .room_id = x->event.room_id,
                .type = x->event.type,
                .extra = wg_str(x->request_id),
                .body = x->sealed,
            },
        .destinations = destinations,
        .expires_in_ms = wg_queue_expiry_ms(x->worker->gateway, x->event.type),
        .holds = holds,
    };

    for (size_t i = 0; i < x->recipient_count; i++) {
        const struct wg_recipient *recipient = &x->recipients[i];

        if (recipient->is_refused)
            continue;
        if (recipient->ours)
            wg_queue_will_wait(x->worker->gateway, recipient->ours);
        holds[accept.destination_count] =
            (struct wg_hold){recipient->is_held, recipient->held_reason};
        destinations[accept.destination_count++] =
            (struct wg_destination){.is_outbound = !recipient->ours, .name = recipient->name};
    }
    wg_event_id_key(x->event.uuid, accept.message.event_id);
    accept.audit_count = wg_audit_rows(x, WG_EXCHANGE_QUEUED, &accept.audit);
    wg_store_accept(x->worker->gateway->store, x->worker->loop, &accept, on_accepted, x);
}

static void wake_relays(struct wg_exchange *x)
{
    for (size_t i = 0; i < x->recipient_count; i++) {
        if (!x->recipients[i].is_refused && !x->recipients[i].is_held)
            wg_queue_wake(x->worker->gateway, !x->recipients[i].ours, x->recipients[i].name,
                          WG_RELAY_NEW_WORK);
    }
}

static void write_refused(const struct wg_recipient *recipient, struct wg_buf *body)
{
    wg_buf_addf(body, "{\"destination\":\"%.*s\",\"code\":\"%s\",\"message\":\"",
                WG_STR_F(recipient->name), wg_code_answer(recipient->refusal.code));
    wg_buf_add_json(body, wg_str(recipient->refusal.text));
    wg_buf_addc(body, '"');
    if (recipient->retry_after_s > 0)
        wg_buf_addf(body, ",\"retry_after\":%" PRId64, recipient->retry_after_s);
    wg_buf_addc(body, '}');
}

/* {"status","id"}; a relay also says how many go out, how many are held, and who was refused by
 * policy. */
static void write_answer(struct wg_exchange *x)
{
    struct wg_buf body;
    const char *separator = "";

    wg_buf_init(&body, 8 * 1024 * 1024);
    wg_buf_addf(&body, "{\"status\":\"%s\",\"id\":\"%.*s\"",
                x->outcome == WG_EXCHANGE_DUPLICATE ? "duplicate" : "queued",
                WG_STR_F(x->event.id));
    if (x->endpoint == WG_ENDPOINT_RELAY) {
        wg_buf_addf(&body, ",\"queued\":%zu,\"held\":%zu,\"refused\":[",
                    x->new_count - x->held_count, x->held_count);
        for (size_t i = 0; i < x->recipient_count; i++) {
            if (!x->recipients[i].is_refused)
                continue;
            wg_buf_adds(&body, wg_str(separator));
            write_refused(&x->recipients[i], &body);
            separator = ",";
        }
        wg_buf_addf(&body, "]");
    }
    wg_buf_addf(&body, "}");
    x->status = x->outcome == WG_EXCHANGE_DUPLICATE ? 200 : 202;
    x->answer_body = wg_arena_copy(x->arena, wg_buf_str(&body));
    wg_exchange_header(x, "content-type", WG_STR("application/json"));
    wg_buf_done(&body);
}

enum wg_stage_result wg_stage_queue(struct wg_exchange *x)
{
    if (!x->has_event)
        return WG_STAGE_NEXT;
    if (!x->is_storing) {
        x->is_storing = true;
        store(x);
        return WG_STAGE_WAIT;
    }
    if (!x->is_stored)
        return WG_STAGE_WAIT;
    if (x->store_code != WG_OK) {
        x->retry_after_s = WG_QUEUE_RETRY_AFTER_S;
        return wg_exchange_fail(
            x, WG_UPSTREAM_UNAVAILABLE,
            "the event could not be stored, nothing was taken: send it again "
            "after %d seconds",
            WG_QUEUE_RETRY_AFTER_S);
    }
    wg_presence_sent(x);
    wake_relays(x);
    write_answer(x);
    return WG_STAGE_REPLY;
}
