// SPDX-License-Identifier: Apache-2.0
/* Lists, dictionaries, inner lists and parameters, RFC 9651 4.2. Inner lists do not nest, so
 * nothing here recurses. */
#include "base/map.h"
#include "wire/sf_impl.h"

enum { FEW_NAMES = 16 };

/** Where a name stands among those read so far. Built only when there are many, so that
 * thousands of names in one field stay cheap. */
struct name_index {
    uint32_t *slots; /**< position + 1; 0 is free */
    size_t capacity;
};

typedef struct wg_str (*name_at)(const void *all, size_t i);

static void index_put(struct name_index *index, struct wg_str name, size_t position)
{
    size_t slot = wg_hash(name.at, name.len) & (index->capacity - 1);

    while (index->slots[slot])
        slot = (slot + 1) & (index->capacity - 1);
    index->slots[slot] = (uint32_t)(position + 1);
}

static void index_grow(struct name_index *index, struct wg_arena *arena, const void *all,
                       size_t count, name_at at)
{
    index->capacity = index->capacity ? index->capacity * 4 : FEW_NAMES * 8;
    index->slots = wg_arena_alloc(arena, index->capacity * sizeof *index->slots);
    for (size_t i = 0; i < count; i++)
        index_put(index, at(all, i), i);
}

/** Position of name among count others, or count, under which it is then known. */
static size_t index_find(struct name_index *index, struct wg_arena *arena, const void *all,
                         size_t count, name_at at, struct wg_str name)
{
    size_t slot;

    if (count < FEW_NAMES) {
        for (size_t i = 0; i < count; i++)
            if (wg_str_equal(at(all, i), name))
                return i;
        return count;
    }
    if ((count + 1) * 2 > index->capacity)
        index_grow(index, arena, all, count, at);
    slot = wg_hash(name.at, name.len) & (index->capacity - 1);
    while (index->slots[slot]) {
        if (wg_str_equal(at(all, index->slots[slot] - 1), name))
            return index->slots[slot] - 1;
        slot = (slot + 1) & (index->capacity - 1);
    }
    index->slots[slot] = (uint32_t)(count + 1);
    return count;
}

static struct wg_str param_name_at(const void *all, size_t i)
{
    return ((const struct wg_sf_params *)all)->at[i].name;
}

static struct wg_str member_key_at(const void *all, size_t i)
{
    return ((const struct wg_sf_members *)all)->at[i].key;
}

/** Room for one more of size bytes in an array of the arena. */
static void *grown(struct wg_arena *arena, void *at, size_t count, size_t *capacity,
                   size_t size)
{
    void *bigger;

    if (count < *capacity)
        return at;
    *capacity = *capacity ? *capacity * 2 : 4;
    bigger = wg_arena_alloc(arena, *capacity * size);
    if (count)
        memcpy(bigger, at, count * size);
    return bigger;
}

void wg_sf_param_add(struct wg_sf_params *params, struct wg_arena *arena, struct wg_str name,
                     struct wg_sf_bare value)
{
    params->at = grown(arena, params->at, params->count, &params->capacity, sizeof *params->at);
    params->at[params->count++] = (struct wg_sf_param){name, value};
}

static void member_add(struct wg_sf_members *members, struct wg_arena *arena,
                       const struct wg_sf_item *item)
{
    members->at =
        grown(arena, members->at, members->count, &members->capacity, sizeof *members->at);
    members->at[members->count++] = *item;
}

static void skip_spaces(struct wg_sf_reader *reader)
{
    while (wg_sf_accept(reader, ' '))
        ;
}

static void skip_ows(struct wg_sf_reader *reader)
{
    while (wg_sf_accept(reader, ' ') || wg_sf_accept(reader, '\t'))
        ;
}

static enum wg_code read_key(struct wg_sf_reader *reader, struct wg_str *ret_key)
{
    const char *start = reader->at;

    if (reader->at == reader->end || !wg_sf_is_key_start(*reader->at))
        return wg_sf_fail(reader, "a key should stand here: lower-case letter or '*' first");
    while (reader->at < reader->end && wg_sf_is_key_char(*reader->at))
        reader->at++;
    *ret_key = wg_str_of(start, (size_t)(reader->at - start));
    return WG_OK;
}

static enum wg_code read_params(struct wg_sf_reader *reader, struct wg_sf_params *params)
{
    struct name_index index = {0};

    while (wg_sf_accept(reader, ';')) {
        struct wg_sf_bare value = {.type = WG_SF_BOOLEAN, .boolean = true};
        struct wg_str name;
        size_t position;

        skip_spaces(reader);
        if (read_key(reader, &name) != WG_OK)
            return reader->err->code;
        if (wg_sf_accept(reader, '=') && wg_sf_read_bare(reader, &value) != WG_OK)
            return reader->err->code;
        position =
            index_find(&index, reader->arena, params, params->count, param_name_at, name);
        if (position < params->count)
            params->at[position].value = value;
        else
            wg_sf_param_add(params, reader->arena, name, value);
    }
    return WG_OK;
}

static enum wg_code read_item(struct wg_sf_reader *reader, struct wg_sf_item *item)
{
    if (wg_sf_read_bare(reader, &item->bare) != WG_OK)
        return reader->err->code;
    return read_params(reader, &item->params);
}

static enum wg_code read_inner_list(struct wg_sf_reader *reader, struct wg_sf_item *item)
{
    struct wg_sf_members inner = {0};

    item->bare.type = WG_SF_INNER_LIST;
    for (;;) {
        struct wg_sf_item member = {0};

        skip_spaces(reader);
        if (wg_sf_accept(reader, ')'))
            break;
        if (read_item(reader, &member) != WG_OK)
            return reader->err->code;
        if (reader->at == reader->end || (*reader->at != ' ' && *reader->at != ')'))
            return wg_sf_fail(reader, "' ' or ')' should stand here");
        member_add(&inner, reader->arena, &member);
    }
    item->items = inner.at;
    item->item_count = inner.count;
    return read_params(reader, &item->params);
}

static enum wg_code read_item_or_inner_list(struct wg_sf_reader *reader,
                                            struct wg_sf_item *item)
{
    return wg_sf_accept(reader, '(') ? read_inner_list(reader, item) : read_item(reader, item);
}

static struct wg_sf_reader reader_for(struct wg_str text, struct wg_arena *arena,
                                      struct wg_err *err)
{
    struct wg_str copy = wg_arena_copy(arena, text);
    struct wg_sf_reader reader = {
        .at = copy.at, .end = copy.at + copy.len, .start = copy.at, .arena = arena, .err = err};

    skip_spaces(&reader);
    return reader;
}

/** Between two members: *ret_more when another one follows. */
static enum wg_code read_separator(struct wg_sf_reader *reader, bool *ret_more)
{
    skip_ows(reader);
    *ret_more = reader->at < reader->end;
    if (!*ret_more)
        return WG_OK;
    if (!wg_sf_accept(reader, ','))
        return wg_sf_fail(reader, "',' or the end should stand here");
    skip_ows(reader);
    return reader->at < reader->end ? WG_OK
                                    : wg_sf_fail(reader, "nothing follows the last ','");
}

enum wg_code wg_sf_parse_item(struct wg_str text, struct wg_arena *arena,
                              struct wg_sf_item *ret_item, struct wg_err *err)
{
    struct wg_sf_reader reader = reader_for(text, arena, err);
    struct wg_sf_item item = {0};

    if (read_item(&reader, &item) != WG_OK)
        return err->code;
    skip_spaces(&reader);
    if (reader.at < reader.end)
        return wg_sf_fail(&reader, "nothing may follow the item");
    *ret_item = item;
    return WG_OK;
}

/* A tab at the end passes: 4.2.1 discards OWS, not only SP, before it looks for the end. */
enum wg_code wg_sf_parse_list(struct wg_str text, struct wg_arena *arena,
                              struct wg_sf_members *ret_list, struct wg_err *err)
{
    struct wg_sf_reader reader = reader_for(text, arena, err);
    struct wg_sf_members list = {0};
    bool more = reader.at < reader.end;

    while (more) {
        struct wg_sf_item item = {0};

        if (read_item_or_inner_list(&reader, &item) != WG_OK ||
            read_separator(&reader, &more) != WG_OK)
            return err->code;
        member_add(&list, arena, &item);
    }
    *ret_list = list;
    return WG_OK;
}

static enum wg_code read_member(struct wg_sf_reader *reader, struct wg_sf_item *item)
{
    if (read_key(reader, &item->key) != WG_OK)
        return reader->err->code;
    if (wg_sf_accept(reader, '='))
        return read_item_or_inner_list(reader, item);
    item->bare = (struct wg_sf_bare){.type = WG_SF_BOOLEAN, .boolean = true};
    return read_params(reader, &item->params);
}

enum wg_code wg_sf_parse_dictionary(struct wg_str text, struct wg_arena *arena,
                                    struct wg_sf_members *ret_dictionary, struct wg_err *err)
{
    struct wg_sf_reader reader = reader_for(text, arena, err);
    struct wg_sf_members dictionary = {0};
    struct name_index index = {0};
    bool more = reader.at < reader.end;

    while (more) {
        struct wg_sf_item item = {0};
        size_t position;

        if (read_member(&reader, &item) != WG_OK || read_separator(&reader, &more) != WG_OK)
            return err->code;
        position =
            index_find(&index, arena, &dictionary, dictionary.count, member_key_at, item.key);
        if (position < dictionary.count)
            dictionary.at[position] = item;
        else
            member_add(&dictionary, arena, &item);
    }
    *ret_dictionary = dictionary;
    return WG_OK;
}

const struct wg_sf_item *wg_sf_member(const struct wg_sf_members *dictionary, const char *key)
{
    for (size_t i = 0; i < dictionary->count; i++)
        if (wg_str_is(dictionary->at[i].key, key))
            return &dictionary->at[i];
    return NULL;
}

const struct wg_sf_bare *wg_sf_param_get(const struct wg_sf_params *params, const char *name)
{
    for (size_t i = 0; i < params->count; i++)
        if (wg_str_is(params->at[i].name, name))
            return &params->at[i].value;
    return NULL;
}
