// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

/** One event loop, which is one worker thread. Objects made on it stay with it; other threads
 * reach it with wg_loop_post() only.
 *
 * Owner:  whoever called _new(); ends with _free() after _run() returned.
 * Thread: the one that calls _run(), except where said. */
struct wg_loop;

WG_MUST_USE enum wg_code wg_loop_new(const struct wg_clock *clock, struct wg_loop **ret_loop,
                                     struct wg_err *err);
/** Runs until wg_loop_stop() was called (also before: for tests) and nothing is left to wait
 * for: streams, listeners and timers are closed. */
void wg_loop_run(struct wg_loop *loop);
/** Records how long its turns take, as place of the label "loop". Before it runs, from the
 * thread that made it. */
void wg_loop_measure(struct wg_loop *loop, unsigned place);
/** Waits for something to happen and runs it: for programs that wait for one answer. */
void wg_loop_wait(struct wg_loop *loop);
/** Runs what is ready now, without waiting: for tests. @return whether anything is still to be
 * waited for. */
bool wg_loop_turn(struct wg_loop *loop);
/** Lets _run() return once all other handles have closed. Any thread. */
void wg_loop_stop(struct wg_loop *loop);
/** Waits for what is still open. */
struct wg_loop *wg_loop_free(struct wg_loop *loop);

/** Runs call(owner) on the loop's thread, in the order posted. Any thread. After the loop has
 * ended posts are run by wg_loop_free(), so that nothing they own is lost. */
void wg_loop_post(struct wg_loop *loop, void (*call)(void *owner), void *owner);
const struct wg_clock *wg_loop_clock(const struct wg_loop *loop);
/** The loop's own reading of the monotonic clock in ms; cheap, as old as this turn. */
int64_t wg_loop_now_ms(const struct wg_loop *loop);
/** struct uv_loop_s, for net/ only. */
void *wg_loop_uv(struct wg_loop *loop);

/** A timer that rings once; embed it by pointer. */
struct wg_timer;
struct wg_timer *wg_timer_new(struct wg_loop *loop, void (*on_ring)(void *owner), void *owner);
/** (Re)starts it; 0 rings in the next turn. */
void wg_timer_start(struct wg_timer *timer, int64_t after_ms);
void wg_timer_stop(struct wg_timer *timer);
/** Never rings after this. NULL is fine. @return NULL */
struct wg_timer *wg_timer_free(struct wg_timer *timer);
