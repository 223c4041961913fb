// SPDX-License-Identifier: Apache-2.0
#include "federation/exchange.h"
#include "store/queue.h"
#include "wire/json.h"
#include "wire/name.h"

static enum wg_code add_recipient(struct wg_exchange *x, struct wg_str name)
{
    struct wg_recipient *recipient = &x->recipients[x->recipient_count];

    if (wg_server_name_check(name, x->worker->gateway->config->allow_ip_literals, &x->err) !=
        WG_OK)
        return wg_while(&x->err, "destination");
    if (wg_str_equal(name, x->instance->server_name))
        return wg_fail(&x->err, WG_INVALID, "'%.*s' cannot be its own peer: leave it out",
                       WG_STR_F(name));
    for (size_t i = 0; i < x->recipient_count; i++) {
        if (wg_str_equal(x->recipients[i].name, name))
            return WG_OK; /* named twice, sent once */
    }
    recipient->name = wg_arena_copy(x->arena, name);
    recipient->ours = wg_gateway_instance(x->worker->gateway, name);
    x->recipient_count++;
    return WG_OK;
}

/* {"destinations": [...], "event": {...}} */
static enum wg_code parse_relay(struct wg_exchange *x, json_t *json)
{
    json_t *destinations = json_object_get(json, "destinations");
    size_t count = json_array_size(destinations);
    const char *member;
    json_t *value;

    json_object_foreach(json, member, value)
    {
        if (strcmp(member, "destinations") != 0 && strcmp(member, "event") != 0)
            return wg_fail(&x->err, WG_INVALID,
                           "'%s' is no member here: there are \"destinations\" and \"event\"",
                           member);
    }
    if (count == 0 || count > WG_DESTINATIONS_MAX)
        return wg_fail(&x->err, WG_INVALID,
                       "\"destinations\" is a list of 1 to %d server names",
                       WG_DESTINATIONS_MAX);
    x->recipients = wg_arena_alloc(x->arena, count * sizeof *x->recipients);
    for (size_t i = 0; i < count; i++) {
        json_t *name = json_array_get(destinations, i);

        if (!json_is_string(name))
            return wg_fail(&x->err, WG_INVALID, "\"destinations\" is a list of server names");
        if (add_recipient(x, wg_str_of(json_string_value(name), json_string_length(name))) !=
            WG_OK)
            return x->err.code;
    }
    value = json_object_get(json, "event");
    if (!value)
        return wg_fail(&x->err, WG_INVALID, "\"event\" is missing");
    return wg_event_from_json(value, &x->event, &x->err);
}

static enum wg_code parse_body(struct wg_exchange *x)
{
    enum wg_code code;
    json_t *json;

    if (x->message->body.len == 0)
        return wg_fail(&x->err, WG_INVALID, "the body is empty: it carries one event as JSON");
    if (x->endpoint == WG_ENDPOINT_SEND) {
        x->recipients = wg_arena_new(x->arena, struct wg_recipient);
        if (add_recipient(x, x->peer_name) != WG_OK)
            return x->err.code;
        return wg_event_parse(x->message->body, &x->event, &x->err);
    }
    if (wg_json_parse(x->message->body, &json, &x->err) != WG_OK)
        return x->err.code;
    code = parse_relay(x, json);
    json_decref(json);
    return code;
}

enum wg_stage_result wg_stage_submit_parse(struct wg_exchange *x)
{
    if (x->endpoint != WG_ENDPOINT_SEND && x->endpoint != WG_ENDPOINT_RELAY)
        return WG_STAGE_NEXT;
    if (parse_body(x) != WG_OK)
        return wg_exchange_refuse(x);
    x->has_event = true;
    x->room_id = x->event.room_id;
    if (!wg_str_equal(x->event.origin, x->instance->server_name))
        return wg_exchange_fail(x, WG_INVALID,
                                "the event's origin is '%.*s', the token is that of '%.*s': an "
                                "instance sends its own events only",
                                WG_STR_F(x->event.origin), WG_STR_F(x->instance->server_name));
    return WG_STAGE_NEXT;
}
