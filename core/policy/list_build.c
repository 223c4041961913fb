// SPDX-License-Identifier: Apache-2.0
#include "policy/list_impl.h"

enum { LIMIT_LIMIT_BYTES = 1024 * 1024 * 1024 }; /* offsets have 32 bits */

/* A source may be a URL with a query behind its name. */
static enum wg_list_format format_by_name(struct wg_str source)
{
    static const struct {
        const char *ending;
        enum wg_list_format format;
    } endings[] = {{".txt", WG_LIST_TEXT},
                   {".list", WG_LIST_TEXT},
                   {".csv", WG_LIST_CSV},
                   {".json", WG_LIST_JSON}};

    if (memmem(source.at, source.len, "://", 3))
        source = wg_str_of(source.at, wg_str_find(source, '?'));
    for (size_t i = 0; i < WG_COUNT(endings); i++) {
        size_t len = strlen(endings[i].ending);

        if (source.len > len &&
            wg_str_equal_nocase(wg_str_of(source.at + source.len - len, len),
                                wg_str(endings[i].ending)))
            return endings[i].format;
    }
    return WG_LIST_AUTO;
}

static enum wg_list_format format_by_content(struct wg_str text)
{
    static const char spaces[] = " \t\r\n";
    size_t at = 0, next;

    while (at < text.len && text.at[at] && strchr(spaces, text.at[at]))
        at++;
    next = at + 1;
    while (next < text.len && text.at[next] && strchr(spaces, text.at[next]))
        next++;
    if (at < text.len && text.at[at] == '{')
        return WG_LIST_JSON;
    /* "[::1]" begins an address. */
    if (next < text.len && text.at[at] == '[' && text.at[next] && strchr("\"{]", text.at[next]))
        return WG_LIST_JSON;
    text = wg_str_of(text.at + at, text.len - at);
    return wg_list_is_csv_header(wg_str_split(&text, '\n')) ? WG_LIST_CSV : WG_LIST_TEXT;
}

/* No more entries than this can be in the text, so tables are made once. What is not used of
 * them is never touched, so it takes no memory. */
static size_t count_places(struct wg_str text, enum wg_list_format format)
{
    char separator = format == WG_LIST_JSON ? ',' : '\n';
    size_t places = 1;

    for (size_t i = 0; i < text.len && places < WG_LIST_ENTRY_LIMIT; i++)
        places += text.at[i] == separator;
    return places;
}

static enum wg_code draft_init(struct wg_list_draft *draft, struct wg_str text,
                               enum wg_list_format format, struct wg_err *err)
{
    struct wg_list *list = draft->list;
    size_t places = count_places(text, format);

    draft->entry_capacity = places;
    /* Of every entry no more than its own bytes and a NUL; of a reason its length besides. */
    list->texts = wg_try_alloc(text.len + places + 1);
    list->reasons = wg_try_alloc(text.len + 3 * places + 4);
    list->entries = wg_try_alloc(places * sizeof *list->entries);
    list->reason_bytes = 1; /* offset 0 is no reason */
    if (!list->texts || !list->reasons || !list->entries)
        return wg_fail(err, WG_FULL, "no memory for a list of %zu bytes", text.len);
    return WG_OK;
}

static void trim_tables(struct wg_list *list)
{
    list->texts = wg_realloc(list->texts, list->text_bytes + 1);
    list->reasons = wg_realloc(list->reasons, list->reason_bytes);
    list->entries = wg_realloc(list->entries, (list->count + 1) * sizeof *list->entries);
}

static void index_name(struct wg_list *list, uint32_t index)
{
    const struct wg_list_entry *entry = &list->entries[index];
    struct wg_str key = wg_list_key(list, entry);
    uint64_t hash = wg_list_hash(&list->hash, key);
    bool is_known = false;
    size_t cursor = 0;
    uint32_t other;

    while (!is_known && wg_list_table_next(&list->names, hash, &cursor, &other)) {
        const struct wg_list_entry *same = &list->entries[other];

        is_known = same->kind == entry->kind && wg_str_equal(wg_list_key(list, same), key);
    }
    wg_list_table_put(&list->names, hash, cursor, index, is_known);
}

static void index_block(struct wg_list *list, uint32_t index)
{
    struct wg_list_block *block = &list->blocks[list->block_count];
    struct wg_err ignored;

    block->entry = index;
    /* It has been parsed before, when the entry was judged. */
    if (wg_cidr_parse(wg_list_text(list, &list->entries[index]), &block->cidr, &ignored) ==
        WG_OK)
        list->block_count++;
}

static enum wg_code build_index(struct wg_list *list, struct wg_err *err)
{
    const uint32_t *kinds = list->by_kind;
    size_t names = kinds[WG_LIST_NAME] + kinds[WG_LIST_SUFFIX] + kinds[WG_LIST_PARTICIPANT];

    list->blocks = wg_try_alloc((kinds[WG_LIST_ADDRESS] + 1u) * sizeof *list->blocks);
    list->globs = wg_try_alloc((kinds[WG_LIST_GLOB] + 1u) * sizeof *list->globs);
    list->hits = wg_try_alloc((list->count + 1u) * sizeof *list->hits);
    if (!wg_list_table_init(&list->names, list->count, names) || !list->blocks ||
        !list->globs || !list->hits)
        return wg_fail(err, WG_FULL, "no memory for a list of %u entries", list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->entries[i].kind == WG_LIST_ADDRESS)
            index_block(list, i);
        else if (list->entries[i].kind == WG_LIST_GLOB)
            list->globs[list->glob_count++] = i;
        else
            index_name(list, i);
    }
    wg_list_blocks_settle(list);
    return WG_OK;
}

static enum wg_code read_rows(struct wg_list_draft *draft, struct wg_str text,
                              struct wg_err *err)
{
    static enum wg_code (*const readers[])(struct wg_list_draft *, struct wg_str,
                                           struct wg_err *) = {
        [WG_LIST_TEXT] = wg_list_read_text,
        [WG_LIST_CSV] = wg_list_read_csv,
        [WG_LIST_JSON] = wg_list_read_json,
    };
    enum wg_list_format format = draft->options->format;
    enum wg_code code;

    if (wg_str_starts(text, WG_STR("\xef\xbb\xbf"))) /* a byte order mark */
        text = wg_str_of(text.at + 3, text.len - 3);
    if (format == WG_LIST_AUTO)
        format = format_by_name(wg_str(draft->list->source));
    if (format == WG_LIST_AUTO)
        format = format_by_content(text);
    code = draft_init(draft, text, format, err);
    if (code == WG_OK)
        code = readers[format](draft, text, err);
    wg_free(draft->reason_slots);
    return code;
}

static struct wg_list_totals *totals_ref(struct wg_list *previous)
{
    struct wg_list_totals *totals = previous ? previous->totals : wg_new(struct wg_list_totals);

    atomic_fetch_add_explicit(&totals->references, 1, memory_order_relaxed);
    return totals;
}

static struct wg_list *list_new(const struct wg_list_options *options)
{
    struct wg_list *list = wg_new(struct wg_list);

    atomic_init(&list->references, 1);
    list->source = wg_strdup(wg_str(options->source ? options->source : "list"));
    list->has_subdomains = options->has_subdomains;
    list->totals = totals_ref(options->previous);
    wg_list_hash_init(&list->hash);
    return list;
}

/* owned is text's memory, to be freed; NULL when it is not ours. */
static enum wg_code build(struct wg_str text, char *owned,
                          const struct wg_list_options *options, struct wg_list **ret_list,
                          struct wg_err *err)
{
    struct wg_list_draft draft = {
        .options = options, .list = list_new(options), .source_text = owned};
    struct wg_list *list = draft.list;
    size_t limit = options->limit_bytes ? options->limit_bytes : WG_LIST_LIMIT_BYTES;
    enum wg_code code;

    if (text.len > limit || text.len > LIMIT_LIMIT_BYTES)
        code = wg_fail(err, WG_TOO_LARGE, "%s: %zu bytes, more than the %zu that are allowed",
                       list->source, text.len, limit);
    else
        code = read_rows(&draft, text, err);
    wg_free(owned); /* before the index is made: both at once would be the most we ever need */
    if (code == WG_OK) {
        trim_tables(list);
        code = build_index(list, err);
    }
    if (code == WG_OK)
        *ret_list = list;
    else
        wg_list_unref(list);
    return code;
}

enum wg_code wg_list_parse(struct wg_str text, const struct wg_list_options *options,
                           struct wg_list **ret_list, struct wg_err *err)
{
    return build(text, NULL, options, ret_list, err);
}

enum wg_code wg_list_parse_take(char *text, size_t len, const struct wg_list_options *options,
                                struct wg_list **ret_list, struct wg_err *err)
{
    return build(wg_str_of(text, len), text, options, ret_list, err);
}
