// SPDX-License-Identifier: Apache-2.0
#include "net/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/alloc.h"

enum { HOPS_LIMIT = 40 }; /* as the kernel's own for symlinks */

struct watched {
    int descriptor;
    char *only; /* the one name that counts in that folder */
};

struct wg_watch_files {
    struct wg_loop *loop;
    void (*on_change)(void *owner);
    void *owner;
    int fd; /* -1: no inotify */
    uv_poll_t poll;
    struct wg_timer *timer;
    bool is_pending;
    int64_t pending_since_ms;
    struct watched *watched;
    size_t count, capacity;
};

static const uint32_t events_wanted = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO |
                                      IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB;

static void free_watched(struct watched *watched, size_t count)
{
    for (size_t i = 0; i < count; i++)
        wg_free(watched[i].only);
    wg_free(watched);
}

static void add(struct wg_watch_files *watch, const char *folder, const char *name)
{
    int descriptor = inotify_add_watch(watch->fd, folder, events_wanted | IN_MASK_ADD);

    if (descriptor < 0)
        return;
    if (watch->count == watch->capacity) {
        watch->capacity = watch->capacity ? 2 * watch->capacity : 16;
        watch->watched = wg_realloc(watch->watched, watch->capacity * sizeof *watch->watched);
    }
    watch->watched[watch->count++] = (struct watched){descriptor, wg_strdup(wg_str(name))};
}

/** A path looked at name by name. */
struct walk {
    char path[PATH_MAX];
    size_t at; /**< where the next name, or the slashes before it, begins */
    unsigned hops;
};

/* The symlink that ends before rest gives way to where it leads to. @return false at the end of
 * patience. */
static bool follow(struct walk *walk, size_t name_at, const char *rest)
{
    char target[PATH_MAX], next[PATH_MAX];
    ssize_t len = readlink(walk->path, target, sizeof target - 1);
    int written;

    if (len <= 0 || ++walk->hops > HOPS_LIMIT)
        return false;
    target[len] = '\0';
    walk->at = target[0] == '/' ? 0 : name_at;
    written = snprintf(next, sizeof next, "%.*s%s%s", (int)walk->at, walk->path, target, rest);
    if (written < 0 || written >= PATH_MAX)
        return false;
    memcpy(walk->path, next, (size_t)written + 1);
    return true;
}

/* "/" of "/a", "/a/" of "/a/b", "." of "a". */
static void add_at(struct wg_watch_files *watch, const struct walk *walk, size_t name_at)
{
    char folder[PATH_MAX];

    memcpy(folder, walk->path, name_at);
    folder[name_at] = '\0';
    add(watch, name_at ? folder : ".", walk->path + name_at);
}

/* How many names rest has: 0, 1, or 2 for more. */
static unsigned names_in(const char *rest)
{
    unsigned count = 0;

    while (count < 2 && rest[strspn(rest, "/")]) {
        rest += strspn(rest, "/");
        rest += strcspn(rest, "/");
        count++;
    }
    return count;
}

/* One name on: a symlink's folder is watched for the symlink, the file's folder for the file,
 * and the folder above for that folder. @return false at the end. */
static bool step(struct wg_watch_files *watch, struct walk *walk)
{
    size_t name_at = walk->at + strspn(walk->path + walk->at, "/");
    size_t end = name_at + strcspn(walk->path + name_at, "/");
    struct stat info;
    char rest[PATH_MAX];
    bool is_symlink;

    if (end == name_at)
        return false;
    strcpy(rest, walk->path + end);
    walk->path[end] = '\0';
    is_symlink = lstat(walk->path, &info) == 0 && S_ISLNK(info.st_mode);
    if (is_symlink || names_in(rest) < 2)
        add_at(watch, walk, name_at);
    if (is_symlink)
        return follow(walk, name_at, rest);
    strcpy(walk->path + end, rest);
    walk->at = end;
    return true;
}

static void add_path(struct wg_watch_files *watch, const char *path)
{
    struct walk walk = {.at = 0};

    if (strlen(path) >= sizeof walk.path)
        return;
    strcpy(walk.path, path);
    while (step(watch, &walk))
        continue;
}

static bool counts(const struct wg_watch_files *watch, const struct inotify_event *event)
{
    if (event->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF))
        return true;
    for (size_t i = 0; i < watch->count; i++) {
        if (watch->watched[i].descriptor == event->wd && event->len &&
            strcmp(watch->watched[i].only, event->name) == 0)
            return true;
    }
    return false;
}

static void note_change(struct wg_watch_files *watch)
{
    int64_t now_ms = wg_loop_now_ms(watch->loop);

    if (!watch->is_pending) {
        watch->is_pending = true;
        watch->pending_since_ms = now_ms;
    }
    if (now_ms - watch->pending_since_ms < WG_WATCH_LIMIT_MS)
        wg_timer_start(watch->timer, WG_WATCH_QUIET_MS);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct wg_watch_files *watch = poll->data;
    _Alignas(struct inotify_event) char buffer[16 * 1024];
    ssize_t len;

    (void)status;
    (void)events;
    while ((len = read(watch->fd, buffer, sizeof buffer)) > 0) {
        for (ssize_t at = 0; at < len;) {
            const struct inotify_event *event = (const void *)(buffer + at);

            if (counts(watch, event))
                note_change(watch);
            at += (ssize_t)(sizeof *event + event->len);
        }
    }
}

static void on_ring(void *owner)
{
    struct wg_watch_files *watch = owner;

    watch->is_pending = false;
    wg_timer_start(watch->timer, WG_WATCH_EVERY_MS);
    watch->on_change(watch->owner);
}

/* Those of old that are not watched any more; descriptors are small numbers. */
static void remove_left(struct wg_watch_files *watch, const struct watched *old, size_t count)
{
    int most = 0;
    bool *is_kept;

    for (size_t i = 0; i < count; i++)
        most = old[i].descriptor > most ? old[i].descriptor : most;
    is_kept = wg_alloc(((size_t)most + 1) * sizeof *is_kept);
    for (size_t i = 0; i < watch->count; i++) {
        if (watch->watched[i].descriptor <= most)
            is_kept[watch->watched[i].descriptor] = true;
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_kept[old[i].descriptor])
            inotify_rm_watch(watch->fd, old[i].descriptor);
        is_kept[old[i].descriptor] = true;
    }
    wg_free(is_kept);
}

void wg_watch_files_set(struct wg_watch_files *watch, const char *const *paths, size_t count)
{
    struct watched *old = watch->watched;
    size_t old_count = watch->count;

    if (watch->fd < 0)
        return;
    /* First the new ones: a folder that stays keeps its descriptor, so no change is missed. */
    watch->watched = NULL;
    watch->count = watch->capacity = 0;
    for (size_t i = 0; i < count; i++)
        add_path(watch, paths[i]);
    remove_left(watch, old, old_count);
    free_watched(old, old_count);
}

void wg_watch_files_again(struct wg_watch_files *watch, int64_t after_ms)
{
    if (!watch->is_pending)
        wg_timer_start(watch->timer, after_ms);
}

struct wg_watch_files *wg_watch_files_new(struct wg_loop *loop, void (*on_change)(void *owner),
                                          void *owner, struct wg_err *ret_why)
{
    struct wg_watch_files *watch = wg_new(struct wg_watch_files);

    *ret_why = (struct wg_err){.code = WG_OK};
    watch->loop = loop;
    watch->on_change = on_change;
    watch->owner = owner;
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    watch->timer = wg_timer_new(loop, on_ring, watch);
    wg_timer_start(watch->timer, WG_WATCH_EVERY_MS);
    if (watch->fd < 0) {
        wg_fail(ret_why, WG_IO,
                "watching files: %s (raise fs.inotify.max_user_instances); they are looked at "
                "once a minute",
                strerror(errno));
        return watch;
    }
    uv_poll_init(wg_loop_uv(loop), &watch->poll, watch->fd);
    watch->poll.data = watch;
    uv_poll_start(&watch->poll, UV_READABLE, on_readable);
    return watch;
}

static void on_closed(uv_handle_t *poll)
{
    wg_free(poll->data);
}

struct wg_watch_files *wg_watch_files_free(struct wg_watch_files *watch)
{
    if (!watch)
        return NULL;
    free_watched(watch->watched, watch->count);
    wg_timer_free(watch->timer);
    if (watch->fd < 0) {
        wg_free(watch);
        return NULL;
    }
    uv_poll_stop(&watch->poll);
    close(watch->fd);
    uv_close((uv_handle_t *)&watch->poll, on_closed);
    return NULL;
}
