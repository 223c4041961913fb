// SPDX-License-Identifier: Apache-2.0
#include "federation/standing.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/map.h"
#include "federation/directory_impl.h"
#include "wire/name.h"

enum { TRIAL_S = 24 * 3600 };

/* ---- what the policy document says ---- */

struct mode_set {
    struct wg_map allowed, denied; /* patterns with their "*." */
    enum wg_default_mode fallback;
};

struct wg_modes {
    pthread_rwlock_t lock;
    size_t count;
    struct mode_set sets[];
};

static char there;

struct wg_modes *wg_modes_new(size_t instances)
{
    struct wg_modes *modes = wg_alloc(sizeof *modes + instances * sizeof modes->sets[0]);

    pthread_rwlock_init(&modes->lock, NULL);
    modes->count = instances;
    for (size_t i = 0; i < instances; i++) {
        wg_map_init(&modes->sets[i].allowed);
        wg_map_init(&modes->sets[i].denied);
    }
    return modes;
}

static void set_done(struct mode_set *set)
{
    wg_map_done(&set->allowed, NULL);
    wg_map_done(&set->denied, NULL);
}

struct wg_modes *wg_modes_free(struct wg_modes *modes)
{
    if (!modes)
        return NULL;
    for (size_t i = 0; i < modes->count; i++)
        set_done(&modes->sets[i]);
    pthread_rwlock_destroy(&modes->lock);
    wg_free(modes);
    return NULL;
}

static void fill(struct wg_map *map, wg_names names)
{
    wg_map_init(map);
    for (size_t i = 0; names && names[i]; i++)
        (void)wg_map_put(map, wg_str(names[i]), &there);
}

void wg_modes_set(struct wg_modes *modes, size_t instance,
                  const struct wg_config_federation *document)
{
    struct mode_set set = {.fallback = document->default_mode};
    struct mode_set before;

    fill(&set.allowed, document->allowed_peers);
    fill(&set.denied, document->denied_peers);
    pthread_rwlock_wrlock(&modes->lock);
    before = modes->sets[instance];
    modes->sets[instance] = set;
    pthread_rwlock_unlock(&modes->lock);
    set_done(&before);
}

/* By its name, or by "*.rest" for every name below. */
static bool is_in(const struct wg_map *map, struct wg_str peer)
{
    char pattern[WG_SERVER_NAME_LIMIT + 2];
    struct wg_str rest = peer;

    if (map->count == 0)
        return false;
    if (wg_map_get(map, peer))
        return true;
    for (;;) {
        (void)wg_str_split(&rest, '.');
        if (!rest.at || rest.len + 2 > sizeof pattern)
            return false;
        memcpy(pattern, "*.", 2);
        memcpy(pattern + 2, rest.at, rest.len);
        if (wg_map_get(map, wg_str_of(pattern, rest.len + 2)))
            return true;
    }
}

static const char *documented(struct wg_modes *modes, size_t instance, struct wg_str peer,
                              const char **ret_why)
{
    static const struct {
        const char *mode, *why;
    } fallbacks[] = {
        {"open", "default_mode is open"},
        {"invite_only", "not in allowed_peers, and default_mode is invite_only"},
        {"closed", "default_mode is closed"},
    };
    const struct mode_set *set = &modes->sets[instance];
    const char *mode;

    pthread_rwlock_rdlock(&modes->lock);
    if (is_in(&set->denied, peer)) {
        mode = "denied";
        *ret_why = "in denied_peers";
    } else if (set->fallback != WG_MODE_CLOSED && is_in(&set->allowed, peer)) {
        mode = "allowed";
        *ret_why = "in allowed_peers";
    } else {
        mode = fallbacks[set->fallback].mode;
        *ret_why = fallbacks[set->fallback].why;
    }
    pthread_rwlock_unlock(&modes->lock);
    return mode;
}

/* ---- what was said and done; under the lock of the peer's shard ---- */

static struct wg_peer_standing *standing_of(struct wg_peer_record *record, size_t instance)
{
    if (instance >= record->standing_count) {
        record->standings =
            wg_realloc(record->standings, (instance + 1) * sizeof *record->standings);
        memset(record->standings + record->standing_count, 0,
               (instance + 1 - record->standing_count) * sizeof *record->standings);
        record->standing_count = instance + 1;
    }
    return &record->standings[instance];
}

void wg_standing_judged(struct wg_gateway *gateway, const struct wg_instance *instance,
                        struct wg_str peer, const struct wg_decision *decision)
{
    struct wg_directory_shard *shard = wg_directory_enter(gateway->directory, peer);
    struct wg_peer_record *record = wg_map_get(&shard->records, peer);

    if (record) {
        struct wg_peer_standing *standing = standing_of(record, instance->index);

        standing->verdict = decision->verdict;
        snprintf(standing->policy, sizeof standing->policy, "%.*s", WG_STR_F(decision->policy));
        snprintf(standing->reason, sizeof standing->reason, "%.*s", WG_STR_F(decision->reason));
    }
    pthread_mutex_unlock(&shard->lock);
}

void wg_standing_held_back(struct wg_gateway *gateway, struct wg_str peer, int64_t seconds)
{
    struct wg_directory_shard *shard = wg_directory_enter(gateway->directory, peer);
    struct wg_peer_record *record = wg_map_get(&shard->records, peer);

    if (record)
        record->held_until_ms = wg_clock_mono_ms(gateway->clock) + seconds * 1000;
    pthread_mutex_unlock(&shard->lock);
}

void wg_standing_tried(struct wg_gateway *gateway, struct wg_str peer)
{
    struct wg_directory_shard *shard = wg_directory_enter(gateway->directory, peer);
    struct wg_peer_record *record = wg_map_get(&shard->records, peer);

    if (record)
        record->tried_at_s = wg_clock_wall_s(gateway->clock);
    pthread_mutex_unlock(&shard->lock);
}

void wg_standing_clock(struct wg_directory *directory, struct wg_str peer, int64_t skew_s,
                       const char *from)
{
    struct wg_directory_shard *shard = wg_directory_enter(directory, peer);
    struct wg_peer_record *record = wg_map_get(&shard->records, peer);

    if (record) {
        record->skew_s = skew_s;
        record->skew_from = from;
        record->skew_at_s = wg_clock_wall_s(directory->clock);
    }
    pthread_mutex_unlock(&shard->lock);
}

/* ---- mode ---- */

struct view {
    struct wg_peer_standing standing;
    int64_t held_for_s;
    bool is_tried;
};

static int64_t held_for_s(const struct wg_peer_record *record, int64_t now_ms)
{
    return record->held_until_ms > now_ms ? (record->held_until_ms - now_ms + 999) / 1000 : 0;
}

static void look(struct wg_gateway *gateway, size_t instance, struct wg_str peer,
                 struct view *view)
{
    struct wg_directory_shard *shard = wg_directory_enter(gateway->directory, peer);
    const struct wg_peer_record *record = wg_map_get(&shard->records, peer);

    *view = (struct view){0};
    if (record) {
        if (instance < record->standing_count)
            view->standing = record->standings[instance];
        view->held_for_s = held_for_s(record, wg_clock_mono_ms(gateway->clock));
        view->is_tried = record->tried_at_s &&
                         record->tried_at_s + TRIAL_S > wg_clock_wall_s(gateway->clock);
    }
    pthread_mutex_unlock(&shard->lock);
}

static const char *judged(const struct view *view, char ret_why[WG_MODE_WHY])
{
    const struct wg_peer_standing *standing = &view->standing;

    snprintf(ret_why, WG_MODE_WHY, "policy %s%s%s", standing->policy,
             standing->reason[0] ? ": " : "", standing->reason);
    return standing->verdict == WG_VERDICT_DENY    ? "denied"
           : standing->verdict == WG_VERDICT_DEFER ? "deferred"
                                                   : "allowed";
}

static bool is_admitting(const char *mode)
{
    return strcmp(mode, "allowed") == 0 || strcmp(mode, "open") == 0;
}

const char *wg_standing_mode(struct wg_gateway *gateway, const struct wg_instance *instance,
                             struct wg_str peer, char ret_why[WG_MODE_WHY])
{
    char ignored[WG_MODE_WHY];
    char *why = ret_why ? ret_why : ignored;
    const char *said, *mode;
    struct view view;

    look(gateway, instance->index, peer, &view);
    if (view.held_for_s > 0) {
        snprintf(why, WG_MODE_WHY,
                 "its requests drove policies past their budgets: looked at again in %" PRId64
                 " s",
                 view.held_for_s);
        return "held_back";
    }
    if (view.standing.verdict == WG_VERDICT_DENY || view.standing.verdict == WG_VERDICT_DEFER)
        return judged(&view, why);
    if (view.is_tried) {
        snprintf(why, WG_MODE_WHY, "a policy has put events of it on trial in the last day");
        return "trial";
    }
    mode = documented(gateway->modes, instance->index, peer, &said);
    /* A policy of another name than the document's has let it in. */
    if (view.standing.verdict == WG_VERDICT_ALLOW &&
        (!is_admitting(mode) || strcmp(view.standing.policy, "standard") != 0))
        return judged(&view, why);
    snprintf(why, WG_MODE_WHY, "%s", said);
    return mode;
}

size_t wg_standing_clocks(struct wg_directory *directory, int64_t since_s, int64_t *ret_skews_s,
                          size_t limit)
{
    size_t count = 0;

    for (size_t i = 0; i < WG_DIRECTORY_SHARDS; i++) {
        struct wg_directory_shard *shard = &directory->shards[i];
        size_t cursor = 0;
        struct wg_str name;
        void *value;

        pthread_mutex_lock(&shard->lock);
        while (count < limit && wg_map_next(&shard->records, &cursor, &name, &value)) {
            const struct wg_peer_record *record = value;

            if (record->skew_from && record->skew_at_s >= since_s)
                ret_skews_s[count++] = record->skew_s;
        }
        pthread_mutex_unlock(&shard->lock);
    }
    return count;
}
