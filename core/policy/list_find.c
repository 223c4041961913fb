// SPDX-License-Identifier: Apache-2.0
#include "policy/list_impl.h"

enum { LABEL_LIMIT = WG_LIST_KEY_LIMIT };

struct question {
    struct wg_list *list;
    struct wg_str key;  /* folded */
    struct wg_str host; /* key without its port and brackets */
    int64_t now_s;
};

static bool is_over(const struct wg_list_entry *entry, int64_t now_s)
{
    return entry->expires_at_s && entry->expires_at_s <= now_s;
}

/* The entry of that kind under key, if it counts. */
static const struct wg_list_entry *probe(const struct question *question, uint64_t hash,
                                         struct wg_str key, enum wg_list_kind kind)
{
    const struct wg_list *list = question->list;
    size_t cursor = 0;
    uint32_t index;

    while (wg_list_table_next(&list->names, hash, &cursor, &index)) {
        const struct wg_list_entry *entry = &list->entries[index];

        if (entry->kind == kind && wg_str_equal(wg_list_key(list, entry), key))
            return is_over(entry, question->now_s) ? NULL : entry;
    }
    return NULL;
}

static struct wg_str above(struct wg_str host, size_t dot)
{
    return wg_str_of(host.at + dot + 1, host.len - dot - 1);
}

/* One walk from the end gives the hashes of all names above; then they are asked the nearest
 * first. */
static const struct wg_list_entry *find_host(const struct question *question)
{
    const struct wg_list *list = question->list;
    bool asks_above = list->has_subdomains || list->by_kind[WG_LIST_SUFFIX];
    struct wg_str host = question->host;
    uint64_t hashes[LABEL_LIMIT];
    uint16_t dots[LABEL_LIMIT];
    size_t count = 0;
    uint64_t hash = 0;
    const struct wg_list_entry *entry;

    for (size_t i = host.len; i-- > 0;) {
        if (asks_above && host.at[i] == '.') {
            hashes[count] = hash;
            dots[count++] = (uint16_t)i;
        }
        hash = wg_list_hash_step(&list->hash, hash, host.at[i]);
    }
    if ((entry = probe(question, hash, host, WG_LIST_NAME)))
        return entry;
    while (count-- > 0) {
        struct wg_str key = above(host, dots[count]);

        if ((entry = probe(question, hashes[count], key, WG_LIST_SUFFIX)))
            return entry;
        if (list->has_subdomains && (entry = probe(question, hashes[count], key, WG_LIST_NAME)))
            return entry;
    }
    return NULL;
}

static const struct wg_list_entry *find_name(const struct question *question)
{
    const struct wg_list_entry *entry = NULL;

    if (question->host.len < question->key.len)
        entry = probe(question, wg_list_hash(&question->list->hash, question->key),
                      question->key, WG_LIST_NAME);
    return entry ? entry : find_host(question);
}

static const struct wg_list_entry *find_address(const struct question *question,
                                                const struct wg_ip *ip)
{
    const struct wg_list_block *block = NULL;

    while (wg_list_block_find(question->list, ip, &block)) {
        const struct wg_list_entry *entry = &question->list->entries[block->entry];

        if (!is_over(entry, question->now_s))
            return entry;
    }
    return NULL;
}

static const struct wg_list_entry *find_glob(const struct question *question)
{
    const struct wg_list *list = question->list;

    for (size_t i = 0; i < list->glob_count; i++) {
        const struct wg_list_entry *entry = &list->entries[list->globs[i]];
        struct wg_str pattern = wg_list_text(list, entry);

        /* Servers and participants are different things, so "*" is not everybody on them. */
        if ((pattern.at[0] == '@') != (question->key.at[0] == '@'))
            continue;
        if (!is_over(entry, question->now_s) && (wg_list_glob_match(pattern, question->host) ||
                                                 (question->host.len < question->key.len &&
                                                  wg_list_glob_match(pattern, question->key))))
            return entry;
    }
    return NULL;
}

/* "[2001:db8::1]:8448" to its inside, "a.example:8448" to what stands before the port. */
static struct wg_str host_of(struct wg_str key)
{
    size_t end = wg_str_find(key, ':');

    if (key.at[0] == '@')
        return key;
    if (key.at[0] == '[')
        return wg_str_of(key.at + 1, wg_str_find(key, ']') - 1);
    /* Two colons without brackets: an address, and no port. */
    if (end < key.len &&
        wg_str_find(wg_str_of(key.at + end + 1, key.len - end - 1), ':') < key.len - end - 1)
        return key;
    return wg_str_of(key.at, end);
}

static const struct wg_list_entry *find(const struct question *question)
{
    const struct wg_list *list = question->list;
    const struct wg_list_entry *entry;
    struct wg_err ignored;
    struct wg_ip ip;

    if (question->key.at[0] == '@')
        entry = list->by_kind[WG_LIST_PARTICIPANT]
                    ? probe(question, wg_list_hash(&list->hash, question->key), question->key,
                            WG_LIST_PARTICIPANT)
                    : NULL;
    else if (!wg_list_is_like_address(question->host))
        entry = find_name(question);
    else
        entry = list->block_count && wg_ip_parse(question->host, &ip, &ignored) == WG_OK
                    ? find_address(question, &ip)
                    : NULL;
    return entry || !list->glob_count ? entry : find_glob(question);
}

static struct wg_str reason_at(const struct wg_list *list, uint32_t at)
{
    uint16_t len;

    if (!at)
        return (struct wg_str){NULL, 0};
    memcpy(&len, list->reasons + at, sizeof len);
    return wg_str_of(list->reasons + at + sizeof len, len);
}

bool wg_list_entry(const struct wg_list *list, uint32_t index, struct wg_list_match *ret_match)
{
    const struct wg_list_entry *entry;

    if (index >= list->count)
        return false;
    entry = &list->entries[index];
    *ret_match = (struct wg_list_match){
        .kind = entry->kind,
        .text = wg_list_text(list, entry),
        .reason = reason_at(list, entry->reason),
        .severity = wg_str(entry->severity ? list->severities[entry->severity - 1] : NULL),
        .rejects_media = entry->rejects_media,
        .rejects_reports = entry->rejects_reports,
        .expires_at_s = entry->expires_at_s,
        .source = list->source,
        .line = entry->line,
        .index = index,
        .hits = atomic_load_explicit(&list->hits[index], memory_order_relaxed),
    };
    return true;
}

static void count_hit(struct wg_list *list, uint32_t index)
{
    atomic_fetch_add_explicit(&list->totals->hits, 1, memory_order_relaxed);
    /* Stays at its end: a count that begins anew would look like an entry nobody needs. */
    if (atomic_load_explicit(&list->hits[index], memory_order_relaxed) < UINT32_MAX)
        atomic_fetch_add_explicit(&list->hits[index], 1, memory_order_relaxed);
}

static const struct wg_list_entry *look_up(struct wg_list *list, struct wg_str name,
                                           int64_t now_s)
{
    char key[WG_LIST_KEY_LIMIT];
    struct question question = {.list = list, .now_s = now_s};

    if (name.len == 0 || name.len > sizeof key)
        return NULL;
    question.key = wg_str_of(key, wg_list_fold(name, key));
    question.host = host_of(question.key);
    return find(&question);
}

bool wg_list_peek(struct wg_list *list, struct wg_str name, int64_t now_s,
                  struct wg_list_match *ret_match)
{
    const struct wg_list_entry *entry = look_up(list, name, now_s);

    return entry && wg_list_entry(list, (uint32_t)(entry - list->entries), ret_match);
}

bool wg_list_find(struct wg_list *list, struct wg_str name, int64_t now_s,
                  struct wg_list_match *ret_match)
{
    const struct wg_list_entry *entry = look_up(list, name, now_s);

    atomic_fetch_add_explicit(&list->totals->lookups, 1, memory_order_relaxed);
    if (!entry)
        return false;
    count_hit(list, (uint32_t)(entry - list->entries));
    return wg_list_entry(list, (uint32_t)(entry - list->entries), ret_match);
}
