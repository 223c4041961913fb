// SPDX-License-Identifier: Apache-2.0
#include "admin/queue_impl.h"
#include "wire/name.h"

static const char *const members[] = {"state",         "peer",   "direction",
                                      "room_id",       "type",   "event_id",
                                      "older_than_ms", "server", NULL};

static bool refuse_unknown(struct wg_admin_request *request, const json_t *given)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)given, name, value)
    {
        const char *nearest = wg_str_nearest(wg_str(name), members);

        if (nearest && strcmp(nearest, name) == 0) {
            if (strcmp(name, "older_than_ms") != 0 &&
                !wg_admin_member_fits(request, given, name, WG_ADMIN_TEXT))
                return false;
            continue;
        }
        wg_admin_fail(request, WG_INVALID, "filter: there is no '%s'%s%s", name,
                      nearest ? ", did you mean " : "", nearest ? nearest : "");
        return false;
    }
    return true;
}

static struct wg_str text_of(struct wg_admin_request *request, const json_t *given,
                             const char *name)
{
    struct wg_str text = wg_json_string(given, name);

    return text.at ? wg_arena_copy(request->arena, text) : text;
}

static bool take_direction(struct wg_admin_request *request, struct wg_str text,
                           struct wg_queue_filter *filter)
{
    if (!text.at)
        return true;
    filter->has_direction = true;
    filter->destination.is_outbound = wg_str_is(text, "outbound");
    if (filter->destination.is_outbound || wg_str_is(text, "inbound"))
        return true;
    wg_admin_fail(request, WG_INVALID, "filter: direction is 'inbound' or 'outbound'");
    return false;
}

/* A peer is a destination. When the filter names no direction, the name of an instance of this
 * gateway stands for inbound events, any other for outbound ones. */
static void take_peer(struct wg_admin_request *request, struct wg_str peer,
                      struct wg_queue_filter *filter)
{
    if (!peer.at)
        return;
    filter->has_destination = true;
    filter->destination.name = peer;
    if (!filter->has_direction)
        filter->destination.is_outbound = !wg_gateway_instance(request->gateway, peer);
}

static bool take_event(struct wg_admin_request *request, struct wg_str id,
                       struct wg_queue_filter *filter)
{
    struct wg_str uuid;
    struct wg_err err;

    if (!id.at)
        return true;
    if (wg_event_id_parse(id, &uuid, &err) != WG_OK) {
        wg_admin_fail(request, WG_INVALID, "filter: event_id: %s", err.text);
        return false;
    }
    filter->has_event = true;
    wg_event_id_key(uuid, filter->event_id);
    return true;
}

static bool take_age(struct wg_admin_request *request, const json_t *given,
                     struct wg_queue_filter *filter)
{
    struct wg_str text = wg_json_string(given, "older_than_ms");
    uint64_t value;

    if (!json_object_get(given, "older_than_ms") ||
        wg_json_integer(given, "older_than_ms", &filter->older_than_ms))
        return true;
    if (text.at && wg_str_to_uint(text, INT64_MAX, &value)) {
        filter->older_than_ms = (int64_t)value;
        return true;
    }
    wg_admin_fail(request, WG_INVALID, "filter: older_than_ms is a number of milliseconds");
    return false;
}

bool wg_admin_queue_filter(struct wg_admin_request *request, const json_t *given,
                           struct wg_queue_filter *ret_filter)
{
    struct wg_queue_filter filter = {.state = WG_QUEUE_WAITING};
    struct wg_str state = wg_json_string(given, "state");

    if (!refuse_unknown(request, given))
        return false;
    if (state.at && !wg_admin_queue_state_parse(state, &filter.state)) {
        wg_admin_fail(request, WG_INVALID, "filter: state is 'waiting', 'held' or 'dead'");
        return false;
    }
    if (!take_direction(request, wg_json_string(given, "direction"), &filter) ||
        !take_event(request, wg_json_string(given, "event_id"), &filter) ||
        !take_age(request, given, &filter))
        return false;
    take_peer(request, text_of(request, given, "peer"), &filter);
    filter.room_id = text_of(request, given, "room_id");
    filter.type = text_of(request, given, "type");
    filter.server = text_of(request, given, "server");
    *ret_filter = filter;
    return true;
}
