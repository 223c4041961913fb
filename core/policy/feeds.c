// SPDX-License-Identifier: Apache-2.0
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/log.h"
#include "policy/list_source_impl.h"
#include "policy/lists.h"

/* Sources outlive editions: a reload that still names a URL neither fetches it anew nor loses
 * its last good copy. They live on the engine's loop, with an HTTP client of their own. */

struct wg_feed {
    struct wg_feed *next;
    atomic_uint references; /* one is that of the list of feeds */
    char *where;
    struct wg_list_wish wish;                /* where is our copy */
    _Atomic(struct wg_list_source *) source; /* NULL: not started, or it could not be */
};

struct wg_feeds {
    const struct wg_config *config;
    struct wg_feed *first;
    struct wg_loop *loop; /* NULL: nothing is fetched */
    struct wg_tls_client *tls;
    struct wg_dialer *dialer;
    struct wg_http_client *client;
    unsigned closing; /* sources and client that still end */
    bool is_stopped;
    bool is_freed; /* as soon as the last of what still ends has ended */
};

struct wg_feeds *wg_feeds_new(const struct wg_config *config)
{
    struct wg_feeds *feeds = wg_new(struct wg_feeds);

    feeds->config = config;
    return feeds;
}

struct wg_feed *wg_feed_ref(struct wg_feed *feed)
{
    atomic_fetch_add(&feed->references, 1);
    return feed;
}

void wg_feed_unref(struct wg_feed *feed)
{
    if (!feed || atomic_fetch_sub(&feed->references, 1) != 1)
        return;
    wg_free(feed->where);
    wg_free(feed);
}

static void free_when_ended(struct wg_feeds *feeds)
{
    if (feeds->is_freed && feeds->closing == 0 && !feeds->dialer)
        wg_free(feeds);
}

struct wg_feeds *wg_feeds_free(struct wg_feeds *feeds)
{
    if (!feeds)
        return NULL;
    while (feeds->first) {
        struct wg_feed *feed = feeds->first;

        feeds->first = feed->next;
        wg_feed_unref(feed);
    }
    feeds->is_freed = true;
    free_when_ended(feeds);
    return NULL;
}

struct wg_list *wg_feed_current(struct wg_feed *feed)
{
    struct wg_list_source *source = atomic_load(&feed->source);

    return source ? wg_list_source_current(source) : NULL;
}

int64_t wg_feed_age_s(struct wg_feed *feed, int64_t now_s, char ret_problem[256])
{
    struct wg_list_source *source = atomic_load(&feed->source);
    struct wg_list_source_info info = {0};

    if (source)
        wg_list_source_info(source, &info);
    memcpy(ret_problem, info.problem, sizeof info.problem);
    if (info.checked_at_s == 0)
        return -1;
    return now_s > info.checked_at_s ? now_s - info.checked_at_s : 0;
}

/* ---- fetching ---- */

static void on_news(void *owner, const struct wg_list_source_news *news)
{
    const struct wg_feed *feed = owner;

    if (!news->is_ok)
        wg_log(WG_LOG_WARN, "policy.list_failed", "a list is not as new as it could be",
               WG_F_TEXT("list", feed->where), WG_F_TEXT("reason", news->text));
    else if (news->is_changed)
        wg_log(WG_LOG_INFO, "policy.list_changed", "a new version of a list is in force",
               WG_F_TEXT("list", feed->where));
}

static enum wg_code open_client(struct wg_feeds *feeds, struct wg_err *err)
{
    const struct wg_config *config = feeds->config;
    struct wg_dialer_options options = {
        .resolve = (const struct wg_resolve_entry *)(const void *)config->resolve,
        .allowed = config->allow_addresses,
        .allowed_count = config->allow_address_count,
    };
    struct wg_http_client_options pool = {0};

    if (feeds->client)
        return WG_OK;
    if (wg_tls_client_new(config->trust_anchors, &feeds->tls, err) != WG_OK)
        return err->code;
    options.tls = feeds->tls;
    feeds->dialer = wg_dialer_new(feeds->loop, &options);
    feeds->client = wg_http_client_new(feeds->loop, feeds->dialer, &pool);
    return WG_OK;
}

static enum wg_code open_source(struct wg_feeds *feeds, struct wg_feed *feed,
                                struct wg_err *err)
{
    struct wg_list_source_options options = {
        .loop = feeds->loop,
        .where = feed->where,
        .data_folder = feeds->config->data,
        .list = {.format = feed->wish.format,
                 .has_subdomains = feed->wish.has_subdomains,
                 .skips_broken = feed->wish.skips_broken},
        .refresh_s = feed->wish.refresh_s,
        .on_news = on_news,
        .owner = feed,
    };
    struct wg_list_source *source;

    if (open_client(feeds, err) != WG_OK)
        return err->code;
    options.client = feeds->client;
    if (wg_list_source_open(&options, &source, err) != WG_OK)
        return err->code;
    atomic_store(&feed->source, source);
    return WG_OK;
}

void wg_feeds_start(struct wg_feeds *feeds, struct wg_loop *loop)
{
    struct wg_err err;

    feeds->loop = loop;
    for (struct wg_feed *feed = feeds->first; feed; feed = feed->next)
        if (open_source(feeds, feed, &err) != WG_OK)
            wg_log(WG_LOG_ERROR, "policy.list_failed", "a list cannot be fetched",
                   WG_F_TEXT("list", feed->where), WG_F_TEXT("reason", err.text));
}

static bool is_same(const struct wg_feed *feed, const struct wg_list_wish *wish)
{
    return wg_str_equal(feed->wish.where, wish->where) && feed->wish.format == wish->format &&
           feed->wish.has_subdomains == wish->has_subdomains &&
           feed->wish.skips_broken == wish->skips_broken &&
           feed->wish.refresh_s == wish->refresh_s;
}

/* Before there is a loop, too: a mistake is to be found by `wavegate check`. */
static enum wg_code check_url(struct wg_str where, struct wg_err *err)
{
    struct wg_list_source probe = {.where = wg_strdup(where)};
    enum wg_code code = wg_list_url_parse(&probe, err);

    wg_free(probe.where);
    return code;
}

enum wg_code wg_feeds_take(struct wg_feeds *feeds, const struct wg_list_wish *wish,
                           struct wg_feed **ret_feed, struct wg_err *err)
{
    struct wg_feed *feed = feeds->first;

    if (!wg_str_starts(wish->where, WG_STR("https://")))
        return wg_fail(err, WG_CONFIG, "%.*s: a list comes over https:// only",
                       WG_STR_F(wish->where));
    if (check_url(wish->where, err) != WG_OK)
        return err->code;
    while (feed && !is_same(feed, wish))
        feed = feed->next;
    if (!feed) {
        feed = wg_new(struct wg_feed);
        atomic_init(&feed->references, 1);
        feed->where = wg_strdup(wish->where);
        feed->wish = *wish;
        feed->wish.where = wg_str(feed->where);
        if (feeds->loop && !feeds->is_stopped && open_source(feeds, feed, err) != WG_OK) {
            wg_feed_unref(feed);
            return err->code;
        }
        feed->next = feeds->first;
        feeds->first = feed;
    }
    *ret_feed = wg_feed_ref(feed);
    return WG_OK;
}

size_t wg_feeds_refresh(struct wg_feeds *feeds)
{
    size_t count = 0;

    for (struct wg_feed *feed = feeds->first; feed; feed = feed->next) {
        struct wg_list_source *source = atomic_load(&feed->source);

        if (!source || feeds->is_stopped)
            continue;
        wg_list_source_refresh(source);
        count++;
    }
    return count;
}

/* ---- ending ---- */

static void end_client(struct wg_feeds *feeds);

static void on_source_closed(void *owner)
{
    struct wg_feeds *feeds = owner;

    feeds->closing--;
    end_client(feeds);
    free_when_ended(feeds);
}

static void close_source(struct wg_feeds *feeds, struct wg_feed *feed)
{
    struct wg_list_source *source = atomic_exchange(&feed->source, NULL);

    if (!source)
        return;
    feeds->closing++;
    wg_list_source_close(source, on_source_closed, feeds);
}

static void on_client_closed(void *owner)
{
    struct wg_feeds *feeds = owner;

    feeds->dialer = wg_dialer_free(feeds->dialer);
    feeds->tls = wg_tls_client_free(feeds->tls);
    free_when_ended(feeds);
}

/* Fetches that end need the client, so it goes last. */
static void end_client(struct wg_feeds *feeds)
{
    struct wg_http_client *client = feeds->client;

    if (!feeds->is_stopped || feeds->closing > 0 || !client)
        return;
    feeds->client = NULL;
    wg_http_client_close(client, on_client_closed, feeds);
}

void wg_feeds_sweep(struct wg_feeds *feeds)
{
    for (struct wg_feed **at = &feeds->first; *at;) {
        struct wg_feed *feed = *at;

        if (atomic_load(&feed->references) > 1) {
            at = &feed->next;
            continue;
        }
        *at = feed->next;
        close_source(feeds, feed);
        wg_feed_unref(feed);
    }
}

void wg_feeds_stop(struct wg_feeds *feeds)
{
    feeds->is_stopped = true;
    for (struct wg_feed *feed = feeds->first; feed; feed = feed->next)
        close_source(feeds, feed);
    end_client(feeds);
}
