// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdatomic.h>

#include "base/alloc.h"
#include "policy/list.h"
#include "wire/address.h"

/** The inside of a list: one block of text, and tables that point into it.
 *
 *   draft   grows while a parser adds rows (list_text.c, list_csv.c, list_json.c)
 *   list    what it becomes: tables built at once, now that all sizes are known */

enum {
    WG_LIST_KEY_LIMIT = 512, /**< bytes of an entry, or of what is asked for */
    WG_LIST_SEVERITY_LIMIT = 32,
    WG_LIST_SEVERITIES = 64,
};

/** 20 bytes; a million of them is why. */
struct wg_list_entry {
    uint32_t text;   /**< offset in texts */
    uint32_t reason; /**< offset in reasons, of its length; 0: none */
    uint32_t line;
    uint32_t expires_at_s; /**< 0: never; past 2106 is never, too */
    uint16_t len;
    unsigned kind : 3, rejects_media : 1, rejects_reports : 1;
    unsigned severity : 7; /**< index + 1; 0: none */
};

struct wg_list_block {
    struct wg_cidr cidr;
    uint32_t entry;
    uint32_t parent; /**< the next larger block around this one, NO_BLOCK without */
};

/** Names as a polynomial over a prime, from their end to their start, so that one walk gives
 * the hashes of all names above. Two given names meet with probability length/2^61 over the
 * secret point: nobody who writes a list can make its names collide. */
struct wg_list_hash {
    uint64_t point;
};
void wg_list_hash_init(struct wg_list_hash *hash);
uint64_t wg_list_hash_step(const struct wg_list_hash *hash, uint64_t value, char byte);
uint64_t wg_list_hash(const struct wg_list_hash *hash, struct wg_str text);

_Static_assert(sizeof(struct wg_list_entry) == 20, "an entry of a list has 20 bytes");

/** Open addressing; a slot is 0, or some bits of the hash above the index + 1. */
struct wg_list_table {
    uint32_t *slots;
    size_t mask;
    unsigned index_bits;
};
/** Room for count indexes below entry_count. @return false: no memory */
WG_MUST_USE bool wg_list_table_init(struct wg_list_table *table, size_t entry_count,
                                    size_t count);
/** Walks the indexes under hash: start with *cursor = 0. @return false at the end, where
 * wg_list_table_put() may put another one */
bool wg_list_table_next(const struct wg_list_table *table, uint64_t hash, size_t *cursor,
                        uint32_t *ret_index);
/** At the cursor: one behind _next()'s last answer when replaces, else the free slot. */
void wg_list_table_put(struct wg_list_table *table, uint64_t hash, size_t cursor,
                       uint32_t index, bool replaces);

struct wg_list_totals {
    atomic_uint references;
    _Atomic uint64_t lookups, hits;
};

struct wg_list {
    atomic_uint references;
    char *source;
    char *texts, *reasons;
    size_t text_bytes, reason_bytes;
    struct wg_list_entry *entries;
    uint32_t count;
    uint32_t by_kind[WG_LIST_KIND_COUNT];
    bool has_subdomains;
    /* NUL behind each */
    char severities[WG_LIST_SEVERITIES][WG_LIST_SEVERITY_LIMIT + 1];
    struct wg_list_hash hash;
    struct wg_list_table names; /**< of kinds NAME, SUFFIX, PARTICIPANT */
    struct wg_list_block *blocks;
    size_t block_count;
    uint32_t *globs; /**< entries */
    size_t glob_count;
    _Atomic uint32_t *hits; /**< one an entry */
    struct wg_list_totals *totals;
    uint32_t broken;
    char *first_broken;
};

/** The entry's text, and what of it the table knows it by: "x" of "*.x". */
static inline struct wg_str wg_list_text(const struct wg_list *list,
                                         const struct wg_list_entry *entry)
{
    return wg_str_of(list->texts + entry->text, entry->len);
}

static inline struct wg_str wg_list_key(const struct wg_list *list,
                                        const struct wg_list_entry *entry)
{
    size_t skipped = entry->kind == WG_LIST_SUFFIX ? 2 : 0;

    return wg_str_of(list->texts + entry->text + skipped, entry->len - skipped);
}

/* ---- list_build.c ---- */

/** wg_list_parse() of text from wg_alloc(), which is freed as soon as it is not needed. */
WG_MUST_USE enum wg_code wg_list_parse_take(char *text, size_t len,
                                            const struct wg_list_options *options,
                                            struct wg_list **ret_list, struct wg_err *err);

/* ---- list_draft.c ---- */

struct wg_list_draft {
    struct wg_list *list;
    const struct wg_list_options *options;
    size_t entry_capacity;
    char *source_text;      /**< that may be given back; NULL when it is not ours */
    size_t given_back;      /**< bytes of it */
    uint32_t *reason_slots; /**< offsets; open addressing */
    size_t reason_slot_count, reason_count;
    uint32_t severity_count;
};

/** One line as a parser read it; texts lent, absent when not given. */
struct wg_list_row {
    struct wg_str entry, reason, severity, expires;
    struct wg_str rejects_media, rejects_reports; /**< "true", "false", "" */
    uint32_t line;
};

/** Judges the row and adds it. A row that is broken fails with "source:line: ...", or is
 * counted where the options say so. */
WG_MUST_USE enum wg_code wg_list_draft_add(struct wg_list_draft *draft,
                                           const struct wg_list_row *row, struct wg_err *err);
/** A line that is no row at all: err says why, its place is added. */
WG_MUST_USE enum wg_code wg_list_draft_broken(struct wg_list_draft *draft, uint32_t line,
                                              struct wg_err *err);

/** What stands before at has been read: its pages go back to the system, so that a text and the
 * list it becomes are never both in memory as a whole. */
void wg_list_draft_give_back(struct wg_list_draft *draft, const char *at);
/** Where the value of a column or member goes; NULL for one we do not know. */
struct wg_str *wg_list_row_column(struct wg_list_row *row, struct wg_str name);

/* ---- list_form.c ---- */

/** What kind of entry text is, and in which spelling it is kept.
 * @return WG_INVALID with what is wrong and what is right. */
WG_MUST_USE enum wg_code wg_list_form(struct wg_str text, char ret_key[WG_LIST_KEY_LIMIT + 1],
                                      size_t *ret_len, enum wg_list_kind *ret_kind,
                                      struct wg_err *err);
/** Hosts in lower case; the local part of a participant as it stands. No longer than text. */
size_t wg_list_fold(struct wg_str text, char *ret_key);
/** Is text an address or a block, judged by form: digits and dots, or two colons? */
bool wg_list_is_like_address(struct wg_str text);

/* ---- list_text.c, list_csv.c, list_json.c ---- */

WG_MUST_USE enum wg_code wg_list_read_text(struct wg_list_draft *draft, struct wg_str text,
                                           struct wg_err *err);
WG_MUST_USE enum wg_code wg_list_read_csv(struct wg_list_draft *draft, struct wg_str text,
                                          struct wg_err *err);
WG_MUST_USE enum wg_code wg_list_read_json(struct wg_list_draft *draft, struct wg_str text,
                                           struct wg_err *err);
/** Fills row from a value without escapes. @return false when it is anything else; row is then
 * of no use */
bool wg_list_json_plain(struct wg_str text, struct wg_list_row *row, size_t *ret_len);
/** Does the first line name the columns of a table we would understand? */
bool wg_list_is_csv_header(struct wg_str line);

/* ---- list_block.c, list_glob.c ---- */

/** Sorts the blocks and finds each one's parent. */
void wg_list_blocks_settle(struct wg_list *list);
/** The longest block that holds ip, or the next larger one around *block.
 * @return false when there is none */
bool wg_list_block_find(const struct wg_list *list, const struct wg_ip *ip,
                        const struct wg_list_block **block);
/** '*' is any run of bytes, dots included; '?' is one byte. */
bool wg_list_glob_match(struct wg_str pattern, struct wg_str text);
