// SPDX-License-Identifier: Apache-2.0
#include "federation/own_keys.h"

#include <sodium.h>

#include "base/alloc.h"

static void free_keys(struct wg_own_key *at, size_t count)
{
    if (at)
        sodium_memzero(at, count * sizeof *at);
    wg_free(at);
}

/* Never by realloc(), which leaves secrets behind. */
static void insert(struct wg_own_keys *keys, const struct wg_own_key *key)
{
    struct wg_own_key *at = wg_alloc((keys->count + 1) * sizeof *at);
    size_t place = keys->count;

    while (place > 0 && keys->at[place - 1].from_s > key->from_s)
        place--;
    for (size_t i = 0; i < keys->count; i++)
        at[i < place ? i : i + 1] = keys->at[i];
    at[place] = *key;
    free_keys(keys->at, keys->count);
    keys->at = at;
    keys->count++;
}

static void take_out(struct wg_own_keys *keys, size_t place)
{
    for (size_t i = place; i + 1 < keys->count; i++)
        keys->at[i] = keys->at[i + 1];
    keys->count--;
    sodium_memzero(&keys->at[keys->count], sizeof keys->at[0]);
}

static struct wg_own_key key_of(const struct wg_secret_key *secret, int64_t from_s)
{
    return (struct wg_own_key){
        .key = secret->public_key,
        .has_secret = true,
        .secret = *secret,
        .from_s = from_s,
        .until_s = INT64_MAX,
    };
}

void wg_own_keys_init(struct wg_own_keys *keys, const struct wg_secret_key *secret,
                      int64_t from_s)
{
    struct wg_own_key key = key_of(secret, from_s);

    *keys = (struct wg_own_keys){.file = secret->public_key};
    insert(keys, &key);
    sodium_memzero(&key, sizeof key);
}

void wg_own_keys_copy(struct wg_own_keys *to, const struct wg_own_keys *from)
{
    *to = *from;
    to->at = wg_alloc(from->count * sizeof *to->at);
    for (size_t i = 0; i < from->count; i++)
        to->at[i] = from->at[i];
}

void wg_own_keys_done(struct wg_own_keys *keys)
{
    free_keys(keys->at, keys->count);
    *keys = (struct wg_own_keys){0};
}

static struct wg_own_key *signer(const struct wg_own_keys *keys, int64_t now_s)
{
    struct wg_own_key *found = NULL;

    for (size_t i = 0; i < keys->count; i++) {
        /* Before all of them, after a clock was set back, the first is as good as any. */
        if (keys->at[i].has_secret && (!found || keys->at[i].from_s <= now_s))
            found = &keys->at[i];
    }
    return found;
}

const struct wg_own_key *wg_own_keys_signer(const struct wg_own_keys *keys, int64_t now_s)
{
    return signer(keys, now_s);
}

const struct wg_own_key *wg_own_keys_next(const struct wg_own_keys *keys, int64_t now_s)
{
    const struct wg_own_key *now = signer(keys, now_s);

    for (size_t i = 0; i < keys->count; i++) {
        if ((!now || &keys->at[i] > now) && keys->at[i].from_s > now_s)
            return &keys->at[i];
    }
    return NULL;
}

static struct wg_own_key *find(const struct wg_own_keys *keys, struct wg_str kid)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (wg_str_is(kid, keys->at[i].key.kid))
            return &keys->at[i];
    }
    return NULL;
}

const struct wg_own_key *wg_own_keys_find(const struct wg_own_keys *keys, struct wg_str kid)
{
    return find(keys, kid);
}

/* A key that has signed from the beginning is not said to begin: its file's date is a guess. */
static struct wg_descriptor_key published(const struct wg_own_keys *keys,
                                          const struct wg_own_key *key)
{
    return (struct wg_descriptor_key){
        .key = key->key,
        .valid_from_s = key == keys->at ? INT64_MIN : key->from_s - WG_OWN_KEYS_LEAD_S,
        .valid_until_s = key->until_s,
    };
}

size_t wg_own_keys_published(const struct wg_own_keys *keys, int64_t now_s,
                             struct wg_descriptor_key *ret_keys)
{
    const struct wg_own_key *now = signer(keys, now_s);
    size_t count = 0;

    if (now)
        ret_keys[count++] = published(keys, now);
    for (size_t i = keys->count; i-- > 0 && count < WG_OWN_KEYS_PUBLISHED;) {
        if (&keys->at[i] != now && keys->at[i].until_s > now_s)
            ret_keys[count++] = published(keys, &keys->at[i]);
    }
    return count;
}

int64_t wg_own_keys_change_s(const struct wg_own_keys *keys, int64_t now_s)
{
    int64_t at_s = INT64_MAX;

    for (size_t i = 0; i < keys->count; i++) {
        const struct wg_own_key *key = &keys->at[i];

        if (key->from_s > now_s && key->from_s < at_s)
            at_s = key->from_s;
        if (key->until_s > now_s && key->until_s < at_s)
            at_s = key->until_s;
    }
    return at_s;
}

enum wg_code wg_own_keys_rotate(struct wg_own_keys *keys, const struct wg_secret_key *secret,
                                int64_t now_s, int64_t overlap_s, int64_t keep_s,
                                struct wg_err *err)
{
    const struct wg_own_key *next = wg_own_keys_next(keys, now_s);
    struct wg_descriptor_key now_published[WG_OWN_KEYS_PUBLISHED];
    struct wg_own_key key = key_of(secret, now_s + overlap_s);

    if (next)
        return wg_fail(
            err, WG_EXISTS,
            "a rotation runs: key %s is published and signs in %lld s; `wavegate key "
            "cancel` takes it back",
            next->key.kid, (long long)(next->from_s - now_s));
    if (wg_own_keys_published(keys, now_s, now_published) == WG_OWN_KEYS_PUBLISHED)
        return wg_fail(err, WG_FULL,
                       "%d keys are published still: rotate again when the validity of one has "
                       "ended (`wavegate key list`)",
                       WG_OWN_KEYS_PUBLISHED);
    signer(keys, now_s)->until_s = now_s + overlap_s + keep_s;
    insert(keys, &key);
    sodium_memzero(&key, sizeof key);
    return WG_OK;
}

enum wg_code wg_own_keys_cancel(struct wg_own_keys *keys, int64_t now_s, struct wg_err *err)
{
    const struct wg_own_key *next = wg_own_keys_next(keys, now_s);

    if (!next)
        return wg_fail(err, WG_NOT_FOUND,
                       "no rotation runs: the key that signs now stays; `wavegate key rotate` "
                       "begins one");
    take_out(keys, (size_t)(next - keys->at));
    signer(keys, now_s)->until_s = INT64_MAX;
    return WG_OK;
}

static void replace(struct wg_own_keys *keys, const struct wg_secret_key *secret, int64_t now_s,
                    int64_t keep_s)
{
    struct wg_own_key key = key_of(secret, now_s);
    const struct wg_own_key *next;
    struct wg_own_key *old = signer(keys, now_s);

    while ((next = wg_own_keys_next(keys, now_s)) != NULL)
        take_out(keys, (size_t)(next - keys->at));
    if (old)
        old->until_s = now_s + keep_s;
    else if (keys->count) /* its secret went with the former file */
        keys->at[keys->count - 1].until_s = now_s + keep_s;
    insert(keys, &key);
    sodium_memzero(&key, sizeof key);
}

enum wg_own_keys_news wg_own_keys_see_file(struct wg_own_keys *keys,
                                           const struct wg_secret_key *secret, int64_t now_s,
                                           int64_t keep_s)
{
    bool is_same = wg_public_key_equal(&keys->file, &secret->public_key);
    struct wg_own_key *known = find(keys, wg_str(secret->public_key.kid));

    if (known && !known->has_secret && known->until_s > now_s) {
        known->has_secret = true;
        known->secret = *secret;
    }
    keys->file = secret->public_key;
    if (!known) {
        replace(keys, secret, now_s, keep_s);
        return WG_OWN_KEYS_REPLACED;
    }
    if (is_same)
        return WG_OWN_KEYS_SAME;
    return known->from_s <= now_s && known != signer(keys, now_s) ? WG_OWN_KEYS_FORMER
                                                                 : WG_OWN_KEYS_NOTED;
}

bool wg_own_keys_tidy(struct wg_own_keys *keys, int64_t now_s)
{
    const struct wg_own_key *now = signer(keys, now_s);
    bool is_changed = false;

    for (size_t i = 0; i < keys->count; i++) {
        struct wg_own_key *key = &keys->at[i];

        if (key == now || !key->has_secret || key->until_s > now_s)
            continue;
        sodium_memzero(&key->secret, sizeof key->secret);
        key->has_secret = false;
        is_changed = true;
    }
    while (keys->count > WG_OWN_KEYS_MAX && keys->at[0].until_s <= now_s) {
        take_out(keys, 0);
        is_changed = true;
    }
    return is_changed;
}

enum wg_code wg_own_keys_check(const struct wg_own_keys *keys, int64_t now_s,
                               struct wg_err *err)
{
    const struct wg_own_key *newest = NULL;

    for (size_t i = 0; i < keys->count; i++) {
        if (keys->at[i].from_s <= now_s || !newest)
            newest = &keys->at[i];
    }
    if (newest && newest->has_secret)
        return WG_OK;
    return wg_fail(
        err, WG_CONFIG,
        "key %s signs now, but its secret is in neither of them: put the keyring back "
        "from a backup; or take it away and let signing_key name the key to sign with",
        newest ? newest->key.kid : "(none)");
}
