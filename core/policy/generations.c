// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "policy/policy_impl.h"

/* What operators ask of generations: another document, a list, the one before. */

enum wg_code wg_policy_set_document(struct wg_policy_engine *engine, size_t instance,
                                    const struct wg_config_federation *document,
                                    const char *cause, struct wg_err *err)
{
    struct wg_engine_instance *of = &engine->instances[instance];
    /* The files in use: a mistake that somebody is just making on disk must not keep an
     * operator from closing the door. */
    struct wg_edition *edition = wg_edition_again(of->edition);
    struct wg_document_copy *copy = document ? wg_document_copy(document) : NULL;

    edition->document = wg_document_ref(copy);
    if (wg_engine_replace(engine, of, edition, cause, err) != WG_OK) {
        wg_document_unref(copy);
        return err->code;
    }
    wg_document_unref(of->document);
    of->document = copy;
    return WG_OK;
}

const struct wg_config_federation *wg_policy_document(const struct wg_policy_engine *engine,
                                                      size_t instance)
{
    const struct wg_engine_instance *of = &engine->instances[instance];

    return of->document ? &of->document->federation : &of->config->federation;
}

static struct wg_policy_edition describe(const struct wg_edition *edition, bool is_current)
{
    return (struct wg_policy_edition){.number = edition->number,
                                      .loaded_at_ms = edition->loaded_at_ms,
                                      .cause = edition->cause,
                                      .file_count = edition->source_count,
                                      .is_current = is_current};
}

size_t wg_policy_generations(const struct wg_policy_engine *engine, size_t instance,
                             struct wg_policy_edition *ret_rows, size_t limit)
{
    const struct wg_engine_instance *of = &engine->instances[instance];
    size_t count = 0;

    if (limit > 0)
        ret_rows[count++] = describe(of->edition, true);
    for (size_t i = 0; i < WG_FORMER_EDITIONS && of->former[i] && count < limit; i++)
        ret_rows[count++] = describe(of->former[i], false);
    return count;
}

const char *wg_policy_last_failure(const struct wg_policy_engine *engine, size_t instance)
{
    return engine->instances[instance].last_failure;
}

enum wg_code wg_policy_rollback(struct wg_policy_engine *engine, size_t instance,
                                uint64_t number, struct wg_err *err)
{
    struct wg_engine_instance *of = &engine->instances[instance];

    for (size_t i = 0; i < WG_FORMER_EDITIONS && of->former[i]; i++) {
        struct wg_edition *edition;

        if (of->former[i]->number != number)
            continue;
        edition = wg_edition_again(of->former[i]);
        edition->document = wg_document_ref(of->document);
        return wg_engine_replace(engine, of, edition, "rollback", err);
    }
    return wg_fail(
        err, WG_NOT_FOUND,
        "generation %llu of '%s' is not kept: the list of generations says which are",
        (unsigned long long)number, of->config->server_name);
}

struct wg_kv *wg_policy_kv(struct wg_policy_engine *engine)
{
    return engine->kv;
}
