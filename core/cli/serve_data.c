// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/serve_impl.h"

enum { PATH_LIMIT = 4096 };

static enum wg_code path_of(const struct serve *serve, const char *name, const char *ending,
                            char ret_path[PATH_LIMIT], struct wg_err *err)
{
    int len = snprintf(ret_path, PATH_LIMIT, "%s/%s%s", serve->config->data, name, ending);

    return len > 0 && len < PATH_LIMIT
               ? WG_OK
               : wg_fail(err, WG_CONFIG, "data: %s: the path is too long", serve->config->data);
}

static bool write_whole(int fd, struct wg_str text)
{
    while (text.len) {
        ssize_t done = write(fd, text.at, text.len);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        text = wg_str_of(text.at + done, text.len - (size_t)done);
    }
    return fsync(fd) == 0;
}

/* Beside it first, then in its place: a crash leaves the old or the new, whole. */
enum wg_code serve_data_write(const struct serve *serve, const char *name, struct wg_str text,
                              struct wg_err *err)
{
    char path[PATH_LIMIT], draft[PATH_LIMIT];
    bool is_good;
    int fd;

    if (path_of(serve, name, "", path, err) != WG_OK ||
        path_of(serve, name, ".new", draft, err) != WG_OK)
        return err->code;
    (void)unlink(draft);
    fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return wg_fail(err, WG_CONFIG, "%s: %s", draft, strerror(errno));
    is_good = write_whole(fd, text);
    is_good &= close(fd) == 0;
    if (is_good && rename(draft, path) == 0)
        return WG_OK;
    wg_fail(err, WG_IO, "writing %s: %s", path, strerror(errno));
    (void)unlink(draft);
    return err->code;
}

enum wg_code serve_data_read(const struct serve *serve, const char *name, struct wg_buf *out,
                             struct wg_err *err)
{
    char path[PATH_LIMIT];

    if (path_of(serve, name, "", path, err) != WG_OK)
        return err->code;
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return wg_fail(err, WG_NOT_FOUND, "%s: not there", path);
    return wg_file_read(path, out, err);
}

void serve_data_remove(const struct serve *serve, const char *name)
{
    char path[PATH_LIMIT];
    struct wg_err ignored;

    if (path_of(serve, name, "", path, &ignored) == WG_OK)
        (void)unlink(path);
}
