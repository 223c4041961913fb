// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/store_impl.h"

/** The SQLite file behind the store: three connections, one for each thread.
 *
 * Thread: each function from the thread it names only, but for _open and _close. */
struct wg_backend;

/** options: defaults filled in, lasts until _close(). */
WG_MUST_USE enum wg_code wg_backend_open(const struct wg_store_options *options,
                                         struct wg_backend **ret_backend, struct wg_err *err);
/** Signs the last rows of the audit and ends. NULL is fine. */
void wg_backend_close(struct wg_backend *backend);

/** Does the whole list in one commit; afterwards every op->err is set. Writer. */
void wg_backend_write(struct wg_backend *backend, struct wg_store_op *ops);
/** One round of expiry and retention, in a commit of its own. Writer. @return whether more is
 * left */
bool wg_backend_upkeep(struct wg_backend *backend);
/** Does one read. Relay or reader. */
void wg_backend_read(struct wg_backend *backend, enum wg_store_thread thread,
                     struct wg_store_op *op);
/** All but requests_waiting. Any thread. */
void wg_backend_figures(struct wg_backend *backend, struct wg_store_figures *ret_figures);
