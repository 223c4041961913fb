// SPDX-License-Identifier: Apache-2.0
#include "admin/event_impl.h"

/* Traces are stored as arrays, whose members are told by their place; readers get names. */

static void name(json_t *to, const char *member, const json_t *from, size_t place)
{
    json_t *value = json_array_get(from, place);

    if (value && !(json_is_string(value) && json_string_length(value) == 0))
        json_object_set(to, member, value);
}

static json_t *name_stages(const json_t *stages)
{
    json_t *named = json_array();
    json_int_t before = 0;
    json_t *stage;
    size_t i;

    json_array_foreach(stages, i, stage)
    {
        json_int_t ended = json_integer_value(json_array_get(stage, 1));
        json_t *row = json_object();

        name(row, "stage", stage, 0);
        json_object_set_new(row, "ended_us", json_integer(ended));
        json_object_set_new(row, "us", json_integer(ended - before));
        json_array_append_new(named, row);
        before = ended;
    }
    return named;
}

static json_t *name_hits(const json_t *hits)
{
    json_t *named = json_array();
    json_t *hit;
    size_t i;

    json_array_foreach(hits, i, hit)
    {
        json_t *row = json_object();

        name(row, "source", hit, 0);
        name(row, "line", hit, 1);
        name(row, "entry", hit, 2);
        name(row, "reason", hit, 3);
        json_array_append_new(named, row);
    }
    return named;
}

static json_t *name_handlers(const json_t *handlers)
{
    static const char *const members[] = {"policy", "at", "answer", "us", "said_at", "text"};
    json_t *named = json_array();
    json_t *handler;
    size_t i;

    json_array_foreach(handlers, i, handler)
    {
        json_t *row = json_object();

        for (size_t place = 0; place < WG_COUNT(members); place++)
            name(row, members[place], handler, place);
        if (json_array_size(handler) > WG_COUNT(members))
            json_object_set_new(row, "lists",
                                name_hits(json_array_get(handler, WG_COUNT(members))));
        json_array_append_new(named, row);
    }
    return named;
}

json_t *wg_admin_event_trace(struct wg_str trace)
{
    json_t *json = wg_admin_stored(trace), *hook;
    size_t i;

    if (!json)
        return NULL;
    json_object_set_new(json, "stages", name_stages(json_object_get(json, "stages")));
    json_array_foreach(json_object_get(json, "hooks"), i, hook)
        json_object_set_new(hook, "handlers", name_handlers(json_object_get(hook, "handlers")));
    return json;
}
