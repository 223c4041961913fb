// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/sqlite/ops.h"

/** The bytes and columns of an audit row: what appending, searching and verifying have in
 * common. */

enum { WG_AUDIT_HASH = 32, WG_AUDIT_TEXTS = 14 };

/** Column order of the SELECT below, and of the hashed bytes. Changing it breaks every chain
 * there is. */
#define WG_AUDIT_COLUMNS                                                                     \
    "n, at, generation, latency_us, action, server, peer, direction, room, event, verdict, " \
    "code, reason, policy, request, actor, extra, trace, hash"
enum { WG_AUDIT_FIRST_TEXT = 4, WG_AUDIT_HASH_COLUMN = WG_AUDIT_FIRST_TEXT + WG_AUDIT_TEXTS };

/** Action, verdict and code of a row as one text, which is what they are found by. */
#define WG_AUDIT_KIND \
    "action || char(10) || ifnull(verdict, '') || char(10) || ifnull(code, '')"

/** The texts of a row in column order. */
void wg_audit_texts(struct wg_audit_row *row, struct wg_str *ret_texts[WG_AUDIT_TEXTS]);
/** Lent: valid until the statement goes on. */
void wg_audit_read(sqlite3_stmt *statement, struct wg_audit_row *ret_row);
/** hash(n) from hash(n - 1), in place. @return bytes hashed */
int64_t wg_audit_chain(uint8_t hash[WG_AUDIT_HASH], struct wg_audit_row *row);

/** wanted: whole, or "federation.*"; empty: any. */
bool wg_audit_action_fits(struct wg_str wanted, struct wg_str action);

/** What a checkpoint's signature covers: the chain up to and with row number. */
enum { WG_AUDIT_STATEMENT = 64 };
struct wg_str wg_audit_statement(char at[WG_AUDIT_STATEMENT], const char *what, int64_t number,
                                 const uint8_t hash[WG_AUDIT_HASH]);
#define WG_AUDIT_CHECKPOINT "audit.checkpoint"
