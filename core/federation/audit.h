// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "federation/exchange.h"
#include "store/audit.h"

/** One row of the audit for each event that was refused or taken, whichever way it went, and
 * for each other request that was refused to a server that had proved who it is. What strangers
 * read, or fail to, is in the log only. */

/** The rows of x if it ends with outcome (an event for many peers has one for each), for
 * whoever stores something else in the same commit; x->is_audited then says that it was done.
 * In x->arena. @return how many */
size_t wg_audit_rows(struct wg_exchange *x, enum wg_exchange_outcome outcome,
                     const struct wg_audit_row **ret_rows);
/** From record: writes what no other has stored. Nobody waits for it. */
void wg_audit_exchange(struct wg_exchange *x);

/** An id as it stands in rows and lines: bare and in lower case. In arena. */
struct wg_str wg_audit_event_id(const uint8_t id[WG_EVENT_KEY], struct wg_arena *arena);

/** The end of a delivery from the queue, for the commit that settles it; in arena. @return how
 * many */
struct wg_audit_delivery {
    const struct wg_delivery *delivery;
    bool is_sent; /**< else given up */
    enum wg_code code;
    struct wg_str reason;
    int64_t took_ms;
};
size_t wg_audit_delivery_rows(const struct wg_audit_delivery *ended, struct wg_arena *arena,
                              const struct wg_audit_row **ret_rows);

/** Writes rows on their own; nobody waits for it. A row that cannot be written is counted, and
 * the log says so now and then. Any thread. */
void wg_audit_append(struct wg_gateway *gateway, const struct wg_audit_row *rows, size_t count);
