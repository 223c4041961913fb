// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/** A list of servers, addresses and participants, with what is said of each (docs/policy.md,
 * "Lists").
 *
 * Immutable once loaded but for its counters, so any thread may ask it. Owner: references; what
 * a match lends lives as long as one is held. About 60 bytes an entry, its name included. */
struct wg_list;

enum {
    WG_LIST_LIMIT_BYTES = 64 * 1024 * 1024, /**< of the text, unless options say otherwise */
    WG_LIST_ENTRY_LIMIT = 4 * 1000 * 1000,
    WG_LIST_GLOB_LIMIT = 1024,   /**< each lookup walks them all */
    WG_LIST_REASON_LIMIT = 1000, /**< bytes; longer ones are cut */
};

enum wg_list_format { WG_LIST_AUTO, WG_LIST_TEXT, WG_LIST_CSV, WG_LIST_JSON };
/** "auto", "text", "csv", "json" */
bool wg_list_format_parse(struct wg_str name, enum wg_list_format *ret_format);

#define WG_LIST_KINDS(X)                                                             \
    X(NAME, "name")               /**< peer.example, peer.example:8448 */            \
    X(SUFFIX, "suffix")           /**< *.example: every name below, not itself */    \
    X(GLOB, "glob")               /**< spam-?.*.example */                           \
    X(ADDRESS, "address")         /**< 192.0.2.1, 2001:db8::/32: the longest wins */ \
    X(PARTICIPANT, "participant") /**< @user:peer.example */

enum wg_list_kind {
#define X(name, text) WG_LIST_##name,
    WG_LIST_KINDS(X)
#undef X
        WG_LIST_KIND_COUNT
};
const char *wg_list_kind_name(enum wg_list_kind kind);

struct wg_list_options {
    const char *source; /**< in messages and matches: "lists/deny.txt", a URL; copied */
    /** AUTO: by the ending of source (.txt .list .csv .json), else by the content. */
    enum wg_list_format format;
    bool has_subdomains; /**< a plain name stands for every name below it, too */
    bool skips_broken;   /**< a broken line is left out and counted; else it fails the load */
    size_t limit_bytes;  /**< 0: WG_LIST_LIMIT_BYTES */
    /** Its counters of lookups and hits go on in the new list; may be NULL. */
    struct wg_list *previous;
};

/** text is lent until the return.
 * @return WG_INVALID with "source:line: what is wrong; what is right", or WG_TOO_LARGE. */
WG_MUST_USE enum wg_code wg_list_parse(struct wg_str text,
                                       const struct wg_list_options *options,
                                       struct wg_list **ret_list, struct wg_err *err);
/** The same from a file; options->source NULL: its path. @return also WG_CONFIG, WG_IO. */
WG_MUST_USE enum wg_code wg_list_load(const char *path, const struct wg_list_options *options,
                                      struct wg_list **ret_list, struct wg_err *err);
struct wg_list *wg_list_ref(struct wg_list *list);
/** NULL is fine. @return NULL */
struct wg_list *wg_list_unref(struct wg_list *list);

/** What is said of an entry. Texts are lent from the list and end with NUL. */
struct wg_list_match {
    enum wg_list_kind kind;
    struct wg_str text;     /**< the entry, hosts in lower case */
    struct wg_str reason;   /**< absent without */
    struct wg_str severity; /**< absent without; Mastodon's: noop, silence, suspend */
    bool rejects_media, rejects_reports; /**< Mastodon's columns */
    int64_t expires_at_s;                /**< 0: never */
    const char *source;
    uint32_t line;
    uint32_t index; /**< of the entry, 0 to count - 1 */
    uint32_t hits;  /**< of the entry, in this version of the list, this one included */
};

/** Asks for a server name (with or without a port), an IP address, or "@user:server". The most
 * telling entry that has not expired answers: the name itself; then the names above it, the
 * nearest first; then globs, in the order of the list. An address asks the blocks, the longest
 * first, then the globs. An entry without a port stands for every port. Of entries written
 * twice the later counts. A hit is counted.
 * @return false when there is none: *ret_match is untouched */
bool wg_list_find(struct wg_list *list, struct wg_str name, int64_t now_s,
                  struct wg_list_match *ret_match);

/** The same without counting: for operators. */
bool wg_list_peek(struct wg_list *list, struct wg_str name, int64_t now_s,
                  struct wg_list_match *ret_match);

/** The entry at index, without counting. @return false past the last */
bool wg_list_entry(const struct wg_list *list, uint32_t index, struct wg_list_match *ret_match);

struct wg_list_info {
    uint32_t count; /**< of entries; those written twice count twice */
    uint32_t by_kind[WG_LIST_KIND_COUNT];
    uint32_t broken;          /**< lines left out */
    const char *first_broken; /**< what was wrong with the first; NULL without */
    uint64_t lookups, hits;   /**< of all versions of the list */
    size_t memory_bytes;
};
void wg_list_info(const struct wg_list *list, struct wg_list_info *ret_info);
