// SPDX-License-Identifier: Apache-2.0
#include "policy/policy_impl.h"

/* What a handler sees of a question: read-only values that hold a ticket (call and its serial
 * number), never a pointer into the request. Used after the call they say so. */

enum view {
    VIEW_EVENT,
    VIEW_CTX,
    VIEW_PEER,
    VIEW_ROOM,
    VIEW_REQUEST,
    VIEW_CHANGE,
    VIEW_ATTEMPT,
    VIEW_COUNT,
};

enum kind {
    STR,      /* absent: nil */
    INTEGER,  /* -1: nil */
    COUNT_OF, /* -1: 0, so that "events_24h > 10" needs no test for a peer never seen */
    FLAG,     /* enum wg_flag: nil, false, true */
    YES_NO,   /* bool */
    DIRECTION,
    GENERATION,
    CONTENT,
    LABELS,
    VIEW, /* offset: the view */
};

struct field {
    const char *name;
    enum kind kind;
    size_t offset; /* into struct wg_question, or struct wg_event for VIEW_EVENT */
};

#define Q(member) offsetof(struct wg_question, member)
#define E(member) offsetof(struct wg_event, member)

static const struct field event_fields[] = {
    {"id", STR, E(id)},
    {"type", STR, E(type)},
    {"room_id", STR, E(room_id)},
    {"sender", STR, E(sender)},
    {"origin", STR, E(origin)},
    {"origin_ts", INTEGER, E(origin_ts)},
    {"membership", STR, E(membership)},
    {"participant", STR, E(participant)},
    {"content", CONTENT, 0},
    {"size", INTEGER, E(content_bytes)},
    {0},
};
static const struct field ctx_fields[] = {
    {"server", STR, Q(server)},
    {"direction", DIRECTION, Q(direction)},
    {"now", INTEGER, Q(now_s)},
    {"remote_address", STR, Q(remote_address)},
    {"authenticated", YES_NO, Q(is_authenticated)},
    {"generation", GENERATION, 0},
    {"peer", VIEW, VIEW_PEER},
    {"room", VIEW, VIEW_ROOM},
    {0},
};
static const struct field peer_fields[] = {
    {"name", STR, Q(peer.name)},
    {"known_for", COUNT_OF, Q(peer.known_for_s)},
    {"last_seen", INTEGER, Q(peer.last_seen_s)},
    {"key_id", STR, Q(peer.key_id)},
    {"key_age", COUNT_OF, Q(peer.key_age_s)},
    {"events_24h", COUNT_OF, Q(peer.events_24h)},
    {"failures_24h", COUNT_OF, Q(peer.failures_24h)},
    {"mode", STR, Q(peer.mode)},
    {"labels", LABELS, 0},
    {0},
};
static const struct field room_fields[] = {
    {"id", STR, Q(room.id)},
    {"federated", FLAG, Q(room.federated)},
    {"foreign_participants", INTEGER, Q(room.foreign_participants)},
    {"has_participant", FLAG, Q(room.has_participant)},
    {0},
};
static const struct field request_fields[] = {
    {"endpoint", STR, Q(request.endpoint)},       {"room_id", STR, Q(request.room_id)},
    {"participant", STR, Q(request.participant)}, {"limit", INTEGER, Q(request.limit)},
    {"before", STR, Q(request.before)},           {0},
};
static const struct field change_fields[] = {
    {"old_key_id", STR, Q(change.old_key_id)},
    {"new_key_id", STR, Q(change.new_key_id)},
    {"published", YES_NO, Q(change.is_published)},
    {0},
};
static const struct field attempt_fields[] = {
    {"destination", STR, Q(attempt.destination)}, {"event_id", STR, Q(attempt.event_id)},
    {"room_id", STR, Q(attempt.room_id)},         {"code", STR, Q(attempt.code)},
    {"reason", STR, Q(attempt.reason)},           {"number", INTEGER, Q(attempt.number)},
    {"status", INTEGER, Q(attempt.status)},       {"age", INTEGER, Q(attempt.age_s)},
    {"next_in", INTEGER, Q(attempt.next_in_s)},   {0},
};

static const struct {
    const char *name;
    const struct field *fields;
} views[VIEW_COUNT] = {
    [VIEW_EVENT] = {"event", event_fields},       [VIEW_CTX] = {"ctx", ctx_fields},
    [VIEW_PEER] = {"peer", peer_fields},          [VIEW_ROOM] = {"room", room_fields},
    [VIEW_REQUEST] = {"request", request_fields}, [VIEW_CHANGE] = {"change", change_fields},
    [VIEW_ATTEMPT] = {"attempt", attempt_fields},
};

static const enum view argument_of_hook[WG_HOOK_COUNT] = {
    [WG_HOOK_PEER] = VIEW_PEER,        [WG_HOOK_INVITE] = VIEW_EVENT,
    [WG_HOOK_EVENT] = VIEW_EVENT,      [WG_HOOK_ROOM] = VIEW_ROOM,
    [WG_HOOK_BACKFILL] = VIEW_REQUEST, [WG_HOOK_MEMBERS] = VIEW_REQUEST,
    [WG_HOOK_PROFILE] = VIEW_REQUEST,  [WG_HOOK_KEY] = VIEW_CHANGE,
    [WG_HOOK_DELIVERY] = VIEW_ATTEMPT,
};

const char *wg_view_field(size_t i, const char **ret_view)
{
    for (size_t view = 0; view < VIEW_COUNT; view++)
        for (const struct field *field = views[view].fields; field->name; field++)
            if (i-- == 0) {
                *ret_view = views[view].name;
                return field->name;
            }
    return NULL;
}

struct ticket {
    struct wg_policy_call *call;
    uint64_t serial;
    enum view view;
};

struct wg_policy_call *wg_ticket_check(lua_State *L, struct wg_policy_call *call,
                                       uint64_t serial, const char *what)
{
    if (call->serial != serial)
        wg_raise(L,
                 "this %s belonged to a call that has ended; keep the fields you need instead",
                 what);
    return call;
}

/* user values of ctx: peer, room */
static void push_view(lua_State *L, struct wg_policy_call *call, enum view view,
                      int user_values)
{
    struct ticket *ticket = lua_newuserdatauv(L, sizeof *ticket, user_values);

    *ticket = (struct ticket){call, call->serial, view};
    lua_rawgetp(L, LUA_REGISTRYINDEX, &views[view]);
    lua_setmetatable(L, -2);
}

void wg_view_push(lua_State *L, struct wg_policy_call *call)
{
    push_view(L, call, argument_of_hook[call->question->hook], 0);
    push_view(L, call, VIEW_CTX, 2);
}

/* ctx.peer and ctx.room are made when first asked for, once a call. */
static void push_part(lua_State *L, struct wg_policy_call *call, enum view view)
{
    int slot = view == VIEW_PEER ? 1 : 2;

    if (lua_getiuservalue(L, 1, slot) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    push_view(L, call, view, 0);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, slot);
}

static void push_str(lua_State *L, const struct wg_str *text)
{
    if (text->at)
        lua_pushlstring(L, text->at, text->len);
    else
        lua_pushnil(L);
}

static void push_number(lua_State *L, int64_t value, bool is_count)
{
    if (value >= 0 || is_count)
        lua_pushinteger(L, value >= 0 ? value : 0);
    else
        lua_pushnil(L);
}

static void push_flag(lua_State *L, enum wg_flag flag)
{
    if (flag == WG_FLAG_UNSET)
        lua_pushnil(L);
    else
        lua_pushboolean(L, flag == WG_FLAG_YES);
}

static void push_labels(lua_State *L, const struct wg_headers *labels)
{
    lua_createtable(L, 0, (int)labels->count);
    for (size_t i = 0; i < labels->count; i++) {
        push_str(L, &labels->at[i].name);
        push_str(L, &labels->at[i].value);
        lua_rawset(L, -3);
    }
    wg_lock(L);
}

static void push_field(lua_State *L, struct wg_policy_call *call, enum view view,
                       const struct field *field)
{
    const struct wg_question *question = call->question;
    const char *at =
        (view == VIEW_EVENT ? (const char *)question->event : (const char *)question) +
        (field->kind == VIEW ? 0 : field->offset);

    switch (field->kind) {
    case STR:
        push_str(L, (const struct wg_str *)(const void *)at);
        break;
    case INTEGER:
    case COUNT_OF:
        push_number(L, *(const int64_t *)(const void *)at, field->kind == COUNT_OF);
        break;
    case FLAG:
        push_flag(L, *(const enum wg_flag *)(const void *)at);
        break;
    case YES_NO:
        lua_pushboolean(L, *(const bool *)at);
        break;
    case DIRECTION:
        lua_pushstring(L, question->direction == WG_INBOUND ? "inbound" : "outbound");
        break;
    case GENERATION:
        lua_pushinteger(L, (lua_Integer)call->state->edition->number);
        break;
    case CONTENT:
        wg_content_push(L, call, question->event->content);
        break;
    case LABELS:
        push_labels(L, &question->peer.labels);
        break;
    case VIEW:
        push_part(L, call, (enum view)field->offset);
        break;
    }
}

WG_NORETURN static void raise_unknown(lua_State *L, enum view view)
{
    const char *names[16] = {NULL};
    const char *written = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
    const char *near;

    for (size_t i = 0; views[view].fields[i].name; i++)
        names[i] = views[view].fields[i].name;
    near = wg_str_nearest(wg_str(written), names);
    if (near)
        wg_raise(L, "%s has no field '%.64s', did you mean '%s'?", views[view].name, written,
                 near);
    wg_raise(L, "%s has no field '%.64s'", views[view].name, written);
}

/* Upvalue 1: field name to its index. */
static int view_index(lua_State *L)
{
    const struct ticket *ticket = lua_touserdata(L, 1);
    enum view view = ticket->view;
    struct wg_policy_call *call =
        wg_ticket_check(L, ticket->call, ticket->serial, views[view].name);
    lua_Integer i;

    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL)
        raise_unknown(L, view);
    i = lua_tointeger(L, -1);
    push_field(L, call, view, &views[view].fields[i]);
    return 1;
}

static int view_newindex(lua_State *L)
{
    const struct ticket *ticket = lua_touserdata(L, 1);

    wg_raise(L, "%s is read-only", views[ticket->view].name);
}

static int view_tostring(lua_State *L)
{
    const struct ticket *ticket = lua_touserdata(L, 1);

    lua_pushstring(L, views[ticket->view].name);
    return 1;
}

static void open_view(lua_State *L, enum view view)
{
    lua_createtable(L, 0, 6);
    lua_newtable(L);
    for (lua_Integer i = 0; views[view].fields[i].name; i++) {
        lua_pushinteger(L, i);
        lua_setfield(L, -2, views[view].fields[i].name);
    }
    lua_pushcclosure(L, view_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, view_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, view_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushstring(L, views[view].name);
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &views[view]);
}

void wg_view_open(lua_State *L)
{
    for (int view = 0; view < VIEW_COUNT; view++)
        open_view(L, (enum view)view);
}
