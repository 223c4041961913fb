// SPDX-License-Identifier: Apache-2.0
#include "federation/key_keeper.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "federation/audit.h"
#include "net/work.h"

enum { TICK_MS = 60 * 1000, TICK_LEAST_MS = 20, NAME_LIMIT = 200, DAY_S = 24 * 3600 };

/* What an operator wants done. */
struct wish {
    bool is_rotation;
    int64_t overlap_s, keep_s;
    wg_key_done on_done; /* NULL: there is none */
    void *owner;
};

struct ring {
    struct wg_instance *instance;
    struct wish wish; /* waits for the change that is being written */
    bool is_busy;     /**< a change is being written */
    bool is_reload_due;
    bool has_failed; /**< the last write did */
    bool is_dirty; /**< what is in force is not on the disk: a first start, or a failed write */
    char told[WG_KID_CHARS + 1]; /**< the signer as of the last tick */
};

struct wg_key_keeper {
    struct wg_gateway *gateway;
    struct wg_loop *loop;
    struct wg_timer *timer;
    struct ring *rings;
    size_t count;
    unsigned writes;
    bool is_closing, has_complained;
};

struct change {
    struct wg_key_keeper *keeper;
    struct ring *ring;
    struct wg_own_keys keys;
    char file[PATH_MAX];
    struct wg_buf text;
    struct wg_err err;
    wg_key_done on_done; /* NULL: nobody waits */
    void *owner;
};

static int64_t now_s(const struct wg_key_keeper *keeper)
{
    return wg_clock_wall_s(keeper->gateway->clock);
}

/* A file's name has 255 bytes, a server name may have more. */
static enum wg_code file_of(const struct wg_gateway *gateway,
                            const struct wg_instance *instance, char ret_file[PATH_MAX],
                            struct wg_err *err)
{
    struct wg_str name = instance->server_name;
    char rest[17] = "";
    uint8_t digest[crypto_hash_sha256_BYTES];
    int len;

    if (name.len > NAME_LIMIT) {
        crypto_hash_sha256(digest, (const uint8_t *)name.at, name.len);
        sodium_bin2hex(rest, sizeof rest, digest, sizeof rest / 2);
        name.len = NAME_LIMIT;
    }
    len = snprintf(ret_file, PATH_MAX, "%s/keys/%.*s%s.keyring", gateway->config->data,
                   WG_STR_F(name), rest);
    return len > 0 && len < PATH_MAX ? WG_OK
                                     : wg_fail(err, WG_CONFIG, "data: %s: the path is too long",
                                               gateway->config->data);
}

/* ---- writing ---- */

static void fulfil(struct wg_key_keeper *keeper, struct ring *ring, const struct wish *wish);

static void keeper_free(struct wg_key_keeper *keeper)
{
    wg_free(keeper->rings);
    wg_free(keeper);
}

static void set_timer(struct wg_key_keeper *keeper, int64_t change_s)
{
    int64_t now_ms = wg_clock_wall_ms(keeper->gateway->clock), wait_ms = TICK_MS;

    if (change_s < now_ms / 1000 + TICK_MS / 1000)
        wait_ms = change_s * 1000 - now_ms;
    wg_timer_start(keeper->timer, wait_ms < TICK_LEAST_MS ? TICK_LEAST_MS : wait_ms);
}

static void run_change(void *owner)
{
    struct change *change = owner;

    change->err.code = wg_file_write(change->file, wg_buf_str(&change->text), &change->err);
}

static void change_free(struct change *change)
{
    if (change->text.at)
        sodium_memzero(change->text.at, change->text.capacity);
    wg_buf_done(&change->text);
    wg_own_keys_done(&change->keys);
    wg_free(change);
}

/* What failed may stand in the file all the same: what is in force is written again. */
static void note_result(struct wg_key_keeper *keeper, struct change *change)
{
    change->ring->is_busy = false;
    change->ring->has_failed = change->ring->is_dirty = change->err.code != WG_OK;
    if (change->err.code == WG_OK) {
        wg_identity_set(change->ring->instance->identity, &change->keys);
        keeper->has_complained = false;
    } else if (!keeper->has_complained) {
        keeper->has_complained = true;
        wg_log(WG_LOG_ERROR, "federation.key.not_stored",
               "let the user that runs wavegate write there; it is tried again",
               WG_F_STR("server", change->ring->instance->server_name),
               WG_F_TEXT("reason", change->err.text));
    }
}

static void on_written(void *owner)
{
    struct change *change = owner;
    struct wg_key_keeper *keeper = change->keeper;
    struct ring *ring = change->ring;
    struct wish wish = ring->wish;
    bool is_good = change->err.code == WG_OK;

    keeper->writes--;
    note_result(keeper, change);
    is_good |= ring->is_reload_due;
    ring->wish = (struct wish){.on_done = NULL};
    if (change->on_done)
        change->on_done(change->owner, &change->err);
    change_free(change);
    if (wish.on_done)
        fulfil(keeper, ring, &wish);
    if (keeper->is_closing) {
        if (!keeper->writes)
            keeper_free(keeper);
        return;
    }
    set_timer(keeper, is_good ? 0 : INT64_MAX);
}

/* Takes keys over: they are in force once they are on the disk. */
static void write_ring(struct wg_key_keeper *keeper, struct ring *ring,
                       struct wg_own_keys *keys, wg_key_done on_done, void *owner)
{
    struct change *change = wg_new(struct change);

    *change = (struct change){
        .keeper = keeper, .ring = ring, .keys = *keys, .on_done = on_done, .owner = owner};
    wg_buf_init(&change->text, WG_OWN_KEYS_TEXT_BYTES);
    ring->is_busy = true;
    keeper->writes++;
    if (file_of(keeper->gateway, ring->instance, change->file, &change->err) != WG_OK) {
        wg_loop_post(keeper->loop, on_written, change);
        return;
    }
    wg_own_keys_write(keys, ring->instance->server_name, &change->text);
    wg_loop_work(keeper->loop, run_change, on_written, change);
}

/* One after the other: nobody waits for these. */
static void write_some(struct wg_key_keeper *keeper)
{
    for (size_t i = 0; i < keeper->count && !keeper->writes; i++) {
        struct ring *ring = &keeper->rings[i];
        struct wg_own_keys keys;

        if (!ring->is_dirty || ring->is_busy)
            continue;
        wg_identity_keys(ring->instance->identity, &keys);
        write_ring(keeper, ring, &keys, NULL, NULL);
    }
}

/* ---- what happens by itself ---- */

static void audit(struct wg_key_keeper *keeper, const struct ring *ring, const char *action,
                  const char *kid)
{
    struct wg_audit_row row = {
        .action = wg_str(action),
        .server = ring->instance->server_name,
        .verdict = WG_STR("done"),
        .reason = wg_str(kid),
        .actor = WG_STR("gateway"),
        .latency_us = -1,
    };

    wg_audit_append(keeper->gateway, &row, 1);
}

static void tell_signer(struct wg_key_keeper *keeper, struct ring *ring)
{
    struct wg_public_key key = wg_identity_public_key(ring->instance->identity, now_s(keeper));

    if (strcmp(ring->told, key.kid) == 0)
        return;
    memcpy(ring->told, key.kid, sizeof ring->told);
    wg_log(WG_LOG_INFO, "federation.key.signs", "this key signs from now on",
           WG_F_STR("server", ring->instance->server_name), WG_F_TEXT("kid", key.kid));
    audit(keeper, ring, "federation.key.signs", key.kid);
}

/* ---- the file of the configuration ---- */

static void tell_file(struct wg_key_keeper *keeper, struct ring *ring,
                      const struct wg_own_keys *keys, enum wg_own_keys_news news)
{
    const char *file = ring->instance->config->signing_key;

    if (news == WG_OWN_KEYS_REPLACED) {
        wg_log(
            WG_LOG_WARN, "federation.key.replaced",
            "signing_key holds a new key: it signs at once; the one before it stays published",
            WG_F_STR("server", ring->instance->server_name), WG_F_TEXT("kid", keys->file.kid),
            WG_F_TEXT("file", file));
        audit(keeper, ring, "federation.key.replaced", keys->file.kid);
    } else if (news == WG_OWN_KEYS_FORMER) {
        wg_log(WG_LOG_ERROR, "federation.key.former_in_file",
               "signing_key holds a former key, which is not taken back: the keyring decides",
               WG_F_STR("server", ring->instance->server_name),
               WG_F_TEXT("kid", keys->file.kid), WG_F_TEXT("file", file));
    }
}

static enum wg_code see_file(struct wg_key_keeper *keeper, struct ring *ring,
                             struct wg_own_keys *keys, enum wg_own_keys_news *ret_news,
                             struct wg_err *err)
{
    struct wg_secret_key key;
    int64_t ignored;

    if (wg_instance_read_key(ring->instance->config, &key, &ignored, err) != WG_OK)
        return err->code;
    *ret_news =
        wg_own_keys_see_file(keys, &key, now_s(keeper), wg_key_keep_s(keeper->gateway->config));
    wg_secret_key_done(&key);
    tell_file(keeper, ring, keys, *ret_news);
    return WG_OK;
}

static void reload_ring(struct wg_key_keeper *keeper, struct ring *ring)
{
    enum wg_own_keys_news news = WG_OWN_KEYS_SAME;
    struct wg_own_keys keys;
    struct wg_err err;

    ring->is_reload_due = ring->is_busy; /* then once that is written */
    if (ring->is_busy)
        return;
    wg_identity_keys(ring->instance->identity, &keys);
    if (see_file(keeper, ring, &keys, &news, &err) != WG_OK)
        wg_log(WG_LOG_ERROR, "federation.key.reload_failed", "the keys stay as they were",
               WG_F_STR("server", ring->instance->server_name), WG_F_TEXT("reason", err.text));
    if (news == WG_OWN_KEYS_SAME)
        wg_own_keys_done(&keys);
    else
        write_ring(keeper, ring, &keys, NULL, NULL);
}

void wg_key_keeper_reload(struct wg_key_keeper *keeper)
{
    for (size_t i = 0; i < keeper->count; i++)
        reload_ring(keeper, &keeper->rings[i]);
}

/* ---- the clock ---- */

static void on_tick(void *owner)
{
    struct wg_key_keeper *keeper = owner;
    int64_t next_s = INT64_MAX, at_s = now_s(keeper);

    for (size_t i = 0; i < keeper->count; i++) {
        struct ring *ring = &keeper->rings[i];
        struct wg_own_keys keys;
        int64_t change_s;

        tell_signer(keeper, ring);
        if (ring->is_reload_due)
            reload_ring(keeper, ring);
        wg_identity_keys(ring->instance->identity, &keys);
        change_s = wg_own_keys_change_s(&keys, at_s);
        next_s = change_s < next_s ? change_s : next_s;
        if (!ring->is_busy && wg_own_keys_tidy(&keys, at_s))
            write_ring(keeper, ring, &keys, NULL, NULL);
        else
            wg_own_keys_done(&keys);
    }
    write_some(keeper);
    set_timer(keeper, next_s);
}

/* ---- start and end ---- */

static enum wg_code read_ring(const char *file, struct wg_own_keys *ret_keys,
                              struct wg_err *err)
{
    struct wg_buf text;
    enum wg_code code;

    wg_buf_init(&text, WG_OWN_KEYS_TEXT_BYTES);
    code = wg_file_read(file, &text, err);
    if (code == WG_OK && wg_own_keys_parse(wg_buf_str(&text), ret_keys, err) != WG_OK)
        code = wg_while(err, "%s", file);
    if (text.at)
        sodium_memzero(text.at, text.capacity);
    wg_buf_done(&text);
    return code;
}

static enum wg_code load_ring(struct wg_key_keeper *keeper, struct ring *ring,
                              struct wg_err *err)
{
    enum wg_own_keys_news news;
    struct wg_own_keys keys;
    char file[PATH_MAX];
    enum wg_code code;

    if (file_of(keeper->gateway, ring->instance, file, err) != WG_OK)
        return err->code;
    if (access(file, F_OK) != 0 && errno == ENOENT) {
        ring->is_dirty = true;
        return WG_OK;
    }
    if (read_ring(file, &keys, err) != WG_OK)
        return err->code;
    code = see_file(keeper, ring, &keys, &news, err);
    if (code == WG_OK && wg_own_keys_check(&keys, now_s(keeper), err) != WG_OK)
        code = wg_while(err, "%s and signing_key", file);
    if (code == WG_OK) {
        wg_identity_set(ring->instance->identity, &keys);
        ring->is_dirty = news != WG_OWN_KEYS_SAME;
    }
    wg_own_keys_done(&keys);
    return code;
}

static enum wg_code make_folder(const struct wg_config *config, struct wg_err *err)
{
    char folder[PATH_MAX];
    int len = snprintf(folder, sizeof folder, "%s/keys", config->data);

    if (len < 0 || len >= PATH_MAX)
        return wg_fail(err, WG_CONFIG, "data: %s: the path is too long", config->data);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return wg_fail(err, WG_CONFIG, "%s: %s", folder, strerror(errno));
    return WG_OK;
}

enum wg_code wg_key_keeper_new(struct wg_gateway *gateway, struct wg_loop *loop,
                               struct wg_key_keeper **ret_keeper, struct wg_err *err)
{
    struct wg_key_keeper *keeper;

    if (make_folder(gateway->config, err) != WG_OK)
        return err->code;
    keeper = wg_new(struct wg_key_keeper);
    keeper->gateway = gateway;
    keeper->loop = loop;
    keeper->count = gateway->instance_count;
    keeper->rings = wg_alloc(keeper->count * sizeof *keeper->rings);
    for (size_t i = 0; i < keeper->count; i++) {
        struct ring *ring = &keeper->rings[i];

        ring->instance = &gateway->instances[i];
        if (load_ring(keeper, ring, err) != WG_OK) {
            wg_while(err, "instance %s", ring->instance->config->server_name);
            keeper_free(keeper);
            return err->code;
        }
        memcpy(ring->told, wg_identity_public_key(ring->instance->identity, now_s(keeper)).kid,
               sizeof ring->told);
    }
    keeper->timer = wg_timer_new(loop, on_tick, keeper);
    set_timer(keeper, 0);
    *ret_keeper = keeper;
    return WG_OK;
}

void wg_key_keeper_close(struct wg_key_keeper *keeper)
{
    if (!keeper)
        return;
    keeper->timer = wg_timer_free(keeper->timer);
    keeper->is_closing = true;
    if (!keeper->writes)
        keeper_free(keeper);
}

/* ---- what operators ask for ---- */

bool wg_key_keeper_is_stored(const struct wg_key_keeper *keeper, size_t index)
{
    return !keeper || !keeper->rings[index].has_failed;
}

int64_t wg_key_keep_s(const struct wg_config *config)
{
    int64_t most_ms = config->queue.expiry_ms;

    for (const struct wg_config_span *span = config->queue.expiry_by_type; span && span->name;
         span++)
        most_ms = span->ms > most_ms ? span->ms : most_ms;
    return most_ms / 1000 + DAY_S;
}

static void fulfil(struct wg_key_keeper *keeper, struct ring *ring, const struct wish *wish)
{
    struct wg_own_keys keys;
    struct wg_secret_key key;
    struct wg_err err;
    enum wg_code code;

    wg_identity_keys(ring->instance->identity, &keys);
    if (wish->is_rotation) {
        wg_secret_key_generate(&key);
        code =
            wg_own_keys_rotate(&keys, &key, now_s(keeper), wish->overlap_s, wish->keep_s, &err);
        wg_secret_key_done(&key);
    } else {
        code = wg_own_keys_cancel(&keys, now_s(keeper), &err);
    }
    if (code == WG_OK) {
        write_ring(keeper, ring, &keys, wish->on_done, wish->owner);
    } else {
        wg_own_keys_done(&keys);
        wish->on_done(wish->owner, &err);
    }
}

static void take_wish(struct wg_key_keeper *keeper, size_t index, const struct wish *wish)
{
    struct ring *ring = &keeper->rings[index];
    struct wg_err err;

    if (!ring->is_busy) {
        fulfil(keeper, ring, wish);
    } else if (!ring->wish.on_done) {
        ring->wish = *wish;
    } else {
        wg_fail(&err, WG_EXISTS, "other changes of these keys are being written: ask again");
        wish->on_done(wish->owner, &err);
    }
}

void wg_key_keeper_rotate(struct wg_key_keeper *keeper, size_t index, int64_t overlap_s,
                          int64_t keep_s, wg_key_done on_done, void *owner)
{
    const struct wish wish = {true, overlap_s, keep_s, on_done, owner};

    take_wish(keeper, index, &wish);
}

void wg_key_keeper_cancel(struct wg_key_keeper *keeper, size_t index, wg_key_done on_done,
                          void *owner)
{
    const struct wish wish = {.on_done = on_done, .owner = owner};

    take_wish(keeper, index, &wish);
}
