// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/loop.h"

/** Runs work(owner) on a thread of a small pool, where it may wait for a disk, then done(owner)
 * from the loop. The loop does not end before. Thread: the loop's. */
void wg_loop_work(struct wg_loop *loop, void (*work)(void *owner), void (*done)(void *owner),
                  void *owner);
