// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "config/load_impl.h"
#include "wire/name.h"

/* Number of items of the list on top of the stack; its names and its length are judged. */
static bool take_count(struct load *load, const struct place *place,
                       const struct wg_setting *setting, const char *wanted, size_t *ret_count)
{
    lua_State *L = load->L;
    size_t entries = 0, count;

    if (!lua_istable(L, -1)) {
        wg_problem(load, place, "must be a list of %s, in braces, is %s", wanted,
                   wg_value_words(L));
        return false;
    }
    count = (size_t)lua_rawlen(L, -1);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        entries++;
    if (entries != count) {
        wg_problem(load, place, "must be a list of %s, without names or holes", wanted);
        return false;
    }
    if (count < (size_t)setting->least || count > (size_t)setting->most) {
        wg_problem(load, place, "must have %d to %d items", (int)setting->least,
                   (int)setting->most);
        return false;
    }
    *ret_count = count;
    return true;
}

/* Calls take for each item's text; what it returns (in the box's arena; NULL: refused, and
 * reported) becomes the list. */
static void read_texts(struct load *load, const struct place *place,
                       const struct wg_setting *setting, const char *wanted,
                       const char *(*take)(struct load *load, const struct place *at,
                                           struct wg_str text),
                       wg_names *to)
{
    lua_State *L = load->L;
    const char **names;
    size_t count, kept = 0;

    if (!take_count(load, place, setting, wanted, &count))
        return;
    names = wg_arena_alloc(&load->box->arena, (count + 1) * sizeof *names);
    for (size_t i = 1; i <= count; i++) {
        char number[24];
        struct place at = {place, {NULL, 0}, true};
        struct wg_str text;

        snprintf(number, sizeof number, "%zu", i);
        at.key = wg_str(number);
        lua_rawgeti(L, -1, (lua_Integer)i);
        if (wg_take_string(load, &at, "a string", &text))
            names[kept] = take(load, &at, text);
        kept += names[kept] != NULL;
        lua_pop(L, 1);
    }
    *to = names;
}

/* An endpoint "192.0.2.1:80" or "[2001:db8::1]:80" in one spelling. */
struct endpoint {
    struct wg_ip ip;
    uint64_t port;
};

static bool parse_endpoint(struct wg_str text, struct endpoint *ret_endpoint)
{
    bool is_v6 = text.len && text.at[0] == '[';
    size_t end = is_v6 ? wg_str_find(text, ']') : wg_str_find(text, ':');
    struct wg_str host = wg_str_of(text.at + is_v6, end - is_v6);
    size_t colon = end + is_v6;
    struct wg_err err;

    if (colon >= text.len || text.at[colon] != ':' ||
        !wg_str_to_uint(wg_str_of(text.at + colon + 1, text.len - colon - 1), UINT16_MAX,
                        &ret_endpoint->port) ||
        wg_ip_parse(host, &ret_endpoint->ip, &err) != WG_OK)
        return false;
    return (wg_str_find(host, ':') < host.len) == is_v6;
}

struct listener {
    struct listener *next;
    struct endpoint endpoint;
    const char *place;
    int line;
};

static bool is_taken(struct load *load, const struct place *at, const struct endpoint *endpoint)
{
    struct listener *listener;

    if (endpoint->port == 0) /* each time another one */
        return false;
    for (listener = load->listeners; listener; listener = listener->next) {
        if (listener->endpoint.port == endpoint->port &&
            memcmp(&listener->endpoint.ip, &endpoint->ip, sizeof endpoint->ip) == 0) {
            wg_problem(load, at, "the same address as %s (line %d); each needs its own",
                       listener->place, listener->line);
            return true;
        }
    }
    listener = wg_arena_new(&load->scratch, struct listener);
    *listener = (struct listener){load->listeners, *endpoint, wg_place_text(load, at),
                                  wg_place_line(load, at)};
    load->listeners = listener;
    return false;
}

static const char *take_listen(struct load *load, const struct place *at, struct wg_str text)
{
    struct endpoint endpoint;

    if (!parse_endpoint(text, &endpoint)) {
        wg_problem(load, at,
                   "'%.*s' is not ip:port; write it like 0.0.0.0:8443, or [::]:8443 for IPv6",
                   WG_STR_F(text));
        return NULL;
    }
    return is_taken(load, at, &endpoint) ? NULL : wg_arena_copy(&load->box->arena, text).at;
}

void wg_read_listen(struct load *load, const struct place *place,
                    const struct wg_setting *setting, void *to)
{
    read_texts(load, place, setting, "\"ip:port\"", take_listen, to);
}

static bool is_server_name(struct load *load, const struct place *at, struct wg_str name)
{
    struct wg_err err;

    if (wg_server_name_check(name, load->box->config.allow_ip_literals, &err) == WG_OK)
        return true;
    wg_problem(load, at, "'%.*s' is not a server name: %s", WG_STR_F(name), err.text);
    return false;
}

static const char *take_peer(struct load *load, const struct place *at, struct wg_str text)
{
    struct wg_str name = text;

    if (wg_str_starts(text, WG_STR("*.")))
        name = wg_str_of(text.at + 2, text.len - 2);
    return is_server_name(load, at, name) ? wg_arena_copy(&load->box->arena, text).at : NULL;
}

void wg_read_peers(struct load *load, const struct place *place,
                   const struct wg_setting *setting, void *to)
{
    read_texts(load, place, setting, "server names", take_peer, to);
}

static const char *take_folder(struct load *load, const struct place *at, struct wg_str text)
{
    (void)at;
    return wg_path_resolve(load, text);
}

void wg_read_folders(struct load *load, const struct place *place,
                     const struct wg_setting *setting, void *to)
{
    read_texts(load, place, setting, "folders", take_folder, to);
}

static const char *take_text(struct load *load, const struct place *at, struct wg_str text)
{
    struct wg_cidr cidr;
    struct wg_err err;

    if (wg_cidr_parse(text, &cidr, &err) == WG_OK)
        return wg_arena_copy(&load->scratch, text).at;
    wg_problem(load, at, "'%.*s' is not a block of addresses like 10.0.0.0/8: %s",
               WG_STR_F(text), err.text);
    return NULL;
}

void wg_read_cidrs(struct load *load, const struct place *place,
                   const struct wg_setting *setting, void *to)
{
    struct wg_config *config = &load->box->config;
    wg_names texts = NULL;
    struct wg_cidr *cidrs;
    struct wg_err err;
    size_t count = 0;

    (void)to;
    read_texts(load, place, setting, "address blocks", take_text, &texts);
    while (texts && texts[count])
        count++;
    cidrs = wg_arena_alloc(&load->box->arena, count * sizeof *cidrs);
    config->allow_addresses = cidrs;
    for (size_t i = 0; i < count; i++) {
        if (wg_cidr_parse(wg_str(texts[i]), &cidrs[i], &err) == WG_OK)
            config->allow_address_count++;
    }
}

void wg_read_resolve(struct load *load, const struct place *place,
                     const struct wg_setting *setting, void *to)
{
    lua_State *L = load->L;
    struct wg_config_resolve *entries, *entry;
    struct wg_str *names;
    size_t count;

    if (!lua_istable(L, -1)) {
        wg_problem(
            load, place,
            "must be a table like { [\"peer.example.com\"] = \"192.0.2.1:8443\" }, is %s",
            wg_value_words(L));
        return;
    }
    names = wg_take_names(load, place, &count);
    entry = entries = wg_arena_alloc(&load->box->arena, (count + 1) * sizeof *entries);
    for (size_t i = 0; i < count && i < (size_t)setting->most; i++) {
        struct place at = {place, names[i], false};
        struct endpoint endpoint;
        struct wg_str text;

        lua_pushlstring(L, names[i].at, names[i].len);
        lua_rawget(L, -2);
        if (is_server_name(load, &at, names[i]) &&
            wg_take_string(load, &at, "\"ip:port\"", &text)) {
            if (!parse_endpoint(text, &endpoint) || endpoint.port == 0)
                wg_problem(load, &at,
                           "'%.*s' is not ip:port; write it like 192.0.2.1:8443, or "
                           "[2001:db8::1]:8443 for IPv6",
                           WG_STR_F(text));
            else
                *entry++ =
                    (struct wg_config_resolve){wg_arena_copy(&load->box->arena, names[i]).at,
                                               wg_arena_copy(&load->box->arena, text).at};
        }
        lua_pop(L, 1);
    }
    *(const struct wg_config_resolve **)to = entries;
}

/* Event types are names of any kind, so each value goes the way of a setting of its own. */
void wg_read_spans(struct load *load, const struct place *place,
                   const struct wg_setting *setting, void *to)
{
    const struct wg_setting one = {.path = setting->path,
                                   .kind = KIND_DURATION,
                                   .least = setting->least,
                                   .most = setting->most};
    lua_State *L = load->L;
    struct wg_config_span *spans;
    struct wg_str *names;
    size_t count;

    if (!lua_istable(L, -1)) {
        wg_problem(load, place,
                   "must be a table like { [\"swp.room.typing\"] = \"1m\" }, is %s",
                   wg_value_words(L));
        return;
    }
    names = wg_take_names(load, place, &count);
    spans = wg_arena_alloc(&load->box->arena, (count + 1) * sizeof *spans);
    for (size_t i = 0; i < count; i++) {
        struct place at = {place, names[i], false};

        spans[i].name = wg_arena_copy(&load->box->arena, names[i]).at;
        lua_pushlstring(L, names[i].at, names[i].len);
        lua_rawget(L, -2);
        wg_value_read(load, &at, &one, &spans[i].ms);
        lua_pop(L, 1);
    }
    *(const struct wg_config_span **)to = spans;
}

void wg_read_instances(struct load *load, const struct place *place,
                       const struct wg_setting *setting, void *to)
{
    lua_State *L = load->L;
    struct wg_config *config = &load->box->config;
    struct wg_str *names;
    size_t count;

    (void)to;
    if (!lua_istable(L, -1)) {
        wg_problem(load, place, "must be a table of instances by server name, is %s",
                   wg_value_words(L));
        return;
    }
    names = wg_take_names(load, place, &count);
    if (count < (size_t)setting->least || count > (size_t)setting->most) {
        wg_problem(load, place,
                   "must have %d to %d instances, like [\"a.example.com\"] = { upstream = "
                   "\"http://127.0.0.1:9001\", ... }",
                   (int)setting->least, (int)setting->most);
        return;
    }
    config->instances = wg_arena_alloc(&load->box->arena, count * sizeof config->instances[0]);
    config->instance_count = count;
    for (size_t i = 0; i < count; i++) {
        struct place at = {place, names[i], false};

        config->instances[i].server_name = wg_arena_copy(&load->box->arena, names[i]).at;
        lua_pushlstring(L, names[i].at, names[i].len);
        lua_rawget(L, -2);
        if (is_server_name(load, &at, names[i]) && !lua_istable(L, -1))
            wg_problem(load, &at, "must be a table, is %s", wg_value_words(L));
        if (lua_istable(L, -1))
            wg_section_read(load, &at, wg_settings_instance, &config->instances[i]);
        lua_pop(L, 1);
    }
}
