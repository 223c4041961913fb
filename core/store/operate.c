// SPDX-License-Identifier: Apache-2.0
/* The operators' requests of store/queue.h. */
#include "store/queue.h"
#include "store/store_impl.h"

/* Each answers its page or NULL. */
#define FINISH_WITH(name, result_type)                                                      \
    static void name(struct wg_store_op *op)                                                \
    {                                                                                       \
        ((void (*)(void *, const struct wg_err *, const struct result_type *))op->on_done)( \
            op->owner, &op->err, op->err.code == WG_OK ? op->result : NULL);                \
    }
FINISH_WITH(finish_destinations, wg_destination_page)
FINISH_WITH(finish_suspensions, wg_suspension_page)
FINISH_WITH(finish_queue_list, wg_queue_page)
FINISH_WITH(finish_queue_change, wg_queue_changed)
FINISH_WITH(finish_story, wg_story)

static struct wg_store_op *new_list(const struct wg_store_kind *kind, struct wg_loop *loop,
                                    struct wg_str cursor, size_t limit, void (*on_done)(void),
                                    void *owner)
{
    struct wg_store_op *op = wg_store_op_new(kind, loop, on_done, owner);
    struct wg_store_list_request *request =
        wg_arena_new(&op->arena, struct wg_store_list_request);

    request->cursor = wg_store_copy(op, cursor);
    request->limit = wg_store_page_limit(limit);
    op->request = request;
    return op;
}

void wg_store_destinations(struct wg_store *store, struct wg_loop *loop, struct wg_str cursor,
                           size_t limit,
                           void (*on_page)(void *owner, const struct wg_err *err,
                                           const struct wg_destination_page *page),
                           void *owner)
{
    static const struct wg_store_kind kind = {"destinations", WG_STORE_READER,
                                              wg_sqlite_destinations, finish_destinations};

    wg_store_ask(store, new_list(&kind, loop, cursor, limit, (void (*)(void))on_page, owner));
}

void wg_store_destinations_between(struct wg_store *store, struct wg_loop *loop,
                                   struct wg_str first, struct wg_str last,
                                   void (*on_page)(void *owner, const struct wg_err *err,
                                                   const struct wg_destination_page *page),
                                   void *owner)
{
    static const struct wg_store_kind kind = {
        "destinations", WG_STORE_READER, wg_sqlite_destinations_between, finish_destinations};
    struct wg_store_op *op = wg_store_op_new(&kind, loop, (void (*)(void))on_page, owner);
    struct wg_store_list_request *request =
        wg_arena_new(&op->arena, struct wg_store_list_request);

    request->key = wg_store_copy(op, first);
    request->cursor = wg_store_copy(op, last);
    request->limit = 2 * WG_QUEUE_PAGE_MAX;
    op->request = request;
    wg_store_ask(store, op);
}

void wg_store_suspensions(struct wg_store *store, struct wg_loop *loop, struct wg_str cursor,
                          size_t limit,
                          void (*on_page)(void *owner, const struct wg_err *err,
                                          const struct wg_suspension_page *page),
                          void *owner)
{
    static const struct wg_store_kind kind = {"suspensions", WG_STORE_READER,
                                              wg_sqlite_suspensions, finish_suspensions};

    wg_store_ask(store, new_list(&kind, loop, cursor, limit, (void (*)(void))on_page, owner));
}

static void finish_suspend(struct wg_store_op *op)
{
    ((wg_store_done)op->on_done)(op->owner, &op->err);
}

void wg_store_suspend(struct wg_store *store, struct wg_loop *loop,
                      const struct wg_suspend *suspend, wg_store_done on_done, void *owner)
{
    static const struct wg_store_kind kind = {"suspend", WG_STORE_WRITER, wg_sqlite_suspend,
                                              finish_suspend};
    struct wg_store_op *op = wg_store_op_new(&kind, loop, (void (*)(void))on_done, owner);
    struct wg_suspend *copy = wg_arena_new(&op->arena, struct wg_suspend);

    *copy = *suspend;
    copy->destination.name = wg_store_copy(op, suspend->destination.name);
    copy->room_id = wg_store_copy(op, suspend->room_id);
    copy->reason = wg_store_copy(op, suspend->reason);
    copy->actor = wg_store_copy(op, suspend->actor);
    copy->audit = wg_store_copy_audit(op, suspend->audit, suspend->audit_count);
    op->request = copy;
    wg_store_ask(store, op);
}

static void copy_filter(struct wg_store_op *op, struct wg_queue_filter *filter)
{
    filter->destination.name = wg_store_copy(op, filter->destination.name);
    filter->room_id = wg_store_copy(op, filter->room_id);
    filter->type = wg_store_copy(op, filter->type);
    filter->server = wg_store_copy(op, filter->server);
}

void wg_store_queue_list(struct wg_store *store, struct wg_loop *loop,
                         const struct wg_queue_list *list,
                         void (*on_page)(void *owner, const struct wg_err *err,
                                         const struct wg_queue_page *page),
                         void *owner)
{
    static const struct wg_store_kind kind = {"queue_list", WG_STORE_READER,
                                              wg_sqlite_queue_list, finish_queue_list};
    struct wg_store_op *op = wg_store_op_new(&kind, loop, (void (*)(void))on_page, owner);
    struct wg_queue_list *copy = wg_arena_new(&op->arena, struct wg_queue_list);

    *copy = *list;
    copy_filter(op, &copy->filter);
    copy->cursor = wg_store_copy(op, list->cursor);
    copy->limit = wg_store_page_limit(list->limit);
    op->request = copy;
    wg_store_ask(store, op);
}

/* Which state a verb works on. */
static bool fits(enum wg_queue_verb verb, enum wg_queue_state state)
{
    switch (verb) {
    case WG_QUEUE_RETRY:
        return state == WG_QUEUE_WAITING;
    case WG_QUEUE_DROP:
        return state == WG_QUEUE_WAITING || state == WG_QUEUE_DEAD;
    case WG_QUEUE_RELEASE:
    case WG_QUEUE_REJECT:
        return state == WG_QUEUE_HELD;
    case WG_QUEUE_REQUEUE:
        return state == WG_QUEUE_DEAD;
    }
    return false;
}

void wg_store_queue_change(struct wg_store *store, struct wg_loop *loop,
                           const struct wg_queue_change *change,
                           void (*on_changed)(void *owner, const struct wg_err *err,
                                              const struct wg_queue_changed *changed),
                           void *owner)
{
    static const struct wg_store_kind kind = {"queue_change", WG_STORE_WRITER,
                                              wg_sqlite_queue_change, finish_queue_change};
    struct wg_store_op *op = wg_store_op_new(&kind, loop, (void (*)(void))on_changed, owner);
    struct wg_queue_change *copy = wg_arena_new(&op->arena, struct wg_queue_change);

    *copy = *change;
    copy_filter(op, &copy->filter);
    copy->reason = wg_store_copy(op, change->reason);
    copy->cursor = wg_store_copy(op, change->cursor);
    copy->audit = wg_store_copy_audit(op, change->audit, change->audit_count);
    copy->limit = wg_store_page_limit(change->limit ? change->limit : 500);
    if (!fits(change->verb, change->filter.state))
        wg_fail(&op->err, WG_INVALID, "that cannot be done to deliveries in that state");
    op->request = copy;
    wg_store_ask(store, op);
}

void wg_store_story(struct wg_store *store, struct wg_loop *loop,
                    const uint8_t event_id[WG_EVENT_KEY],
                    void (*on_story)(void *owner, const struct wg_err *err,
                                     const struct wg_story *story),
                    void *owner)
{
    static const struct wg_store_kind kind = {"story", WG_STORE_READER, wg_sqlite_story,
                                              finish_story};
    struct wg_store_op *op = wg_store_op_new(&kind, loop, (void (*)(void))on_story, owner);
    uint8_t *copy = wg_arena_alloc(&op->arena, WG_EVENT_KEY);

    memcpy(copy, event_id, WG_EVENT_KEY);
    op->request = copy;
    wg_store_ask(store, op);
}
