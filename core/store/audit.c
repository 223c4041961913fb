// SPDX-License-Identifier: Apache-2.0
#include "store/audit.h"

#include "store/store_impl.h"

typedef void (*on_page_fn)(void *owner, const struct wg_err *err,
                           const struct wg_audit_page *page);
typedef void (*on_checked_fn)(void *owner, const struct wg_err *err,
                              const struct wg_audit_check *check);

static void finish_append(struct wg_store_op *op)
{
    ((wg_store_done)op->on_done)(op->owner, &op->err);
}

static void finish_search(struct wg_store_op *op)
{
    ((on_page_fn)op->on_done)(op->owner, &op->err, op->err.code == WG_OK ? op->result : NULL);
}

static void finish_verify(struct wg_store_op *op)
{
    ((on_checked_fn)op->on_done)(op->owner, &op->err,
                                 op->err.code == WG_OK ? op->result : NULL);
}

void wg_store_audit_append(struct wg_store *store, struct wg_loop *loop,
                           const struct wg_audit_row *rows, size_t count,
                           wg_store_done on_appended, void *owner)
{
    static const struct wg_store_kind kind = {"audit_append", WG_STORE_WRITER,
                                              wg_sqlite_audit_append, finish_append};
    struct wg_store_op *op = wg_store_op_new(&kind, loop, (void (*)(void))on_appended, owner);
    struct wg_store_audit_request *request =
        wg_arena_new(&op->arena, struct wg_store_audit_request);

    request->rows = wg_store_copy_audit(op, rows, count);
    request->count = count;
    op->request = request;
    wg_store_ask(store, op);
}

void wg_store_audit_search(struct wg_store *store, struct wg_loop *loop,
                           const struct wg_audit_search *search,
                           void (*on_page)(void *owner, const struct wg_err *err,
                                           const struct wg_audit_page *page),
                           void *owner)
{
    static const struct wg_store_kind kind = {"audit_search", WG_STORE_READER,
                                              wg_sqlite_audit_search, finish_search};
    struct wg_store_op *op = wg_store_op_new(&kind, loop, (void (*)(void))on_page, owner);
    struct wg_audit_search *copy = wg_arena_new(&op->arena, struct wg_audit_search);
    struct wg_str *const texts[] = {&copy->action,    &copy->server,  &copy->peer,
                                    &copy->direction, &copy->room_id, &copy->event_id,
                                    &copy->verdict,   &copy->code,    &copy->request_id,
                                    &copy->actor,     &copy->cursor};

    *copy = *search;
    for (size_t i = 0; i < WG_COUNT(texts); i++)
        *texts[i] = wg_store_copy(op, *texts[i]);
    copy->limit = wg_store_page_limit(search->limit);
    op->request = copy;
    wg_store_ask(store, op);
}

void wg_store_audit_verify(struct wg_store *store, struct wg_loop *loop, struct wg_str cursor,
                           void (*on_checked)(void *owner, const struct wg_err *err,
                                              const struct wg_audit_check *check),
                           void *owner)
{
    static const struct wg_store_kind kind = {"audit_verify", WG_STORE_READER,
                                              wg_sqlite_audit_verify, finish_verify};
    struct wg_store_op *op = wg_store_op_new(&kind, loop, (void (*)(void))on_checked, owner);
    struct wg_store_list_request *request =
        wg_arena_new(&op->arena, struct wg_store_list_request);

    request->cursor = wg_store_copy(op, cursor);
    op->request = request;
    wg_store_ask(store, op);
}
