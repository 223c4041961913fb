// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/serve_impl.h"

enum { PATH_LIMIT = 4096 };

static enum wg_code path_of(const struct serve *serve, const char *name,
                            char ret_path[PATH_LIMIT], struct wg_err *err)
{
    int len = snprintf(ret_path, PATH_LIMIT, "%s/%s", serve->config->data, name);

    return len > 0 && len < PATH_LIMIT
               ? WG_OK
               : wg_fail(err, WG_CONFIG, "data: %s: the path is too long", serve->config->data);
}

enum wg_code serve_data_write(const struct serve *serve, const char *name, struct wg_str text,
                              struct wg_err *err)
{
    char path[PATH_LIMIT];

    if (path_of(serve, name, path, err) != WG_OK)
        return err->code;
    return wg_file_write(path, text, err);
}

enum wg_code serve_data_read(const struct serve *serve, const char *name, struct wg_buf *out,
                             struct wg_err *err)
{
    char path[PATH_LIMIT];

    if (path_of(serve, name, path, err) != WG_OK)
        return err->code;
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return wg_fail(err, WG_NOT_FOUND, "%s: not there", path);
    return wg_file_read(path, out, err);
}

void serve_data_remove(const struct serve *serve, const char *name)
{
    char path[PATH_LIMIT];
    struct wg_err ignored;

    if (path_of(serve, name, path, &ignored) == WG_OK)
        (void)unlink(path);
}
