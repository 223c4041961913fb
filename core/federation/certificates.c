// SPDX-License-Identifier: Apache-2.0
#include "federation/certificates.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"

/** What tells one state of a file from another. */
struct look {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec written, changed;
};

struct entry {
    const struct wg_config_instance *config;
    struct wg_tls_pair *pair;
    struct wg_certificate_state state;
    struct look looks[2]; /**< when it was read last */
    bool is_suspect;      /**< what was read last does not fit */
};

struct wg_certificates {
    const struct wg_clock *clock;
    struct wg_tls_client *client;
    pthread_mutex_t lock;
    struct entry *entries;
    size_t count;
};

static struct look look_at(const char *file)
{
    struct look look = {0};
    struct stat info;

    if (stat(file, &info) == 0)
        look =
            (struct look){info.st_dev, info.st_ino, info.st_size, info.st_mtim, info.st_ctim};
    return look;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_same(const struct look *a, const struct look *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           is_same_time(&a->written, &b->written) && is_same_time(&a->changed, &b->changed);
}

/* Before the files are read: a change in between then shows at the next look. */
static bool has_changed(struct entry *entry)
{
    struct look certificate = look_at(entry->config->certificate);
    struct look key = look_at(entry->config->private_key);
    bool is_changed =
        !is_same(&certificate, &entry->looks[0]) || !is_same(&key, &entry->looks[1]);

    entry->looks[0] = certificate;
    entry->looks[1] = key;
    return is_changed;
}

/* Takes the pair over. */
static void take(struct wg_certificates *certificates, struct entry *entry,
                 struct wg_tls_pair *pair)
{
    struct wg_tls_pair *old = entry->pair;
    struct wg_err err = {.text = ""};

    if (wg_tls_client_judges(certificates->client, pair, wg_str(entry->config->server_name),
                             &err) == WG_OK)
        err.text[0] = '\0';
    pthread_mutex_lock(&certificates->lock);
    entry->pair = pair;
    entry->state = (struct wg_certificate_state){
        .facts = *wg_tls_pair_facts(pair),
        .taken_at_s = wg_clock_wall_s(certificates->clock),
    };
    snprintf(entry->state.distrust, sizeof entry->state.distrust, "%s", err.text);
    pthread_mutex_unlock(&certificates->lock);
    wg_tls_pair_unref(old);
}

static enum wg_code load(struct wg_certificates *certificates,
                         const struct wg_config_instance *config, struct entry *entry,
                         struct wg_err *err)
{
    struct wg_tls_pair *pair;

    entry->config = config;
    (void)has_changed(entry);
    if (wg_tls_pair_load(wg_str(config->server_name), config->certificate, config->private_key,
                         &pair, err) != WG_OK)
        return wg_while(err, "instance %s", config->server_name);
    take(certificates, entry, pair);
    return WG_OK;
}

enum wg_code wg_certificates_new(const struct wg_config *config, const struct wg_clock *clock,
                                 struct wg_certificates **ret_certificates, struct wg_err *err)
{
    struct wg_certificates *certificates = wg_new(struct wg_certificates);

    certificates->clock = clock;
    pthread_mutex_init(&certificates->lock, NULL);
    certificates->entries = wg_alloc(config->instance_count * sizeof *certificates->entries);
    if (wg_tls_client_new(config->trust_anchors, &certificates->client, err) != WG_OK) {
        wg_certificates_free(certificates);
        return err->code;
    }
    for (size_t i = 0; i < config->instance_count; i++) {
        if (load(certificates, &config->instances[i], &certificates->entries[i], err) !=
            WG_OK) {
            wg_certificates_free(certificates);
            return err->code;
        }
        certificates->count = i + 1;
    }
    *ret_certificates = certificates;
    return WG_OK;
}

struct wg_certificates *wg_certificates_free(struct wg_certificates *certificates)
{
    if (!certificates)
        return NULL;
    for (size_t i = 0; i < certificates->count; i++)
        wg_tls_pair_unref(certificates->entries[i].pair);
    wg_free(certificates->entries);
    wg_tls_client_free(certificates->client);
    pthread_mutex_destroy(&certificates->lock);
    wg_free(certificates);
    return NULL;
}

void wg_certificates_read(struct wg_certificates *certificates, size_t index,
                          struct wg_certificate_state *ret_state)
{
    pthread_mutex_lock(&certificates->lock);
    *ret_state = certificates->entries[index].state;
    pthread_mutex_unlock(&certificates->lock);
}

struct wg_tls_pair *wg_certificates_pair(struct wg_certificates *certificates, size_t index)
{
    struct wg_tls_pair *pair;

    pthread_mutex_lock(&certificates->lock);
    pair = wg_tls_pair_ref(certificates->entries[index].pair);
    pthread_mutex_unlock(&certificates->lock);
    return pair;
}

/* Would peers be worse off with it? */
static enum wg_code compare(const struct wg_certificates *certificates,
                            const struct entry *entry, const struct wg_tls_pair *pair,
                            struct wg_err *err)
{
    const struct wg_tls_facts *old = &entry->state.facts, *new = wg_tls_pair_facts(pair);
    int64_t now_s = wg_clock_wall_s(certificates->clock);
    const char *file = entry->config->certificate;

    if (new->until_s <= now_s && old->until_s > now_s)
        return wg_fail(err, WG_CONFIG, "%s has expired, the one in use has not", file);
    if (new->not_before_s > now_s && old->until_s > now_s)
        return wg_fail(err, WG_CONFIG, "%s is not valid yet, the one in use is", file);
    if (!new->is_for_name && old->is_for_name)
        return wg_fail(err, WG_CONFIG, "%s is for %s, not for %s", file, new->names,
                       entry->config->server_name);
    return WG_OK;
}

static void set_problem(struct wg_certificates *certificates, struct entry *entry,
                        const char *text)
{
    pthread_mutex_lock(&certificates->lock);
    snprintf(entry->state.problem, sizeof entry->state.problem, "%s", text);
    entry->state.problem_since_s = wg_clock_wall_s(certificates->clock);
    pthread_mutex_unlock(&certificates->lock);
}

/* @return whether it has to be looked at once more. */
static bool read_again(struct wg_certificates *certificates, size_t index, bool is_final,
                       const struct wg_certificates_events *events, void *owner)
{
    struct entry *entry = &certificates->entries[index];
    bool was_suspect = entry->is_suspect;
    struct wg_tls_pair *pair = NULL;
    struct wg_err err;

    if (wg_tls_pair_load(wg_str(entry->config->server_name), entry->config->certificate,
                         entry->config->private_key, &pair, &err) == WG_OK &&
        compare(certificates, entry, pair, &err) == WG_OK) {
        entry->is_suspect = false;
        take(certificates, entry, pair);
        events->on_taken(owner, index, pair);
        return false;
    }
    wg_tls_pair_unref(pair);
    entry->is_suspect = !was_suspect && !is_final;
    if (entry->is_suspect)
        return true;
    set_problem(certificates, entry, err.text);
    events->on_problem(owner, index, &err);
    return false;
}

bool wg_certificates_look(struct wg_certificates *certificates, bool is_final,
                          const struct wg_certificates_events *events, void *owner)
{
    bool is_again = false;

    for (size_t i = 0; i < certificates->count; i++) {
        struct entry *entry = &certificates->entries[i];
        bool is_changed = has_changed(entry);

        if (is_changed)
            entry->is_suspect = false;
        if (is_changed || entry->is_suspect || (is_final && entry->state.problem[0]))
            is_again |= read_again(certificates, i, is_final, events, owner);
    }
    return is_again;
}
