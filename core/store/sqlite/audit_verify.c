// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>

#include "store/sqlite/chain.h"

/* How far a walk has come; its bytes are the cursor. */
struct walk {
    int64_t number; /* of the last row that was good */
    int64_t rows, checkpoints;
    uint8_t hash[WG_AUDIT_HASH];
};

static void find(struct wg_audit_check *check, int64_t number, const char *finding)
{
    check->is_broken = true;
    check->is_end = true;
    check->broken_number = number;
    check->finding = wg_str(finding);
}

/* The rows before the anchor went by retention; its signature vouches for their hash. */
static void start_at_anchor(struct wg_db *db, struct wg_arena *arena, struct walk *walk,
                            struct wg_audit_check *check)
{
    const struct wg_store_signer *signer = &db->options->signer;
    sqlite3_stmt *row = wg_db_query(db, "SELECT n, hash, signature, key FROM audit_anchor", "");
    char statement[WG_AUDIT_STATEMENT];
    struct wg_str hash, signature, key;

    if (!wg_db_row(db, row)) {
        find(check, 0, "the anchor of the chain is missing");
        return;
    }
    walk->number = wg_db_int(row, 0);
    hash = wg_db_copy(arena, row, 1);
    signature = wg_db_copy(arena, row, 2);
    key = wg_db_copy(arena, row, 3);
    wg_db_end(row);
    if (hash.len != WG_AUDIT_HASH) {
        find(check, walk->number, "the anchor of the chain was changed");
        return;
    }
    memcpy(walk->hash, hash.at, hash.len);
    if (walk->number == 0 || !signer->verify)
        return;
    if (signature.len != WG_STORE_SIGNATURE ||
        !signer->verify(signer->owner,
                        wg_audit_statement(statement, "audit.anchor", walk->number, walk->hash),
                        (const uint8_t *)signature.at, key))
        find(check, walk->number,
             wg_arena_format(arena,
                             "the anchor at row %lld, before which rows were removed, is not "
                             "signed by a key of this gateway",
                             (long long)walk->number));
}

/* The signature in {"signature":"<base64>"} over the chain before this row. */
static bool is_signed(const struct wg_store_signer *signer, const struct walk *walk,
                      const struct wg_audit_row *row)
{
    struct wg_str text = row->extra, head = WG_STR("{\"signature\":\"");
    uint8_t signature[WG_STORE_SIGNATURE];
    char statement[WG_AUDIT_STATEMENT];
    size_t len = 0;

    if (!wg_str_starts(text, head) || text.len < head.len + 2)
        return false;
    if (sodium_base642bin(signature, sizeof signature, text.at + head.len,
                          text.len - head.len - 2, NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        len != sizeof signature)
        return false;
    return signer->verify(
        signer->owner,
        wg_audit_statement(statement, WG_AUDIT_CHECKPOINT, walk->number, walk->hash), signature,
        row->reason);
}

/* @return false when this row breaks the chain. */
static bool step(struct wg_db *db, struct wg_arena *arena, sqlite3_stmt *statement,
                 struct walk *walk, struct wg_audit_check *check)
{
    const struct wg_store_signer *signer = &db->options->signer;
    struct wg_str stored = wg_db_text(statement, WG_AUDIT_HASH_COLUMN);
    uint8_t hash[WG_AUDIT_HASH];
    struct wg_audit_row row = {0};
    long long expected = (long long)walk->number + 1;

    wg_audit_read(statement, &row);
    if (row.number != expected) {
        find(check, expected,
             row.number == expected + 1
                 ? wg_arena_format(arena, "row %lld is missing", expected)
                 : wg_arena_format(arena, "rows %lld to %lld are missing", expected,
                                   (long long)row.number - 1));
        return false;
    }
    memcpy(hash, walk->hash, sizeof hash);
    wg_audit_chain(hash, &row);
    if (stored.len != sizeof hash || memcmp(stored.at, hash, sizeof hash) != 0) {
        find(check, expected,
             wg_arena_format(arena, "row %lld was changed or moved", expected));
        return false;
    }
    if (wg_str_is(row.action, WG_AUDIT_CHECKPOINT) && signer->verify) {
        if (!is_signed(signer, walk, &row)) {
            find(check, expected,
                 wg_arena_format(arena,
                                 "checkpoint %lld is not signed by a key of this gateway",
                                 expected));
            return false;
        }
        walk->checkpoints++;
    }
    memcpy(walk->hash, hash, sizeof hash);
    walk->number = row.number;
    walk->rows++;
    return true;
}

/* The newest row must be the one the store has written last. */
static void look_at_end(struct wg_db *db, struct wg_arena *arena, const struct walk *walk,
                        struct wg_audit_check *check)
{
    sqlite3_stmt *row = wg_db_query(db, "SELECT audit_number, audit_hash FROM state", "");
    long long number;
    bool is_same;

    check->is_end = true;
    if (!wg_db_row(db, row))
        return;
    number = (long long)wg_db_int(row, 0);
    is_same = number == 0 ||
              wg_str_equal(wg_db_text(row, 1), wg_str_of(walk->hash, sizeof walk->hash));
    wg_db_end(row);
    if (number != walk->number)
        find(check, walk->number + 1,
             wg_arena_format(arena, "the chain ends at row %lld, but %lld were written",
                             (long long)walk->number, number));
    else if (!is_same)
        find(check, walk->number,
             wg_arena_format(arena, "row %lld is not the one that was written last", number));
}

static void fill_bounds(struct wg_db *db, struct wg_audit_check *check)
{
    sqlite3_stmt *row = wg_db_query(db,
                                    "SELECT (SELECT min(n) FROM sw_audit),"
                                    " (SELECT max(n) FROM sw_audit)",
                                    "");

    if (!wg_db_row(db, row))
        return;
    check->first = wg_db_int(row, 0);
    check->last = wg_db_int(row, 1);
    wg_db_end(row);
}

/* @return false when cursor is none of ours. A walk that retention has overtaken starts at the
 * anchor. */
static bool start(struct wg_db *db, struct wg_arena *arena, struct wg_str cursor,
                  struct walk *walk, struct wg_audit_check *check)
{
    struct walk anchor = {0};
    struct wg_str bytes;

    start_at_anchor(db, arena, &anchor, check);
    *walk = anchor;
    if (!cursor.at)
        return true;
    if (!wg_db_cursor_read(arena, cursor, &bytes) || bytes.len != sizeof *walk)
        return false;
    memcpy(walk, bytes.at, sizeof *walk);
    if (walk->number < anchor.number) {
        walk->number = anchor.number;
        memcpy(walk->hash, anchor.hash, sizeof walk->hash);
    }
    return true;
}

void wg_sqlite_audit_verify(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_store_list_request *request = op->request;
    struct wg_audit_check *check = wg_arena_new(&op->arena, struct wg_audit_check);
    struct wg_db_budget budget;
    struct walk walk;
    sqlite3_stmt *statement;

    if (!start(db, &op->arena, request->cursor, &walk, check)) {
        wg_fail(&op->err, WG_INVALID, "the cursor is none of this walk");
        return;
    }
    op->result = check;
    fill_bounds(db, check);
    wg_db_budget_start(&budget);
    statement = check->is_broken ? NULL
                                 : wg_db_query(db,
                                               "SELECT " WG_AUDIT_COLUMNS
                                               " FROM sw_audit WHERE n > ?1 ORDER BY n",
                                               "i", walk.number);
    for (;;) {
        if (!wg_db_row(db, statement)) {
            if (!check->is_broken)
                look_at_end(db, &op->arena, &walk, check);
            break;
        }
        if (!step(db, &op->arena, statement, &walk, check) || wg_db_budget_is_spent(&budget)) {
            wg_db_end(statement);
            break;
        }
    }
    check->rows = walk.rows;
    check->checkpoints = walk.checkpoints;
    if (!check->is_end)
        check->next_cursor = wg_db_cursor_make(&op->arena, wg_str_of(&walk, sizeof walk));
}
