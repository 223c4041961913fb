// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/err.h"
#include "base/str.h"

/** Counters and gauges that policies keep, by policy and name. Any thread. */
struct wg_figures;

enum { WG_FIGURE_LIMIT = 1000, WG_FIGURE_NAME_LIMIT = 64 };

struct wg_figures *wg_figures_new(void);
struct wg_figures *wg_figures_free(struct wg_figures *figures);
/** Adds to a counter, or sets a gauge. @return WG_FULL, or WG_EXISTS when the name is of the
 * other kind */
WG_MUST_USE enum wg_code wg_figures_put(struct wg_figures *figures, struct wg_str policy,
                                        struct wg_str name, bool is_gauge, double value,
                                        struct wg_err *err);
