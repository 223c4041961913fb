// SPDX-License-Identifier: Apache-2.0
#include "store/queue.h"

#include "store/store_impl.h"

enum { NAME_MAX_BYTES = 255 };

typedef void (*on_accepted_fn)(void *owner, const struct wg_err *err,
                               const struct wg_accepted *accepted);
typedef void (*on_bool_fn)(void *owner, const struct wg_err *err, bool is_so);
typedef void (*on_heads_fn)(void *owner, const struct wg_err *err,
                            const struct wg_heads *heads);

static void finish_accept(struct wg_store_op *op)
{
    ((on_accepted_fn)op->on_done)(op->owner, &op->err,
                                  op->err.code == WG_OK ? op->result : NULL);
}

static void finish_bool(struct wg_store_op *op)
{
    ((on_bool_fn)op->on_done)(op->owner, &op->err,
                              op->err.code == WG_OK && *(bool *)op->result);
}

static void finish_next(struct wg_store_op *op)
{
    ((on_heads_fn)op->on_done)(op->owner, &op->err, op->err.code == WG_OK ? op->result : NULL);
}

static void finish_settle(struct wg_store_op *op)
{
    ((wg_store_done)op->on_done)(op->owner, &op->err);
}

/* Destinations stand in lists that are separated by newlines. */
static bool is_name(struct wg_str name)
{
    if (name.len == 0 || name.len > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if ((unsigned char)name.at[i] <= ' ' || name.at[i] == 0x7f)
            return false;
    }
    return true;
}

static enum wg_code refuse_accept(const struct wg_accept *accept, struct wg_err *err)
{
    const struct wg_queued_message *message = &accept->message;

    if (!is_name(message->server) || !is_name(message->room_id))
        return wg_fail(err, WG_INVALID, "an event needs a server and a room");
    if (accept->destination_count == 0 || accept->expires_in_ms <= 0)
        return wg_fail(err, WG_INVALID, "an event needs a destination and time to get there");
    if (accept->destination_count > WG_DESTINATIONS_MAX)
        return wg_fail(err, WG_TOO_LARGE, "an event goes to at most %d destinations at once",
                       WG_DESTINATIONS_MAX);
    for (size_t i = 0; i < accept->destination_count; i++) {
        if (!is_name(accept->destinations[i].name))
            return wg_fail(err, WG_INVALID, "'%.*s' is no name of a destination",
                           WG_STR_F(accept->destinations[i].name));
    }
    return WG_OK;
}

static const struct wg_hold *copy_holds(struct wg_store_op *op, const struct wg_accept *accept)
{
    struct wg_hold *holds;

    if (!accept->holds)
        return NULL;
    holds = wg_arena_alloc(&op->arena, accept->destination_count * sizeof *holds);
    for (size_t i = 0; i < accept->destination_count; i++) {
        holds[i].is_held = accept->holds[i].is_held;
        holds[i].reason = wg_store_copy(op, accept->holds[i].reason);
    }
    return holds;
}

static void copy_message(struct wg_store_op *op, struct wg_queued_message *message)
{
    message->server = wg_store_copy(op, message->server);
    message->origin = wg_store_copy(op, message->origin);
    message->sender = wg_store_copy(op, message->sender);
    message->room_id = wg_store_copy(op, message->room_id);
    message->type = wg_store_copy(op, message->type);
    message->extra = wg_store_copy(op, message->extra);
    message->body = wg_store_copy(op, message->body);
}

void wg_store_accept(struct wg_store *store, struct wg_loop *loop,
                     const struct wg_accept *accept,
                     void (*on_accepted)(void *owner, const struct wg_err *err,
                                         const struct wg_accepted *accepted),
                     void *owner)
{
    static const struct wg_store_kind kind = {"accept", WG_STORE_WRITER, wg_sqlite_accept,
                                              finish_accept};
    struct wg_store_op *op = wg_store_op_new(&kind, loop, (void (*)(void))on_accepted, owner);
    struct wg_accept *copy = wg_arena_new(&op->arena, struct wg_accept);
    struct wg_destination *destinations;

    op->request = copy;
    if (refuse_accept(accept, &op->err) != WG_OK) {
        wg_store_ask(store, op);
        return;
    }
    *copy = *accept;
    copy_message(op, &copy->message);
    destinations = wg_arena_alloc(&op->arena, accept->destination_count * sizeof *destinations);
    for (size_t i = 0; i < accept->destination_count; i++) {
        destinations[i].is_outbound = accept->destinations[i].is_outbound;
        destinations[i].name = wg_store_copy(op, accept->destinations[i].name);
    }
    copy->destinations = destinations;
    copy->holds = copy_holds(op, accept);
    copy->audit = wg_store_copy_audit(op, accept->audit, accept->audit_count);
    wg_store_ask(store, op);
}

static void copy_seen(struct wg_store_op *op, struct wg_seen *copy, const struct wg_seen *seen)
{
    *copy = *seen;
    copy->server = wg_store_copy(op, seen->server);
    copy->destination.name = wg_store_copy(op, seen->destination.name);
    if (!is_name(seen->server) || !is_name(seen->destination.name))
        wg_fail(&op->err, WG_INVALID, "a seen id needs a server and a destination");
}

void wg_store_seen_check(
    struct wg_store *store, struct wg_loop *loop, const struct wg_seen *seen,
    void (*on_checked)(void *owner, const struct wg_err *err, bool is_seen), void *owner)
{
    static const struct wg_store_kind kind = {"seen_check", WG_STORE_RELAY,
                                              wg_sqlite_seen_check, finish_bool};
    struct wg_store_op *op = wg_store_op_new(&kind, loop, (void (*)(void))on_checked, owner);
    struct wg_seen *copy = wg_arena_new(&op->arena, struct wg_seen);

    copy_seen(op, copy, seen);
    op->request = copy;
    wg_store_ask(store, op);
}

void wg_store_seen_mark(struct wg_store *store, struct wg_loop *loop,
                        const struct wg_seen *seen, const struct wg_audit_row *audit,
                        size_t audit_count,
                        void (*on_marked)(void *owner, const struct wg_err *err, bool was_seen),
                        void *owner)
{
    static const struct wg_store_kind kind = {"seen_mark", WG_STORE_WRITER, wg_sqlite_seen_mark,
                                              finish_bool};
    struct wg_store_op *op = wg_store_op_new(&kind, loop, (void (*)(void))on_marked, owner);
    struct wg_store_seen_request *request =
        wg_arena_new(&op->arena, struct wg_store_seen_request);

    copy_seen(op, &request->seen, seen);
    request->audit = wg_store_copy_audit(op, audit, audit_count);
    request->audit_count = audit_count;
    op->request = request;
    wg_store_ask(store, op);
}

void wg_store_next(struct wg_store *store, struct wg_loop *loop, const struct wg_next *next,
                   void (*on_heads)(void *owner, const struct wg_err *err,
                                    const struct wg_heads *heads),
                   void *owner)
{
    static const struct wg_store_kind kind = {"next", WG_STORE_RELAY, wg_sqlite_next,
                                              finish_next};
    struct wg_store_op *op = wg_store_op_new(&kind, loop, (void (*)(void))on_heads, owner);
    struct wg_next *copy = wg_arena_new(&op->arena, struct wg_next);
    struct wg_str *rooms = wg_arena_alloc(&op->arena, next->busy_count * sizeof *rooms);

    *copy = *next;
    copy->destination.name = wg_store_copy(op, next->destination.name);
    for (size_t i = 0; i < next->busy_count; i++)
        rooms[i] = wg_store_copy(op, next->busy_rooms[i]);
    copy->busy_rooms = rooms;
    if (copy->limit == 0)
        copy->limit = 1;
    if (copy->limit > WG_QUEUE_PAGE_MAX)
        copy->limit = WG_QUEUE_PAGE_MAX;
    if (copy->bytes_limit == 0)
        copy->bytes_limit = (size_t)4 * 1024 * 1024;
    op->request = copy;
    wg_store_ask(store, op);
}

void wg_store_settle(struct wg_store *store, struct wg_loop *loop,
                     const struct wg_settlement *settlements, size_t count,
                     wg_store_done on_settled, void *owner)
{
    static const struct wg_store_kind kind = {"settle", WG_STORE_WRITER, wg_sqlite_settle,
                                              finish_settle};
    struct wg_store_op *op = wg_store_op_new(&kind, loop, (void (*)(void))on_settled, owner);
    struct wg_store_settle_request *request =
        wg_arena_new(&op->arena, struct wg_store_settle_request);
    struct wg_settlement *copies = wg_arena_alloc(&op->arena, count * sizeof *copies);

    for (size_t i = 0; i < count; i++) {
        struct wg_settlement *copy = &copies[i];

        *copy = settlements[i];
        copy->key.destination.name = wg_store_copy(op, copy->key.destination.name);
        copy->key.room_id = wg_store_copy(op, copy->key.room_id);
        copy->attempt.reason = wg_store_copy(op, copy->attempt.reason);
        copy->dead_reason = wg_store_copy(op, copy->dead_reason);
        copy->audit = wg_store_copy_audit(op, copy->audit, copy->audit_count);
    }
    op->bytes += count * sizeof *copies;
    request->settlements = copies;
    request->count = count;
    op->request = request;
    wg_store_ask(store, op);
}
