// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "federation/exchange.h"

/** How an exchange came to its outcome, for whoever asks days later (`wavegate why`): when each
 * stage was done with, which handlers were asked and what each said. Kept in the arena while it
 * walks, and written once, as compact JSON, for the row of the audit:
 *
 *   {"stages":[["route",12],["claim",80]],           microseconds since it came
 *    "hooks":[{"hook":"peer","at":95,"us":31,"verdict":"deny","handlers":[
 *      ["deny_list","policies/deny_list.lua:31","deny",12,"policies/deny_list.lua:40","reason",
 *       [["lists/deny.txt",7,"spam.example","sends spam"]]]]}]}
 *
 * A handler's last members are left out when there is nothing to say. Never in it: what an
 * event contains, and what a handler asked a list for. */

/** Around a question to the policies: before, so that x->question notes who is asked; and when
 * x->decision is there. */
void wg_trail_asked(struct wg_exchange *x);
void wg_trail_decided(struct wg_exchange *x);

enum { WG_TRAIL_LIMIT_BYTES = 8 * 1024 }; /**< past it the rest is left out: "cut":true */
/** What is kept, by the setting audit.trace, of x if it ends so (held is as good as refused);
 * absent: nothing. Of an event for several recipients what was asked for that one. In x->arena.
 */
struct wg_str wg_trail_write(struct wg_exchange *x, bool is_refused, size_t recipient);
