// SPDX-License-Identifier: Apache-2.0
#include "admin/event_impl.h"

#include <string.h>

#include "base/code.h"

/* What became of an event, for each server it was for: a member of "ends" each,
 *
 *   direction, server (ours), peer, state, attempts, and of what decided: reason, code, policy,
 *   stage, list, answered
 *
 * States, the worst first, which is what whoever asks wants to hear. */
static const char *const states[] = {"refused", "dead",      "held",     "waiting",
                                     "ended",   "duplicate", "delivered"};

static const char *text(const json_t *object, const char *member)
{
    const char *value = json_string_value(json_object_get(object, member));

    return value ? value : "";
}

static bool is(const json_t *object, const char *member, const char *value)
{
    return strcmp(text(object, member), value) == 0;
}

static void set(json_t *to, const char *member, json_t *value)
{
    if (value)
        json_object_set(to, member, value);
}

/* --- ends --- */

static json_t *end_of(json_t *ends, const char *direction, const char *server, const char *peer)
{
    json_t *end;
    size_t i;

    json_array_foreach(ends, i, end)
    {
        if (is(end, "direction", direction) && is(end, "server", server) &&
            (is(end, "peer", peer) || !*peer))
            return end;
    }
    end = json_pack("{s:s, s:s, s:s, s:i}", "direction", direction, "server", server, "peer",
                    peer, "attempts", 0);
    json_array_append_new(ends, end);
    return end;
}

static void move(json_t *end, const char *state, const json_t *why)
{
    static const char *const members[] = {"reason",     "code",       "policy", "latency_us",
                                          "generation", "request_id", "actor",  "at"};

    json_object_set_new(end, "state", json_string(state));
    json_object_del(end, "stage");
    json_object_del(end, "list");
    for (size_t i = 0; i < WG_COUNT(members); i++) {
        json_object_del(end, members[i]);
        set(end, members[i], json_object_get(why, members[i]));
    }
}

/* The entry that the handler which decided had found last. */
static json_t *deciding_entry(const json_t *row)
{
    const json_t *hooks = json_object_get(json_object_get(row, "trace"), "hooks");
    const json_t *hook = json_array_get(hooks, json_array_size(hooks) - 1);
    const json_t *handlers = json_object_get(hook, "handlers");
    const json_t *last = json_array_get(handlers, json_array_size(handlers) - 1);
    const json_t *lists = json_object_get(last, "lists");

    return is(hook, "verdict", "allow") ? NULL
                                        : json_array_get(lists, json_array_size(lists) - 1);
}

static void follow_request(json_t *end, const json_t *row)
{
    const json_t *extra = json_object_get(row, "extra");
    bool has_state = *text(end, "state") != '\0';

    if (is(row, "verdict", "duplicate")) {
        json_int_t seen = json_integer_value(json_object_get(end, "duplicates"));

        json_object_set_new(end, "duplicates", json_integer(seen + 1));
        if (!has_state)
            move(end, "duplicate", row);
    } else if (is(row, "verdict", "accepted")) {
        move(end, "delivered", row);
    } else if (is(row, "verdict", "queued")) {
        move(end, "waiting", row);
    } else if (!has_state || is(end, "state", "refused")) {
        /* What was taken stays taken, whatever is said to a later copy. */
        move(end, is(row, "verdict", "held") ? "held" : "refused", row);
        set(end, "stage", json_object_get(extra, "stage"));
        set(end, "answered", json_object_get(extra, "status"));
        set(end, "list", deciding_entry(row));
    }
}

/* Anybody can send something in another's name and call it by this id. */
static bool is_unproven(const json_t *entry)
{
    return json_is_true(json_object_get(json_object_get(entry, "extra"), "unproven"));
}

static void follow(json_t *ends, const json_t *entry)
{
    json_t *end;

    if (is(entry, "kind", "attempt")) {
        bool is_outbound = is(entry, "direction", "outbound");

        end = end_of(ends, text(entry, "direction"), text(entry, "server"),
                     is_outbound ? text(entry, "destination") : "");
        json_object_set(end, "attempts", json_object_get(entry, "number"));
        if (is(entry, "outcome", "failed"))
            set(end, "last_failure", json_object_get(entry, "reason"));
        return;
    }
    end = end_of(ends, text(entry, "direction"), text(entry, "server"), text(entry, "peer"));
    if (is(entry, "kind", "request"))
        follow_request(end, entry);
    else if (is(entry, "verdict", "delivered"))
        move(end, "delivered", entry);
    else if (is(entry, "verdict", "released") || is(entry, "verdict", "requeued"))
        move(end, "waiting", entry);
    else
        move(end, "dead", entry);
}

static void follow_all(json_t *ends, const json_t *timeline, bool are_unproven)
{
    json_t *entry;
    size_t i;

    json_array_foreach(timeline, i, entry)
    {
        if (is_unproven(entry) == are_unproven)
            follow(ends, entry);
    }
}

/* Where it is now is not a matter of what was written about it. */
static void look(json_t *ends, const json_t *part)
{
    bool is_outbound = is(part, "direction", "outbound");
    json_t *end = end_of(ends, text(part, "direction"), text(part, "server"),
                         is_outbound ? text(part, "destination") : "");
    bool is_over = is(part, "state", "ended");

    if (is_over && !is(end, "state", "waiting") && !is(end, "state", "held") &&
        *text(end, "state"))
        return;
    json_object_set(end, "state", json_object_get(part, "state"));
    if (*text(part, "reason"))
        json_object_set(end, "reason", json_object_get(part, "reason"));
}

/* --- in words --- */

static const char *target(const json_t *end)
{
    return is(end, "direction", "outbound") ? text(end, "peer") : text(end, "server");
}

static const char *other(const json_t *end)
{
    return is(end, "direction", "outbound") ? text(end, "server") : text(end, "peer");
}

/* Where it was decided: "policies/main.lua:4, lists/deny.txt:7 'spam.example'" */
static json_t *place_of(const json_t *end)
{
    const json_t *list = json_object_get(end, "list");
    bool is_file = strchr(text(end, "policy"), ':') != NULL;
    json_t *entry = list ? json_sprintf("entry '%s' in %s:%d%s%s", text(list, "entry"),
                                        text(list, "source"),
                                        (int)json_integer_value(json_object_get(list, "line")),
                                        *text(list, "reason") ? ": " : "", text(list, "reason"))
                         : NULL;
    json_t *place = entry && is_file      ? json_sprintf(", by %s, %s", text(end, "policy"),
                                                         json_string_value(entry))
                    : is_file             ? json_sprintf(", by %s", text(end, "policy"))
                    : *text(end, "stage") ? json_sprintf(", at stage %s", text(end, "stage"))
                                          : json_string("");

    json_decref(entry);
    return place;
}

static json_t *describe_refused(const json_t *end)
{
    json_t *place, *sentence;

    if (!*text(end, "code")) /* what it answered was passed on */
        return json_sprintf("refused by %s itself, which answered %d", target(end),
                            (int)json_integer_value(json_object_get(end, "answered")));
    place = place_of(end);
    sentence = json_sprintf("refused%s, because: %s (%s)", json_string_value(place),
                            text(end, "reason"), text(end, "code"));

    json_decref(place);
    return sentence;
}

static json_t *describe_held(const json_t *end, const char *reason)
{
    json_t *place = place_of(end);
    json_t *sentence = json_sprintf("held in quarantine for %s%s, because: %s", target(end),
                                    json_string_value(place), reason);

    json_decref(place);
    return sentence;
}

static json_t *describe(const json_t *end)
{
    const char *reason = *text(end, "reason") ? text(end, "reason") : "no reason was given";
    int attempts = (int)json_integer_value(json_object_get(end, "attempts"));
    const char *failure = text(end, "last_failure");

    if (is(end, "state", "refused"))
        return describe_refused(end);
    if (is(end, "state", "dead"))
        return json_sprintf("dead: %s will not get it, because: %s (%d attempts)", target(end),
                            reason, attempts);
    if (is(end, "state", "held"))
        return describe_held(end, reason);
    if (is(end, "state", "waiting"))
        return json_sprintf("waiting for %s, %d attempts so far%s%s", target(end), attempts,
                            *failure ? "; the last failed: " : "", failure);
    if (is(end, "state", "duplicate"))
        return json_sprintf("a duplicate of one that was taken from %s before", other(end));
    if (is(end, "state", "delivered"))
        return json_sprintf(attempts > 1 ? "delivered to %s, with attempt %d"
                                         : "delivered to %s",
                            target(end), attempts);
    return json_sprintf(
        "over: it was taken for %s, and nothing of it waits; how it ended is longer "
        "ago than audit.keep",
        target(end));
}

/* --- what to do --- */

/* %s is the peer. */
static const struct {
    const char *code, *remedy;
} refusals[] = {
    {"SW_FED_SIGNATURE_MISMATCH", "compare clocks and keys with `wavegate doctor %s`"},
    {"SW_FED_PEER_UNREACHABLE", "see what is in the way with `wavegate doctor %s`"},
    {"SW_FED_PROTOCOL_VERSION", "see which versions it speaks with `wavegate doctor %s`"},
    {"SW_FED_PEER_UNKNOWN",
     "to federate with %s, change the rule that is named; then the event "
     "has to be sent again"},
    {"SW_ROOM_FORBIDDEN",
     "to share the room with %s, set its flag (PUT "
     "/v1/admin/rooms/ROOM/federate); then the event has to be sent again"},
    {"SW_RATE_LIMIT_EXCEEDED",
     "it may be sent again later; if that happens often to %s, look at "
     "the rate in the policy that is named"},
    {"SW_FED_UPSTREAM_UNAVAILABLE",
     "nothing was taken from %s, so it has to be sent again; look "
     "at the instance and at the disk of the data folder"},
    {"SW_FED_BAD_REQUEST", "%s has to mend what it sends"},
    {"SW_CONTENT_TOO_LARGE", "%s has to send less"},
    {"SW_FED_POLICY_REJECTED", "if it should have passed between here and %s, change the rule "
                               "that is named; then the event has to be sent again"},
};

static json_t *remedy_of_refusal(const json_t *end)
{
    for (size_t i = 0; i < WG_COUNT(refusals); i++) {
        if (is(end, "code", refusals[i].code))
            return json_sprintf(refusals[i].remedy, text(end, "peer"));
    }
    return json_sprintf("look at the log of %s for request %s", target(end),
                        text(end, "request_id"));
}

static json_t *remedy(const json_t *end, const char *id)
{
    bool is_outbound = is(end, "direction", "outbound");

    if (is(end, "state", "refused"))
        return remedy_of_refusal(end);
    if (is(end, "state", "dead"))
        return json_sprintf("when the cause has gone: `wavegate queue requeue --event %s`", id);
    if (is(end, "state", "held"))
        return json_sprintf("`wavegate queue quarantine release --event %s`, or reject", id);
    if (is(end, "state", "waiting") && is_outbound)
        return json_sprintf("`wavegate doctor %s`; then `wavegate queue retry --event %s`, or "
                            "wait",
                            target(end), id);
    if (is(end, "state", "waiting"))
        return json_sprintf("see that the instance answers; then `wavegate queue retry --event "
                            "%s`, or wait",
                            id);
    if (is(end, "state", "delivered"))
        return json_sprintf("nothing here; if it is missing at %s, look there for request %s",
                            target(end), text(end, "request_id"));
    return json_string("nothing here");
}

static size_t severity(const json_t *end)
{
    for (size_t i = 0; i < WG_COUNT(states); i++) {
        if (is(end, "state", states[i]))
            return i;
    }
    return WG_COUNT(states);
}

/* Of an event for many: how many ended how, then the worst of them. */
static json_t *summarize(const json_t *ends, const json_t *worst)
{
    size_t counts[WG_COUNT(states) + 1] = {0}, i;
    json_t *sum = json_string(""), *end, *all;

    json_array_foreach(ends, i, end) counts[severity(end)]++;
    for (i = 0; i < WG_COUNT(states); i++) {
        json_t *longer;

        if (!counts[i])
            continue;
        longer = json_sprintf("%s%s%d %s", json_string_value(sum),
                              json_string_length(sum) ? ", " : "", (int)counts[i], states[i]);
        json_decref(sum);
        sum = longer;
    }
    all = json_sprintf("%s; %s: %s", json_string_value(sum), target(worst),
                       text(worst, "conclusion"));
    json_decref(sum);
    return all;
}

static void lift(json_t *story, const json_t *timeline)
{
    json_t *entry;
    size_t i;

    json_array_foreach(timeline, i, entry)
    {
        json_t *type = json_object_get(json_object_get(entry, "extra"), "type");

        if (!json_object_get(story, "room_id"))
            set(story, "room_id", json_object_get(entry, "room_id"));
        if (!json_object_get(story, "type"))
            set(story, "type", type);
    }
}

void wg_admin_event_conclude(json_t *story, const json_t *parts)
{
    const json_t *timeline = json_object_get(story, "timeline");
    json_t *ends = json_array(), *entry, *worst = NULL;
    size_t i;

    follow_all(ends, timeline, false);
    json_array_foreach(parts, i, entry) look(ends, entry);
    if (json_array_size(ends) == 0)
        follow_all(ends, timeline, true);
    json_array_foreach(ends, i, entry)
    {
        json_object_set_new(entry, "conclusion", describe(entry));
        json_object_set_new(entry, "remedy", remedy(entry, text(story, "event_id")));
        if (!worst || severity(entry) < severity(worst))
            worst = entry;
    }
    lift(story, timeline);
    set(story, "state", json_object_get(worst, "state"));
    if (json_array_size(ends) > 1)
        json_object_set_new(story, "conclusion", summarize(ends, worst));
    else
        set(story, "conclusion", json_object_get(worst, "conclusion"));
    set(story, "remedy", json_object_get(worst, "remedy"));
    json_object_set_new(story, "ends", ends);
}
