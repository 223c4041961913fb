// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>

#include "admin/admin_impl.h"
#include "federation/restore.h"
#include "store/document.h"

enum { PAGE_MAX = 1000 };

struct token_change {
    char id[WG_TOKEN_ID + 1];
    char text[WG_TOKEN_TEXT]; /* of a new one */
    json_t *document;
    struct wg_audit_row audit;
};

void wg_admin_token_list(struct wg_admin_request *request)
{
    char(*ids)[WG_TOKEN_ID + 1];
    struct wg_str cursor, next = {NULL, 0};
    size_t limit, count;
    json_t *rows;

    if (!wg_admin_page(request, PAGE_MAX, 100, &limit, &cursor))
        return;
    ids = wg_arena_alloc(request->arena, (limit + 1) * sizeof *ids);
    count = wg_tokens_list(request->gateway->tokens, cursor, ids, limit + 1);
    if (count > limit) {
        count = limit;
        next = wg_str(ids[count - 1]);
    }
    rows = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *row = wg_tokens_describe(request->gateway->tokens, wg_str(ids[i]));

        if (row)
            json_array_append_new(rows, row);
    }
    wg_admin_answer(request, 200, wg_admin_list("tokens", rows, next));
}

static void no_such_token(struct wg_admin_request *request)
{
    wg_admin_fail(request, WG_NOT_FOUND, "there is no token '%.*s'",
                  WG_STR_F(wg_admin_capture(request, "id")));
}

void wg_admin_token_get(struct wg_admin_request *request)
{
    json_t *json =
        wg_tokens_describe(request->gateway->tokens, wg_admin_capture(request, "id"));

    if (json)
        wg_admin_answer(request, 200, json);
    else
        no_such_token(request);
}

/* A new one is in force only once it is stored: a token that a crash would take back is none. A
 * revoked one is out of force at once, and stays so whatever the store says. */
static void on_stored(void *owner, const struct wg_err *err, int64_t version)
{
    struct wg_admin_request *request = owner;
    struct token_change *change = request->state;
    bool is_new = change->text[0] != '\0';
    struct wg_err failure = *err;
    json_t *json;

    (void)version;
    if (failure.code == WG_OK && is_new)
        failure.code = wg_tokens_put(request->gateway->tokens, wg_str(change->id),
                                     change->document, &failure);
    json_decref(change->document);
    if (failure.code != WG_OK) {
        sodium_memzero(change->text, sizeof change->text);
        wg_admin_fail_err(request, &failure);
        return;
    }
    json = wg_tokens_describe(request->gateway->tokens, wg_str(change->id));
    if (is_new)
        json_object_set_new(json, "token", json_string(change->text));
    sodium_memzero(change->text, sizeof change->text);
    wg_admin_answer(request, is_new ? 201 : 200, json);
}

static void store(struct wg_admin_request *request, const char *action)
{
    struct token_change *change = request->state;
    struct wg_document_put put = {
        .namespace = WG_STR(WG_STORED_TOKENS),
        .key = wg_str(change->id),
        .value = wg_admin_text(request, json_incref(change->document)),
        .expected_version = WG_DOCUMENT_ANY,
        .audit = &change->audit,
        .audit_count = 1,
    };
    json_t *shown = json_copy(change->document);

    json_object_del(shown, "hash");
    json_object_set_new(shown, "id", json_string(change->id));
    change->audit = wg_admin_audit(request, action);
    change->audit.extra = wg_admin_text(request, shown);
    wg_store_document_put(request->gateway->store, request->worker->loop, &put, on_stored,
                          request);
}

/* @return false after having answered. */
static bool take_text(struct wg_admin_request *request, const char *member,
                      struct wg_str *ret_text)
{
    const json_t *value = json_object_get(request->body, member);

    *ret_text = wg_json_string(request->body, member);
    if (!value || (json_is_string(value) && ret_text->len <= WG_TOKEN_NAME_LIMIT &&
                   memchr(ret_text->at, '\0', ret_text->len) == NULL))
        return true;
    wg_admin_fail(request, WG_INVALID, "%s: must be a text of at most %d bytes", member,
                  WG_TOKEN_NAME_LIMIT);
    return false;
}

static bool take_role(struct wg_admin_request *request, struct wg_str role_name,
                      struct wg_str instance, enum wg_token_role *ret_role)
{
    *ret_role = WG_ROLE_NONE;
    if (!role_name.at == !instance.at) {
        wg_admin_fail(request, WG_INVALID,
                      "say either role (\"read\", \"operate\", \"admin\"), for an operator, or "
                      "instance, for an instance's way out");
        return false;
    }
    if (role_name.at && !wg_token_role_parse(role_name, ret_role)) {
        wg_admin_fail(request, WG_INVALID, "role: must be \"read\", \"operate\" or \"admin\"");
        return false;
    }
    if (instance.at && !wg_gateway_instance(request->gateway, instance)) {
        wg_admin_fail(request, WG_INVALID, "instance: no '%.*s' lives here",
                      WG_STR_F(instance));
        return false;
    }
    return true;
}

void wg_admin_token_create(struct wg_admin_request *request)
{
    static const char *const names[] = {"role", "instance", "comment", NULL};
    struct token_change *change = wg_arena_new(request->arena, struct token_change);
    struct wg_str role_name, instance, comment;
    enum wg_token_role role;

    request->state = change;
    if (!wg_admin_members(request, names) || !take_text(request, "role", &role_name) ||
        !take_text(request, "instance", &instance) ||
        !take_text(request, "comment", &comment) ||
        !take_role(request, role_name, instance, &role))
        return;
    if (instance.at) /* in the spelling of the configuration */
        instance = wg_gateway_instance(request->gateway, instance)->server_name;
    wg_token_make(wg_clock_wall_s(request->gateway->clock), role, instance, comment,
                  change->text, change->id, &change->document);
    store(request, "federation.token.create");
}

/* It stays in the list: who had it, and until when, is worth knowing later. */
void wg_admin_token_revoke(struct wg_admin_request *request)
{
    struct token_change *change = wg_arena_new(request->arena, struct token_change);
    struct wg_str id = wg_admin_capture(request, "id");
    struct wg_err err;

    request->state = change;
    change->document = wg_tokens_document(request->gateway->tokens, id);
    if (!change->document) {
        no_such_token(request);
        return;
    }
    memcpy(change->id, id.at, id.len < WG_TOKEN_ID ? id.len : WG_TOKEN_ID);
    json_object_set_new(change->document, "revoked", json_true());
    json_object_set_new(change->document, "revoked_at",
                        json_integer(wg_clock_wall_s(request->gateway->clock)));
    if (wg_tokens_put(request->gateway->tokens, id, change->document, &err) != WG_OK) {
        json_decref(change->document);
        wg_admin_fail_err(request, &err);
        return;
    }
    store(request, "federation.token.revoke");
}
