// SPDX-License-Identifier: Apache-2.0
#include "federation/upkeep.h"

#include <stdlib.h>

#include "base/log.h"
#include "federation/peers.h"
#include "federation/restore.h"
#include "policy/kv_kept.h"
#include "store/document.h"

/* Who is in a room bounds who else may come in, so a crash may lose no more than a moment of
 * it. */
enum { EVERY_MS = 60 * 1000, MEMBERS_EVERY_MS = 1000, AT_ONCE = 256 };

struct wg_upkeep {
    struct wg_gateway *gateway;
    struct wg_loop *loop;
    struct wg_timer *timer, *members_timer;
    unsigned writes; /* under way */
    bool has_more;   /* peers that changed */
    bool has_more_rooms, has_more_values;
    bool is_closing, is_closed;
    void (*on_closed)(void *owner);
    void *owner;
};

static void write_peers(struct wg_upkeep *upkeep);
static void write_rooms(struct wg_upkeep *upkeep);
static void write_values(struct wg_upkeep *upkeep);

static void on_end(void *owner)
{
    struct wg_upkeep *upkeep = owner;

    wg_timer_free(upkeep->timer);
    wg_timer_free(upkeep->members_timer);
    upkeep->on_closed(upkeep->owner);
    wg_free(upkeep);
}

static void end_if_done(struct wg_upkeep *upkeep)
{
    if (!upkeep->is_closing || upkeep->writes || upkeep->is_closed)
        return;
    upkeep->is_closed = true;
    wg_loop_post(upkeep->loop, on_end, upkeep);
}

/* What could not be written is written with the next use. */
static void on_written(void *owner, const struct wg_err *err)
{
    struct wg_upkeep *upkeep = owner;

    if (err->code != WG_OK && err->code != WG_NOT_FOUND)
        wg_log(WG_LOG_WARN, "gateway.upkeep_failed",
               "what is known of a peer, or the last use of a token, was not stored",
               WG_F_TEXT("reason", err->text));
    upkeep->writes--;
    if (!upkeep->writes && upkeep->has_more)
        write_peers(upkeep);
    if (!upkeep->writes && upkeep->has_more_rooms)
        write_rooms(upkeep);
    if (!upkeep->writes && upkeep->has_more_values)
        write_values(upkeep);
    end_if_done(upkeep);
}

static void on_put(void *owner, const struct wg_err *err, int64_t version)
{
    (void)version;
    on_written(owner, err);
}

/* Takes document over. */
static void write_document(struct wg_upkeep *upkeep, const char *namespace, struct wg_str key,
                           json_t *document)
{
    char *text = json_dumps(document, JSON_COMPACT);

    upkeep->writes++;
    wg_store_document_put(upkeep->gateway->store, upkeep->loop,
                          &(struct wg_document_put){
                              .namespace = wg_str(namespace),
                              .key = key,
                              .value = wg_str(text),
                              .expected_version = WG_DOCUMENT_ANY,
                          },
                          on_put, upkeep);
    free(text);
    json_decref(document);
}

static void write_token(struct wg_upkeep *upkeep, struct wg_str id)
{
    json_t *document = wg_tokens_document(upkeep->gateway->tokens, id);

    if (document)
        write_document(upkeep, WG_STORED_TOKENS, id, document);
}

static void write_peer(struct wg_upkeep *upkeep, struct wg_str name)
{
    json_t *document = wg_peers_document(upkeep->gateway->directory, name);

    if (document)
        write_document(upkeep, WG_STORED_PEERS, name, document);
}

/* A part of those that changed; the rest when these are stored. */
static void write_peers(struct wg_upkeep *upkeep)
{
    struct wg_str names[AT_ONCE];
    struct wg_arena arena;
    size_t count;

    wg_arena_init(&arena);
    count = wg_peers_take_changed(upkeep->gateway->directory, &arena, names, AT_ONCE);
    for (size_t i = 0; i < count; i++)
        write_peer(upkeep, names[i]);
    upkeep->has_more = count == AT_ONCE;
    wg_arena_done(&arena);
}

static void delete_document(struct wg_upkeep *upkeep, const char *namespace, struct wg_str key)
{
    upkeep->writes++;
    wg_store_document_delete(upkeep->gateway->store, upkeep->loop,
                             &(struct wg_document_put){
                                 .namespace = wg_str(namespace),
                                 .key = key,
                                 .expected_version = WG_DOCUMENT_ANY,
                             },
                             on_written, upkeep);
}

static void write_rooms(struct wg_upkeep *upkeep)
{
    struct wg_members *members = upkeep->gateway->members;
    struct wg_str keys[AT_ONCE];
    struct wg_arena arena;
    size_t count;

    wg_arena_init(&arena);
    count = wg_members_take_changed(members, &arena, keys, AT_ONCE);
    for (size_t i = 0; i < count; i++) {
        json_t *document = wg_members_document(members, keys[i]);

        if (document)
            write_document(upkeep, WG_STORED_MEMBERS, keys[i], document);
        else
            delete_document(upkeep, WG_STORED_MEMBERS, keys[i]);
    }
    upkeep->has_more_rooms = count == AT_ONCE;
    wg_arena_done(&arena);
}

/* What policies keep with kv.persist. */
static void write_values(struct wg_upkeep *upkeep)
{
    struct wg_kv *kv = wg_policy_kv(upkeep->gateway->policy);
    struct wg_str keys[AT_ONCE];
    struct wg_arena arena;
    size_t count;

    wg_arena_init(&arena);
    count = wg_kv_take_changed(kv, &arena, keys, AT_ONCE);
    for (size_t i = 0; i < count; i++) {
        json_t *document = wg_kv_document(kv, keys[i]);

        if (document)
            write_document(upkeep, WG_STORED_KV, keys[i], document);
        else
            delete_document(upkeep, WG_STORED_KV, keys[i]);
    }
    upkeep->has_more_values = count == AT_ONCE;
    wg_arena_done(&arena);
}

static void write_tokens(struct wg_upkeep *upkeep)
{
    char ids[AT_ONCE][WG_TOKEN_ID + 1];
    size_t count = wg_tokens_take_used(upkeep->gateway->tokens, ids, AT_ONCE);

    for (size_t i = 0; i < count; i++)
        write_token(upkeep, wg_str(ids[i]));
}

static void on_ring(void *owner)
{
    struct wg_upkeep *upkeep = owner;

    write_tokens(upkeep);
    write_peers(upkeep);
    wg_timer_start(upkeep->timer, EVERY_MS);
}

static void on_members_ring(void *owner)
{
    struct wg_upkeep *upkeep = owner;

    write_rooms(upkeep);
    write_values(upkeep);
    wg_timer_start(upkeep->members_timer, MEMBERS_EVERY_MS);
}

struct wg_upkeep *wg_upkeep_new(struct wg_gateway *gateway, struct wg_loop *loop)
{
    struct wg_upkeep *upkeep = wg_new(struct wg_upkeep);

    upkeep->gateway = gateway;
    upkeep->loop = loop;
    upkeep->timer = wg_timer_new(loop, on_ring, upkeep);
    upkeep->members_timer = wg_timer_new(loop, on_members_ring, upkeep);
    wg_timer_start(upkeep->timer, EVERY_MS);
    wg_timer_start(upkeep->members_timer, MEMBERS_EVERY_MS);
    return upkeep;
}

void wg_upkeep_close(struct wg_upkeep *upkeep, void (*on_closed)(void *owner), void *owner)
{
    upkeep->is_closing = true;
    upkeep->on_closed = on_closed;
    upkeep->owner = owner;
    wg_timer_stop(upkeep->timer);
    wg_timer_stop(upkeep->members_timer);
    write_tokens(upkeep);
    write_peers(upkeep);
    write_rooms(upkeep);
    write_values(upkeep);
    end_if_done(upkeep);
}
