// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/client.h"
#include "net/loop.h"
#include "policy/list.h"

/** Where a list comes from, and its newest version: a file, or an https URL that is fetched
 * again and again and whose last good answer is kept on disk.
 *
 * Whatever goes wrong later (the source is down, its answer does not parse), the last good
 * version stays in force. Reading, parsing and writing to disk happen on a thread of their own,
 * never on the loop, but for _open().
 *
 * Owner:  whoever called _open(); ends with _close().
 * Thread: the loop's, except where said. */
struct wg_list_source;

enum {
    WG_LIST_REFRESH_S = 3600,
    WG_LIST_REFRESH_LEAST_S = 60,
};

struct wg_list_source_news {
    struct wg_list_source *source;
    bool is_ok;
    bool is_changed;  /**< _current() gives another version now */
    const char *text; /**< not ok: "fetching https://...: ...; the last good copy stays" */
};

struct wg_list_source_options {
    struct wg_loop *loop;
    struct wg_http_client *client; /**< for URLs; of the same loop */
    const char *where;             /**< a path, or "https://lists.example/deny.csv" */
    const char *shown;             /**< in messages and matches, NULL: as where */
    const char *data_folder; /**< URLs are kept in its lists/, which is made; NULL: not kept */
    /** format, has_subdomains, skips_broken, limit_bytes; the rest is not looked at. */
    struct wg_list_options list;
    int64_t refresh_s;  /**< URLs; 0: WG_LIST_REFRESH_S; a tenth sooner or later each time */
    int64_t timeout_ms; /**< of one fetch; 0: 60 s */
    bool allows_plain_http; /**< for tests */
    /** After each attempt, from the loop; may be NULL. */
    void (*on_news)(void *owner, const struct wg_list_source_news *news);
    void *owner;
};

/** Reads the file, or the copy kept of the URL when there is one; then fetches it from the
 * loop, at once unless the copy is young. A URL that was never fetched has no version yet.
 * @return WG_CONFIG for a URL that cannot be one, or what wg_list_load() says of a file. */
WG_MUST_USE enum wg_code wg_list_source_open(const struct wg_list_source_options *options,
                                             struct wg_list_source **ret_source,
                                             struct wg_err *err);
/** Asks anew: a URL now, a file when it has changed since. News follow when there are any. */
void wg_list_source_refresh(struct wg_list_source *source);
/** The newest version, a reference of the caller's; NULL when there is none yet. Any thread. */
struct wg_list *wg_list_source_current(struct wg_list_source *source);
/** on_closed comes once, from the loop; no news after this call. */
void wg_list_source_close(struct wg_list_source *source, void (*on_closed)(void *owner),
                          void *owner);

struct wg_list_source_info {
    bool is_remote;
    int64_t
        checked_at_s; /**< last known to be what the source says; 0: never. Age is from here */
    int64_t changed_at_s; /**< when this version came */
    unsigned failures;    /**< in a row */
    char problem[256];    /**< of the last attempt; empty when it succeeded */
};
/** Any thread. */
void wg_list_source_info(struct wg_list_source *source, struct wg_list_source_info *ret_info);
