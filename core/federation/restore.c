// SPDX-License-Identifier: Apache-2.0
#include "federation/restore.h"

#include "base/log.h"
#include "federation/document.h"
#include "federation/peers.h"
#include "policy/kv_kept.h"
#include "store/document.h"
#include "wire/json.h"

enum { PAGE = 1000 };

struct restore {
    struct wg_gateway *gateway;
    struct wg_loop *loop;
    size_t at; /* in the table of namespaces */
    struct wg_err *err;
    enum wg_code code;
};

static enum wg_code take_token(struct restore *restore, struct wg_str key, json_t *json)
{
    return wg_tokens_put(restore->gateway->tokens, key, json, restore->err);
}

static enum wg_code take_room(struct restore *restore, struct wg_str key, json_t *json)
{
    struct wg_str room_id = key;
    struct wg_str server_name = wg_str_split(&room_id, '/');
    bool is_federated = json_is_true(json_object_get(json, "federate"));

    if (!room_id.at)
        return wg_fail(restore->err, WG_INVALID, "the key is not server/room");
    return wg_rooms_set(restore->gateway->rooms, server_name, room_id,
                        is_federated ? WG_FLAG_YES : WG_FLAG_NO, restore->err);
}

/* What an operator has put stands before the configuration: else a restart would open again
 * what was closed. */
static enum wg_code take_policy(struct restore *restore, struct wg_str key, json_t *json)
{
    struct wg_gateway *gateway = restore->gateway;
    const struct wg_instance *instance = wg_gateway_instance(gateway, key);
    struct wg_config_federation document;
    struct wg_arena arena;

    if (!instance)
        return WG_OK; /* it does not live here any more */
    wg_arena_init(&arena);
    if (wg_policy_document_merge(&instance->config->federation, json,
                                 gateway->config->allow_ip_literals, &arena, &document,
                                 restore->err) == WG_OK &&
        wg_gateway_set_document(gateway, instance->index, &document, "document",
                                restore->err) == WG_OK)
        wg_log(WG_LOG_INFO, "policy.document_restored",
               "the stored policy document decides, not the configuration's federation table",
               WG_F_STR("server", key));
    else
        restore->code = restore->err->code;
    wg_arena_done(&arena);
    return restore->code;
}

static enum wg_code take_keys(struct restore *restore, struct wg_str key, json_t *json)
{
    return wg_keyring_restore(restore->gateway->keyring, key, json, restore->err);
}

static enum wg_code take_members(struct restore *restore, struct wg_str key, json_t *json)
{
    return wg_members_restore(restore->gateway->members, key, json, restore->err);
}

static enum wg_code take_kv(struct restore *restore, struct wg_str key, json_t *json)
{
    return wg_kv_restore(wg_policy_kv(restore->gateway->policy), key, json, restore->err);
}

static enum wg_code take_notes(struct restore *restore, struct wg_str key, json_t *json)
{
    return wg_notes_set(restore->gateway->notes, key, json, restore->err);
}

static enum wg_code take_peer(struct restore *restore, struct wg_str key, json_t *json)
{
    return wg_peers_restore(restore->gateway->directory, key, json, restore->err);
}

static const struct {
    const char *namespace;
    enum wg_code (*take)(struct restore *restore, struct wg_str key, json_t *json);
} namespaces[] = {
    {WG_STORED_TOKENS, take_token}, {WG_STORED_ROOMS, take_room},
    {WG_STORED_KEYS, take_keys},    {WG_STORED_POLICIES, take_policy},
    {WG_STORED_PEERS, take_peer},   {WG_STORED_MEMBERS, take_members},
    {WG_STORED_NOTES, take_notes},  {WG_STORED_KV, take_kv},
};

static void on_page(void *owner, const struct wg_err *err, const struct wg_document_page *page);

static void ask(struct restore *restore, struct wg_str cursor)
{
    wg_store_document_list(restore->gateway->store, restore->loop,
                           wg_str(namespaces[restore->at].namespace), (struct wg_str){NULL, 0},
                           cursor, PAGE, on_page, restore);
}

static void take(struct restore *restore, const struct wg_document *document)
{
    json_t *json = NULL;

    if (wg_json_parse(document->value, &json, restore->err) != WG_OK ||
        namespaces[restore->at].take(restore, document->key, json) != WG_OK)
        restore->code = wg_while(restore->err, "stored %s '%.*s'",
                                 namespaces[restore->at].namespace, WG_STR_F(document->key));
    json_decref(json);
}

static void on_page(void *owner, const struct wg_err *err, const struct wg_document_page *page)
{
    struct restore *restore = owner;

    if (!page) {
        *restore->err = *err;
        restore->code =
            wg_while(restore->err, "reading the stored %s", namespaces[restore->at].namespace);
    }
    for (size_t i = 0; page && i < page->count && restore->code == WG_OK; i++)
        take(restore, &page->documents[i]);
    if (restore->code == WG_OK && page->next_cursor.at) {
        ask(restore, page->next_cursor);
    } else if (restore->code == WG_OK && ++restore->at < WG_COUNT(namespaces)) {
        ask(restore, (struct wg_str){NULL, 0});
    } else {
        wg_loop_stop(restore->loop);
    }
}

enum wg_code wg_gateway_restore(struct wg_gateway *gateway, struct wg_store *store,
                                struct wg_loop *control, struct wg_err *err)
{
    struct restore restore = {.gateway = gateway, .err = err};

    gateway->store = store;
    gateway->control = control;
    if (wg_loop_new(gateway->clock, &restore.loop, err) != WG_OK)
        return err->code;
    ask(&restore, (struct wg_str){NULL, 0});
    wg_loop_run(restore.loop);
    wg_loop_free(restore.loop);
    return restore.code;
}
