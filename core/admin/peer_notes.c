// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_impl.h"
#include "base/log.h"
#include "federation/peers.h"
#include "federation/restore.h"
#include "store/document.h"

/* What operators set down about a peer: labels, a note, the key it may sign with. In force at
 * once; when the store cannot keep it, what was there before is put back. */

struct note_change {
    struct wg_str peer;
    json_t *before, *after; /* objects, empty for nothing */
    struct wg_audit_row audit;
};

static void answer(struct wg_admin_request *request, struct note_change *change,
                   const struct wg_err *err)
{
    struct wg_str peer = change->peer;
    struct wg_err told;
    json_t *json;

    if (err->code != WG_OK && err->code != WG_NOT_FOUND &&
        wg_notes_set(request->gateway->notes, peer, change->before, &told) != WG_OK)
        wg_log(WG_LOG_ERROR, "admin.note_lost",
               "what was set down about a peer could neither be kept nor stored",
               WG_F_STR("peer", peer), WG_F_TEXT("reason", told.text));
    json_decref(change->before);
    json_decref(change->after);
    if (err->code != WG_OK && err->code != WG_NOT_FOUND) {
        wg_admin_fail_err(request, err);
        return;
    }
    json = wg_admin_peer_describe(request, peer);
    wg_admin_answer(
        request, 200,
        json ? json : json_pack("{s:o, s:{}}", "server_name", wg_admin_string(peer), "labels"));
}

static void on_put(void *owner, const struct wg_err *err, int64_t version)
{
    struct wg_admin_request *request = owner;

    (void)version;
    answer(request, request->state, err);
}

static void on_deleted(void *owner, const struct wg_err *err)
{
    struct wg_admin_request *request = owner;

    answer(request, request->state, err);
}

static void store(struct wg_admin_request *request, struct note_change *change)
{
    struct wg_document_put put = {
        .namespace = WG_STR(WG_STORED_NOTES),
        .key = change->peer,
        .expected_version = WG_DOCUMENT_ANY,
        .audit = &change->audit,
        .audit_count = 1,
    };

    if (json_object_size(change->after) == 0) {
        wg_store_document_delete(request->gateway->store, request->worker->loop, &put,
                                 on_deleted, request);
        return;
    }
    put.value = wg_admin_text(request, json_incref(change->after));
    wg_store_document_put(request->gateway->store, request->worker->loop, &put, on_put,
                          request);
}

/* change->after is complete. Takes extra over. */
static void apply(struct wg_admin_request *request, struct note_change *change,
                  const char *action, json_t *extra)
{
    struct wg_err err;

    request->state = change;
    change->audit = wg_admin_audit(request, action);
    change->audit.peer = change->peer;
    change->audit.extra = wg_admin_text(request, extra);
    if (wg_notes_set(request->gateway->notes, change->peer, change->after, &err) == WG_OK) {
        store(request, change);
        return;
    }
    json_decref(change->before);
    json_decref(change->after);
    wg_admin_fail_err(request, &err);
}

/* @return NULL after having answered. */
static struct note_change *begin(struct wg_admin_request *request)
{
    struct note_change *change = wg_arena_new(request->arena, struct note_change);

    if (!wg_admin_peer_name(request, &change->peer))
        return NULL;
    change->before = wg_notes_document(request->gateway->notes, change->peer);
    if (!change->before)
        change->before = json_object();
    change->after = json_deep_copy(change->before);
    return change;
}

static void give_up(struct note_change *change)
{
    json_decref(change->before);
    json_decref(change->after);
}

/* ---- labels and note ---- */

static json_t *member(const json_t *document, const char *name)
{
    json_t *value = json_object_get(document, name);

    return value ? json_incref(value) : json_null();
}

/* null takes a label out; what is not named stays. */
static void merge_labels(json_t *document, const json_t *change)
{
    json_t *labels = json_object_get(document, "labels");
    const char *name;
    json_t *value;

    if (!labels) {
        labels = json_object();
        json_object_set_new(document, "labels", labels);
    }
    json_object_foreach((json_t *)(uintptr_t)change, name, value)
    {
        if (json_is_null(value))
            json_object_del(labels, name);
        else
            json_object_set(labels, name, value);
    }
    if (json_object_size(labels) == 0)
        json_object_del(document, "labels");
}

void wg_admin_peer_label(struct wg_admin_request *request)
{
    static const char *const names[] = {"labels", "note", NULL};
    const json_t *labels = json_object_get(request->body, "labels");
    json_t *note = json_object_get(request->body, "note");
    struct note_change *change;

    if (!wg_admin_members(request, names))
        return;
    if ((!labels && !note) || (labels && !json_is_object(labels))) {
        wg_admin_fail(request, WG_INVALID,
                      "wants \"labels\", an object of strings (null takes one out), or "
                      "\"note\", or both");
        return;
    }
    change = begin(request);
    if (!change)
        return;
    if (labels)
        merge_labels(change->after, labels);
    if (json_is_null(note) || (json_is_string(note) && json_string_length(note) == 0))
        json_object_del(change->after, "note");
    else if (note)
        json_object_set(change->after, "note", note);
    apply(request, change, "federation.peer.label",
          json_pack("{s:o, s:o, s:o, s:o}", "labels_before", member(change->before, "labels"),
                    "labels_after", member(change->after, "labels"), "note_before",
                    member(change->before, "note"), "note_after",
                    member(change->after, "note")));
}

/* ---- pin ---- */

/* The key that is meant: a whole one, one that the peer has shown, by its kid, or, unnamed, the
 * one it shows now. */
static enum wg_code find_key(struct wg_admin_request *request, struct wg_str peer,
                             struct wg_public_key *ret_key, struct wg_err *err)
{
    struct wg_directory *directory = request->gateway->directory;
    struct wg_str text = wg_json_string(request->body, "key");
    struct wg_peer_facts facts;
    int64_t first_s;

    if (wg_str_starts(text, WG_STR("ed25519:")))
        return wg_public_key_parse(text, ret_key, err);
    wg_directory_facts(directory, peer, &facts);
    if (!text.at)
        text = wg_str(facts.kid);
    if (text.len == 0)
        return wg_fail(err, WG_NOT_FOUND,
                       "'%.*s' has shown no key yet: refresh it first, or name the whole key, "
                       "ed25519:<base64>",
                       WG_STR_F(peer));
    if (!wg_directory_key_ever(directory, peer, wg_arena_copy(request->arena, text), ret_key,
                               &first_s))
        return wg_fail(err, WG_NOT_FOUND,
                       "'%.*s' has shown no key '%.*s': name the whole key, ed25519:<base64>",
                       WG_STR_F(peer), WG_STR_F(text));
    return WG_OK;
}

static json_t *make_pin(struct wg_admin_request *request, const struct wg_public_key *key)
{
    char text[WG_PUBLIC_KEY_TEXT];

    wg_public_key_write(key, text);
    return json_pack("{s:s, s:s, s:I, s:s}", "public_key", text, "kid", key->kid, "since",
                     (json_int_t)wg_clock_wall_s(request->gateway->clock), "by",
                     wg_arena_format(request->arena, "token:%s", request->bearer.id));
}

void wg_admin_peer_pin(struct wg_admin_request *request)
{
    static const char *const names[] = {"key", NULL};
    const json_t *key = json_object_get(request->body, "key");
    struct note_change *change;
    struct wg_public_key pinned;
    struct wg_err err;

    if (request->body && !wg_admin_members(request, names))
        return;
    if (key && !json_is_string(key)) {
        wg_admin_fail(request, WG_INVALID, "key: must be a kid, or ed25519:<base64>");
        return;
    }
    change = begin(request);
    if (!change)
        return;
    if (find_key(request, change->peer, &pinned, &err) != WG_OK) {
        give_up(change);
        wg_admin_fail_err(request, &err);
        return;
    }
    json_object_set_new(change->after, "pin", make_pin(request, &pinned));
    apply(request, change, "federation.peer.pin",
          json_pack("{s:o, s:o}", "before", member(change->before, "pin"), "after",
                    member(change->after, "pin")));
}

void wg_admin_peer_unpin(struct wg_admin_request *request)
{
    struct note_change *change = begin(request);

    if (!change)
        return;
    if (!json_object_get(change->before, "pin")) {
        give_up(change);
        wg_admin_fail(request, WG_NOT_FOUND, "no key of '%.*s' is pinned",
                      WG_STR_F(change->peer));
        return;
    }
    json_object_del(change->after, "pin");
    apply(request, change, "federation.peer.unpin",
          json_pack("{s:o, s:n}", "before", member(change->before, "pin"), "after"));
}
