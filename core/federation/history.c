// SPDX-License-Identifier: Apache-2.0
#include "federation/history.h"

#include <stdio.h>

#include "base/metric.h"
#include "wire/json.h"

enum {
    SLICE = 32,             /* events verified in one turn of the loop: a few milliseconds */
    DISCOVERIES_LIMIT = 16, /* descriptors one answer may make us fetch */
    KIDS_READ = 8,
};

struct wg_history {
    struct wg_worker *worker;
    const struct wg_instance *instance;
    struct wg_history_limits limits;
    json_t *events;
    size_t at;
    unsigned discoveries;
    json_t *asked; /* origins looked up for this answer: name to true */
    struct wg_history_result result;
    bool is_cancelled;
    void (*on_checked)(void *owner, const struct wg_history_result *result);
    void *owner;
};

static void run(void *owner);

static void history_free(struct wg_history *history)
{
    json_decref(history->events);
    json_decref(history->asked);
    json_decref(history->result.events);
    wg_free(history);
}

static void refuse(struct wg_history *history, const struct wg_str id, const char *reason)
{
    if (history->result.refused++ == 0)
        snprintf(history->result.reason, sizeof history->result.reason, "event '%.*s': %.255s",
                 (int)(id.len < 64 ? id.len : 64), id.at ? id.at : "", reason);
}

static bool find_key(struct wg_history *history, struct wg_str origin, struct wg_str kid,
                     struct wg_public_key *ret_key)
{
    const struct wg_instance *ours = wg_gateway_instance(history->worker->gateway, origin);

    if (!ours)
        return wg_gateway_key_ever(history->worker->gateway, origin, kid, ret_key);
    return wg_identity_find(ours->identity, kid, ret_key);
}

/* @return WG_OK, or why it does not stand; *ret_unknown when a key is wanted that we have not
 * seen. */
static enum wg_code verify(struct wg_history *history, const struct wg_event *event,
                           bool *ret_unknown, struct wg_err *err)
{
    struct wg_str kids[KIDS_READ];
    size_t count = wg_event_signature_kids(event, kids, KIDS_READ);

    wg_fail(err, WG_BAD_SIGNATURE, "it has no signature of '%.*s'", WG_STR_F(event->origin));
    for (size_t i = 0; i < count && i < KIDS_READ; i++) {
        struct wg_public_key key;

        if (!find_key(history, event->origin, kids[i], &key)) {
            *ret_unknown = true;
            wg_fail(err, WG_BAD_SIGNATURE,
                    "key '%.*s' is not one that '%.*s' is known to have used",
                    WG_STR_F(kids[i]), WG_STR_F(event->origin));
        } else if (wg_event_verify(event, &key, err) == WG_OK) {
            return WG_OK;
        }
    }
    return err->code;
}

/* Once for each origin, and only so often: a page of made-up names must not send us all over
 * the net.
 * @return whether a lookup is under way, which runs us again. */
static bool look_up(struct wg_history *history, struct wg_str origin)
{
    struct wg_lookup_how how = {
        .loop = history->worker->loop,
        .client = history->worker->client,
        .is_refresh = true,
        .on_known = run,
        .owner = history,
    };
    const struct wg_peer *peer = NULL;
    int64_t retry_s;
    struct wg_err ignored;
    enum wg_lookup result;

    if (!how.client || wg_gateway_instance(history->worker->gateway, origin) ||
        json_object_getn(history->asked, origin.at, origin.len) ||
        history->discoveries++ >= DISCOVERIES_LIMIT)
        return false;
    json_object_setn_new(history->asked, origin.at, origin.len, json_true());
    result = wg_directory_lookup(history->worker->gateway->directory, origin, &how, &peer,
                                 &retry_s, &ignored);
    wg_peer_unref(peer);
    return result == WG_LOOKUP_WAIT;
}

static enum wg_code sign_if_ours(struct wg_history *history, struct wg_event *event,
                                 struct wg_err *err)
{
    struct wg_str kid;

    if (!history->instance || !wg_str_equal(event->origin, history->instance->server_name) ||
        wg_event_signature_kids(event, &kid, 1) > 0)
        return WG_OK;
    return wg_instance_seal(history->instance, event,
                            wg_clock_wall_s(history->worker->gateway->clock), err);
}

enum step { STEP_DONE, STEP_WAIT };

static enum step check_one(struct wg_history *history, json_t *json)
{
    struct wg_event event;
    struct wg_err err;
    bool is_unknown = false;

    if (wg_event_from_json(json, &event, &err) != WG_OK) {
        refuse(history, wg_json_string(json, "id"), err.text);
        return STEP_DONE;
    }
    if (event.origin_ts < history->limits.not_before_s) {
        history->result.hidden++;
    } else if (sign_if_ours(history, &event, &err) == WG_OK &&
               verify(history, &event, &is_unknown, &err) == WG_OK) {
        wg_metric_count(SIGNATURES, WG_SIGNED_HISTORY, WG_RESULT_SUCCESS);
        json_array_append(history->result.events, json);
    } else if (is_unknown && look_up(history, event.origin)) {
        wg_event_done(&event);
        return STEP_WAIT;
    } else {
        wg_metric_count(SIGNATURES, WG_SIGNED_HISTORY, WG_RESULT_FAILURE);
        refuse(history, event.id, err.text);
    }
    wg_event_done(&event);
    return STEP_DONE;
}

static int64_t time_of(const json_t *event)
{
    int64_t at = 0;

    (void)wg_json_integer(event, "origin_ts", &at);
    return at;
}

static size_t size_of(const json_t *event)
{
    struct wg_buf text;
    struct wg_err ignored;
    size_t size;

    wg_buf_init(&text, 1024 * 1024);
    size = wg_jcs_write(event, &text, &ignored) == WG_OK ? text.len : SIZE_MAX / 4096;
    wg_buf_done(&text);
    return size;
}

/* The oldest go first, at whichever end of the page they stand: what is left is what the asker
 * would get by asking for less. */
static void cut(struct wg_history *history)
{
    json_t *events = history->result.events;
    size_t count = json_array_size(events);
    bool is_newest_first = count < 2 || time_of(json_array_get(events, 0)) >=
                                            time_of(json_array_get(events, count - 1));
    size_t kept = 0;
    size_t bytes = 0;

    while (kept < count) {
        const json_t *event = json_array_get(events, is_newest_first ? kept : count - 1 - kept);

        bytes += history->limits.bytes >= 0 ? size_of(event) : 0;
        if ((history->limits.events >= 0 && (int64_t)kept >= history->limits.events) ||
            (history->limits.bytes >= 0 && (int64_t)bytes > history->limits.bytes))
            break;
        history->result.oldest_id = json_string_value(json_object_get(event, "id"));
        kept++;
    }
    history->result.is_cut = kept < count;
    for (; kept < count; count--)
        json_array_remove(events, is_newest_first ? count - 1 : 0);
}

static void run(void *owner)
{
    struct wg_history *history = owner;

    if (history->is_cancelled) {
        history_free(history);
        return;
    }
    for (unsigned slice = 0; slice < SLICE && history->at < json_array_size(history->events);
         slice++) {
        if (check_one(history, json_array_get(history->events, history->at)) == STEP_WAIT)
            return;
        history->at++;
    }
    if (history->at < json_array_size(history->events)) {
        wg_loop_post(history->worker->loop, run, history);
        return;
    }
    cut(history);
    history->on_checked(history->owner, &history->result);
    history_free(history);
}

struct wg_history *
wg_history_check(struct wg_worker *worker, const struct wg_instance *instance, json_t *events,
                 const struct wg_history_limits *limits,
                 void (*on_checked)(void *owner, const struct wg_history_result *result),
                 void *owner)
{
    struct wg_history *history = wg_new(struct wg_history);

    *history = (struct wg_history){
        .worker = worker,
        .instance = instance,
        .limits = *limits,
        .events = json_incref(events),
        .asked = json_object(),
        .result.events = json_array(),
        .on_checked = on_checked,
        .owner = owner,
    };
    wg_loop_post(worker->loop, run, history);
    return history;
}

void wg_history_cancel(struct wg_history *history)
{
    history->is_cancelled = true;
}
