// SPDX-License-Identifier: Apache-2.0
#include "policy/question.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/json.h"

/* The names of a handler's view (view.c), as places to write to. */

enum kind { STR, INTEGER, FLAG, YES_NO, DIRECTION, LABELS };

struct place {
    const char *section, *name;
    enum kind kind;
    size_t offset;
};

#define Q(member) offsetof(struct wg_question, member)

static const struct place places[] = {
    {"ctx", "server", STR, Q(server)},
    {"ctx", "direction", DIRECTION, Q(direction)},
    {"ctx", "now", INTEGER, Q(now_s)},
    {"ctx", "remote_address", STR, Q(remote_address)},
    {"ctx", "authenticated", YES_NO, Q(is_authenticated)},
    {"peer", "name", STR, Q(peer.name)},
    {"peer", "known_for", INTEGER, Q(peer.known_for_s)},
    {"peer", "last_seen", INTEGER, Q(peer.last_seen_s)},
    {"peer", "key_id", STR, Q(peer.key_id)},
    {"peer", "key_age", INTEGER, Q(peer.key_age_s)},
    {"peer", "events_24h", INTEGER, Q(peer.events_24h)},
    {"peer", "failures_24h", INTEGER, Q(peer.failures_24h)},
    {"peer", "mode", STR, Q(peer.mode)},
    {"peer", "labels", LABELS, Q(peer.labels)},
    {"room", "id", STR, Q(room.id)},
    {"room", "federated", FLAG, Q(room.federated)},
    {"room", "foreign_participants", INTEGER, Q(room.foreign_participants)},
    {"room", "has_participant", FLAG, Q(room.has_participant)},
    {"request", "endpoint", STR, Q(request.endpoint)},
    {"request", "room_id", STR, Q(request.room_id)},
    {"request", "participant", STR, Q(request.participant)},
    {"request", "limit", INTEGER, Q(request.limit)},
    {"request", "before", STR, Q(request.before)},
    {"change", "old_key_id", STR, Q(change.old_key_id)},
    {"change", "new_key_id", STR, Q(change.new_key_id)},
    {"change", "published", YES_NO, Q(change.is_published)},
    {"attempt", "destination", STR, Q(attempt.destination)},
    {"attempt", "event_id", STR, Q(attempt.event_id)},
    {"attempt", "room_id", STR, Q(attempt.room_id)},
    {"attempt", "code", STR, Q(attempt.code)},
    {"attempt", "reason", STR, Q(attempt.reason)},
    {"attempt", "number", INTEGER, Q(attempt.number)},
    {"attempt", "status", INTEGER, Q(attempt.status)},
    {"attempt", "age", INTEGER, Q(attempt.age_s)},
    {"attempt", "next_in", INTEGER, Q(attempt.next_in_s)},
};
static const char *const sections[] = {"event",  "peer",    "room", "request",
                                       "change", "attempt", "ctx",  NULL};
static const char *const event_fields[] = {"id",         "type",       "room_id",   "sender",
                                           "sender_id",  "origin",     "origin_ts", "content",
                                           "membership", "signatures", "unsigned",  NULL};

static const char sample_id[] = "0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11";

static void fill(struct wg_question *question, enum wg_hook hook, const char *server,
                 int64_t now_s)
{
    *question = (struct wg_question){.hook = hook,
                                     .direction = WG_INBOUND,
                                     .server = wg_str(server),
                                     .now_s = now_s,
                                     .remote_address = WG_STR("192.0.2.1"),
                                     .is_authenticated = true};
    question->peer.name = WG_STR("peer.example.com");
    question->peer.key_id = WG_STR("00000000");
    question->peer.mode = WG_STR("open");
    question->peer.known_for_s = question->peer.key_age_s = (int64_t)30 * 86400;
    question->peer.last_seen_s = now_s - 60;
    question->request.endpoint = wg_str(wg_hook_name(hook));
    question->request.participant = WG_STR("@alice:peer.example.com");
    question->request.limit = hook == WG_HOOK_BACKFILL ? 50 : -1;
    question->change.old_key_id = WG_STR("00000000");
    question->change.new_key_id = WG_STR("11111111");
    question->change.is_published = true;
    question->attempt.destination = WG_STR("peer.example.com");
    question->attempt.event_id = wg_str(sample_id);
    question->attempt.code = WG_STR("CONNECT_FAILED");
    question->attempt.reason = WG_STR("connection refused");
    question->attempt.number = 1;
    question->attempt.status = -1;
    question->attempt.age_s = 5;
    question->attempt.next_in_s = 10;
}

static enum wg_code unknown(const char *what, const char *written, const char *const *names,
                            struct wg_err *err)
{
    const char *near = wg_str_nearest(wg_str(written), names);

    if (near)
        return wg_fail(err, WG_INVALID, "%s '%.64s', did you mean '%s'?", what, written, near);
    return wg_fail(err, WG_INVALID, "%s '%.64s'", what, written);
}

static enum wg_code wrong(const struct place *place, const char *wanted, struct wg_err *err)
{
    return wg_fail(err, WG_INVALID, "%s.%s must be %s", place->section, place->name, wanted);
}

static enum wg_code put_labels(const struct place *place, const json_t *value,
                               struct wg_arena *arena, struct wg_headers *labels,
                               struct wg_err *err)
{
    const char *name;
    json_t *text;

    if (!json_is_object(value))
        return wrong(place, "an object of strings", err);
    json_object_foreach((json_t *)(uintptr_t)value, name, text)
    {
        if (!json_is_string(text))
            return wrong(place, "an object of strings", err);
        wg_headers_add(
            labels, arena, wg_arena_copy(arena, wg_str(name)),
            wg_arena_copy(arena, wg_str_of(json_string_value(text), json_string_length(text))));
    }
    return WG_OK;
}

static enum wg_code put(const struct place *place, const json_t *value, struct wg_arena *arena,
                        struct wg_question *question, struct wg_err *err)
{
    void *at = (char *)question + place->offset;
    const char *text = json_string_value(value);
    double number = json_number_value(value);

    switch (place->kind) {
    case STR:
        if (!text)
            return wrong(place, "a string", err);
        *(struct wg_str *)at = wg_arena_copy(arena, wg_str_of(text, json_string_length(value)));
        break;
    case INTEGER:
        if (!json_is_number(value) || number != floor(number) || fabs(number) > 9e15)
            return wrong(place, "a whole number", err);
        *(int64_t *)at = (int64_t)number;
        break;
    case FLAG:
        if (!json_is_boolean(value))
            return wrong(place, "true or false", err);
        *(enum wg_flag *)at = json_is_true(value) ? WG_FLAG_YES : WG_FLAG_NO;
        break;
    case YES_NO:
        if (!json_is_boolean(value))
            return wrong(place, "true or false", err);
        *(bool *)at = json_is_true(value);
        break;
    case DIRECTION:
        if (!text || (strcmp(text, "inbound") != 0 && strcmp(text, "outbound") != 0))
            return wrong(place, "\"inbound\" or \"outbound\"", err);
        *(enum wg_direction *)at = text[0] == 'i' ? WG_INBOUND : WG_OUTBOUND;
        break;
    case LABELS:
        return put_labels(place, value, arena, at, err);
    }
    return WG_OK;
}

static enum wg_code put_field(const char *section, const char *name, const json_t *value,
                              struct wg_arena *arena, struct wg_question *question,
                              struct wg_err *err)
{
    const char *names[WG_COUNT(places) + 1] = {NULL};
    size_t count = 0;
    char what[64];

    for (size_t i = 0; i < WG_COUNT(places); i++) {
        if (strcmp(places[i].section, section) != 0)
            continue;
        if (strcmp(places[i].name, name) == 0)
            return put(&places[i], value, arena, question, err);
        names[count++] = places[i].name;
    }
    snprintf(what, sizeof what, "%s has no field", section);
    return unknown(what, name, names, err);
}

static enum wg_code put_sections(const json_t *json, struct wg_arena *arena,
                                 struct wg_question *question, struct wg_err *err)
{
    /* jansson's iteration wants it not const, and changes nothing. */
    json_t *object = (json_t *)(uintptr_t)json;
    const char *section, *name;
    json_t *fields, *value;

    json_object_foreach(object, section, fields)
    {
        size_t i = 0;

        while (sections[i] && strcmp(sections[i], section) != 0)
            i++;
        if (!sections[i])
            return unknown("there is no", section, sections, err);
        if (!json_is_object(fields))
            return wg_fail(err, WG_INVALID, "%s must be an object", section);
        if (i == 0)
            continue; /* event */
        json_object_foreach(fields, name, value)
        {
            if (put_field(section, name, value, arena, question, err) != WG_OK)
                return err->code;
        }
    }
    return WG_OK;
}

static json_t *text_json(struct wg_str text)
{
    return json_stringn(text.at ? text.at : "", text.len);
}

static void set_default(json_t *event, const char *name, json_t *value)
{
    if (json_object_get(event, name))
        json_decref(value);
    else
        json_object_set_new(event, name, value);
}

/* "@bob:server": the part behind the first colon. */
static struct wg_str server_of(struct wg_str participant)
{
    struct wg_str rest = participant;

    wg_str_split(&rest, ':');
    return rest;
}

static json_t *sample_content(const struct wg_question *question, const char *membership)
{
    struct wg_str invited =
        question->direction == WG_INBOUND ? question->server : question->peer.name;

    if (membership)
        return json_pack("{s:s, s:o}", "membership", membership, "participant",
                         json_sprintf("@bob:%.*s", WG_STR_F(invited)));
    return json_pack("{s:s, s:s}", "msgtype", "swp.text", "body", "Hello");
}

/* Origin follows the sender, the sender the origin, and both the side that sends. */
static void complete_names(json_t *event, const struct wg_question *question,
                           struct wg_arena *arena)
{
    struct wg_str sender = wg_json_string(event, "sender_id");
    struct wg_str origin = wg_json_string(event, "origin");

    if (!origin.at)
        origin = sender.at                           ? server_of(sender)
                 : question->direction == WG_INBOUND ? question->peer.name
                                                     : question->server;
    set_default(event, "origin", text_json(origin));
    set_default(event, "sender_id",
                json_string(wg_arena_format(arena, "@alice:%.*s", WG_STR_F(origin))));
}

static void complete_event(json_t *event, const struct wg_question *question,
                           struct wg_arena *arena)
{
    const char *membership = json_string_value(json_object_get(event, "membership"));
    json_t *sender = json_object_get(event, "sender");
    bool is_member;

    if (sender)
        json_object_set(event, "sender_id", sender);
    json_object_del(event, "sender");
    if (!membership && question->hook == WG_HOOK_INVITE)
        membership = "invite";
    is_member = membership && !json_object_get(event, "type");
    complete_names(event, question, arena);
    set_default(event, "id", json_string(sample_id));
    set_default(event, "type", json_string(is_member ? "swp.room.member" : "swp.room.message"));
    set_default(event, "room_id",
                question->room.id.at ? text_json(question->room.id) : json_string("room-1"));
    set_default(event, "origin_ts", json_integer(question->now_s));
    set_default(event, "content", sample_content(question, membership));
    json_object_del(event, "membership");
}

/* Through its text, so that it is what the gateway would have read. */
static enum wg_code parse(const json_t *json, struct wg_event *ret_event, struct wg_err *err)
{
    char *text = json_dumps(json, JSON_COMPACT);
    enum wg_code code;

    if (!text)
        return wg_fail(err, WG_INVALID, "event: is no JSON");
    code = wg_event_parse(wg_str(text), ret_event, err);
    free(text);
    return code == WG_OK ? WG_OK : wg_while(err, "event");
}

static enum wg_code read_event(const json_t *json, const struct wg_question *question,
                               struct wg_arena *arena, struct wg_event *ret_event,
                               struct wg_err *err)
{
    json_t *given = json_object_get(json, "event");
    json_t *event = given ? json_deep_copy(given) : json_object();
    const char *name;
    json_t *value;
    enum wg_code code = WG_OK;

    json_object_foreach(event, name, value)
    {
        size_t i = 0;

        while (event_fields[i] && strcmp(event_fields[i], name) != 0)
            i++;
        if (!event_fields[i])
            code = unknown("event has no field", name, event_fields, err);
    }
    if (code == WG_OK) {
        complete_event(event, question, arena);
        code = parse(event, ret_event, err);
    }
    json_decref(event);
    return code;
}

enum wg_code wg_question_read(const json_t *json, enum wg_hook hook, const char *server,
                              int64_t now_s, struct wg_arena *arena, struct wg_event *ret_event,
                              struct wg_question *ret_question, struct wg_err *err)
{
    struct wg_question question;

    fill(&question, hook, server, now_s);
    if (!json_is_object(json))
        return wg_fail(err, WG_INVALID,
                       "an object is wanted: {\"event\": {...}, \"peer\": {...}}");
    if (put_sections(json, arena, &question, err) != WG_OK)
        return err->code;
    *ret_event = (struct wg_event){.json = NULL};
    if (hook == WG_HOOK_INVITE || hook == WG_HOOK_EVENT) {
        question.event = ret_event;
        if (read_event(json, &question, arena, ret_event, err) != WG_OK)
            return err->code;
        if (!question.room.id.at)
            question.room.id = wg_arena_copy(arena, ret_event->room_id);
    }
    if (!question.room.id.at)
        question.room.id =
            question.request.room_id.at ? question.request.room_id : WG_STR("room-1");
    if (!question.request.room_id.at)
        question.request.room_id = question.room.id;
    *ret_question = question;
    return WG_OK;
}
