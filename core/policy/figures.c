// SPDX-License-Identifier: Apache-2.0
#include "policy/figures.h"

#include <pthread.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/map.h"
#include "policy/policy_impl.h"

struct figure {
    char *policy, *name;
    bool is_gauge;
    double value;
};

struct wg_figures {
    pthread_mutex_t lock;
    struct wg_map map; /* "policy/name" */
};

struct wg_figures *wg_figures_new(void)
{
    struct wg_figures *figures = wg_new(struct wg_figures);

    pthread_mutex_init(&figures->lock, NULL);
    wg_map_init(&figures->map);
    return figures;
}

static void free_figure(void *value)
{
    struct figure *figure = value;

    wg_free(figure->policy);
    wg_free(figure->name);
    wg_free(figure);
}

struct wg_figures *wg_figures_free(struct wg_figures *figures)
{
    if (!figures)
        return NULL;
    wg_map_done(&figures->map, free_figure);
    pthread_mutex_destroy(&figures->lock);
    wg_free(figures);
    return NULL;
}

static enum wg_code put(struct wg_figures *figures, struct wg_str policy, struct wg_str name,
                        bool is_gauge, double value, struct wg_err *err)
{
    char key[512];
    struct figure *figure;

    snprintf(key, sizeof key, "%.*s/%.*s", WG_STR_F(policy), WG_STR_F(name));
    figure = wg_map_get(&figures->map, wg_str(key));
    if (!figure) {
        if (figures->map.count >= WG_FIGURE_LIMIT)
            return wg_fail(err, WG_FULL, "more than %d metrics of policies", WG_FIGURE_LIMIT);
        figure = wg_new(struct figure);
        figure->policy = wg_strdup(policy);
        figure->name = wg_strdup(name);
        figure->is_gauge = is_gauge;
        wg_map_put(&figures->map, wg_str(key), figure);
    }
    if (figure->is_gauge != is_gauge)
        return wg_fail(err, WG_EXISTS, "'%.*s' is a %s already", WG_STR_F(name),
                       is_gauge ? "counter" : "gauge");
    figure->value = is_gauge ? value : figure->value + value;
    return WG_OK;
}

enum wg_code wg_figures_put(struct wg_figures *figures, struct wg_str policy,
                            struct wg_str name, bool is_gauge, double value, struct wg_err *err)
{
    enum wg_code code;

    pthread_mutex_lock(&figures->lock);
    code = put(figures, policy, name, is_gauge, value, err);
    pthread_mutex_unlock(&figures->lock);
    return code;
}

void wg_policy_each_figure(struct wg_policy_engine *engine,
                           void (*on_figure)(void *owner,
                                             const struct wg_policy_figure *figure),
                           void *owner)
{
    struct wg_figures *figures = engine->figures;
    size_t cursor = 0;
    struct wg_str key;
    void *value;

    pthread_mutex_lock(&figures->lock);
    while (wg_map_next(&figures->map, &cursor, &key, &value)) {
        const struct figure *figure = value;
        struct wg_policy_figure shown = {figure->policy, figure->name, figure->is_gauge,
                                         figure->value};

        on_figure(owner, &shown);
    }
    pthread_mutex_unlock(&figures->lock);
}
