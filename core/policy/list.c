// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/list_impl.h"

static const char *const format_names[] = {"auto", "text", "csv", "json"};

bool wg_list_format_parse(struct wg_str name, enum wg_list_format *ret_format)
{
    for (size_t i = 0; i < WG_COUNT(format_names); i++) {
        if (wg_str_is(name, format_names[i])) {
            *ret_format = (enum wg_list_format)i;
            return true;
        }
    }
    return false;
}

const char *wg_list_kind_name(enum wg_list_kind kind)
{
    static const char *const names[] = {
#define X(name, text) text,
        WG_LIST_KINDS(X)
#undef X
    };

    return names[kind];
}

/* One allocation of the right size, as the file is; wg_file_read() doubles its way there. */
static enum wg_code read_file(int fd, size_t size, char **ret_text, size_t *ret_len,
                              struct wg_err *err)
{
    char *text = wg_try_alloc(size + 1);
    size_t len = 0;
    ssize_t got = 1;

    if (!text)
        return wg_fail(err, WG_FULL, "no memory for %zu bytes", size);
    while (len < size && got != 0) {
        got = read(fd, text + len, size - len);
        if (got < 0 && errno != EINTR) {
            wg_free(text);
            return wg_fail(err, WG_IO, "%s", strerror(errno));
        }
        len += got > 0 ? (size_t)got : 0;
    }
    *ret_text = text;
    *ret_len = len;
    return WG_OK;
}

static enum wg_code open_file(const char *path, size_t limit, int *ret_fd, size_t *ret_size,
                              struct wg_err *err)
{
    /* O_NONBLOCK: a FIFO put in the place of a file must not hold us for ever. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat about;

    if (fd < 0)
        return wg_fail(err, WG_CONFIG, "%s: %s", path, strerror(errno));
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        wg_fail(err, WG_CONFIG, "%s: not a regular file", path);
    else if ((uint64_t)about.st_size > limit)
        wg_fail(err, WG_TOO_LARGE, "%s: %lld bytes, more than the %zu that are allowed", path,
                (long long)about.st_size, limit);
    else {
        *ret_fd = fd;
        *ret_size = (size_t)about.st_size;
        return WG_OK;
    }
    close(fd);
    return err->code;
}

enum wg_code wg_list_load(const char *path, const struct wg_list_options *options,
                          struct wg_list **ret_list, struct wg_err *err)
{
    struct wg_list_options named = *options;
    size_t limit = options->limit_bytes ? options->limit_bytes : WG_LIST_LIMIT_BYTES;
    enum wg_code code;
    size_t size = 0, len = 0;
    char *text = NULL;
    int fd = -1;

    if (!named.source)
        named.source = path;
    if (open_file(path, limit, &fd, &size, err) != WG_OK)
        return err->code;
    code = read_file(fd, size, &text, &len, err);
    close(fd);
    if (code != WG_OK)
        return wg_while(err, "%s", path);
    return wg_list_parse_take(text, len, &named, ret_list, err);
}

struct wg_list *wg_list_ref(struct wg_list *list)
{
    atomic_fetch_add_explicit(&list->references, 1, memory_order_relaxed);
    return list;
}

struct wg_list *wg_list_unref(struct wg_list *list)
{
    if (!list || atomic_fetch_sub_explicit(&list->references, 1, memory_order_acq_rel) != 1)
        return NULL;
    if (atomic_fetch_sub_explicit(&list->totals->references, 1, memory_order_acq_rel) == 1)
        wg_free(list->totals);
    wg_free(list->source);
    wg_free(list->texts);
    wg_free(list->reasons);
    wg_free(list->entries);
    wg_free(list->names.slots);
    wg_free(list->blocks);
    wg_free(list->globs);
    wg_free((void *)list->hits);
    wg_free(list->first_broken);
    wg_free(list);
    return NULL;
}

void wg_list_info(const struct wg_list *list, struct wg_list_info *ret_info)
{
    struct wg_list_info info = {
        .count = list->count,
        .broken = list->broken,
        .first_broken = list->first_broken,
        .lookups = atomic_load_explicit(&list->totals->lookups, memory_order_relaxed),
        .hits = atomic_load_explicit(&list->totals->hits, memory_order_relaxed),
        .memory_bytes = sizeof *list + list->text_bytes + list->reason_bytes +
                        list->count * (sizeof *list->entries + sizeof *list->hits) +
                        (list->names.mask + 1) * sizeof *list->names.slots +
                        list->by_kind[WG_LIST_ADDRESS] * sizeof *list->blocks +
                        list->glob_count * sizeof *list->globs,
    };

    memcpy(info.by_kind, list->by_kind, sizeof info.by_kind);
    *ret_info = info;
}
