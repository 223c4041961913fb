// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "policy/lists.h"
#include "policy/policy_impl.h"

struct wg_edition *wg_edition_new(const struct wg_config *config,
                                  const struct wg_config_instance *instance)
{
    struct wg_edition *edition = wg_new(struct wg_edition);

    atomic_init(&edition->references, 1);
    edition->config = config;
    edition->instance = instance;
    return edition;
}

struct wg_edition *wg_edition_ref(struct wg_edition *edition)
{
    atomic_fetch_add(&edition->references, 1);
    return edition;
}

static void free_source(struct wg_source *source)
{
    wg_free(source->key);
    wg_free(source->path);
    wg_free(source->shown);
    wg_free(source->name);
    wg_free(source->text);
    wg_free(source);
}

struct wg_edition *wg_edition_unref(struct wg_edition *edition)
{
    if (!edition || atomic_fetch_sub(&edition->references, 1) != 1)
        return NULL;
    for (size_t i = 0; i < edition->source_count; i++)
        free_source(edition->sources[i]);
    for (size_t i = 0; i < edition->folder_count; i++)
        wg_free(edition->folders[i]);
    wg_lists_forget(edition);
    wg_document_unref(edition->document);
    wg_free(edition->cause);
    wg_free(edition->sources);
    wg_free(edition->folders);
    wg_free(edition);
    return NULL;
}

static void remember_folder(struct wg_edition *edition, struct wg_str folder)
{
    for (size_t i = 0; i < edition->folder_count; i++)
        if (wg_str_is(folder, edition->folders[i]))
            return;
    edition->folders =
        wg_realloc(edition->folders, (edition->folder_count + 1) * sizeof *edition->folders);
    edition->folders[edition->folder_count++] = wg_strdup(folder);
}

static struct wg_str folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return WG_STR(".");
    return wg_str_of(path, slash == path ? 1 : (size_t)(slash - path));
}

/* As an operator would write it: without the folder of the configuration in front. */
static const char *shown_path(const struct wg_edition *edition, const char *path)
{
    const char *folder = edition->config->folder;
    size_t len = folder ? strlen(folder) : 0;

    if (len && strncmp(path, folder, len) == 0 && path[len] == '/')
        return path + len + 1;
    return path;
}

static struct wg_str base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct wg_str name = wg_str(slash ? slash + 1 : path);

    if (wg_str_ends(name, WG_STR(".lua")))
        name.len -= 4;
    return name;
}

static void add_source(struct wg_edition *edition, struct wg_str key, const char *path,
                       struct wg_str shown, struct wg_str text)
{
    struct wg_source *source = wg_new(struct wg_source);

    source->key = wg_strdup(key);
    source->path = wg_strdup(wg_str(path));
    source->shown = wg_strdup(shown);
    source->name = wg_strdup(base_name(path));
    source->text = wg_strdup(text);
    source->len = text.len;
    edition->sources =
        wg_realloc(edition->sources, (edition->source_count + 1) * sizeof *edition->sources);
    edition->sources[edition->source_count++] = source;
}

void wg_edition_add_main(struct wg_edition *edition, const char *shown, struct wg_str text)
{
    add_source(edition, WG_STR(""), edition->instance->policy, wg_str(shown), text);
}

static enum wg_code read_source(struct wg_edition *edition, struct wg_str key, const char *path,
                                const struct wg_source **ret_source, struct wg_err *err)
{
    struct wg_buf text;

    if (edition->source_count >= WG_SOURCE_COUNT_LIMIT)
        return wg_fail(err, WG_TOO_LARGE, "more than %d policy files", WG_SOURCE_COUNT_LIMIT);
    remember_folder(edition, folder_of(path));
    wg_buf_init(&text, WG_SOURCE_LIMIT_BYTES);
    if (wg_file_read(path, &text, err) != WG_OK) {
        wg_buf_done(&text);
        return err->code;
    }
    /* An editor at work, or a disk that was full: nobody means a policy that refuses everyone
     * by saying nothing. */
    if (key.len == 0 && text.len == 0) {
        wg_buf_done(&text);
        return wg_fail(err, WG_CONFIG, "%s: the file is empty", shown_path(edition, path));
    }
    add_source(edition, key, path, wg_str(shown_path(edition, path)), wg_buf_str(&text));
    wg_buf_done(&text);
    *ret_source = edition->sources[edition->source_count - 1];
    return WG_OK;
}

static struct wg_source *copy_source(const struct wg_source *source)
{
    struct wg_source *copy = wg_new(struct wg_source);

    copy->key = wg_strdup(wg_str(source->key));
    copy->path = wg_strdup(wg_str(source->path));
    copy->shown = wg_strdup(wg_str(source->shown));
    copy->name = wg_strdup(wg_str(source->name));
    copy->text = wg_strdup(wg_str_of(source->text, source->len));
    copy->len = source->len;
    return copy;
}

struct wg_edition *wg_edition_again(const struct wg_edition *edition)
{
    struct wg_edition *again = wg_edition_new(edition->config, edition->instance);

    again->sources = wg_alloc((edition->source_count + 1) * sizeof *again->sources);
    for (size_t i = 0; i < edition->source_count; i++)
        again->sources[i] = copy_source(edition->sources[i]);
    again->source_count = edition->source_count;
    for (size_t i = 0; i < edition->folder_count; i++)
        remember_folder(again, wg_str(edition->folders[i]));
    wg_lists_copy(edition, again);
    return again;
}

/* Lower-case words with dots between them, so that no name leads out of the folders. */
static bool is_module_name(struct wg_str name)
{
    bool is_start = true;

    if (name.len == 0 || name.len > 128)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];

        if (c == '.' && is_start)
            return false;
        if (c != '.' && c != '_' && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            return false;
        is_start = c == '.';
    }
    return !is_start;
}

/* The folders that use and require search, in order, each with a NUL behind it: that of the
 * instance's own file, then those of the settings, which end with the installed ones. */
static void search_folders(const struct wg_edition *edition, struct wg_buf *out)
{
    struct wg_str own = folder_of(edition->instance->policy);

    wg_buf_addf(out, "%.*s%c", WG_STR_F(own), '\0');
    for (wg_names name = edition->config->policy_path; name && *name; name++)
        wg_buf_addf(out, "%s%c", *name, '\0');
}

static enum wg_code not_found(struct wg_str key, const struct wg_buf *folders,
                              struct wg_err *err)
{
    struct wg_buf list;

    wg_buf_init(&list, 160);
    for (size_t at = 0; at < folders->len; at += strlen(folders->at + at) + 1)
        wg_buf_addf(&list, "%s%s", at ? ", " : "", folders->at + at);
    wg_fail(err, WG_NOT_FOUND, "no file %.*s.lua in %s%s", WG_STR_F(key),
            list.at ? list.at : "", list.is_overflown ? "..." : "");
    wg_buf_done(&list);
    return err->code;
}

static enum wg_code find_source(struct wg_edition *edition, struct wg_str key,
                                const struct wg_source **ret_source, struct wg_err *err)
{
    struct wg_buf folders;
    char path[4096];
    enum wg_code code = WG_NOT_FOUND;

    wg_buf_init(&folders, 64 * 1024);
    search_folders(edition, &folders);
    for (size_t at = 0; at < folders.len && code == WG_NOT_FOUND;
         at += strlen(folders.at + at) + 1) {
        int folder_len = snprintf(path, sizeof path, "%s/", folders.at + at);
        int len = snprintf(path, sizeof path, "%s/%.*s.lua", folders.at + at, WG_STR_F(key));

        if (len < 0 || (size_t)len >= sizeof path)
            continue;
        for (char *c = path + folder_len; c < path + len - 4; c++)
            if (*c == '.')
                *c = '/';
        remember_folder(edition, folder_of(path));
        if (access(path, F_OK) == 0)
            code = read_source(edition, key, path, ret_source, err);
    }
    if (code == WG_NOT_FOUND)
        not_found(key, &folders, err);
    wg_buf_done(&folders);
    return code;
}

enum wg_code wg_edition_source(struct wg_edition *edition, struct wg_str key,
                               const struct wg_source **ret_source, struct wg_err *err)
{
    for (size_t i = 0; i < edition->source_count; i++) {
        if (wg_str_is(key, edition->sources[i]->key)) {
            *ret_source = edition->sources[i];
            return WG_OK;
        }
    }
    if (edition->is_sealed)
        return wg_fail(err, WG_NOT_FOUND,
                       "%.*s was not loaded when this generation was checked", WG_STR_F(key));
    if (key.len == 0)
        return read_source(edition, key, edition->instance->policy, ret_source, err);
    if (!is_module_name(key))
        return wg_fail(err, WG_INVALID,
                       "'%.*s' is not a module name: lower-case letters, digits, '_', with '.' "
                       "between folders",
                       (int)(key.len < 64 ? key.len : 64), key.at);
    return find_source(edition, key, ret_source, err);
}

void wg_edition_look_into(struct wg_edition *edition, const char *path)
{
    remember_folder(edition, folder_of(path));
}

bool wg_edition_equal(const struct wg_edition *a, const struct wg_edition *b)
{
    if (a->source_count != b->source_count)
        return false;
    for (size_t i = 0; i < a->source_count; i++) {
        const struct wg_source *x = a->sources[i];
        const struct wg_source *y = b->sources[i];

        if (strcmp(x->path, y->path) != 0 || strcmp(x->key, y->key) != 0 ||
            !wg_str_equal(wg_str_of(x->text, x->len), wg_str_of(y->text, y->len)))
            return false;
    }
    return wg_lists_equal(a, b);
}
