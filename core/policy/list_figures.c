// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "policy/limits.h"
#include "policy/lists.h"
#include "policy/policy_impl.h"

static void tell(struct wg_policy_engine *engine, size_t instance,
                 const struct wg_edition_list *list,
                 void (*on_list)(void *owner, const struct wg_policy_list *list), void *owner)
{
    struct wg_policy_list told = {
        .server_name = engine->config->instances[instance].server_name,
        .where = wg_lists_where(list),
        .age_s = -1,
    };
    struct wg_list *now = wg_lists_current(list);
    struct wg_feed *feed = wg_lists_feed(list);
    char problem[256] = "";

    if (feed) {
        told.is_remote = true;
        told.age_s = wg_feed_age_s(feed, wg_clock_wall_s(engine->clock), problem);
        told.is_failing = problem[0] != '\0';
    }
    told.problem = problem;
    told.list = now;
    if (now) {
        struct wg_list_info info;

        wg_list_info(now, &info);
        told.entries = info.count;
        told.lookups = info.lookups;
        told.hits = info.hits;
    }
    on_list(owner, &told);
    wg_list_unref(now);
}

void wg_policy_each_list(struct wg_policy_engine *engine,
                         void (*on_list)(void *owner, const struct wg_policy_list *list),
                         void *owner)
{
    for (size_t i = 0; i < engine->instance_count; i++) {
        struct wg_edition *edition = wg_engine_edition(engine, i);

        for (size_t k = 0; edition && k < edition->list_count; k++)
            tell(engine, i, edition->lists[k], on_list, owner);
        wg_edition_unref(edition);
    }
}

size_t wg_policy_refresh_lists(struct wg_policy_engine *engine)
{
    return wg_feeds_refresh(engine->feeds);
}

void wg_policy_each_limiter(struct wg_policy_engine *engine,
                            void (*on_limiter)(void *owner, const struct wg_limiter_info *info),
                            void *owner)
{
    wg_limits_each(engine->limits, on_limiter, owner);
}

bool wg_policy_forgive(struct wg_policy_engine *engine, struct wg_str limiter,
                       struct wg_str key)
{
    return wg_limits_forgive(engine->limits, limiter, key);
}
