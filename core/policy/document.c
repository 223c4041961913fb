// SPDX-License-Identifier: Apache-2.0
#include "policy/policy_impl.h"

static wg_names copy_names(struct wg_arena *arena, wg_names names)
{
    const char **copy;
    size_t count = 0;

    while (names && names[count])
        count++;
    copy = wg_arena_alloc(arena, (count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = wg_arena_copy(arena, wg_str(names[i])).at;
    return copy;
}

struct wg_document_copy *wg_document_copy(const struct wg_config_federation *federation)
{
    struct wg_document_copy *document = wg_new(struct wg_document_copy);

    atomic_init(&document->references, 1);
    wg_arena_init(&document->arena);
    document->federation = *federation;
    document->federation.allowed_peers =
        copy_names(&document->arena, federation->allowed_peers);
    document->federation.denied_peers = copy_names(&document->arena, federation->denied_peers);
    return document;
}

struct wg_document_copy *wg_document_ref(struct wg_document_copy *document)
{
    if (document)
        atomic_fetch_add(&document->references, 1);
    return document;
}

struct wg_document_copy *wg_document_unref(struct wg_document_copy *document)
{
    if (document && atomic_fetch_sub(&document->references, 1) == 1) {
        wg_arena_done(&document->arena);
        wg_free(document);
    }
    return NULL;
}
