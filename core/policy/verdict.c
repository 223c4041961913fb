// SPDX-License-Identifier: Apache-2.0
#include "policy/policy_impl.h"

/* wavegate.allow, deny, defer, quarantine, limit, label: each makes a value that a handler
 * returns. It knows the line it was made on, which is what an operator wants to read in the
 * audit. */

static const char *const VERDICT = "wavegate.verdict";

enum {
    REASON_LIMIT_BYTES = 512,
    LABEL_NAME_LIMIT = 64,
    LABEL_VALUE_LIMIT = 256,
    DEFER_DEFAULT_S = 60,
    DEFER_LIMIT_S = 86400,
};

const struct wg_source *wg_source_at(lua_State *L, int level, int *ret_line)
{
    const struct wg_edition *edition = wg_state_of(L)->edition;
    lua_Debug activation;

    *ret_line = 0;
    for (; lua_getstack(L, level, &activation); level++) {
        lua_getinfo(L, "Sl", &activation);
        if (activation.currentline <= 0)
            continue;
        *ret_line = activation.currentline;
        for (size_t i = 0; i < edition->source_count; i++)
            if (strcmp(activation.source + 1, edition->sources[i]->shown) == 0)
                return edition->sources[i];
    }
    return NULL;
}

static struct wg_answer_value *push_verdict(lua_State *L, enum wg_answer kind,
                                            enum wg_code code)
{
    struct wg_answer_value *value = lua_newuserdatauv(L, sizeof *value, 1);

    *value = (struct wg_answer_value){
        .kind = kind, .code = code, .events = -1, .bytes = -1, .not_before_s = -1};
    luaL_setmetatable(L, VERDICT);
    value->source = wg_source_at(L, 1, &value->line);
    return value;
}

const struct wg_answer_value *wg_verdict_at(lua_State *L, int index)
{
    return luaL_testudata(L, index, VERDICT);
}

/* The one table of fields that a verdict takes, or none. */
static bool check_table(lua_State *L, const char *what, const char *const *names)
{
    if (lua_isnoneornil(L, 1))
        return false;
    if (lua_type(L, 1) != LUA_TTABLE)
        wg_raise(L, "wavegate.%s takes a table: wavegate.%s { %s = ... }", what, what,
                 names[0]);
    wg_check_fields(L, 1, what, names);
    return true;
}

/* Sets the verdict on top's user value from field reason. */
static void take_reason(lua_State *L, const char *what)
{
    int type = lua_getfield(L, 1, "reason");

    if (type != LUA_TNIL && type != LUA_TSTRING)
        wg_raise(L, "wavegate.%s: reason must be a string, not a %s", what,
                 lua_typename(L, type));
    if (type == LUA_TSTRING && lua_rawlen(L, -1) > REASON_LIMIT_BYTES) {
        lua_pushlstring(L, lua_tostring(L, -1), REASON_LIMIT_BYTES);
        lua_replace(L, -2);
    }
    lua_setiuservalue(L, -2, 1);
}

/* A whole number of field name; absent gives the default. */
static int64_t take_integer(lua_State *L, const char *what, const char *name, int64_t least,
                            int64_t most, int64_t otherwise)
{
    int is_integer;
    lua_Number number;
    int64_t value;

    if (lua_getfield(L, 1, name) == LUA_TNIL) {
        lua_pop(L, 1);
        return otherwise;
    }
    number = lua_tonumberx(L, -1, &is_integer);
    if (!is_integer || lua_type(L, -1) != LUA_TNUMBER || !(number >= (lua_Number)least) ||
        !(number <= (lua_Number)most))
        wg_raise(L, "wavegate.%s: %s must be a number from %lld to %lld", what, name,
                 (long long)least, (long long)most);
    value = (int64_t)number;
    if ((lua_Number)value < number) /* half a second is a second to wait */
        value++;
    lua_pop(L, 1);
    return value;
}

/* Codes that an answer to a peer can bear as a policy's decision. */
static const enum wg_code deny_codes[] = {
    WG_POLICY_REJECTED, WG_PEER_UNKNOWN,     WG_ROOM_FORBIDDEN, WG_ROOM_NOT_FOUND,
    WG_NOT_FOUND,       WG_TOO_LARGE,        WG_INVALID,        WG_BAD_SIGNATURE,
    WG_RATE_LIMITED,    WG_PROTOCOL_VERSION,
};
static const enum wg_code defer_codes[] = {WG_DEFERRED, WG_RATE_LIMITED,
                                           WG_UPSTREAM_UNAVAILABLE};

static enum wg_code take_code(lua_State *L, const char *what, const enum wg_code *codes,
                              size_t count, enum wg_code otherwise)
{
    const char *names[16] = {NULL};
    const char *written;
    const char *near;

    if (lua_getfield(L, 1, "code") == LUA_TNIL) {
        lua_pop(L, 1);
        return otherwise;
    }
    written = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    for (size_t i = 0; i < count; i++) {
        names[i] = wg_code_answer(codes[i]);
        if (strcmp(names[i], written) == 0) {
            lua_pop(L, 1);
            return codes[i];
        }
    }
    near = wg_str_nearest(wg_str(written), names);
    wg_raise(L, "wavegate.%s: unknown code '%.64s', %s '%s'%s", what, written,
             near ? "did you mean" : "use one such as", near ? near : names[0],
             near ? "?" : "");
}

/* wavegate.allow(): yes, and no further handler is asked. */
static int allow(lua_State *L)
{
    if (!lua_isnoneornil(L, 1))
        wg_raise(L, "wavegate.allow takes nothing");
    push_verdict(L, WG_ANSWER_ALLOW, WG_OK);
    return 1;
}

/* wavegate.deny { reason, code }: no, for good. */
static int deny(lua_State *L)
{
    static const char *const names[] = {"reason", "code", NULL};
    enum wg_code code = WG_OK; /* that of the hook */
    bool has_fields = check_table(L, "deny", names);

    if (has_fields)
        code = take_code(L, "deny", deny_codes, WG_COUNT(deny_codes), WG_OK);
    push_verdict(L, WG_ANSWER_DENY, code);
    if (has_fields)
        take_reason(L, "deny");
    return 1;
}

/* wavegate.defer { seconds, reason, code }: not now. */
static int defer(lua_State *L)
{
    static const char *const names[] = {"seconds", "reason", "code", NULL};
    enum wg_code code = WG_RATE_LIMITED;
    int64_t seconds = DEFER_DEFAULT_S;
    bool has_fields = check_table(L, "defer", names);

    if (has_fields) {
        code = take_code(L, "defer", defer_codes, WG_COUNT(defer_codes), WG_RATE_LIMITED);
        seconds = take_integer(L, "defer", "seconds", 0, DEFER_LIMIT_S, DEFER_DEFAULT_S);
    }
    push_verdict(L, WG_ANSWER_DEFER, code)->seconds = seconds > 0 ? seconds : 1;
    if (has_fields)
        take_reason(L, "defer");
    return 1;
}

/* wavegate.quarantine { reason }: taken, kept, delivered on release only. */
static int quarantine(lua_State *L)
{
    static const char *const names[] = {"reason", NULL};
    bool has_fields = check_table(L, "quarantine", names);

    push_verdict(L, WG_ANSWER_QUARANTINE, WG_OK);
    if (has_fields)
        take_reason(L, "quarantine");
    return 1;
}

/* wavegate.limit { events, not_before, bytes }: narrows a request; the tightest of several
 * wins. */
static int limit(lua_State *L)
{
    static const char *const names[] = {"events", "not_before", "bytes", NULL};
    const int64_t most = (int64_t)1 << 53;
    struct wg_answer_value *value;
    int64_t events, not_before, bytes;

    if (!check_table(L, "limit", names))
        wg_raise(L, "wavegate.limit takes a table: wavegate.limit { events = 50 }");
    events = take_integer(L, "limit", "events", 0, most, -1);
    not_before = take_integer(L, "limit", "not_before", 0, most, -1);
    bytes = take_integer(L, "limit", "bytes", 0, most, -1);
    if (events < 0 && not_before < 0 && bytes < 0)
        wg_raise(L, "wavegate.limit needs one of events, not_before, bytes");
    value = push_verdict(L, WG_ANSWER_LIMIT, WG_OK);
    value->events = events;
    value->not_before_s = not_before;
    value->bytes = bytes;
    return 1;
}

/* RFC 8941 3.1.2: labels travel as keys of a dictionary. */
static bool is_label_name(struct wg_str name)
{
    if (name.len == 0 || name.len > LABEL_NAME_LIMIT ||
        !(name.at[0] == '*' || (name.at[0] >= 'a' && name.at[0] <= 'z')))
        return false;
    for (size_t i = 1; i < name.len; i++)
        if (!name.at[i] || !strchr("abcdefghijklmnopqrstuvwxyz0123456789_-.*", name.at[i]))
            return false;
    return true;
}

static void check_label(lua_State *L, struct wg_str name)
{
    struct wg_str value;

    if (!is_label_name(name))
        wg_raise(L,
                 "wavegate.label: '%.64s' is no label name: lower-case letters, digits, '_', "
                 "'-', '.', at most %d",
                 name.at, LABEL_NAME_LIMIT);
    if (lua_type(L, -1) == LUA_TBOOLEAN) {
        lua_pushstring(L, lua_toboolean(L, -1) ? "true" : "false");
        lua_replace(L, -2);
    }
    if (!lua_isstring(L, -1))
        wg_raise(L, "wavegate.label: %.64s must be a string, a number or a boolean", name.at);
    value.at = lua_tolstring(L, -1, &value.len);
    if (value.len > LABEL_VALUE_LIMIT)
        wg_raise(L, "wavegate.label: %.64s is longer than %d bytes", name.at,
                 LABEL_VALUE_LIMIT);
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] < ' ' || value.at[i] > '~')
            wg_raise(L, "wavegate.label: %.64s may hold printable ASCII only", name.at);
}

/* wavegate.label { name = value }: told to the instance and the audit row, in the order of the
 * names. */
static int label(lua_State *L)
{
    lua_Integer count = 0;

    if (lua_type(L, 1) != LUA_TTABLE)
        wg_raise(L, "wavegate.label takes a table: wavegate.label { name = value }");
    lua_settop(L, 1);
    push_verdict(L, WG_ANSWER_LABEL, WG_OK);
    lua_newtable(L); /* names; the values stand under them */
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            wg_raise(L, "wavegate.label: names must be strings");
        if (count >= WG_LABEL_LIMIT)
            wg_raise(L, "wavegate.label: at most %d at once", WG_LABEL_LIMIT);
        check_label(L, wg_str(lua_tostring(L, -2)));
        lua_pushvalue(L, -2);
        lua_rawseti(L, 3, ++count);
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, 3);
    }
    if (count == 0)
        wg_raise(L, "wavegate.label needs a name: wavegate.label { name = value }");
    if (count > 1) {
        lua_pushcfunction(L, wg_table_sort); /* so that the order is the same every time */
        lua_pushvalue(L, 3);
        lua_call(L, 1, 0);
    }
    lua_setiuservalue(L, 2, 1);
    return 1;
}

const char *wg_answer_name(enum wg_answer answer)
{
    static const char *const names[] = {"allow",      "deny",  "defer",
                                        "quarantine", "limit", "label"};

    return names[answer];
}

static int verdict_tostring(lua_State *L)
{
    const struct wg_answer_value *value = luaL_checkudata(L, 1, VERDICT);

    lua_pushfstring(L, "wavegate.%s", wg_answer_name(value->kind));
    return 1;
}

/* Fields of a verdict, for a policy that asks the handlers of another: kind, reason, code,
 * seconds, events, bytes, not_before, place. */
static int verdict_index(lua_State *L)
{
    const struct wg_answer_value *value = luaL_checkudata(L, 1, VERDICT);
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    const struct {
        const char *name;
        int64_t number;
    } numbers[] = {{"seconds", value->kind == WG_ANSWER_DEFER ? value->seconds : -1},
                   {"events", value->events},
                   {"bytes", value->bytes},
                   {"not_before", value->not_before_s}};

    lua_settop(L, 2);
    lua_getiuservalue(L, 1, 1); /* reason, or labels */
    if (strcmp(name, "kind") == 0)
        lua_pushstring(L, wg_answer_name(value->kind));
    else if (strcmp(name, "place") == 0 && value->source)
        lua_pushfstring(L, "%s:%d", value->source->shown, value->line);
    else if (strcmp(name, "code") == 0 && value->code != WG_OK)
        lua_pushstring(L, wg_code_answer(value->code));
    else if (strcmp(name, "reason") != 0 || lua_type(L, 3) != LUA_TSTRING)
        lua_pushnil(L);
    for (size_t i = 0; i < WG_COUNT(numbers); i++)
        if (strcmp(name, numbers[i].name) == 0 && numbers[i].number >= 0)
            lua_pushinteger(L, numbers[i].number);
    return 1;
}

static const luaL_Reg functions[] = {
    {"allow", allow}, {"defer", defer},           {"deny", deny}, {"label", label},
    {"limit", limit}, {"quarantine", quarantine}, {NULL, NULL},
};

void wg_verdict_open(lua_State *L)
{
    luaL_newmetatable(L, VERDICT);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushcfunction(L, verdict_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushcfunction(L, verdict_index);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
