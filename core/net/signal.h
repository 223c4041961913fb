// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/loop.h"

/** A signal of the process, told on a loop. Thread: the loop's. */
struct wg_signal;

/** on_signal comes for every signum until wg_signal_free(). */
struct wg_signal *wg_signal_new(struct wg_loop *loop, int signum,
                                void (*on_signal)(void *owner), void *owner);
/** NULL is fine. @return NULL */
struct wg_signal *wg_signal_free(struct wg_signal *signal);
