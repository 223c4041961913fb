// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>

#include "base/alloc.h"
#include "federation/own_keys.h"

/* One line a key: "key <key> <from> <until or ->". The key is public ("ed25519:") or secret
 * ("ed25519-secret:"); one line says which key stood in the file that the configuration names:
 * "signing_key <public key>". */

#define SECRET_PREFIX "ed25519-secret:"
#define NO_END "-"

static void write_secret(const struct wg_secret_key *secret, struct wg_buf *out)
{
    char text[sodium_base64_ENCODED_LEN(crypto_sign_SEEDBYTES, sodium_base64_VARIANT_ORIGINAL)];

    sodium_bin2base64(text, sizeof text, secret->bytes, crypto_sign_SEEDBYTES,
                      sodium_base64_VARIANT_ORIGINAL);
    wg_buf_addf(out, "key " SECRET_PREFIX "%s", text);
    sodium_memzero(text, sizeof text);
}

static void write_line(const struct wg_own_key *key, bool with_secret, struct wg_buf *out)
{
    char text[WG_PUBLIC_KEY_TEXT];

    wg_public_key_write(&key->key, text);
    wg_buf_addf(out, "# %s %s\n", key->key.kid, text);
    if (with_secret && key->has_secret)
        write_secret(&key->secret, out);
    else
        wg_buf_addf(out, "key %s", text);
    wg_buf_addf(out, " %lld ", (long long)key->from_s);
    if (key->until_s == INT64_MAX)
        wg_buf_addf(out, NO_END "\n");
    else
        wg_buf_addf(out, "%lld\n", (long long)key->until_s);
}

void wg_own_keys_write(const struct wg_own_keys *keys, struct wg_str server_name,
                       struct wg_buf *out)
{
    char text[WG_PUBLIC_KEY_TEXT];

    wg_buf_addf(out,
                "# Wavegate keyring of %.*s. Keep it secret, and in your backups.\n"
                "# The gateway writes it; `wavegate key` changes it.\n",
                WG_STR_F(server_name));
    wg_public_key_write(&keys->file, text);
    wg_buf_addf(out, "signing_key %s\n", text);
    /* As long as there is only the one of the file, its secret stays there alone. */
    for (size_t i = 0; i < keys->count; i++)
        write_line(&keys->at[i], keys->count > 1, out);
}

static bool read_time(struct wg_str text, int64_t *ret_time)
{
    uint64_t value;

    if (!wg_str_to_uint(text, INT64_MAX - 1, &value))
        return false;
    *ret_time = (int64_t)value;
    return true;
}

static enum wg_code read_key(struct wg_str line, struct wg_own_key *ret_key, struct wg_err *err)
{
    struct wg_str rest = line, text = wg_str_split(&rest, ' '), from, until;

    *ret_key = (struct wg_own_key){.until_s = INT64_MAX};
    from = rest.at ? wg_str_split(&rest, ' ') : (struct wg_str){NULL, 0};
    until = rest;
    if (wg_str_starts(text, WG_STR(SECRET_PREFIX))) {
        if (wg_secret_key_parse(text, &ret_key->secret, err) != WG_OK)
            return err->code;
        ret_key->has_secret = true;
        ret_key->key = ret_key->secret.public_key;
    } else if (wg_public_key_parse(text, &ret_key->key, err) != WG_OK) {
        return err->code;
    }
    if (!from.at || !read_time(from, &ret_key->from_s) || !until.at ||
        (!wg_str_is(until, NO_END) && !read_time(until, &ret_key->until_s)))
        return wg_fail(err, WG_INVALID, "the key is not followed by two times");
    return WG_OK;
}

static enum wg_code add_key(struct wg_own_keys *keys, const struct wg_own_key *key,
                            struct wg_err *err)
{
    if (wg_own_keys_find(keys, wg_str(key->key.kid)))
        return wg_fail(err, WG_INVALID, "key %s stands twice", key->key.kid);
    if (keys->count && keys->at[keys->count - 1].from_s > key->from_s)
        return wg_fail(err, WG_INVALID, "key %s stands behind one that signs later",
                       key->key.kid);
    if (keys->count >= (size_t)2 * WG_OWN_KEYS_MAX)
        return wg_fail(err, WG_INVALID, "more than %d keys", 2 * WG_OWN_KEYS_MAX);
    keys->at[keys->count++] = *key;
    return WG_OK;
}

static enum wg_code read_line(struct wg_str line, struct wg_own_keys *keys, struct wg_err *err)
{
    struct wg_str word = wg_str_split(&line, ' ');
    struct wg_own_key key;
    enum wg_code code;

    if (wg_str_is(word, "signing_key") && line.at)
        return wg_public_key_parse(line, &keys->file, err);
    if (!wg_str_is(word, "key") || !line.at)
        return wg_fail(err, WG_INVALID, "not a line of a keyring");
    code = read_key(line, &key, err);
    if (code == WG_OK)
        code = add_key(keys, &key, err);
    sodium_memzero(&key, sizeof key);
    return code;
}

enum wg_code wg_own_keys_parse(struct wg_str text, struct wg_own_keys *ret_keys,
                               struct wg_err *err)
{
    struct wg_own_keys keys = {0};
    struct wg_str rest = text;
    unsigned number = 0;

    keys.at = wg_alloc((size_t)2 * WG_OWN_KEYS_MAX * sizeof *keys.at);
    while (rest.at) {
        struct wg_str line = wg_str_trim(wg_str_split(&rest, '\n'));

        number++;
        if (line.len == 0 || line.at[0] == '#')
            continue;
        if (read_line(line, &keys, err) != WG_OK) {
            wg_own_keys_done(&keys);
            err->code = WG_CONFIG;
            return wg_while(err, "line %u", number);
        }
    }
    if (keys.count && keys.file.kid[0]) {
        wg_own_keys_copy(ret_keys, &keys);
        wg_own_keys_done(&keys);
        return WG_OK;
    }
    wg_own_keys_done(&keys);
    return wg_fail(err, WG_CONFIG, "the keyring is not whole: put it back from a backup");
}
