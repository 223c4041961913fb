// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum wg_code read_all(int fd, const char *file, struct wg_buf *out, struct wg_err *err)
{
    for (;;) {
        char piece[16 * 1024];
        ssize_t got = read(fd, piece, sizeof piece);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return wg_fail(err, WG_IO, "%s: %s", file, strerror(errno));
        if (got == 0)
            return WG_OK;
        wg_buf_add(out, piece, (size_t)got);
        if (wg_buf_status(out, err) != WG_OK)
            return wg_while(err, "%s", file);
    }
}

enum wg_code wg_file_read(const char *file, struct wg_buf *out, struct wg_err *err)
{
    /* O_NONBLOCK: a FIFO put in the place of a file must not hold us for ever. */
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat about;
    enum wg_code code;

    if (fd < 0)
        return wg_fail(err, WG_CONFIG, "%s: %s", file, strerror(errno));
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        code = wg_fail(err, WG_CONFIG, "%s: not a regular file", file);
    else
        code = read_all(fd, file, out, err);
    close(fd);
    return code;
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

/* Else the new name may be lost with the power. */
static bool sync_folder(const char *file)
{
    const char *slash = strrchr(file, '/');
    char folder[PATH_MAX] = ".";
    bool is_good;
    int fd;

    if (slash)
        snprintf(folder, sizeof folder, "%.*s", slash == file ? 1 : (int)(slash - file), file);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    is_good = fsync(fd) == 0;
    close(fd);
    return is_good;
}

enum wg_code wg_file_write(const char *file, struct wg_str text, struct wg_err *err)
{
    char draft[PATH_MAX];
    int len = snprintf(draft, sizeof draft, "%s.new", file), fd;
    bool is_good;

    if (len < 0 || len >= PATH_MAX)
        return wg_fail(err, WG_CONFIG, "%s: the path is too long", file);
    (void)unlink(draft);
    fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return wg_fail(err, WG_CONFIG, "%s: %s", draft, strerror(errno));
    is_good = write_whole(fd, text);
    is_good &= close(fd) == 0;
    if (is_good && rename(draft, file) == 0 && sync_folder(file))
        return WG_OK;
    wg_fail(err, WG_IO, "writing %s: %s", file, strerror(errno));
    (void)unlink(draft);
    return err->code;
}
