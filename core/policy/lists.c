// SPDX-License-Identifier: Apache-2.0
#include "policy/lists.h"

#include "base/alloc.h"
#include "policy/policy_impl.h"

struct wg_edition_list {
    char *where;
    struct wg_list_wish wish; /* where is our copy */
    char *path;               /* of a file; NULL: a URL */
    struct stat file;         /* as it was before it was read */
    struct wg_list *list;     /* of a file */
    struct wg_feed *feed;     /* of a URL */
};

static bool is_url(struct wg_str where)
{
    return wg_str_starts(where, WG_STR("https://")) || wg_str_starts(where, WG_STR("http://"));
}

static bool is_same_wish(const struct wg_list_wish *a, const struct wg_list_wish *b)
{
    return wg_str_equal(a->where, b->where) && a->format == b->format &&
           a->has_subdomains == b->has_subdomains && a->skips_broken == b->skips_broken &&
           a->refresh_s == b->refresh_s;
}

static struct wg_edition_list *find(const struct wg_edition *edition,
                                    const struct wg_list_wish *wish)
{
    for (size_t i = 0; edition && i < edition->list_count; i++)
        if (is_same_wish(&edition->lists[i]->wish, wish))
            return edition->lists[i];
    return NULL;
}

static struct wg_edition_list *add(struct wg_edition *edition, const struct wg_list_wish *wish)
{
    struct wg_edition_list *list = wg_new(struct wg_edition_list);

    list->where = wg_strdup(wish->where);
    list->wish = *wish;
    list->wish.where = wg_str(list->where);
    edition->lists = wg_realloc(edition->lists,
                                (edition->list_count + 1) * sizeof(struct wg_edition_list *));
    edition->lists[edition->list_count++] = list;
    return list;
}

static void free_list(struct wg_edition_list *list)
{
    wg_list_unref(list->list);
    wg_feed_unref(list->feed);
    wg_free(list->path);
    wg_free(list->where);
    wg_free(list);
}

/* What was last read from disk for this instance. */
static const struct wg_edition *former_of(const struct wg_edition *edition)
{
    const struct wg_policy_engine *engine = edition->engine;

    for (size_t i = 0; engine && i < engine->instance_count; i++)
        if (engine->instances[i].config == edition->instance)
            return engine->instances[i].read;
    return NULL;
}

/* A policy reads lists where its operator keeps them, not whatever the gateway may read. */
static enum wg_code check_path(struct wg_str where, struct wg_err *err)
{
    struct wg_str rest = where;

    if (where.len == 0 || where.len > 1024 || memchr(where.at, '\0', where.len))
        return wg_fail(err, WG_INVALID, "'%.*s' is no path", WG_STR_F(where));
    if (where.at[0] == '/')
        return wg_fail(err, WG_INVALID,
                       "'%.*s': write the path from the configuration's folder on, such as "
                       "lists/deny.txt",
                       WG_STR_F(where));
    while (rest.at) {
        if (wg_str_is(wg_str_split(&rest, '/'), ".."))
            return wg_fail(err, WG_INVALID, "'%.*s' leads out of the configuration's folder",
                           WG_STR_F(where));
    }
    return WG_OK;
}

static char *path_of(const struct wg_edition *edition, struct wg_str where)
{
    const char *folder = edition->config->folder;
    struct wg_buf path;

    wg_buf_init(&path, SIZE_MAX / 4);
    wg_buf_addf(&path, "%s/%.*s", folder ? folder : ".", WG_STR_F(where));
    return path.at;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static struct wg_list_options options_of(const struct wg_edition_list *list)
{
    return (struct wg_list_options){.source = list->where,
                                    .format = list->wish.format,
                                    .has_subdomains = list->wish.has_subdomains,
                                    .skips_broken = list->wish.skips_broken};
}

static enum wg_code load_file(struct wg_edition *edition, struct wg_edition_list *list,
                              struct wg_err *err)
{
    const struct wg_edition_list *former = find(former_of(edition), &list->wish);
    struct wg_list_options options = options_of(list);

    options.previous = former ? former->list : NULL;
    list->path = path_of(edition, list->wish.where);
    wg_edition_look_into(edition, list->path);
    /* Before it is read: a change meanwhile shows at the next look. */
    if (stat(list->path, &list->file) == 0 && former && former->list &&
        is_same_file(&former->file, &list->file)) {
        list->list = wg_list_ref(former->list);
        return WG_OK;
    }
    return wg_list_load(list->path, &options, &list->list, err);
}

static enum wg_code open_new(struct wg_edition *edition, const struct wg_list_wish *wish,
                             struct wg_edition_list *list, struct wg_err *err)
{
    struct wg_list_options options = options_of(list);
    struct wg_str text;

    if (edition->fake && edition->fake->list &&
        edition->fake->list(edition->fake->owner, wish->where, &text))
        return wg_list_parse(text, &options, &list->list, err);
    if (is_url(wish->where))
        return wg_feeds_take(edition->engine->feeds, &list->wish, &list->feed, err);
    if (check_path(wish->where, err) != WG_OK)
        return err->code;
    return load_file(edition, list, err);
}

enum wg_code wg_lists_open(struct wg_edition *edition, const struct wg_list_wish *wish,
                           const struct wg_edition_list **ret_list, struct wg_err *err)
{
    struct wg_edition_list *list = find(edition, wish);

    if (!list) {
        if (edition->is_sealed) /* only a file that runs differently each time comes here */
            return wg_fail(err, WG_INVALID,
                           "'%.*s' was not opened when this generation was checked",
                           WG_STR_F(wish->where));
        if (edition->list_count == WG_EDITION_LIST_LIMIT)
            return wg_fail(err, WG_TOO_LARGE, "more than %d lists", WG_EDITION_LIST_LIMIT);
        list = add(edition, wish);
        if (open_new(edition, wish, list, err) != WG_OK) {
            edition->list_count--;
            free_list(list);
            return err->code;
        }
    }
    *ret_list = list;
    return WG_OK;
}

struct wg_list *wg_lists_current(const struct wg_edition_list *list)
{
    return list->feed ? wg_feed_current(list->feed) : wg_list_ref(list->list);
}

const char *wg_lists_where(const struct wg_edition_list *list)
{
    return list->where;
}

struct wg_feed *wg_lists_feed(const struct wg_edition_list *list)
{
    return list->feed;
}

void wg_lists_copy(const struct wg_edition *from, struct wg_edition *to)
{
    for (size_t i = 0; i < from->list_count; i++) {
        const struct wg_edition_list *list = from->lists[i];
        struct wg_edition_list *copy = add(to, &list->wish);

        copy->file = list->file;
        copy->path = list->path ? wg_strdup(wg_str(list->path)) : NULL;
        copy->list = list->list ? wg_list_ref(list->list) : NULL;
        copy->feed = list->feed ? wg_feed_ref(list->feed) : NULL;
    }
}

bool wg_lists_equal(const struct wg_edition *a, const struct wg_edition *b)
{
    if (a->list_count != b->list_count)
        return false;
    for (size_t i = 0; i < a->list_count; i++)
        if (!is_same_wish(&a->lists[i]->wish, &b->lists[i]->wish) ||
            a->lists[i]->list != b->lists[i]->list || a->lists[i]->feed != b->lists[i]->feed)
            return false;
    return true;
}

void wg_lists_forget(struct wg_edition *edition)
{
    for (size_t i = 0; i < edition->list_count; i++)
        free_list(edition->lists[i]);
    wg_free(edition->lists);
}
