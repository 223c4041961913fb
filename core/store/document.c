// SPDX-License-Identifier: Apache-2.0
#include "store/document.h"

#include "store/store_impl.h"

typedef void (*on_document_fn)(void *owner, const struct wg_err *err,
                               const struct wg_document *document);
typedef void (*on_put_fn)(void *owner, const struct wg_err *err, int64_t version);
typedef void (*on_page_fn)(void *owner, const struct wg_err *err,
                           const struct wg_document_page *page);

static void finish_get(struct wg_store_op *op)
{
    ((on_document_fn)op->on_done)(op->owner, &op->err,
                                  op->err.code == WG_OK ? op->result : NULL);
}

static void finish_put(struct wg_store_op *op)
{
    ((on_put_fn)op->on_done)(op->owner, &op->err,
                             op->err.code == WG_OK ? *(int64_t *)op->result : 0);
}

static void finish_delete(struct wg_store_op *op)
{
    ((wg_store_done)op->on_done)(op->owner, &op->err);
}

static void finish_list(struct wg_store_op *op)
{
    ((on_page_fn)op->on_done)(op->owner, &op->err, op->err.code == WG_OK ? op->result : NULL);
}

static void refuse_names(struct wg_str namespace, struct wg_str key, struct wg_err *err)
{
    if (!namespace.len || !key.len)
        wg_fail(err, WG_INVALID, "a document needs a namespace and a key");
    else if (namespace.len > WG_DOCUMENT_NAME_MAX || key.len > WG_DOCUMENT_NAME_MAX)
        wg_fail(err, WG_TOO_LARGE, "a document's namespace and key have at most %d bytes each",
                WG_DOCUMENT_NAME_MAX);
}

void wg_store_document_get(struct wg_store *store, struct wg_loop *loop,
                           struct wg_str namespace, struct wg_str key,
                           void (*on_document)(void *owner, const struct wg_err *err,
                                               const struct wg_document *document),
                           void *owner)
{
    static const struct wg_store_kind kind = {"document_get", WG_STORE_RELAY,
                                              wg_sqlite_document_get, finish_get};
    struct wg_store_op *op = wg_store_op_new(&kind, loop, (void (*)(void))on_document, owner);
    struct wg_store_list_request *request =
        wg_arena_new(&op->arena, struct wg_store_list_request);

    refuse_names(namespace, key, &op->err);
    request->namespace = wg_store_copy(op, namespace);
    request->key = wg_store_copy(op, key);
    op->request = request;
    wg_store_ask(store, op);
}

static struct wg_store_op *new_put(const struct wg_store_kind *kind, struct wg_loop *loop,
                                   const struct wg_document_put *put, void (*on_done)(void),
                                   void *owner)
{
    struct wg_store_op *op = wg_store_op_new(kind, loop, on_done, owner);
    struct wg_document_put *copy = wg_arena_new(&op->arena, struct wg_document_put);

    refuse_names(put->namespace, put->key, &op->err);
    *copy = *put;
    copy->namespace = wg_store_copy(op, put->namespace);
    copy->key = wg_store_copy(op, put->key);
    copy->audit = wg_store_copy_audit(op, put->audit, put->audit_count);
    op->request = copy;
    return op;
}

void wg_store_document_put(
    struct wg_store *store, struct wg_loop *loop, const struct wg_document_put *put,
    void (*on_put)(void *owner, const struct wg_err *err, int64_t version), void *owner)
{
    static const struct wg_store_kind kind = {"document_put", WG_STORE_WRITER,
                                              wg_sqlite_document_put, finish_put};
    struct wg_store_op *op = new_put(&kind, loop, put, (void (*)(void))on_put, owner);
    struct wg_document_put *copy = op->request;

    if (put->value.len > WG_DOCUMENT_VALUE_MAX)
        wg_fail(&op->err, WG_TOO_LARGE, "a document has at most %d bytes",
                WG_DOCUMENT_VALUE_MAX);
    else
        copy->value = wg_store_copy(op, put->value.at ? put->value : WG_STR(""));
    wg_store_ask(store, op);
}

void wg_store_document_delete(struct wg_store *store, struct wg_loop *loop,
                              const struct wg_document_put *put, wg_store_done on_deleted,
                              void *owner)
{
    static const struct wg_store_kind kind = {"document_delete", WG_STORE_WRITER,
                                              wg_sqlite_document_delete, finish_delete};
    struct wg_store_op *op = new_put(&kind, loop, put, (void (*)(void))on_deleted, owner);

    ((struct wg_document_put *)op->request)->value = (struct wg_str){0};
    wg_store_ask(store, op);
}

void wg_store_document_list(struct wg_store *store, struct wg_loop *loop,
                            struct wg_str namespace, struct wg_str prefix, struct wg_str cursor,
                            size_t limit,
                            void (*on_page)(void *owner, const struct wg_err *err,
                                            const struct wg_document_page *page),
                            void *owner)
{
    static const struct wg_store_kind kind = {"document_list", WG_STORE_READER,
                                              wg_sqlite_document_list, finish_list};
    struct wg_store_op *op = wg_store_op_new(&kind, loop, (void (*)(void))on_page, owner);
    struct wg_store_list_request *request =
        wg_arena_new(&op->arena, struct wg_store_list_request);

    request->namespace = wg_store_copy(op, namespace);
    request->key = wg_store_copy(op, prefix);
    request->cursor = wg_store_copy(op, cursor);
    request->limit = wg_store_page_limit(limit);
    op->request = request;
    wg_store_ask(store, op);
}
