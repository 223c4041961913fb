// SPDX-License-Identifier: Apache-2.0
#include "federation/document.h"

#include <inttypes.h>

#include "wire/json.h"
#include "wire/name.h"

enum {
    FOREIGN_PARTICIPANTS_MAX = 1000 * 1000 * 1000,
    BACKFILL_EVENTS_MAX = 1000,
};
static const int64_t last_moment_s = INT64_C(253402300799); /* 9999-12-31 */

static const char *const modes[] = {"open", "invite_only", "closed"};

struct merge {
    struct wg_config_federation *document;
    const json_t *value;
    bool allow_ip_literals;
    struct wg_arena *arena;
    struct wg_err *err;
};

static enum wg_code read_mode(struct merge *merge)
{
    for (size_t i = 0; i < WG_COUNT(modes); i++) {
        if (json_is_string(merge->value) &&
            strcmp(json_string_value(merge->value), modes[i]) == 0) {
            merge->document->default_mode = (enum wg_default_mode)i;
            return WG_OK;
        }
    }
    return wg_fail(merge->err, WG_INVALID, "must be \"open\", \"invite_only\" or \"closed\"");
}

static enum wg_code read_peer(struct merge *merge, const json_t *item, const char **ret_name)
{
    struct wg_str text, name;

    if (!json_is_string(item))
        return wg_fail(merge->err, WG_INVALID, "is not a string");
    text = wg_str_of(json_string_value(item), json_string_length(item));
    name = text;
    if (wg_str_starts(text, WG_STR("*.")))
        name = wg_str_of(text.at + 2, text.len - 2);
    if (wg_server_name_check(name, merge->allow_ip_literals, merge->err) != WG_OK)
        return merge->err->code;
    *ret_name = wg_arena_copy(merge->arena, text).at;
    return WG_OK;
}

static enum wg_code read_peers(struct merge *merge, wg_names *to)
{
    size_t count = json_array_size(merge->value);
    const char **names;

    if (!json_is_array(merge->value))
        return wg_fail(merge->err, WG_INVALID, "must be a list of server names");
    if (count > WG_POLICY_PEERS_LIMIT)
        return wg_fail(merge->err, WG_INVALID, "has %zu names, at most %d are allowed", count,
                       WG_POLICY_PEERS_LIMIT);
    names = wg_arena_alloc(merge->arena, (count + 1) * sizeof *names);
    for (size_t i = 0; i < count; i++) {
        if (read_peer(merge, json_array_get(merge->value, i), &names[i]) != WG_OK)
            return wg_while(merge->err, "item %zu", i + 1);
    }
    *to = names;
    return WG_OK;
}

static enum wg_code read_allowed(struct merge *merge)
{
    return read_peers(merge, &merge->document->allowed_peers);
}

static enum wg_code read_denied(struct merge *merge)
{
    return read_peers(merge, &merge->document->denied_peers);
}

static enum wg_code read_number(struct merge *merge, int64_t most, int64_t *to)
{
    double value = json_number_value(merge->value);

    if (!json_is_number(merge->value) || !(value >= 0 && value <= (double)most) ||
        value != (double)(int64_t)value)
        return wg_fail(merge->err, WG_INVALID, "must be a whole number from 0 to %" PRId64,
                       most);
    *to = (int64_t)value;
    return WG_OK;
}

static enum wg_code read_participants(struct merge *merge)
{
    return read_number(merge, FOREIGN_PARTICIPANTS_MAX,
                       &merge->document->max_foreign_participants_per_room);
}

static enum wg_code read_backfill(struct merge *merge)
{
    return read_number(merge, BACKFILL_EVENTS_MAX,
                       &merge->document->max_backfill_events_per_request);
}

static enum wg_code read_hide(struct merge *merge)
{
    return read_number(merge, last_moment_s, &merge->document->hide_history_before_s);
}

static const struct {
    const char *name;
    enum wg_code (*read)(struct merge *merge);
} members[] = {
    {"default_mode", read_mode},
    {"allowed_peers", read_allowed},
    {"denied_peers", read_denied},
    {"max_foreign_participants_per_room", read_participants},
    {"max_backfill_events_per_request", read_backfill},
    {"hide_history_before", read_hide},
};

static enum wg_code read_member(struct merge *merge, const char *name)
{
    const char *names[WG_COUNT(members) + 1] = {NULL};
    const char *nearest;

    for (size_t i = 0; i < WG_COUNT(members); i++) {
        names[i] = members[i].name;
        if (strcmp(members[i].name, name) == 0)
            return members[i].read(merge) == WG_OK ? WG_OK : wg_while(merge->err, "%s", name);
    }
    nearest = wg_str_nearest(wg_str(name), names);
    return wg_fail(merge->err, WG_INVALID, "unknown member '%.64s'%s%s%s", name,
                   nearest ? ", did you mean '" : "", nearest ? nearest : "",
                   nearest ? "'?" : "");
}

enum wg_code wg_policy_document_merge(const struct wg_config_federation *base,
                                      const json_t *change, bool allow_ip_literals,
                                      struct wg_arena *arena,
                                      struct wg_config_federation *ret_document,
                                      struct wg_err *err)
{
    struct wg_config_federation document = *base;
    struct merge merge = {&document, NULL, allow_ip_literals, arena, err};
    json_t *value;
    const char *name;

    if (!json_is_object(change))
        return wg_fail(err, WG_INVALID, "a policy document is a JSON object");
    json_object_foreach((json_t *)(uintptr_t)change, name, value)
    {
        merge.value = value;
        if (read_member(&merge, name) != WG_OK)
            return err->code;
    }
    *ret_document = document;
    return WG_OK;
}

static json_t *write_names(wg_names names)
{
    json_t *list = json_array();

    for (; names && *names; names++)
        json_array_append_new(list, json_string(*names));
    return list;
}

json_t *wg_policy_document_write(const struct wg_config_federation *document)
{
    return json_pack("{s:s, s:o, s:o, s:I, s:I, s:I}", "default_mode",
                     modes[document->default_mode], "allowed_peers",
                     write_names(document->allowed_peers), "denied_peers",
                     write_names(document->denied_peers), "max_foreign_participants_per_room",
                     (json_int_t)document->max_foreign_participants_per_room,
                     "max_backfill_events_per_request",
                     (json_int_t)document->max_backfill_events_per_request,
                     "hide_history_before", (json_int_t)document->hide_history_before_s);
}
