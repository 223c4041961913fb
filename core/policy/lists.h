// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <lua.h>
#include <sys/stat.h>

#include "policy/list.h"
#include "policy/policy.h"

/** What the policies of an edition open with wavegate.lists.open: files, read while the edition
 * is checked and then part of it, and https sources, which all editions share and whose newest
 * version counts. */

struct wg_edition;
struct wg_edition_list;

enum { WG_EDITION_LIST_LIMIT = 64 };

struct wg_list_wish {
    struct wg_str where; /**< as the policy wrote it: "lists/deny.txt", "https://..." */
    enum wg_list_format format;
    bool has_subdomains, skips_broken;
    int64_t refresh_s; /**< 0: the usual */
};

/** The edition's list of that wish; opened when it is not there and the edition still takes
 * some. A file that is as it was when an earlier edition read it is not read again.
 * @return what wg_list_load() and wg_list_source_open() say; WG_INVALID for a path that leads
 *         out of the configuration's folder. */
WG_MUST_USE enum wg_code wg_lists_open(struct wg_edition *edition,
                                       const struct wg_list_wish *wish,
                                       const struct wg_edition_list **ret_list,
                                       struct wg_err *err);
/** The newest version, a reference; NULL when a source was never fetched. Any thread. */
struct wg_list *wg_lists_current(const struct wg_edition_list *list);
const char *wg_lists_where(const struct wg_edition_list *list);
struct wg_feed *wg_lists_feed(const struct wg_edition_list *list); /**< NULL: a file */

void wg_lists_copy(const struct wg_edition *from, struct wg_edition *to);
bool wg_lists_equal(const struct wg_edition *a, const struct wg_edition *b);
void wg_lists_forget(struct wg_edition *edition);

/** The module of scripts: pushes its table, not yet locked. */
void wg_module_lists(lua_State *L);

/* ---- feeds.c: https sources, one of a URL and its options ---- */

/** The feeds of an engine. Thread: that of the engine, but for _current() and _unref(). */
struct wg_feeds;
struct wg_feed;

struct wg_feeds *wg_feeds_new(const struct wg_config *config);
/** After _stop(); what still ends then does so on its loop. */
struct wg_feeds *wg_feeds_free(struct wg_feeds *feeds);
/** From here on sources are fetched, on this loop; what was kept on disk is in force at once.
 */
void wg_feeds_start(struct wg_feeds *feeds, struct wg_loop *loop);
/** Ends fetching; the loop has to run a little longer for it. */
void wg_feeds_stop(struct wg_feeds *feeds);
/** A reference to the feed of that wish. @return WG_CONFIG for a URL that cannot be one */
WG_MUST_USE enum wg_code wg_feeds_take(struct wg_feeds *feeds, const struct wg_list_wish *wish,
                                       struct wg_feed **ret_feed, struct wg_err *err);
/** Asks all of them anew, now. @return how many */
size_t wg_feeds_refresh(struct wg_feeds *feeds);
/** Closes those that no edition names any more. */
void wg_feeds_sweep(struct wg_feeds *feeds);
struct wg_feed *wg_feed_ref(struct wg_feed *feed);
void wg_feed_unref(struct wg_feed *feed); /**< NULL is fine */
struct wg_list *wg_feed_current(struct wg_feed *feed);
/** Seconds since it was last known to be what the source says; -1: never. problem: of the last
 * attempt, empty when it succeeded. */
int64_t wg_feed_age_s(struct wg_feed *feed, int64_t now_s, char ret_problem[256]);
