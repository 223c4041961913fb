// SPDX-License-Identifier: Apache-2.0
#include "federation/audit.h"

#include <sodium.h>

#include "base/log.h"
#include "federation/trail.h"
#include "wire/name.h"

enum { EXTRA_LIMIT_BYTES = 8 * 1024 };

/* Always bare and in lower case, so that it is found however it was sent. */
struct wg_str wg_audit_event_id(const uint8_t id[WG_EVENT_KEY], struct wg_arena *arena)
{
    char hex[2 * WG_EVENT_KEY + 1];

    sodium_bin2hex(hex, sizeof hex, id, WG_EVENT_KEY);
    return wg_str(wg_arena_format(arena, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                                  hex + 16, hex + 20));
}

/* A full disk would fill the log as well: the first, the second, the fourth, the eighth... */
static void on_appended(void *owner, const struct wg_err *err)
{
    struct wg_gateway *gateway = owner;
    uint_fast64_t lost;

    if (err->code == WG_OK)
        return;
    lost = atomic_fetch_add(&gateway->audit_lost, 1) + 1;
    if ((lost & (lost - 1)) == 0)
        wg_log(WG_LOG_ERROR, "audit.row_lost", "rows of the audit could not be stored",
               WG_F_INT("lost", lost), WG_F_TEXT("reason", err->text));
}

void wg_audit_append(struct wg_gateway *gateway, const struct wg_audit_row *rows, size_t count)
{
    if (gateway->store && count)
        wg_store_audit_append(gateway->store, gateway->control, rows, count, on_appended,
                              gateway);
}

static bool is_audited(const struct wg_exchange *x, enum wg_exchange_outcome outcome)
{
    if (!x->has_endpoint)
        return false;
    if (x->endpoint == WG_ENDPOINT_SEND || x->endpoint == WG_ENDPOINT_RELAY)
        return true;
    return outcome == WG_EXCHANGE_REFUSED && x->is_authenticated;
}

static void add_member(struct wg_buf *out, const char *name, struct wg_str value)
{
    if (!value.len)
        return;
    wg_buf_addf(out, "%s\"%s\":\"", out->len > 1 ? "," : "", name);
    wg_buf_add_json(out, value);
    wg_buf_addc(out, '"');
}

static void add_labels(struct wg_buf *out, const struct wg_headers *labels)
{
    struct wg_buf inside;

    if (!labels->count)
        return;
    wg_buf_init(&inside, EXTRA_LIMIT_BYTES);
    wg_buf_addc(&inside, '{');
    for (size_t i = 0; i < labels->count; i++) {
        wg_buf_addf(&inside, "%s\"", i ? "," : "");
        wg_buf_add_json(&inside, labels->at[i].name);
        wg_buf_addf(&inside, "\":\"");
        wg_buf_add_json(&inside, labels->at[i].value);
        wg_buf_addc(&inside, '"');
    }
    wg_buf_addf(&inside, "}");
    if (!inside.is_overflown)
        wg_buf_addf(out, "%s\"labels\":%s", out->len > 1 ? "," : "", inside.at);
    wg_buf_done(&inside);
}

/* Rows are written before the answer when they are part of a promise. */
static int status_of(const struct wg_exchange *x, enum wg_exchange_outcome outcome)
{
    return x->status ? x->status : outcome == WG_EXCHANGE_QUEUED ? 202 : 200;
}

/* What has no column of its own. */
static struct wg_str make_extra(struct wg_exchange *x, enum wg_exchange_outcome outcome)
{
    struct wg_str text = {NULL, 0};
    struct wg_buf out;

    wg_buf_init(&out, EXTRA_LIMIT_BYTES);
    wg_buf_addc(&out, '{');
    add_member(&out, "endpoint", wg_str(wg_endpoint_name(x->endpoint)));
    if (x->has_event)
        add_member(&out, "type", x->event.type);
    if (outcome == WG_EXCHANGE_REFUSED)
        add_member(&out, "stage", x->refusing_stage);
    wg_buf_addf(&out, ",\"status\":%d", status_of(x, outcome));
    add_member(&out, "remote", wg_str(x->remote_address));
    if (x->told_id.len && x->direction == WG_INBOUND && !x->is_authenticated)
        wg_buf_addf(&out, ",\"unproven\":true");
    add_member(&out, "policy", x->decision.policy);
    add_member(&out, "policy_failure", x->decision.failure_text);
    add_labels(&out, &x->labels);
    wg_buf_addc(&out, '}');
    if (!out.is_overflown)
        text = wg_arena_copy(x->arena, wg_buf_str(&out));
    wg_buf_done(&out);
    return text;
}

static struct wg_str place_of(struct wg_exchange *x, const struct wg_decision *decision)
{
    if (decision->verdict == WG_VERDICT_NONE)
        return (struct wg_str){NULL, 0};
    if (!decision->file.at)
        return decision->policy;
    return wg_str(
        wg_arena_format(x->arena, "%.*s:%d", WG_STR_F(decision->file), decision->line));
}

static struct wg_str verdict_name(const struct wg_exchange *x, enum wg_exchange_outcome outcome)
{
    static const char *const names[] = {"refused", "accepted", "duplicate", "queued", "passed"};

    if (outcome == WG_EXCHANGE_QUEUED && x->is_held)
        return WG_STR("held");
    return wg_str(names[outcome]);
}

static struct wg_audit_row make_row(struct wg_exchange *x, enum wg_exchange_outcome outcome)
{
    struct wg_audit_row row = {
        .action = wg_str(wg_exchange_log_name(x, outcome)),
        .peer = x->peer_name,
        .direction = x->direction == WG_INBOUND ? WG_STR("inbound") : WG_STR("outbound"),
        .room_id = x->room_id,
        .verdict = verdict_name(x, outcome),
        .policy = place_of(x, &x->decision),
        .request_id = wg_str(x->request_id),
        .extra = make_extra(x, outcome),
        .latency_us = wg_clock_elapsed_us() - x->started_us,
    };

    if (x->instance)
        row.server = x->instance->server_name;
    row.actor = x->direction == WG_INBOUND ? row.peer : row.server;
    if (x->has_event || x->told_id.len) {
        uint8_t key[WG_EVENT_KEY];

        wg_event_id_key(x->has_event ? x->event.uuid : x->told_id, key);
        row.event_id = wg_audit_event_id(key, x->arena);
    }
    if (x->generation)
        row.generation = (int64_t)wg_policy_number(x->generation);
    if (outcome == WG_EXCHANGE_REFUSED && x->is_refused) {
        row.code = wg_str(wg_code_answer(x->err.code));
        row.reason = wg_str(x->err.text);
    }
    if (x->is_held)
        row.reason = x->held_reason;
    if (x->delivery_failure.at)
        row.reason = x->delivery_failure;
    return row;
}

static struct wg_audit_row recipient_row(struct wg_exchange *x, size_t i,
                                         const struct wg_audit_row *row)
{
    const struct wg_recipient *recipient = &x->recipients[i];
    struct wg_audit_row own = *row;

    own.peer = recipient->name;
    own.policy = place_of(x, &recipient->decision);
    if (recipient->is_held && wg_str_is(row->verdict, "queued")) {
        own.verdict = WG_STR("held");
        own.reason = recipient->held_reason;
    }
    if (recipient->is_refused) {
        own.action = WG_STR("federation.policy_rejected");
        own.verdict = WG_STR("refused");
        own.code = wg_str(wg_code_answer(recipient->refusal.code));
        own.reason = wg_str(recipient->refusal.text);
    }
    own.trace = wg_trail_write(
        x, recipient->is_refused || recipient->is_held || wg_str_is(row->verdict, "refused"),
        i);
    return own;
}

size_t wg_audit_rows(struct wg_exchange *x, enum wg_exchange_outcome outcome,
                     const struct wg_audit_row **ret_rows)
{
    size_t count = x->recipient_count ? x->recipient_count : 1;
    struct wg_audit_row *rows;
    struct wg_audit_row row;

    *ret_rows = NULL;
    if (!x->worker->gateway->store || !is_audited(x, outcome))
        return 0;
    row = make_row(x, outcome);
    rows = wg_arena_alloc(x->arena, count * sizeof *rows);
    for (size_t i = 0; i < x->recipient_count; i++)
        rows[i] = recipient_row(x, i, &row);
    if (!x->recipient_count) {
        rows[0] = row;
        rows[0].trace = wg_trail_write(x, outcome == WG_EXCHANGE_REFUSED, 0);
    }
    *ret_rows = rows;
    return count;
}

void wg_audit_exchange(struct wg_exchange *x)
{
    const struct wg_audit_row *rows;

    if (!x->is_audited)
        wg_audit_append(x->worker->gateway, rows, wg_audit_rows(x, x->outcome, &rows));
}

size_t wg_audit_delivery_rows(const struct wg_audit_delivery *ended, struct wg_arena *arena,
                              const struct wg_audit_row **ret_rows)
{
    const struct wg_delivery *delivery = ended->delivery;
    bool is_outbound = delivery->key.destination.is_outbound;
    struct wg_audit_row *row = wg_arena_new(arena, struct wg_audit_row);

    *row = (struct wg_audit_row){
        .action = ended->is_sent ? WG_STR("federation.send.success")
                                 : WG_STR("federation.send.failed"),
        .server = delivery->message.server,
        .peer = is_outbound ? delivery->key.destination.name : delivery->message.sender,
        .direction = is_outbound ? WG_STR("outbound") : WG_STR("inbound"),
        .room_id = delivery->key.room_id,
        .event_id = wg_audit_event_id(delivery->message.event_id, arena),
        .verdict = ended->is_sent ? WG_STR("delivered") : WG_STR("dead"),
        .latency_us = ended->took_ms * 1000,
    };
    row->actor = is_outbound ? row->server : row->peer;
    if (!ended->is_sent) {
        row->code = wg_str(wg_code_answer(ended->code));
        row->reason = wg_arena_copy(arena, ended->reason);
    }
    *ret_rows = row;
    return 1;
}
