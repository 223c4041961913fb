// SPDX-License-Identifier: Apache-2.0
#include "federation/keyring.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/map.h"

enum { NAME_LIMIT_BYTES = 1024 };

/* Read with every request, written when a peer has a new key. */
struct wg_keyring {
    pthread_rwlock_t lock;
    struct wg_map rings;
};

struct ring {
    size_t count;
    struct wg_public_key keys[WG_KEYRING_KEYS]; /* newest first */
};

struct wg_keyring *wg_keyring_new(void)
{
    struct wg_keyring *keyring = wg_new(struct wg_keyring);

    pthread_rwlock_init(&keyring->lock, NULL);
    wg_map_init(&keyring->rings);
    return keyring;
}

static void ring_free(void *ring)
{
    wg_free(ring);
}

struct wg_keyring *wg_keyring_free(struct wg_keyring *keyring)
{
    if (!keyring)
        return NULL;
    wg_map_done(&keyring->rings, ring_free);
    pthread_rwlock_destroy(&keyring->lock);
    wg_free(keyring);
    return NULL;
}

void wg_keyring_key(struct wg_str server_name, struct wg_str peer, struct wg_buf *out)
{
    wg_buf_adds(out, server_name);
    wg_buf_addc(out, '/');
    wg_buf_adds(out, peer);
}

/* Under the lock. */
static struct ring *ring_of(struct wg_keyring *keyring, struct wg_str server_name,
                            struct wg_str peer)
{
    struct wg_buf name;
    struct ring *ring;

    wg_buf_init(&name, NAME_LIMIT_BYTES);
    wg_keyring_key(server_name, peer, &name);
    ring = wg_map_get(&keyring->rings, wg_buf_str(&name));
    wg_buf_done(&name);
    return ring;
}

static struct ring *make_ring(struct wg_keyring *keyring, struct wg_str server_name,
                              struct wg_str peer)
{
    struct wg_buf name;
    struct ring *ring;

    if (keyring->rings.count >= WG_KEYRING_LIMIT)
        return NULL;
    wg_buf_init(&name, NAME_LIMIT_BYTES);
    wg_keyring_key(server_name, peer, &name);
    ring = wg_new(struct ring);
    (void)wg_map_put(&keyring->rings, wg_buf_str(&name), ring);
    wg_buf_done(&name);
    return ring;
}

static bool holds(const struct ring *ring, const struct wg_public_key *key)
{
    for (size_t i = 0; ring && i < ring->count; i++)
        if (wg_public_key_equal(&ring->keys[i], key))
            return true;
    return false;
}

bool wg_keyring_has(struct wg_keyring *keyring, struct wg_str server_name, struct wg_str peer,
                    const struct wg_public_key *key)
{
    bool is_there;

    pthread_rwlock_rdlock(&keyring->lock);
    is_there = holds(ring_of(keyring, server_name, peer), key);
    pthread_rwlock_unlock(&keyring->lock);
    return is_there;
}

bool wg_keyring_newest(struct wg_keyring *keyring, struct wg_str server_name,
                       struct wg_str peer, struct wg_public_key *ret_key)
{
    const struct ring *ring;
    bool is_there;

    pthread_rwlock_rdlock(&keyring->lock);
    ring = ring_of(keyring, server_name, peer);
    is_there = ring && ring->count > 0;
    if (is_there)
        *ret_key = ring->keys[0];
    pthread_rwlock_unlock(&keyring->lock);
    return is_there;
}

bool wg_keyring_add(struct wg_keyring *keyring, struct wg_str server_name, struct wg_str peer,
                    const struct wg_public_key *key)
{
    struct ring *ring;
    bool is_new = false;

    pthread_rwlock_wrlock(&keyring->lock);
    ring = ring_of(keyring, server_name, peer);
    if (!ring)
        ring = make_ring(keyring, server_name, peer);
    if (ring && !holds(ring, key)) {
        if (ring->count == WG_KEYRING_KEYS)
            ring->count--;
        memmove(&ring->keys[1], &ring->keys[0], ring->count * sizeof ring->keys[0]);
        ring->keys[0] = *key;
        ring->count++;
        is_new = true;
    }
    pthread_rwlock_unlock(&keyring->lock);
    return is_new;
}

void wg_keyring_write(struct wg_keyring *keyring, struct wg_str server_name, struct wg_str peer,
                      struct wg_buf *out)
{
    const struct ring *ring;

    wg_buf_addf(out, "[");
    pthread_rwlock_rdlock(&keyring->lock);
    ring = ring_of(keyring, server_name, peer);
    for (size_t i = 0; ring && i < ring->count; i++) {
        char text[WG_PUBLIC_KEY_TEXT];

        wg_public_key_write(&ring->keys[i], text);
        wg_buf_addf(out, "%s\"%s\"", i ? "," : "", text);
    }
    pthread_rwlock_unlock(&keyring->lock);
    wg_buf_addf(out, "]");
}

enum wg_code wg_keyring_restore(struct wg_keyring *keyring, struct wg_str key,
                                const json_t *value, struct wg_err *err)
{
    struct wg_str peer = key;
    struct wg_str server_name = wg_str_split(&peer, '/');

    if (!peer.at || !json_is_array(value))
        return wg_fail(err, WG_INVALID, "it is not a list of the keys of server/peer");
    for (size_t i = json_array_size(value); i > 0; i--) {
        const char *text = json_string_value(json_array_get(value, i - 1));
        struct wg_public_key public_key;

        if (wg_public_key_parse(wg_str(text ? text : ""), &public_key, err) != WG_OK)
            return err->code;
        (void)wg_keyring_add(keyring, server_name, peer, &public_key);
    }
    return WG_OK;
}
