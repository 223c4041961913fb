// SPDX-License-Identifier: Apache-2.0
#include "policy/list_source.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/id.h"
#include "policy/list_source_impl.h"

static bool is_url(const char *where)
{
    return strncmp(where, "https://", 8) == 0 || strncmp(where, "http://", 7) == 0;
}

static int64_t now_s(const struct wg_list_source *source)
{
    return wg_clock_wall_s(wg_loop_clock(source->options.loop));
}

struct wg_list_options wg_list_source_load_options(const struct wg_list_source *source,
                                                   struct wg_list *previous)
{
    struct wg_list_options options = source->options.list;

    options.source = source->shown;
    options.previous = previous;
    return options;
}

static void put(struct wg_list_source *source, struct wg_list *list)
{
    struct wg_list *old;

    pthread_mutex_lock(&source->lock);
    old = source->current;
    source->current = list;
    pthread_mutex_unlock(&source->lock);
    wg_list_unref(old);
}

struct wg_list *wg_list_source_current(struct wg_list_source *source)
{
    struct wg_list *list;

    pthread_mutex_lock(&source->lock);
    list = source->current ? wg_list_ref(source->current) : NULL;
    pthread_mutex_unlock(&source->lock);
    return list;
}

void wg_list_source_info(struct wg_list_source *source, struct wg_list_source_info *ret_info)
{
    pthread_mutex_lock(&source->lock);
    *ret_info = source->info;
    pthread_mutex_unlock(&source->lock);
}

static int64_t refresh_ms(const struct wg_list_source *source)
{
    int64_t refresh_s =
        source->options.refresh_s ? source->options.refresh_s : WG_LIST_REFRESH_S;

    return (refresh_s < WG_LIST_REFRESH_LEAST_S ? WG_LIST_REFRESH_LEAST_S : refresh_s) * 1000;
}

/* A tenth sooner or later: many gateways that were started together must not come together. */
static void wait(struct wg_list_source *source, int64_t after_ms)
{
    uint32_t chance;

    if (!source->is_remote || source->is_closing) {
        wg_timer_stop(source->timer);
        return;
    }
    wg_random(&chance, sizeof chance);
    wg_timer_start(source->timer, after_ms - after_ms / 10 + after_ms * (chance % 1024) / 5120);
}

static void tell(struct wg_list_source *source, bool is_ok, bool is_changed, const char *text)
{
    struct wg_list_source_news news = {source, is_ok, is_changed, text};

    if (source->options.on_news)
        source->options.on_news(source->options.owner, &news);
}

void wg_list_source_settle(struct wg_list_source *source)
{
    if (source->is_closing && !source->fetch && !source->job)
        wg_timer_start(source->timer, 0);
}

void wg_list_source_succeed(struct wg_list_source *source, struct wg_list *list,
                            const char *problem)
{
    bool is_changed = list != NULL;

    pthread_mutex_lock(&source->lock);
    source->info.checked_at_s = source->kept.checked_at_s;
    source->info.changed_at_s = source->kept.changed_at_s;
    source->info.failures = 0;
    snprintf(source->info.problem, sizeof source->info.problem, "%s", problem);
    pthread_mutex_unlock(&source->lock);
    if (list)
        put(source, list);
    wait(source, refresh_ms(source));
    if (!source->is_closing)
        tell(source, !problem[0], is_changed, problem);
    wg_list_source_settle(source);
}

void wg_list_source_fail(struct wg_list_source *source, struct wg_err *err)
{
    int64_t after_ms = WG_LIST_REFRESH_LEAST_S * 1000;
    struct wg_err told = *err;
    unsigned failures;
    bool has_copy;
    size_t len;

    pthread_mutex_lock(&source->lock);
    has_copy = source->current != NULL;
    failures = ++source->info.failures;
    len = strlen(told.text);
    snprintf(told.text + len, sizeof told.text - len, "%s",
             has_copy ? "; the last good copy stays" : "; there is no copy yet");
    snprintf(source->info.problem, sizeof source->info.problem, "%s", told.text);
    pthread_mutex_unlock(&source->lock);
    while (failures-- > 1 && after_ms < refresh_ms(source))
        after_ms *= 2;
    wait(source, after_ms < refresh_ms(source) ? after_ms : refresh_ms(source));
    if (!source->is_closing)
        tell(source, false, false, told.text);
    wg_list_source_settle(source);
}

static void free_source(struct wg_list_source *source)
{
    wg_timer_free(source->timer);
    wg_list_unref(source->current);
    pthread_mutex_destroy(&source->lock);
    wg_free(source->where);
    wg_free(source->shown);
    wg_free(source->folder);
    wg_free(source);
}

static void on_ring(void *owner)
{
    struct wg_list_source *source = owner;
    void (*on_closed)(void *owner) = source->on_closed;
    void *closed_owner = source->closed_owner;

    if (!source->is_closing) {
        wg_list_source_refresh(source);
        return;
    }
    if (source->fetch || source->job)
        return;
    free_source(source);
    if (on_closed)
        on_closed(closed_owner);
}

/* Whether the file is another one than was read, or of another time or size. */
static bool has_file_changed(struct wg_list_source *source)
{
    struct stat now = {0};
    bool is_other;

    if (stat(source->where, &now) != 0)
        return true; /* reading it will say why */
    is_other = now.st_dev != source->file.st_dev || now.st_ino != source->file.st_ino ||
               now.st_size != source->file.st_size ||
               now.st_mtim.tv_sec != source->file.st_mtim.tv_sec ||
               now.st_mtim.tv_nsec != source->file.st_mtim.tv_nsec;
    source->file = now;
    return is_other;
}

void wg_list_source_refresh(struct wg_list_source *source)
{
    struct wg_list_kept kept = {0};

    if (source->is_closing || source->fetch || source->job)
        return;
    if (source->is_remote) {
        wg_list_fetch(source);
    } else if (has_file_changed(source)) {
        kept.checked_at_s = kept.changed_at_s = now_s(source);
        wg_list_job_start(source, WG_LIST_JOB_FILE, NULL, 0, &kept);
    }
}

static enum wg_code open_file(struct wg_list_source *source, struct wg_err *err)
{
    struct wg_list_options options = wg_list_source_load_options(source, NULL);

    has_file_changed(source); /* before it is read: a change meanwhile is seen later */
    if (wg_list_load(source->where, &options, &source->current, err) != WG_OK)
        return err->code;
    source->info.checked_at_s = source->info.changed_at_s = now_s(source);
    return WG_OK;
}

/* What was kept, if it is good; else the URL is fetched as if there were nothing. */
static void open_kept(struct wg_list_source *source)
{
    struct wg_list_options options = wg_list_source_load_options(source, NULL);
    size_t limit = options.limit_bytes ? options.limit_bytes : WG_LIST_LIMIT_BYTES;
    struct wg_list_kept kept;
    struct wg_buf text;
    struct wg_err err;

    if (!source->folder)
        return;
    if (wg_list_keep_read(source->folder, source->where, limit, &text, &kept, &err) == WG_OK) {
        if (wg_list_parse(wg_buf_str(&text), &options, &source->current, &err) == WG_OK) {
            source->kept = kept;
            source->info.checked_at_s = kept.checked_at_s;
            source->info.changed_at_s = kept.changed_at_s;
        }
        wg_buf_done(&text);
    }
    if (!source->current && err.code != WG_NOT_FOUND)
        snprintf(source->info.problem, sizeof source->info.problem, "%s", err.text);
}

static void schedule_first(struct wg_list_source *source)
{
    int64_t age_ms = (now_s(source) - source->info.checked_at_s) * 1000;

    /* The clock may have stepped back since. */
    if (source->current && age_ms >= 0 && age_ms < refresh_ms(source))
        wait(source, refresh_ms(source) - age_ms);
    else
        wg_timer_start(source->timer, 0);
}

static enum wg_code open_where(struct wg_list_source *source, struct wg_err *err)
{
    if (!source->is_remote)
        return open_file(source, err);
    if (wg_list_url_parse(source, err) != WG_OK)
        return err->code;
    if (!source->options.client)
        return wg_fail(err, WG_CONFIG, "%s: nothing is fetched here; give a file",
                       source->where);
    open_kept(source);
    schedule_first(source);
    return WG_OK;
}

enum wg_code wg_list_source_open(const struct wg_list_source_options *options,
                                 struct wg_list_source **ret_source, struct wg_err *err)
{
    struct wg_list_source *source = wg_new(struct wg_list_source);
    struct wg_buf folder;

    source->options = *options;
    source->where = wg_strdup(wg_str(options->where));
    source->shown = wg_strdup(wg_str(options->shown ? options->shown : options->where));
    source->is_remote = source->info.is_remote = is_url(options->where);
    if (options->data_folder) {
        wg_buf_init(&folder, SIZE_MAX / 4);
        wg_buf_addf(&folder, "%s/lists", options->data_folder);
        source->folder = folder.at;
    }
    pthread_mutex_init(&source->lock, NULL);
    source->timer = wg_timer_new(options->loop, on_ring, source);
    if (open_where(source, err) != WG_OK) {
        free_source(source);
        return err->code;
    }
    *ret_source = source;
    return WG_OK;
}

void wg_list_source_close(struct wg_list_source *source, void (*on_closed)(void *owner),
                          void *owner)
{
    source->is_closing = true;
    source->on_closed = on_closed;
    source->closed_owner = owner;
    if (source->fetch)
        wg_http_fetch_cancel(source->fetch);
    wg_list_source_settle(source);
}
