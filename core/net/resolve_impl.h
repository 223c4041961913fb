// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <uv.h>

#include "net/loop_impl.h"

/** One question to the system's resolver, which runs in libuv's threads and cannot be stopped
 * once it has begun: abandoned, it ends unheard. */
struct wg_resolve;

/** on_resolved comes once from the loop; found is lent, NULL when status is a libuv error. */
struct wg_resolve *wg_resolve_start(struct wg_loop *loop, const char *host,
                                    void (*on_resolved)(void *owner, int status,
                                                        const struct addrinfo *found),
                                    void *owner);
/** on_resolved does not come any more. NULL is fine. @return NULL */
struct wg_resolve *wg_resolve_abandon(struct wg_resolve *resolve);
