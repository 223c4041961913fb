// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <uv.h>

#include "base/alloc.h"
#include "policy/lists.h"
#include "policy/policy_impl.h"

/* inotify on every folder that an edition looked into, and on the folder that holds it, so that
 * a folder which is replaced or made later is seen, too. Changes are collected for a moment;
 * then all is loaded anew and the watches are made anew, since a path may lead to another
 * folder than before. */

enum {
    QUIET_MS = 100,          /* no change for so long: load */
    WRITING_LIMIT_MS = 2000, /* but wait no longer than that */
};

struct watched {
    int descriptor;
    char *only; /* the one name that counts in it; NULL: all */
};

struct wg_watch {
    struct wg_policy_engine *engine;
    struct wg_loop *loop;
    int fd;
    uv_poll_t poll;
    struct wg_timer *timer;
    bool is_pending;
    int64_t pending_since_ms;
    struct watched *watched;
    size_t watched_count;
};

static const uint32_t folder_events = IN_CREATE | IN_CLOSE_WRITE | IN_MODIFY | IN_MOVED_FROM |
                                      IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |
                                      IN_ATTRIB;

static void add_watch(struct wg_watch *watch, struct wg_str folder, struct wg_str only)
{
    char *path = wg_strdup(folder);
    int descriptor = inotify_add_watch(watch->fd, path, folder_events | IN_MASK_ADD);

    wg_free(path);
    if (descriptor < 0) /* not there: the folder that should hold it is watched */
        return;
    watch->watched =
        wg_realloc(watch->watched, (watch->watched_count + 1) * sizeof *watch->watched);
    watch->watched[watch->watched_count++] =
        (struct watched){descriptor, only.at ? wg_strdup(only) : NULL};
}

static void add_folder(struct wg_watch *watch, const char *folder)
{
    const char *slash = strrchr(folder, '/');

    add_watch(watch, wg_str(folder), (struct wg_str){NULL, 0});
    if (!slash)
        add_watch(watch, WG_STR("."), wg_str(folder));
    else if (slash[1])
        add_watch(watch, wg_str_of(folder, slash == folder ? 1 : (size_t)(slash - folder)),
                  wg_str(slash + 1));
}

static void free_watched(struct watched *watched, size_t count)
{
    for (size_t i = 0; i < count; i++)
        wg_free(watched[i].only);
    wg_free(watched);
}

static bool is_watched(const struct wg_watch *watch, int descriptor)
{
    for (size_t i = 0; i < watch->watched_count; i++)
        if (watch->watched[i].descriptor == descriptor)
            return true;
    return false;
}

static void add_all(struct wg_watch *watch)
{
    struct wg_policy_engine *engine = watch->engine;

    for (size_t i = 0; i < engine->instance_count; i++) {
        const struct wg_engine_instance *instance = &engine->instances[i];

        for (size_t k = 0; k < instance->edition->folder_count; k++)
            add_folder(watch, instance->edition->folders[k]);
        for (size_t k = 0; k < instance->failed_folder_count; k++)
            add_folder(watch, instance->failed_folders[k]);
    }
}

static bool counts(const struct wg_watch *watch, const struct inotify_event *event)
{
    if (event->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF))
        return true;
    for (size_t i = 0; i < watch->watched_count; i++) {
        const struct watched *watched = &watch->watched[i];

        if (watched->descriptor == event->wd &&
            (!watched->only || (event->len && strcmp(watched->only, event->name) == 0)))
            return true;
    }
    return false;
}

/* A file that is being written only puts off what is pending: half of it is not worth loading.
 */
static void note_change(struct wg_watch *watch, bool is_writing)
{
    int64_t now_ms = wg_loop_now_ms(watch->loop);

    if (!watch->is_pending) {
        if (is_writing)
            return;
        watch->is_pending = true;
        watch->pending_since_ms = now_ms;
    }
    if (now_ms - watch->pending_since_ms < WRITING_LIMIT_MS)
        wg_timer_start(watch->timer, QUIET_MS);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct wg_watch *watch = poll->data;
    _Alignas(struct inotify_event) char buffer[16 * 1024];
    ssize_t len;

    (void)status;
    (void)events;
    while ((len = read(watch->fd, buffer, sizeof buffer)) > 0) {
        for (ssize_t at = 0; at < len;) {
            const struct inotify_event *event = (const void *)(buffer + at);

            if (counts(watch, event))
                note_change(watch, (event->mask & IN_MODIFY) != 0);
            at += (ssize_t)(sizeof *event + event->len);
        }
    }
}

static void on_quiet(void *owner)
{
    struct wg_watch *watch = owner;

    watch->is_pending = false;
    wg_policy_reload(watch->engine, "file");
}

void wg_watch_renew(struct wg_policy_engine *engine)
{
    struct wg_watch *watch = engine->watch;
    struct watched *old = watch ? watch->watched : NULL;
    size_t old_count = watch ? watch->watched_count : 0;

    if (!watch)
        return;
    /* First the new ones: a folder that stays keeps its descriptor, so no change of it is
     * missed. */
    watch->watched = NULL;
    watch->watched_count = 0;
    add_all(watch);
    for (size_t i = 0; i < old_count; i++)
        if (!is_watched(watch, old[i].descriptor))
            inotify_rm_watch(watch->fd, old[i].descriptor);
    free_watched(old, old_count);
}

enum wg_code wg_policy_watch(struct wg_policy_engine *engine, struct wg_loop *loop,
                             void (*on_news)(void *owner, const struct wg_policy_news *news),
                             void *owner, struct wg_err *err)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    struct wg_watch *watch;

    if (fd < 0)
        return wg_fail(err, WG_IO,
                       "watching the policy files: %s (raise fs.inotify.max_user_instances)",
                       strerror(errno));
    watch = wg_new(struct wg_watch);
    watch->engine = engine;
    watch->loop = loop;
    watch->fd = fd;
    watch->timer = wg_timer_new(loop, on_quiet, watch);
    uv_poll_init(wg_loop_uv(loop), &watch->poll, fd);
    watch->poll.data = watch;
    uv_poll_start(&watch->poll, UV_READABLE, on_readable);
    engine->watch = watch;
    engine->on_news = on_news;
    engine->owner = owner;
    add_all(watch);
    wg_feeds_start(engine->feeds, loop);
    return WG_OK;
}

static void on_closed(uv_handle_t *poll)
{
    wg_free(poll->data);
}

void wg_policy_unwatch(struct wg_policy_engine *engine)
{
    struct wg_watch *watch = engine->watch;

    if (!watch)
        return;
    wg_feeds_stop(engine->feeds);
    engine->watch = NULL;
    engine->on_news = NULL;
    free_watched(watch->watched, watch->watched_count);
    wg_timer_free(watch->timer);
    uv_poll_stop(&watch->poll);
    close(watch->fd);
    uv_close((uv_handle_t *)&watch->poll, on_closed);
}
