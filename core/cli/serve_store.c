// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/serve_impl.h"

enum { KEY_TEXT_LIMIT_BYTES = 4096 };

/* The gateway's own key: it signs for the audit, which belongs to no instance alone. Threads of
 * the store only read it. */
#define KEY_FILE "gateway.key"
#define KEY_PREFIX "ed25519:"

struct serve_signer {
    struct wg_secret_key key;
};

static bool sign(void *owner, struct wg_str message, uint8_t ret_signature[WG_STORE_SIGNATURE],
                 char ret_key_name[WG_STORE_KEY_NAME])
{
    const struct serve_signer *signer = owner;

    wg_sign(&signer->key, message, ret_signature);
    snprintf(ret_key_name, WG_STORE_KEY_NAME, KEY_PREFIX "%s", signer->key.public_key.kid);
    return true;
}

static bool verify(void *owner, struct wg_str message,
                   const uint8_t signature[WG_STORE_SIGNATURE], struct wg_str key_name)
{
    const struct serve_signer *signer = owner;
    const struct wg_public_key *key = &signer->key.public_key;

    return wg_str_starts(key_name, WG_STR(KEY_PREFIX)) &&
           wg_str_is(
               wg_str_of(key_name.at + strlen(KEY_PREFIX), key_name.len - strlen(KEY_PREFIX)),
               key->kid) &&
           wg_verify(key, message, wg_str_of(signature, WG_STORE_SIGNATURE));
}

static enum wg_code make_key(struct serve *serve, struct wg_secret_key *key, struct wg_err *err)
{
    struct wg_buf text;
    enum wg_code code;

    wg_buf_init(&text, KEY_TEXT_LIMIT_BYTES);
    wg_secret_key_generate(key);
    wg_secret_key_write(key, &text);
    code = serve_data_write(serve, KEY_FILE, wg_buf_str(&text), err);
    sodium_memzero(text.at, text.capacity);
    wg_buf_done(&text);
    return code;
}

static enum wg_code load_key(struct serve *serve, struct wg_secret_key *key, struct wg_err *err)
{
    struct wg_buf text;
    enum wg_code code;

    wg_buf_init(&text, KEY_TEXT_LIMIT_BYTES);
    code = serve_data_read(serve, KEY_FILE, &text, err);
    if (code == WG_OK && wg_secret_key_parse(wg_buf_str(&text), key, err) != WG_OK)
        code = wg_while(err, "%s/%s", serve->config->data, KEY_FILE);
    if (text.at)
        sodium_memzero(text.at, text.capacity);
    wg_buf_done(&text);
    return code == WG_NOT_FOUND ? make_key(serve, key, err) : code;
}

static enum wg_code make_signer(struct serve *serve, struct wg_store_signer *ret_signer,
                                struct wg_err *err)
{
    struct serve_signer *signer = wg_new(struct serve_signer);

    serve->signer = signer;
    *ret_signer = (struct wg_store_signer){sign, verify, signer};
    return load_key(serve, &signer->key, err);
}

enum wg_code serve_open_store(struct serve *serve, struct wg_err *err)
{
    const struct wg_config_queue *queue = &serve->config->queue;
    struct wg_store_options options = {
        .folder = serve->config->data,
        .clock = wg_clock_system(),
        .post = wg_loop_post,
        .queue_rows_limit = queue->rows,
        .queue_bytes_limit = queue->bytes,
        /* To the store 0 is "the usual", to the operator "none". */
        .free_disk_bytes_min = queue->free_disk_bytes ? queue->free_disk_bytes : 1,
        .seen_keep_ms = queue->seen_keep_ms,
        .dead_keep_ms = queue->dead_keep_ms,
        .audit_keep_ms = serve->config->audit.keep_ms,
        .audit_keep_bytes = serve->config->audit.keep_bytes,
    };

    /* What is promised to instances and peers stands in it: nobody else has to read that. */
    if (mkdir(serve->config->data, 0700) != 0 && errno != EEXIST)
        return wg_fail(err, WG_CONFIG, "data: %s: %s; make the folder, or name another in %s",
                       serve->config->data, strerror(errno), serve->config->file);
    if (make_signer(serve, &options.signer, err) != WG_OK)
        return err->code;
    return wg_store_open(&options, &serve->store, err);
}

void serve_close_store(struct serve *serve)
{
    serve->store = wg_store_free(serve->store);
    if (serve->signer)
        wg_secret_key_done(&serve->signer->key);
    wg_free(serve->signer);
    serve->signer = NULL;
}
