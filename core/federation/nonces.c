// SPDX-License-Identifier: Apache-2.0
#include "federation/nonces.h"

#include <pthread.h>
#include <sodium.h>

#include "base/alloc.h"
#include "base/id.h"
#include "wire/signature.h"

enum {
    SHARDS = 16,
    /* A signature created 60 s in the future stays valid for 120 s; two sets that take turns
     * keep a nonce for one to two periods. */
    PERIOD_MS = 2 * WG_CREATED_WINDOW_S * 1000 + 5000,
    FIRST_CAPACITY = 64,
};

struct digest {
    uint64_t word[2]; /* both 0: an empty place */
};

struct set {
    struct digest *at;
    size_t capacity;
    size_t count;
};

struct shard {
    pthread_mutex_t lock;
    struct set now, before;
    int64_t turned_at_ms;
};

struct wg_nonces {
    const struct wg_clock *clock;
    uint8_t key[crypto_generichash_KEYBYTES];
    size_t shard_limit;
    struct shard shards[SHARDS];
};

struct wg_nonces *wg_nonces_new(const struct wg_clock *clock, size_t limit)
{
    struct wg_nonces *nonces = wg_new(struct wg_nonces);

    nonces->clock = clock;
    nonces->shard_limit = limit / SHARDS / 2 + 1;
    wg_random(nonces->key, sizeof nonces->key);
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&nonces->shards[i].lock, NULL);
        nonces->shards[i].turned_at_ms = wg_clock_mono_ms(clock);
    }
    return nonces;
}

struct wg_nonces *wg_nonces_free(struct wg_nonces *nonces)
{
    for (size_t i = 0; nonces && i < SHARDS; i++) {
        pthread_mutex_destroy(&nonces->shards[i].lock);
        wg_free(nonces->shards[i].now.at);
        wg_free(nonces->shards[i].before.at);
    }
    wg_free(nonces);
    return NULL;
}

static struct digest digest_of(const struct wg_nonces *nonces, struct wg_str server,
                               struct wg_str nonce)
{
    crypto_generichash_state state;
    struct digest digest;

    crypto_generichash_init(&state, nonces->key, sizeof nonces->key, sizeof digest);
    crypto_generichash_update(&state, (const uint8_t *)server.at, server.len);
    crypto_generichash_update(&state, (const uint8_t *)"", 1);
    crypto_generichash_update(&state, (const uint8_t *)nonce.at, nonce.len);
    crypto_generichash_final(&state, (uint8_t *)&digest, sizeof digest);
    if (digest.word[0] == 0 && digest.word[1] == 0)
        digest.word[0] = 1;
    return digest;
}

/* The place of the digest, or the empty place where it would go. */
static struct digest *place(const struct set *set, struct digest digest)
{
    size_t i = digest.word[0] & (set->capacity - 1);

    while ((set->at[i].word[0] || set->at[i].word[1]) &&
           memcmp(&set->at[i], &digest, sizeof digest) != 0)
        i = (i + 1) & (set->capacity - 1);
    return &set->at[i];
}

static bool set_has(const struct set *set, struct digest digest)
{
    struct digest *at = set->capacity ? place(set, digest) : NULL;

    return at && (at->word[0] || at->word[1]);
}

static void set_add(struct set *set, struct digest digest)
{
    if ((set->count + 1) * 4 > set->capacity * 3) {
        struct set grown = {.capacity = set->capacity ? set->capacity * 2 : FIRST_CAPACITY};

        grown.at = wg_alloc(grown.capacity * sizeof *grown.at);
        for (size_t i = 0; i < set->capacity; i++) {
            if (set->at[i].word[0] || set->at[i].word[1])
                *place(&grown, set->at[i]) = set->at[i];
        }
        grown.count = set->count;
        wg_free(set->at);
        *set = grown;
    }
    *place(set, digest) = digest;
    set->count++;
}

static void turn(struct shard *shard, int64_t now_ms)
{
    int64_t periods = (now_ms - shard->turned_at_ms) / PERIOD_MS;

    if (periods <= 0)
        return;
    wg_free(shard->before.at);
    shard->before = shard->now;
    shard->now = (struct set){0};
    if (periods > 1) {
        wg_free(shard->before.at);
        shard->before = (struct set){0};
    }
    shard->turned_at_ms = now_ms;
}

static struct shard *enter(struct wg_nonces *nonces, struct digest digest)
{
    struct shard *shard = &nonces->shards[digest.word[1] % SHARDS];

    pthread_mutex_lock(&shard->lock);
    turn(shard, wg_clock_mono_ms(nonces->clock));
    return shard;
}

bool wg_nonces_has(struct wg_nonces *nonces, struct wg_str server, struct wg_str nonce)
{
    struct digest digest = digest_of(nonces, server, nonce);
    struct shard *shard = enter(nonces, digest);
    bool has = set_has(&shard->now, digest) || set_has(&shard->before, digest);

    pthread_mutex_unlock(&shard->lock);
    return has;
}

enum wg_code wg_nonces_add(struct wg_nonces *nonces, struct wg_str server, struct wg_str nonce,
                           struct wg_err *err)
{
    struct digest digest = digest_of(nonces, server, nonce);
    struct shard *shard = enter(nonces, digest);
    bool has = set_has(&shard->now, digest) || set_has(&shard->before, digest);
    bool is_full = shard->now.count >= nonces->shard_limit;

    if (!has && !is_full)
        set_add(&shard->now, digest);
    pthread_mutex_unlock(&shard->lock);
    if (has)
        return wg_fail(
            err, WG_BAD_SIGNATURE,
            "the nonce was used before: this request is a replay; sign every attempt "
            "afresh with a new nonce");
    if (is_full)
        return wg_fail(err, WG_RATE_LIMITED,
                       "too many requests to remember their nonces: "
                       "try again in a minute");
    return WG_OK;
}
