// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/ops.h"

#define COLUMNS "namespace, key, value, version, updated_at, expires_at"
#define IS_ALIVE "(expires_at = 0 OR expires_at > ?3)"

static struct wg_document read(struct wg_arena *arena, sqlite3_stmt *row)
{
    return (struct wg_document){
        .namespace = wg_db_copy(arena, row, 0),
        .key = wg_db_copy(arena, row, 1),
        .value = wg_db_copy(arena, row, 2),
        .version = wg_db_int(row, 3),
        .updated_at_ms = wg_db_int(row, 4),
        .expires_at_ms = wg_db_int(row, 5),
    };
}

void wg_sqlite_document_get(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_store_list_request *name = op->request;
    struct wg_document *document = wg_arena_new(&op->arena, struct wg_document);
    sqlite3_stmt *row = wg_db_query(
        db, "SELECT " COLUMNS " FROM document WHERE namespace = ?1 AND key = ?2 AND " IS_ALIVE,
        "tti", name->namespace, name->key, db->now_ms);

    if (!wg_db_row(db, row)) {
        wg_fail(&op->err, WG_NOT_FOUND, "there is no %.*s/%.*s", WG_STR_F(name->namespace),
                WG_STR_F(name->key));
        return;
    }
    *document = read(&op->arena, row);
    wg_db_end(row);
    op->result = document;
}

/* 0: absent. */
static int64_t version_of(struct wg_db *db, const struct wg_document_put *put)
{
    sqlite3_stmt *row = wg_db_query(
        db, "SELECT version FROM document WHERE namespace = ?1 AND key = ?2 AND " IS_ALIVE,
        "tti", put->namespace, put->key, db->now_ms);
    int64_t version = 0;

    if (wg_db_row(db, row)) {
        version = wg_db_int(row, 0);
        wg_db_end(row);
    }
    return version;
}

static enum wg_code refuse_conflict(const struct wg_document_put *put, int64_t version,
                                    struct wg_err *err)
{
    if (put->expected_version == WG_DOCUMENT_ANY || put->expected_version == version)
        return WG_OK;
    if (put->expected_version == WG_DOCUMENT_ABSENT)
        return wg_fail(err, WG_EXISTS, "%.*s/%.*s exists already, in version %lld",
                       WG_STR_F(put->namespace), WG_STR_F(put->key), (long long)version);
    return wg_fail(
        err, WG_EXISTS,
        "%.*s/%.*s has changed: version %lld was expected, it is %lld now; read it again",
        WG_STR_F(put->namespace), WG_STR_F(put->key), (long long)put->expected_version,
        (long long)version);
}

void wg_sqlite_document_put(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_document_put *put = op->request;
    int64_t *version = wg_arena_new(&op->arena, int64_t);

    if (refuse_conflict(put, version_of(db, put), &op->err) != WG_OK)
        return;
    *version = db->state.next_version++;
    wg_db_run(db,
              "INSERT INTO document (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
              " ON CONFLICT (namespace, key) DO UPDATE SET value = excluded.value,"
              " version = excluded.version, updated_at = excluded.updated_at,"
              " expires_at = excluded.expires_at",
              "ttbiii", put->namespace, put->key, put->value, *version, db->now_ms,
              put->expires_at_ms);
    wg_db_audit(db, put->audit, put->audit_count);
    op->result = version;
}

void wg_sqlite_document_delete(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_document_put *put = op->request;
    int64_t version = version_of(db, put);

    if (version == 0) {
        wg_fail(&op->err, WG_NOT_FOUND, "there is no %.*s/%.*s", WG_STR_F(put->namespace),
                WG_STR_F(put->key));
        return;
    }
    if (refuse_conflict(put, version, &op->err) != WG_OK)
        return;
    wg_db_run(db, "DELETE FROM document WHERE namespace = ?1 AND key = ?2", "tt",
              put->namespace, put->key);
    wg_db_audit(db, put->audit, put->audit_count);
}

void wg_sqlite_document_list(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_store_list_request *request = op->request;
    struct wg_document_page *page = wg_arena_new(&op->arena, struct wg_document_page);
    struct wg_document *documents =
        wg_arena_alloc(&op->arena, request->limit * sizeof *documents);
    struct wg_str from = request->key.at ? request->key : WG_STR("");
    sqlite3_stmt *row;

    if (request->cursor.at && !wg_db_cursor_read(&op->arena, request->cursor, &from)) {
        wg_fail(&op->err, WG_INVALID, "the cursor is none of this list");
        return;
    }
    row = wg_db_query(db,
                      "SELECT " COLUMNS " FROM document WHERE namespace = ?1 AND key >= ?2"
                      " AND (?4 = 0 OR key > ?2) AND " IS_ALIVE " ORDER BY key",
                      "ttii", request->namespace, from, db->now_ms,
                      (int64_t)(request->cursor.at != NULL));
    page->documents = documents;
    while (wg_db_row(db, row)) {
        if (request->key.at && !wg_str_starts(wg_db_text(row, 1), request->key)) {
            wg_db_end(row);
            break;
        }
        if (page->count == request->limit) {
            page->next_cursor = wg_db_cursor_make(&op->arena, documents[page->count - 1].key);
            wg_db_end(row);
            break;
        }
        documents[page->count++] = read(&op->arena, row);
    }
    op->result = page;
}
