// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
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
