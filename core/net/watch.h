// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

#include "net/loop.h"

/** Notices that files may have changed: written, renamed into place, or led to elsewhere by a
 * symlink on their way (as certbot and Kubernetes exchange them). What has changed is for the
 * caller to look up; that nothing has is possible. Folders that the system does not watch for
 * us (some network and overlay file systems) are covered by a look every WG_WATCH_EVERY_MS.
 *
 * Thread: the loop it was made on. */
struct wg_watch_files;

enum {
    WG_WATCH_QUIET_MS = 150,  /**< after the last change, so that two files are seen together */
    WG_WATCH_LIMIT_MS = 2000, /**< but no later than that after the first */
    WG_WATCH_EVERY_MS = 60 * 1000,
};

/** Without inotify (its limits are per user) the look every minute is all there is; *ret_why
 * then says so, else it is empty. */
struct wg_watch_files *wg_watch_files_new(struct wg_loop *loop, void (*on_change)(void *owner),
                                          void *owner, struct wg_err *ret_why);
/** These and no others from now on. Call it again after each on_change: a symlink may lead to
 * another folder than before. */
void wg_watch_files_set(struct wg_watch_files *watch, const char *const *paths, size_t count);
/** Calls on_change after so long, if nothing happens before. */
void wg_watch_files_again(struct wg_watch_files *watch, int64_t after_ms);
/** NULL is fine. @return NULL */
struct wg_watch_files *wg_watch_files_free(struct wg_watch_files *watch);
