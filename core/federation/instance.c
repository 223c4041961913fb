// SPDX-License-Identifier: Apache-2.0
#include "federation/instance.h"

#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "wire/name.h"

enum { KEY_FILE_LIMIT_BYTES = 16 * 1024 };

/* "http://host:port" was checked by config; here it only comes apart. */
static void split_upstream(const char *url, struct wg_dial_target *target)
{
    struct wg_str rest = wg_str(url);
    bool is_tls = wg_str_starts(rest, WG_STR("https://"));
    size_t scheme = is_tls ? strlen("https://") : strlen("http://");

    rest = wg_str_of(rest.at + scheme, rest.len - scheme);
    if (rest.len && rest.at[rest.len - 1] == '/')
        rest.len--;
    target->is_tls = is_tls;
    target->is_trusted = true;
    wg_server_name_split(rest, is_tls ? 443 : 80, &target->host, &target->port);
}

enum wg_code wg_instance_read_key(const struct wg_config_instance *config,
                                  struct wg_secret_key *ret_key, int64_t *ret_from_s,
                                  struct wg_err *err)
{
    const char *file = config->signing_key;
    struct stat info;
    struct wg_buf text;
    enum wg_code code;

    wg_buf_init(&text, KEY_FILE_LIMIT_BYTES);
    code = wg_file_read(file, &text, err);
    if (code == WG_OK) {
        code = wg_secret_key_parse(wg_buf_str(&text), ret_key, err);
        if (code != WG_OK)
            wg_while(err, "%s", file);
    }
    if (text.at)
        sodium_memzero(text.at, text.capacity);
    wg_buf_done(&text);
    if (code == WG_OK)
        *ret_from_s = stat(file, &info) == 0 ? (int64_t)info.st_mtim.tv_sec : 0;
    return code;
}

/* Until a keyring says more. */
static enum wg_code load_key(struct wg_instance *instance, struct wg_err *err)
{
    struct wg_secret_key key;
    struct wg_own_keys keys;
    int64_t from_s;

    if (wg_instance_read_key(instance->config, &key, &from_s, err) != WG_OK)
        return err->code;
    wg_own_keys_init(&keys, &key, from_s);
    wg_identity_set(instance->identity, &keys);
    wg_own_keys_done(&keys);
    wg_secret_key_done(&key);
    return WG_OK;
}

static enum wg_code load_token(struct wg_instance *instance, struct wg_err *err)
{
    const char *file = instance->config->upstream_token_file;
    struct wg_buf text;
    struct wg_str token;

    if (!file)
        return WG_OK;
    wg_buf_init(&text, KEY_FILE_LIMIT_BYTES);
    if (wg_file_read(file, &text, err) != WG_OK) {
        wg_buf_done(&text);
        return err->code;
    }
    token = wg_buf_str(&text);
    while (token.len && (token.at[token.len - 1] == '\n' || token.at[token.len - 1] == '\r'))
        token.len--;
    token = wg_str_trim(token);
    for (size_t i = 0; i < token.len; i++) {
        if (token.at[i] <= ' ' || token.at[i] >= 0x7f)
            token.len = 0;
    }
    if (token.len)
        instance->upstream_token = wg_str(wg_strdup(token));
    sodium_memzero(text.at, text.capacity);
    wg_buf_done(&text);
    if (!instance->upstream_token.at)
        return wg_fail(err, WG_CONFIG, "%s: holds no token: one line of visible ASCII", file);
    return WG_OK;
}

enum wg_code wg_instance_init(struct wg_instance *instance, size_t index,
                              const struct wg_config_instance *config, struct wg_err *err)
{
    *instance = (struct wg_instance){
        .index = index, .config = config, .server_name = wg_str(config->server_name)};
    instance->identity = wg_identity_new(instance->server_name);
    split_upstream(config->upstream, &instance->upstream);
    if (load_key(instance, err) != WG_OK || load_token(instance, err) != WG_OK)
        return wg_while(err, "instance %s", config->server_name);
    return WG_OK;
}

void wg_instance_done(struct wg_instance *instance)
{
    wg_identity_free(instance->identity);
    wg_free((char *)instance->upstream_token.at);
    *instance = (struct wg_instance){0};
}

enum wg_code wg_instance_sign(const struct wg_instance *instance, struct wg_message *message,
                              struct wg_sign_options *options, struct wg_arena *arena,
                              struct wg_err *err)
{
    struct wg_secret_key key;
    enum wg_code code;

    wg_identity_signer(instance->identity, options->created_s, &key);
    options->keyid = wg_str(
        wg_arena_format(arena, "%.*s#%s", WG_STR_F(instance->server_name), key.public_key.kid));
    code = wg_message_sign(message, options, &key, arena, err);
    wg_secret_key_done(&key);
    return code;
}

enum wg_code wg_instance_seal(const struct wg_instance *instance, struct wg_event *event,
                              int64_t now_s, struct wg_err *err)
{
    struct wg_secret_key key;
    enum wg_code code;

    wg_identity_signer(instance->identity, now_s, &key);
    code = wg_event_sign(event, instance->server_name, &key, err);
    wg_secret_key_done(&key);
    return code;
}
