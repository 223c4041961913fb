// SPDX-License-Identifier: Apache-2.0
#include "federation/presence.h"

#include "wire/json.h"

static struct wg_members *members_of(const struct wg_exchange *x)
{
    return x->worker->gateway->members;
}

void wg_presence_enter(struct wg_exchange *x)
{
    if (x->direction != WG_INBOUND || !x->has_event || wg_event_is_invite(&x->event))
        return;
    x->brought = wg_members_brought(x->instance->server_name, &x->event);
    if (x->brought.at)
        x->entry = wg_members_enter(members_of(x), x->instance->server_name, x->event.room_id,
                                    x->brought, &x->participants_before);
}

/* An event that is held is not in the room yet: its delivery brings it there. */
static bool is_taken(const struct wg_exchange *x)
{
    return x->outcome == WG_EXCHANGE_ACCEPTED ||
           (x->outcome == WG_EXCHANGE_QUEUED && !x->is_held);
}

static void read_list(struct wg_exchange *x)
{
    struct wg_err ignored;
    json_t *json;

    if (x->endpoint != WG_ENDPOINT_MEMBERS || x->status != 200 ||
        wg_json_parse(x->answer_body, &json, &ignored) != WG_OK)
        return;
    if (json_is_array(json_object_get(json, "members")))
        wg_members_listed(members_of(x), x->instance->server_name, x->room_id,
                          json_object_get(json, "members"),
                          !x->message->query.len && !json_object_get(json, "next"),
                          x->started_ms);
    json_decref(json);
}

void wg_presence_settle(struct wg_exchange *x)
{
    if (x->direction != WG_INBOUND || !x->instance)
        return;
    if (x->brought.at)
        wg_members_settle(members_of(x), x->instance->server_name, x->event.room_id, x->brought,
                          x->entry, is_taken(x));
    else if (x->has_event && is_taken(x))
        wg_members_note(members_of(x), x->instance->server_name, &x->event,
                        x->outcome == WG_EXCHANGE_QUEUED);
    else if (x->has_endpoint && x->outcome == WG_EXCHANGE_PASSED)
        read_list(x);
}

void wg_presence_sent(struct wg_exchange *x)
{
    if (!x->has_event || x->outcome != WG_EXCHANGE_QUEUED)
        return;
    /* An instance has done what its event says, whoever may hear of it. */
    wg_members_note(members_of(x), x->instance->server_name, &x->event, false);
    for (size_t i = 0; i < x->recipient_count; i++) {
        const struct wg_recipient *recipient = &x->recipients[i];

        if (recipient->ours && !recipient->is_refused && !recipient->is_held)
            wg_members_note(members_of(x), recipient->ours->server_name, &x->event, true);
    }
}

void wg_presence_delivered(struct wg_gateway *gateway, const struct wg_delivery *delivery,
                           bool is_sent)
{
    const struct wg_destination *destination = &delivery->key.destination;
    struct wg_event event;
    struct wg_err ignored;

    /* Only these change who is there; reading every body again would be for nothing. */
    if (destination->is_outbound || !wg_str_is(delivery->message.type, "swp.room.member") ||
        wg_event_parse(delivery->message.body, &event, &ignored) != WG_OK)
        return;
    if (is_sent)
        wg_members_note(gateway->members, destination->name, &event, false);
    else
        wg_members_undo(gateway->members, destination->name, &event);
    wg_event_done(&event);
}

enum wg_flag wg_presence_flag(struct wg_exchange *x)
{
    struct wg_str brought;
    bool is_there;

    if (!x->has_event)
        return WG_FLAG_UNSET;
    if (x->entry != WG_ENTRY_NONE)
        return x->entry == WG_ENTRY_KNOWN ? WG_FLAG_YES : WG_FLAG_NO;
    brought = wg_members_brought(x->instance->server_name, &x->event);
    if (!brought.at)
        return WG_FLAG_UNSET;
    is_there =
        wg_members_has(members_of(x), x->instance->server_name, x->event.room_id, brought);
    return is_there ? WG_FLAG_YES : WG_FLAG_NO;
}
