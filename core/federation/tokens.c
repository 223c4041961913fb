// SPDX-License-Identifier: Apache-2.0
#include "federation/tokens.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/map.h"
#include "wire/json.h"

enum { SECRET_BYTES = 32, HASH_BYTES = 32, HASH_TEXT = 2 * HASH_BYTES + 1 };

struct token {
    struct wg_token_bearer bearer;
    uint8_t hash[HASH_BYTES];
    bool is_revoked;
    int64_t created_at_s, revoked_at_s;
    atomic_int_fast64_t used_at_s; /* 0: never */
    atomic_bool is_use_new;        /* not stored yet */
    char comment[WG_TOKEN_NAME_LIMIT + 1];
};

struct wg_tokens {
    const struct wg_clock *clock;
    pthread_rwlock_t lock;
    struct wg_map tokens; /* by id */
};

static const char *const role_names[] = {"none", "read", "operate", "admin"};

const char *wg_token_role_name(enum wg_token_role role)
{
    return role_names[role];
}

bool wg_token_role_parse(struct wg_str name, enum wg_token_role *ret_role)
{
    for (size_t i = WG_ROLE_READ; i < WG_COUNT(role_names); i++) {
        if (wg_str_is(name, role_names[i])) {
            *ret_role = (enum wg_token_role)i;
            return true;
        }
    }
    return false;
}

struct wg_tokens *wg_tokens_new(const struct wg_clock *clock)
{
    struct wg_tokens *tokens = wg_new(struct wg_tokens);

    tokens->clock = clock;
    pthread_rwlock_init(&tokens->lock, NULL);
    wg_map_init(&tokens->tokens);
    return tokens;
}

struct wg_tokens *wg_tokens_free(struct wg_tokens *tokens)
{
    if (!tokens)
        return NULL;
    wg_map_done(&tokens->tokens, wg_free);
    pthread_rwlock_destroy(&tokens->lock);
    wg_free(tokens);
    return NULL;
}

static void hash_secret(const uint8_t secret[SECRET_BYTES], uint8_t ret_hash[HASH_BYTES])
{
    crypto_generichash(ret_hash, HASH_BYTES, secret, SECRET_BYTES, NULL, 0);
}

static bool is_id(struct wg_str id)
{
    if (id.len != WG_TOKEN_ID)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        if (!(id.at[i] >= 'a' && id.at[i] <= 'z') && !(id.at[i] >= '0' && id.at[i] <= '9'))
            return false;
    }
    return true;
}

enum wg_code wg_token_split(struct wg_str text, struct wg_str *ret_id, uint8_t ret_hash[32],
                            struct wg_err *err)
{
    const struct wg_str prefix = WG_STR("wgt_");
    uint8_t secret[SECRET_BYTES];
    size_t secret_len = 0;
    const char *end = NULL;
    struct wg_str rest = text;
    struct wg_str id;

    if (!wg_str_starts(text, prefix))
        return wg_fail(err, WG_INVALID, "not a token: it begins with 'wgt_'");
    rest = wg_str_of(text.at + prefix.len, text.len - prefix.len);
    id = wg_str_split(&rest, '_');
    if (!is_id(id) || !rest.at ||
        sodium_base642bin(secret, sizeof secret, rest.at, rest.len, NULL, &secret_len, &end,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        secret_len != sizeof secret || end != rest.at + rest.len)
        return wg_fail(err, WG_INVALID, "not a whole token: wgt_<id>_<secret>");
    hash_secret(secret, ret_hash);
    sodium_memzero(secret, sizeof secret);
    *ret_id = id;
    return WG_OK;
}

/* "Bearer", in any case, then spaces (RFC 6750 2.1, RFC 9110 11.1). */
static struct wg_str without_scheme(struct wg_str bearer)
{
    struct wg_str scheme = bearer;

    scheme.len = wg_str_find(bearer, ' ');
    if (scheme.len == bearer.len || !wg_str_equal_nocase(scheme, WG_STR("bearer")))
        return bearer;
    return wg_str_trim(wg_str_of(bearer.at + scheme.len, bearer.len - scheme.len));
}

static void note_use(struct wg_tokens *tokens, struct token *token)
{
    int64_t now_s = wg_clock_wall_s(tokens->clock);

    if (atomic_exchange(&token->used_at_s, now_s) != now_s)
        atomic_store(&token->is_use_new, true);
}

enum wg_code wg_tokens_check(struct wg_tokens *tokens, struct wg_str bearer,
                             struct wg_token_bearer *ret_bearer, struct wg_err *err)
{
    static const uint8_t nothing[HASH_BYTES];
    uint8_t hash[HASH_BYTES];
    bool is_good, is_revoked;
    struct token *token;
    struct wg_str id;

    if (!bearer.at)
        return wg_fail(err, WG_INVALID_TOKEN,
                       "a token is wanted: send 'Authorization: Bearer wgt_...' (`wavegate "
                       "token create` makes one)");
    if (wg_token_split(without_scheme(bearer), &id, hash, err) != WG_OK) {
        err->code = WG_INVALID_TOKEN;
        return err->code;
    }
    pthread_rwlock_rdlock(&tokens->lock);
    token = wg_map_get(&tokens->tokens, id);
    /* An unknown id costs what a wrong secret costs. */
    is_good = sodium_memcmp(hash, token ? token->hash : nothing, HASH_BYTES) == 0 && token;
    is_revoked = is_good && token->is_revoked;
    if (is_good && !is_revoked) {
        *ret_bearer = token->bearer;
        note_use(tokens, token);
    }
    pthread_rwlock_unlock(&tokens->lock);
    sodium_memzero(hash, sizeof hash);
    if (is_revoked)
        return wg_fail(err, WG_INVALID_TOKEN, "the token was revoked: ask for a new one");
    if (!is_good)
        return wg_fail(
            err, WG_INVALID_TOKEN,
            "the token is not one of this gateway: `wavegate token create` makes one");
    return WG_OK;
}

enum wg_code wg_tokens_check_instance(struct wg_tokens *tokens, struct wg_str bearer,
                                      struct wg_token_bearer *ret_bearer, struct wg_err *err)
{
    struct wg_token_bearer found;

    if (wg_tokens_check(tokens, bearer, &found, err) != WG_OK)
        return err->code;
    if (!found.instance[0])
        return wg_fail(err, WG_NOT_PERMITTED,
                       "the token is an operator's: an instance needs one of its own "
                       "(`wavegate token create --instance NAME`)");
    *ret_bearer = found;
    return WG_OK;
}

static void make_id(char ret_id[WG_TOKEN_ID + 1])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

    for (size_t i = 0; i < WG_TOKEN_ID; i++)
        ret_id[i] = letters[randombytes_uniform(sizeof letters - 1)];
    ret_id[WG_TOKEN_ID] = '\0';
}

void wg_token_make(int64_t now_s, enum wg_token_role role, struct wg_str instance,
                   struct wg_str comment, char ret_text[WG_TOKEN_TEXT],
                   char ret_id[WG_TOKEN_ID + 1], json_t **ret_document)
{
    uint8_t secret[SECRET_BYTES];
    uint8_t hash[HASH_BYTES];
    char hash_text[HASH_TEXT];
    int len;
    json_t *document;

    make_id(ret_id);
    randombytes_buf(secret, sizeof secret);
    hash_secret(secret, hash);
    sodium_bin2hex(hash_text, sizeof hash_text, hash, sizeof hash);
    len = snprintf(ret_text, WG_TOKEN_TEXT, "wgt_%s_", ret_id);
    sodium_bin2base64(ret_text + len, WG_TOKEN_TEXT - (size_t)len, secret, sizeof secret,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof secret);
    document = json_pack("{s:s, s:[], s:I}", "hash", hash_text, "roles", "created_at",
                         (json_int_t)now_s);
    if (role != WG_ROLE_NONE)
        json_array_append_new(json_object_get(document, "roles"),
                              json_string(wg_token_role_name(role)));
    if (instance.at)
        json_object_set_new(document, "instance", json_stringn(instance.at, instance.len));
    if (comment.at)
        json_object_set_new(document, "comment", json_stringn(comment.at, comment.len));
    *ret_document = document;
}

static bool copy_text(const json_t *document, const char *member, char *to)
{
    struct wg_str text = wg_json_string(document, member);

    if (text.len > WG_TOKEN_NAME_LIMIT)
        return false;
    if (text.len)
        memcpy(to, text.at, text.len);
    to[text.len] = '\0';
    return true;
}

static bool read_hash(const json_t *document, uint8_t hash[HASH_BYTES])
{
    struct wg_str text = wg_json_string(document, "hash");
    size_t len = 0;

    return text.at &&
           sodium_hex2bin(hash, HASH_BYTES, text.at, text.len, NULL, &len, NULL) == 0 &&
           len == HASH_BYTES;
}

static enum wg_token_role highest_role(const json_t *document)
{
    enum wg_token_role highest = WG_ROLE_NONE;
    const json_t *name;
    size_t i;

    json_array_foreach(json_object_get(document, "roles"), i, name)
    {
        enum wg_token_role role;

        if (json_is_string(name) &&
            wg_token_role_parse(wg_str(json_string_value(name)), &role) && role > highest)
            highest = role;
    }
    return highest;
}

static struct token *read_token(struct wg_str id, const json_t *document)
{
    struct token *token = wg_new(struct token);
    int64_t used_at_s = 0;

    if (!is_id(id) || !read_hash(document, token->hash) ||
        !copy_text(document, "instance", token->bearer.instance) ||
        !copy_text(document, "comment", token->comment)) {
        wg_free(token);
        return NULL;
    }
    memcpy(token->bearer.id, id.at, id.len);
    token->bearer.role = highest_role(document);
    token->is_revoked = json_is_true(json_object_get(document, "revoked"));
    (void)wg_json_integer(document, "created_at", &token->created_at_s);
    (void)wg_json_integer(document, "revoked_at", &token->revoked_at_s);
    (void)wg_json_integer(document, "last_used_at", &used_at_s);
    atomic_init(&token->used_at_s, used_at_s);
    atomic_init(&token->is_use_new, false);
    return token;
}

enum wg_code wg_tokens_put(struct wg_tokens *tokens, struct wg_str id, json_t *document,
                           struct wg_err *err)
{
    struct token *token = read_token(id, document);
    struct token *old;
    bool has_room;

    if (!token)
        return wg_fail(err, WG_INVALID, "token '%.*s' cannot be read", WG_STR_F(id));
    pthread_rwlock_wrlock(&tokens->lock);
    old = wg_map_get(&tokens->tokens, id);
    has_room = old || tokens->tokens.count < WG_TOKENS_LIMIT;
    if (old && atomic_load(&old->used_at_s) > atomic_load(&token->used_at_s)) {
        atomic_store(&token->used_at_s, atomic_load(&old->used_at_s));
        atomic_store(&token->is_use_new, atomic_load(&old->is_use_new));
    }
    if (has_room)
        (void)wg_map_put(&tokens->tokens, id, token);
    pthread_rwlock_unlock(&tokens->lock);
    wg_free(has_room ? old : token);
    return has_room ? WG_OK
                    : wg_fail(err, WG_FULL, "there are %d tokens already: revoke some",
                              WG_TOKENS_LIMIT);
}

static json_t *public_part(const struct token *token)
{
    int64_t used_at_s = atomic_load(&token->used_at_s);
    json_t *json =
        json_pack("{s:[], s:I}", "roles", "created_at", (json_int_t)token->created_at_s);

    if (token->bearer.role != WG_ROLE_NONE)
        json_array_append_new(json_object_get(json, "roles"),
                              json_string(wg_token_role_name(token->bearer.role)));
    if (token->bearer.instance[0])
        json_object_set_new(json, "instance", json_string(token->bearer.instance));
    if (token->comment[0])
        json_object_set_new(json, "comment", json_string(token->comment));
    if (used_at_s)
        json_object_set_new(json, "last_used_at", json_integer(used_at_s));
    if (token->is_revoked)
        json_object_set_new(json, "revoked", json_true());
    if (token->revoked_at_s)
        json_object_set_new(json, "revoked_at", json_integer(token->revoked_at_s));
    return json;
}

json_t *wg_tokens_document(struct wg_tokens *tokens, struct wg_str id)
{
    json_t *json = NULL;
    struct token *token;

    pthread_rwlock_rdlock(&tokens->lock);
    token = wg_map_get(&tokens->tokens, id);
    if (token) {
        char hash_text[HASH_TEXT];

        json = public_part(token);
        sodium_bin2hex(hash_text, sizeof hash_text, token->hash, sizeof token->hash);
        json_object_set_new(json, "hash", json_string(hash_text));
    }
    pthread_rwlock_unlock(&tokens->lock);
    return json;
}

json_t *wg_tokens_describe(struct wg_tokens *tokens, struct wg_str id)
{
    json_t *json = NULL;
    struct token *token;

    pthread_rwlock_rdlock(&tokens->lock);
    token = wg_map_get(&tokens->tokens, id);
    if (token) {
        json = public_part(token);
        json_object_set_new(json, "id", json_string(token->bearer.id));
        if (!token->is_revoked)
            json_object_set_new(json, "revoked", json_false());
    }
    pthread_rwlock_unlock(&tokens->lock);
    return json;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* All ids, in no order; to be freed. Under the lock. */
static char (*all_ids(struct wg_tokens *tokens))[WG_TOKEN_ID + 1]
{
    char(*ids)[WG_TOKEN_ID + 1] = wg_alloc((tokens->tokens.count + 1) * sizeof *ids);
    size_t cursor = 0, count = 0;
    struct wg_str id;
    void *value;

    while (wg_map_next(&tokens->tokens, &cursor, &id, &value))
        memcpy(ids[count++], id.at, WG_TOKEN_ID);
    return ids;
}

size_t wg_tokens_list(struct wg_tokens *tokens, struct wg_str after,
                      char (*ret_ids)[WG_TOKEN_ID + 1], size_t limit)
{
    char(*ids)[WG_TOKEN_ID + 1];
    size_t total, count = 0;

    pthread_rwlock_rdlock(&tokens->lock);
    ids = all_ids(tokens);
    total = tokens->tokens.count;
    pthread_rwlock_unlock(&tokens->lock);
    qsort(ids, total, sizeof *ids, compare_ids);
    for (size_t i = 0; i < total && count < limit; i++) {
        size_t len = after.len < WG_TOKEN_ID ? after.len : WG_TOKEN_ID;

        if (after.at && memcmp(ids[i], after.at, len) <= 0)
            continue;
        memcpy(ret_ids[count++], ids[i], sizeof *ids);
    }
    wg_free(ids);
    return count;
}

size_t wg_tokens_take_used(struct wg_tokens *tokens, char (*ret_ids)[WG_TOKEN_ID + 1],
                           size_t limit)
{
    size_t cursor = 0, count = 0;
    struct wg_str id;
    void *value;

    pthread_rwlock_rdlock(&tokens->lock);
    while (count < limit && wg_map_next(&tokens->tokens, &cursor, &id, &value)) {
        struct token *token = value;

        if (atomic_exchange(&token->is_use_new, false)) {
            memcpy(ret_ids[count], id.at, WG_TOKEN_ID);
            ret_ids[count++][WG_TOKEN_ID] = '\0';
        }
    }
    pthread_rwlock_unlock(&tokens->lock);
    return count;
}
