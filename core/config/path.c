// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/load_impl.h"

enum wg_code wg_path_folder(const char *file, struct wg_arena *arena, const char **ret_folder,
                            struct wg_err *err)
{
    char *copy = wg_strdup(wg_str(file));
    char *real = realpath(dirname(copy), NULL);
    int reason = errno;

    wg_free(copy);
    if (!real)
        return wg_fail(err, WG_CONFIG, "%s: %s", file, strerror(reason));
    *ret_folder = wg_arena_copy(arena, wg_str(real)).at;
    free(real);
    return WG_OK;
}

const char *wg_path_resolve(struct load *load, struct wg_str path)
{
    if (path.len && path.at[0] == '/')
        return wg_arena_copy(&load->box->arena, path).at;
    return wg_arena_format(&load->box->arena, "%s/%.*s", load->box->config.folder,
                           WG_STR_F(path));
}

static bool is_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    return strncmp(path, folder, len) == 0 && path[len] == '/';
}

void wg_path_shipped(struct wg_arena *arena, const char *ret_folders[WG_SHIPPED_FOLDERS])
{
    char program[PATH_MAX] = "";
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    const char *root = WAVEGATE_SHARE_DIR;

    program[len > 0 ? len : 0] = '\0';
    if (is_below(program, WAVEGATE_BUILD_DIR)) {
        root = WAVEGATE_SOURCE_DIR;
    } else if (len > 0) {
        /* An installed tree may have been moved: bin/ and share/ stay neighbours. */
        const char *beside;

        beside = wg_arena_format(arena, "%s/../share/wavegate", dirname(program));
        if (access(beside, X_OK) == 0)
            root = beside;
    }
    ret_folders[0] = wg_arena_format(arena, "%s/policies", root);
    ret_folders[1] = wg_arena_format(arena, "%s/lua", root);
}
