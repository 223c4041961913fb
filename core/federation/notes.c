// SPDX-License-Identifier: Apache-2.0
#include "federation/notes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/map.h"
#include "wire/json.h"

struct note {
    json_t *document;
    bool is_pinned;
    struct wg_public_key key;
    int64_t since_s;
};

/* Set by people, read with every request: readers do not keep each other waiting, and where
 * nobody ever set anything there is nothing to look for. */
struct wg_notes {
    pthread_rwlock_t lock;
    struct wg_map peers;
    atomic_size_t count;
};

struct wg_notes *wg_notes_new(void)
{
    struct wg_notes *notes = wg_new(struct wg_notes);

    pthread_rwlock_init(&notes->lock, NULL);
    wg_map_init(&notes->peers);
    return notes;
}

static void note_free(void *value)
{
    struct note *note = value;

    if (note)
        json_decref(note->document);
    wg_free(note);
}

struct wg_notes *wg_notes_free(struct wg_notes *notes)
{
    if (!notes)
        return NULL;
    wg_map_done(&notes->peers, note_free);
    pthread_rwlock_destroy(&notes->lock);
    wg_free(notes);
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    const struct wg_header *one = a, *other = b;
    size_t len = one->name.len < other->name.len ? one->name.len : other->name.len;
    int order = memcmp(one->name.at, other->name.at, len);

    return order ? order
                 : (one->name.len > other->name.len) - (one->name.len < other->name.len);
}

void wg_notes_labels(struct wg_notes *notes, struct wg_str peer, struct wg_arena *arena,
                     struct wg_headers *ret_labels)
{
    const struct note *note;

    *ret_labels = (struct wg_headers){0};
    if (atomic_load(&notes->count) == 0)
        return;
    pthread_rwlock_rdlock(&notes->lock);
    note = wg_map_get(&notes->peers, peer);
    if (note) {
        const char *name;
        json_t *value;

        json_object_foreach(json_object_get(note->document, "labels"), name, value)
        {
            wg_headers_add(ret_labels, arena, wg_arena_copy(arena, wg_str(name)),
                           wg_arena_copy(arena, wg_str_of(json_string_value(value),
                                                          json_string_length(value))));
        }
    }
    pthread_rwlock_unlock(&notes->lock);
    if (ret_labels->count > 1)
        qsort(ret_labels->at, ret_labels->count, sizeof *ret_labels->at, by_name);
}

bool wg_notes_pin(struct wg_notes *notes, struct wg_str peer, struct wg_public_key *ret_key,
                  int64_t *ret_since_s)
{
    const struct note *note;
    bool is_pinned;

    if (atomic_load(&notes->count) == 0)
        return false;
    pthread_rwlock_rdlock(&notes->lock);
    note = wg_map_get(&notes->peers, peer);
    is_pinned = note && note->is_pinned;
    if (is_pinned) {
        *ret_key = note->key;
        *ret_since_s = note->since_s;
    }
    pthread_rwlock_unlock(&notes->lock);
    return is_pinned;
}

bool wg_notes_refuse(struct wg_notes *notes, struct wg_str peer,
                     const struct wg_public_key *key, struct wg_public_key *ret_pinned)
{
    int64_t since_s;

    return wg_notes_pin(notes, peer, ret_pinned, &since_s) &&
           !wg_public_key_equal(ret_pinned, key);
}

json_t *wg_notes_document(struct wg_notes *notes, struct wg_str peer)
{
    const struct note *note;
    json_t *copy;

    pthread_rwlock_rdlock(&notes->lock);
    note = wg_map_get(&notes->peers, peer);
    copy = note ? json_deep_copy(note->document) : NULL;
    pthread_rwlock_unlock(&notes->lock);
    return copy;
}

/* ---- judging ---- */

/* As in wavegate.label: both reach policies and instances alike. */
static enum wg_code check_label(const char *name, const json_t *value, struct wg_err *err)
{
    size_t len = strlen(name);

    if (len == 0 || len > WG_NOTES_LABEL_NAME || name[0] < 'a' || name[0] > 'z' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-.*") != len)
        return wg_fail(err, WG_INVALID,
                       "labels: '%.64s' is no name of a label: a lower-case letter, then "
                       "lower-case letters, digits, '_', '-', '.', at most %d",
                       name, WG_NOTES_LABEL_NAME);
    if (!json_is_string(value) || json_string_length(value) > WG_NOTES_LABEL_VALUE)
        return wg_fail(err, WG_INVALID, "labels: %s must be a string of at most %d bytes", name,
                       WG_NOTES_LABEL_VALUE);
    for (size_t i = 0; i < json_string_length(value); i++) {
        if (json_string_value(value)[i] < ' ' || json_string_value(value)[i] > '~')
            return wg_fail(err, WG_INVALID, "labels: %s may hold printable ASCII only", name);
    }
    return WG_OK;
}

static enum wg_code check_labels(const json_t *labels, struct wg_err *err)
{
    const char *name;
    json_t *value;

    if (labels && !json_is_object(labels))
        return wg_fail(err, WG_INVALID, "labels: must be an object of strings");
    if (json_object_size(labels) > WG_NOTES_LABELS)
        return wg_fail(err, WG_INVALID, "labels: a peer has at most %d", WG_NOTES_LABELS);
    json_object_foreach((json_t *)(uintptr_t)labels, name, value)
    {
        if (check_label(name, value, err) != WG_OK)
            return err->code;
    }
    return WG_OK;
}

static enum wg_code read_pin(const json_t *pin, struct note *note, struct wg_err *err)
{
    struct wg_str text = wg_json_string(pin, "public_key");

    if (!pin)
        return WG_OK;
    if (!text.at || wg_public_key_parse(text, &note->key, err) != WG_OK)
        return wg_fail(err, WG_INVALID, "pin: must have a public_key, \"ed25519:<base64>\"");
    if (json_is_integer(json_object_get(pin, "since")))
        note->since_s = json_integer_value(json_object_get(pin, "since"));
    else
        (void)wg_json_integer(pin, "since", &note->since_s);
    note->is_pinned = true;
    return WG_OK;
}

static enum wg_code judge(const json_t *document, struct note *note, struct wg_err *err)
{
    const json_t *text = json_object_get(document, "note");

    if (check_labels(json_object_get(document, "labels"), err) != WG_OK ||
        read_pin(json_object_get(document, "pin"), note, err) != WG_OK)
        return err->code;
    if (text && (!json_is_string(text) || json_string_length(text) > WG_NOTES_TEXT))
        return wg_fail(err, WG_INVALID, "note: must be a text of at most %d bytes",
                       WG_NOTES_TEXT);
    return WG_OK;
}

enum wg_code wg_notes_set(struct wg_notes *notes, struct wg_str peer, const json_t *document,
                          struct wg_err *err)
{
    struct note *note = wg_new(struct note);
    enum wg_code code = judge(document, note, err);

    if (code != WG_OK) {
        wg_free(note);
        return code;
    }
    pthread_rwlock_wrlock(&notes->lock);
    if (json_object_size(document) == 0) {
        note_free(wg_map_take(&notes->peers, peer));
        wg_free(note);
    } else if (notes->peers.count >= WG_NOTES_LIMIT && !wg_map_get(&notes->peers, peer)) {
        wg_free(note);
        code = wg_fail(err, WG_FULL, "%d peers have labels, notes or pins already",
                       WG_NOTES_LIMIT);
    } else {
        note->document = json_deep_copy(document);
        note_free(wg_map_put(&notes->peers, peer, note));
    }
    atomic_store(&notes->count, notes->peers.count);
    pthread_rwlock_unlock(&notes->lock);
    return code;
}
