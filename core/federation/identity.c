// SPDX-License-Identifier: Apache-2.0
#include "federation/identity.h"

#include <pthread.h>

#include "base/alloc.h"

enum { MAX_AGE_S = 3600 };

struct wg_identity {
    char *server_name;
    pthread_mutex_t lock; /**< held for the copying of a key */
    struct wg_own_keys keys;
    /* The descriptor as made last, and while it is true. */
    char *descriptor;
    int64_t made_s, change_s;
};

struct wg_identity *wg_identity_new(struct wg_str server_name)
{
    struct wg_identity *identity = wg_new(struct wg_identity);

    identity->server_name = wg_strdup(server_name);
    pthread_mutex_init(&identity->lock, NULL);
    return identity;
}

struct wg_identity *wg_identity_free(struct wg_identity *identity)
{
    if (!identity)
        return NULL;
    wg_own_keys_done(&identity->keys);
    wg_free(identity->descriptor);
    wg_free(identity->server_name);
    pthread_mutex_destroy(&identity->lock);
    wg_free(identity);
    return NULL;
}

static void forget_descriptor(struct wg_identity *identity)
{
    wg_free(identity->descriptor);
    identity->descriptor = NULL;
}

void wg_identity_set(struct wg_identity *identity, const struct wg_own_keys *keys)
{
    struct wg_own_keys copy, old;

    wg_own_keys_copy(&copy, keys);
    pthread_mutex_lock(&identity->lock);
    old = identity->keys;
    identity->keys = copy;
    forget_descriptor(identity);
    pthread_mutex_unlock(&identity->lock);
    wg_own_keys_done(&old);
}

void wg_identity_keys(struct wg_identity *identity, struct wg_own_keys *ret_keys)
{
    pthread_mutex_lock(&identity->lock);
    wg_own_keys_copy(ret_keys, &identity->keys);
    pthread_mutex_unlock(&identity->lock);
}

void wg_identity_signer(struct wg_identity *identity, int64_t now_s,
                        struct wg_secret_key *ret_key)
{
    pthread_mutex_lock(&identity->lock);
    *ret_key = wg_own_keys_signer(&identity->keys, now_s)->secret;
    pthread_mutex_unlock(&identity->lock);
}

struct wg_public_key wg_identity_public_key(struct wg_identity *identity, int64_t now_s)
{
    struct wg_public_key key;

    pthread_mutex_lock(&identity->lock);
    key = wg_own_keys_signer(&identity->keys, now_s)->key;
    pthread_mutex_unlock(&identity->lock);
    return key;
}

bool wg_identity_find(struct wg_identity *identity, struct wg_str kid,
                      struct wg_public_key *ret_key)
{
    const struct wg_own_key *key;

    pthread_mutex_lock(&identity->lock);
    key = wg_own_keys_find(&identity->keys, kid);
    if (key)
        *ret_key = key->key;
    pthread_mutex_unlock(&identity->lock);
    return key != NULL;
}

bool wg_identity_find_published(struct wg_identity *identity, struct wg_str kid, int64_t now_s,
                                struct wg_public_key *ret_key)
{
    const struct wg_own_key *key;

    pthread_mutex_lock(&identity->lock);
    key = wg_own_keys_find(&identity->keys, kid);
    if (key && (key->until_s > now_s || key == wg_own_keys_signer(&identity->keys, now_s)))
        *ret_key = key->key;
    else
        key = NULL;
    pthread_mutex_unlock(&identity->lock);
    return key != NULL;
}

static void make_descriptor(struct wg_identity *identity, int64_t now_s)
{
    struct wg_descriptor_key keys[WG_OWN_KEYS_PUBLISHED];
    size_t count = wg_own_keys_published(&identity->keys, now_s, keys);
    struct wg_buf text;
    struct wg_err err;

    wg_buf_init(&text, WG_DESCRIPTOR_LIMIT_BYTES);
    if (!WG_CHECK(wg_descriptor_write(wg_str(identity->server_name), keys, count, &text,
                                      &err) == WG_OK))
        wg_buf_clear(&text);
    identity->descriptor = wg_strdup(wg_buf_str(&text));
    identity->made_s = now_s;
    identity->change_s = wg_own_keys_change_s(&identity->keys, now_s);
    wg_buf_done(&text);
}

struct wg_str wg_identity_descriptor(struct wg_identity *identity, int64_t now_s,
                                     struct wg_arena *arena, int64_t *ret_max_age_s)
{
    struct wg_str text;
    int64_t left_s;

    pthread_mutex_lock(&identity->lock);
    if (!identity->descriptor || now_s >= identity->change_s || now_s < identity->made_s) {
        forget_descriptor(identity);
        make_descriptor(identity, now_s);
    }
    text = wg_arena_copy(arena, wg_str(identity->descriptor));
    left_s = identity->change_s - now_s;
    pthread_mutex_unlock(&identity->lock);
    *ret_max_age_s = left_s > MAX_AGE_S                 ? MAX_AGE_S
                     : left_s < WG_DESCRIPTOR_AGE_MIN_S ? WG_DESCRIPTOR_AGE_MIN_S
                                                        : left_s;
    return text;
}
