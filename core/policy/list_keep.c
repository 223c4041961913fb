// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/id.h"
#include "policy/list_source_impl.h"
#include "wire/json.h"

enum { NAME_BYTES = 16, DIGEST_BYTES = 32, META_LIMIT_BYTES = 16 * 1024 };

static void hex_digest(struct wg_str text, size_t bytes, char *ret_hex)
{
    unsigned char digest[DIGEST_BYTES];

    crypto_generichash(digest, bytes, (const unsigned char *)text.at, text.len, NULL, 0);
    sodium_bin2hex(ret_hex, bytes * 2 + 1, digest, bytes);
}

static enum wg_code path_of(const char *folder, const char *url, const char *ending,
                            char ret_path[PATH_MAX], struct wg_err *err)
{
    char name[NAME_BYTES * 2 + 1];

    hex_digest(wg_str(url), NAME_BYTES, name);
    if (snprintf(ret_path, PATH_MAX, "%s/%s%s", folder, name, ending) >= PATH_MAX)
        return wg_fail(err, WG_CONFIG, "the path of the data folder is too long");
    return WG_OK;
}

static enum wg_code write_all(int fd, struct wg_str text, struct wg_err *err)
{
    while (text.len) {
        ssize_t done = write(fd, text.at, text.len);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return wg_fail(err, WG_IO, "%s", strerror(errno));
        text = wg_str_of(text.at + done, text.len - (size_t)done);
    }
    return fsync(fd) == 0 ? WG_OK : wg_fail(err, WG_IO, "%s", strerror(errno));
}

/* A rename lasts once its folder is synced. */
static enum wg_code sync_folder(const char *folder, struct wg_err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_ok = fd >= 0 && fsync(fd) == 0;

    if (!is_ok)
        wg_fail(err, WG_IO, "%s: %s", folder, strerror(errno));
    if (fd >= 0)
        close(fd);
    return is_ok ? WG_OK : err->code;
}

static enum wg_code replace(const char *folder, const char *path, struct wg_str text,
                            struct wg_err *err)
{
    char other[PATH_MAX + 32];
    enum wg_code code;
    uint64_t tail;
    int fd;

    wg_random(&tail, sizeof tail);
    snprintf(other, sizeof other, "%s.%016llx.new", path, (unsigned long long)tail);
    fd = open(other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0)
        return wg_fail(err, WG_IO, "%s: %s", other, strerror(errno));
    code = write_all(fd, text, err);
    close(fd);
    if (code == WG_OK && rename(other, path) != 0)
        code = wg_fail(err, WG_IO, "%s", strerror(errno));
    if (code == WG_OK)
        return sync_folder(folder, err);
    unlink(other);
    return wg_while(err, "%s", path);
}

static enum wg_code write_meta(const char *folder, const char *url, const char *digest,
                               const struct wg_list_kept *kept, struct wg_err *err)
{
    json_t *meta = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "url", url, "etag", kept->etag,
                             "last_modified", kept->last_modified, "digest", digest,
                             "changed_at_s", (json_int_t)kept->changed_at_s, "checked_at_s",
                             (json_int_t)kept->checked_at_s);
    char *text = meta ? json_dumps(meta, JSON_INDENT(2) | JSON_ENSURE_ASCII) : NULL;
    char path[PATH_MAX];
    enum wg_code code;

    if (!text)
        code = wg_fail(err, WG_INVALID, "ETag or Last-Modified is not UTF-8");
    else if ((code = path_of(folder, url, ".meta", path, err)) == WG_OK)
        code = replace(folder, path, wg_str(text), err);
    free(text);
    json_decref(meta);
    return code;
}

/* The data folder is made by whoever owns it; in tests and tools it may be missing. */
static enum wg_code make_folder(const char *folder, struct wg_err *err)
{
    if (mkdir(folder, 0750) == 0 || errno == EEXIST)
        return WG_OK;
    return wg_fail(err, WG_IO, "%s: %s", folder, strerror(errno));
}

enum wg_code wg_list_keep_write(const char *folder, const char *url, struct wg_str text,
                                const struct wg_list_kept *kept, struct wg_err *err)
{
    char digest[DIGEST_BYTES * 2 + 1];
    char path[PATH_MAX];

    hex_digest(text, DIGEST_BYTES, digest);
    if (make_folder(folder, err) != WG_OK ||
        path_of(folder, url, ".list", path, err) != WG_OK ||
        replace(folder, path, text, err) != WG_OK)
        return err->code;
    return write_meta(folder, url, digest, kept, err);
}

static void take_text(const json_t *meta, const char *member, char *ret_text, size_t size)
{
    struct wg_str text = wg_json_string(meta, member);

    if (text.len < size) {
        memcpy(ret_text, text.len ? text.at : "", text.len);
        ret_text[text.len] = '\0';
    }
}

static enum wg_code read_meta(const char *folder, const char *url,
                              char ret_digest[DIGEST_BYTES * 2 + 1],
                              struct wg_list_kept *ret_kept, struct wg_err *err)
{
    char path[PATH_MAX];
    struct wg_buf text;
    json_t *meta = NULL;
    enum wg_code code;

    if (path_of(folder, url, ".meta", path, err) != WG_OK)
        return err->code;
    if (access(path, F_OK) != 0)
        return wg_fail(err, WG_NOT_FOUND, "%s: %s", path, strerror(errno));
    wg_buf_init(&text, META_LIMIT_BYTES);
    code = wg_file_read(path, &text, err);
    if (code == WG_OK && wg_json_parse(wg_buf_str(&text), &meta, err) != WG_OK)
        code = wg_while(err, "%s", path);
    if (code == WG_OK) {
        *ret_kept = (struct wg_list_kept){0};
        ret_digest[0] = '\0';
        take_text(meta, "digest", ret_digest, DIGEST_BYTES * 2 + 1);
        take_text(meta, "etag", ret_kept->etag, sizeof ret_kept->etag);
        take_text(meta, "last_modified", ret_kept->last_modified,
                  sizeof ret_kept->last_modified);
        if (!wg_json_integer(meta, "changed_at_s", &ret_kept->changed_at_s) ||
            !wg_json_integer(meta, "checked_at_s", &ret_kept->checked_at_s))
            code = wg_fail(err, WG_CORRUPT, "%s: not what we wrote", path);
    }
    json_decref(meta);
    wg_buf_done(&text);
    return code;
}

enum wg_code wg_list_keep_touch(const char *folder, const char *url, int64_t checked_at_s,
                                struct wg_err *err)
{
    char digest[DIGEST_BYTES * 2 + 1];
    struct wg_list_kept kept;

    if (read_meta(folder, url, digest, &kept, err) != WG_OK)
        return err->code;
    kept.checked_at_s = checked_at_s;
    return write_meta(folder, url, digest, &kept, err);
}

enum wg_code wg_list_keep_read(const char *folder, const char *url, size_t limit,
                               struct wg_buf *ret_text, struct wg_list_kept *ret_kept,
                               struct wg_err *err)
{
    char wanted[DIGEST_BYTES * 2 + 1], digest[DIGEST_BYTES * 2 + 1];
    struct wg_list_kept kept;
    char path[PATH_MAX];

    if (read_meta(folder, url, wanted, &kept, err) != WG_OK ||
        path_of(folder, url, ".list", path, err) != WG_OK)
        return err->code;
    wg_buf_init(ret_text, limit);
    if (wg_file_read(path, ret_text, err) == WG_OK) {
        hex_digest(wg_buf_str(ret_text), DIGEST_BYTES, digest);
        if (strcmp(digest, wanted) == 0) {
            *ret_kept = kept;
            return WG_OK;
        }
        wg_fail(err, WG_CORRUPT, "%s: not what was kept; it will be fetched again", path);
    }
    wg_buf_done(ret_text);
    return err->code;
}
