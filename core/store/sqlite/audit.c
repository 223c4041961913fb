// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>
#include <stdio.h>

#include "store/sqlite/chain.h"

void wg_audit_texts(struct wg_audit_row *row, struct wg_str *ret_texts[WG_AUDIT_TEXTS])
{
    struct wg_str *const texts[WG_AUDIT_TEXTS] = {
        &row->action,     &row->server,  &row->peer,  &row->direction, &row->room_id,
        &row->event_id,   &row->verdict, &row->code,  &row->reason,    &row->policy,
        &row->request_id, &row->actor,   &row->extra, &row->trace};

    memcpy(ret_texts, texts, sizeof texts);
}

void wg_audit_read(sqlite3_stmt *statement, struct wg_audit_row *ret_row)
{
    struct wg_str *texts[WG_AUDIT_TEXTS];

    ret_row->number = wg_db_int(statement, 0);
    ret_row->at_ms = wg_db_int(statement, 1);
    ret_row->generation = wg_db_int(statement, 2);
    ret_row->latency_us = wg_db_int(statement, 3);
    wg_audit_texts(ret_row, texts);
    for (int i = 0; i < WG_AUDIT_TEXTS; i++)
        *texts[i] = wg_db_text(statement, WG_AUDIT_FIRST_TEXT + i);
}

static void hash_number(crypto_hash_sha256_state *state, uint64_t number, int width)
{
    uint8_t bytes[8];

    for (int i = 0; i < width; i++)
        bytes[i] = (uint8_t)(number >> (8 * i));
    crypto_hash_sha256_update(state, bytes, (unsigned long long)width);
}

/* The longest text of all by a quicker hash, whose result the chain has. Rows from before there
 * were traces have none, and end without. */
static void hash_trace(crypto_hash_sha256_state *state, struct wg_str trace)
{
    uint8_t digest[32];

    if (!trace.at)
        return;
    crypto_generichash(digest, sizeof digest, (const uint8_t *)trace.at, trace.len, NULL, 0);
    crypto_hash_sha256_update(state, digest, sizeof digest);
}

int64_t wg_audit_chain(uint8_t hash[WG_AUDIT_HASH], struct wg_audit_row *row)
{
    crypto_hash_sha256_state state;
    struct wg_str *texts[WG_AUDIT_TEXTS];
    int64_t bytes = WG_AUDIT_HASH + 4 * 8 + WG_AUDIT_TEXTS * 4;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, hash, WG_AUDIT_HASH);
    hash_number(&state, (uint64_t)row->number, 8);
    hash_number(&state, (uint64_t)row->at_ms, 8);
    hash_number(&state, (uint64_t)row->generation, 8);
    hash_number(&state, (uint64_t)row->latency_us, 8);
    wg_audit_texts(row, texts);
    for (int i = 0; i < WG_AUDIT_TEXTS; i++) {
        bytes += (int64_t)texts[i]->len;
        if (texts[i] == &row->trace) {
            hash_trace(&state, row->trace);
            continue;
        }
        hash_number(&state, texts[i]->at ? texts[i]->len : UINT32_MAX, 4);
        crypto_hash_sha256_update(&state, (const uint8_t *)texts[i]->at, texts[i]->len);
    }
    crypto_hash_sha256_final(&state, hash);
    return bytes;
}

struct wg_str wg_audit_statement(char at[WG_AUDIT_STATEMENT], const char *what, int64_t number,
                                 const uint8_t hash[WG_AUDIT_HASH])
{
    size_t len = strlen(what);

    memcpy(at, what, len);
    for (int i = 0; i < 8; i++)
        at[len++] = (char)(number >> (8 * i) & 0xff);
    memcpy(at + len, hash, WG_AUDIT_HASH);
    return wg_str_of(at, len + WG_AUDIT_HASH);
}

static void append(struct wg_db *db, struct wg_audit_row row)
{
    row.number = ++db->state.audit_number;
    if (row.at_ms == 0)
        row.at_ms = db->now_ms;
    db->state.audit_bytes += wg_audit_chain(db->state.audit_hash, &row);
    db->state.audit_rows++;
    db->state.audit_unsigned++;
    wg_db_run(db,
              "INSERT INTO sw_audit (" WG_AUDIT_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,"
              " ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
              "iiiittttttttttttttb", row.number, row.at_ms, row.generation, row.latency_us,
              row.action, row.server, row.peer, row.direction, row.room_id, row.event_id,
              row.verdict, row.code, row.reason, row.policy, row.request_id, row.actor,
              row.extra, row.trace, wg_str_of(db->state.audit_hash, WG_AUDIT_HASH));
}

void wg_db_audit_checkpoint(struct wg_db *db)
{
    const struct wg_store_signer *signer = &db->options->signer;
    uint8_t signature[WG_STORE_SIGNATURE];
    char statement[WG_AUDIT_STATEMENT], key[WG_STORE_KEY_NAME] = "", extra[160], base64[96];

    db->state.checkpoint_at_ms = db->now_ms;
    if (!signer->sign || db->state.audit_unsigned == 0 ||
        !signer->sign(signer->owner,
                      wg_audit_statement(statement, WG_AUDIT_CHECKPOINT, db->state.audit_number,
                                         db->state.audit_hash),
                      signature, key))
        return;
    sodium_bin2base64(base64, sizeof base64, signature, sizeof signature,
                      sodium_base64_VARIANT_ORIGINAL);
    snprintf(extra, sizeof extra, "{\"signature\":\"%s\"}", base64);
    append(db, (struct wg_audit_row){.action = WG_STR(WG_AUDIT_CHECKPOINT),
                                     .reason = wg_str(key),
                                     .latency_us = -1,
                                     .extra = wg_str(extra)});
    db->state.audit_unsigned = 0;
}

void wg_db_audit(struct wg_db *db, const struct wg_audit_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        append(db, rows[i]);
    if (db->state.audit_unsigned >= db->options->checkpoint_every_rows)
        wg_db_audit_checkpoint(db);
}

void wg_db_audit_delivery(struct wg_db *db, const struct wg_db_place *place,
                          const struct wg_queued_message *message,
                          const struct wg_audit_row *told)
{
    struct wg_destination destination = wg_db_destination_of(place->destination);
    const uint8_t *e = message->event_id;
    struct wg_audit_row row = *told;
    char event[40];

    snprintf(event, sizeof event,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", e[0], e[1],
             e[2], e[3], e[4], e[5], e[6], e[7], e[8], e[9], e[10], e[11], e[12], e[13], e[14],
             e[15]);
    row.action = WG_STR("federation.delivery");
    row.server = message->server;
    row.peer = destination.is_outbound ? destination.name : message->sender;
    row.direction = destination.is_outbound ? WG_STR("outbound") : WG_STR("inbound");
    row.room_id = place->room;
    row.event_id = wg_str(event);
    row.latency_us = -1;
    wg_db_audit(db, &row, 1);
}

void wg_sqlite_audit_append(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_store_audit_request *request = op->request;

    wg_db_audit(db, request->rows, request->count);
}
