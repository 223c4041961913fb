// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <math.h>
#include <unistd.h>

#include "config/load_impl.h"

bool wg_take_string(struct load *load, const struct place *place, const char *wanted,
                    struct wg_str *ret_text)
{
    struct wg_str text;

    if (lua_type(load->L, -1) != LUA_TSTRING) {
        wg_problem(load, place, "must be %s, is %s", wanted, wg_value_words(load->L));
        return false;
    }
    text.at = lua_tolstring(load->L, -1, &text.len);
    /* C ends its strings there: what is behind would pass unseen. */
    if (wg_str_find(text, '\0') != text.len) {
        wg_problem(load, place, "may not hold a NUL byte");
        return false;
    }
    *ret_text = text;
    return true;
}

static bool take_integer(struct load *load, const struct place *place, const char *wanted,
                         int64_t *ret_value)
{
    int is_integer;
    lua_Integer value = lua_tointegerx(load->L, -1, &is_integer);

    if (lua_type(load->L, -1) != LUA_TNUMBER || !is_integer) {
        wg_problem(load, place, "must be %s, is %s", wanted,
                   lua_type(load->L, -1) == LUA_TNUMBER ? "a fraction"
                                                        : wg_value_words(load->L));
        return false;
    }
    *ret_value = value;
    return true;
}

static void write_amount(const struct wg_setting *setting, int64_t value, struct wg_buf *out)
{
    if (setting->kind == KIND_DURATION)
        wg_duration_write(value, out);
    else if (setting->kind == KIND_SIZE)
        wg_size_write(value, out);
    else
        wg_buf_addf(out, "%" PRId64, value);
}

static bool is_in_range(struct load *load, const struct place *place,
                        const struct wg_setting *setting, int64_t value)
{
    struct wg_buf text;

    if (value >= setting->least && value <= setting->most)
        return true;
    wg_buf_init(&text, 128);
    write_amount(setting, setting->least, &text);
    wg_buf_addf(&text, " to ");
    write_amount(setting, setting->most, &text);
    wg_problem(load, place, "must be %s", wg_buf_str(&text).at);
    wg_buf_done(&text);
    return false;
}

static void read_integer(struct load *load, const struct place *place,
                         const struct wg_setting *setting, void *to)
{
    int64_t value;

    if (take_integer(load, place, "an integer", &value) &&
        is_in_range(load, place, setting, value))
        *(int64_t *)to = value;
}

static void read_workers(struct load *load, const struct place *place,
                         const struct wg_setting *setting, void *to)
{
    int64_t value;

    if (lua_type(load->L, -1) == LUA_TSTRING && strcmp(lua_tostring(load->L, -1), "auto") == 0)
        *(int *)to = wg_cpus_usable();
    else if (take_integer(load, place, "\"auto\" or an integer", &value) &&
             is_in_range(load, place, setting, value))
        *(int *)to = (int)value;
}

/* Seconds may have a fraction; what is far out of every range is caught before it is converted.
 */
static bool take_seconds(lua_State *L, int64_t *ret_ms)
{
    lua_Number seconds = lua_tonumber(L, -1);

    if (!(fabs(seconds) < 1e12))
        return false;
    *ret_ms = (int64_t)llround(seconds * 1000);
    return true;
}

static void read_duration(struct load *load, const struct place *place,
                          const struct wg_setting *setting, void *to)
{
    static const char wanted[] =
        "a number of seconds or a text like \"250ms\", \"30s\", \"5m\", "
        "\"1h\", \"7d\"";
    struct wg_str text;
    int64_t value;

    if (lua_type(load->L, -1) == LUA_TNUMBER) {
        if (!take_seconds(load->L, &value))
            value = INT64_MAX;
    } else if (!wg_take_string(load, place, wanted, &text)) {
        return;
    } else if (!wg_duration_parse(text, &value)) {
        wg_problem(load, place, "'%.*s' is not a duration: write %s", WG_STR_F(text), wanted);
        return;
    }
    if (is_in_range(load, place, setting, value))
        *(int64_t *)to = value;
}

static void read_size(struct load *load, const struct place *place,
                      const struct wg_setting *setting, void *to)
{
    static const char wanted[] =
        "a number of bytes or a text like \"256KiB\", \"64 KB\", \"1MiB\"";
    struct wg_str text;
    int64_t value;

    if (lua_type(load->L, -1) == LUA_TNUMBER) {
        if (!take_integer(load, place, wanted, &value))
            return;
    } else if (!wg_take_string(load, place, wanted, &text)) {
        return;
    } else if (!wg_size_parse(text, &value)) {
        wg_problem(load, place, "'%.*s' is not a size: write %s", WG_STR_F(text), wanted);
        return;
    }
    if (is_in_range(load, place, setting, value))
        *(int64_t *)to = value;
}

static void read_time(struct load *load, const struct place *place,
                      const struct wg_setting *setting, void *to)
{
    static const char wanted[] =
        "seconds since 1970 or a text like \"2026-01-31\" or \"2026-01-31T12:00:00Z\"";
    struct wg_str text;
    int64_t value;

    if (lua_type(load->L, -1) == LUA_TNUMBER) {
        if (!take_integer(load, place, wanted, &value))
            return;
    } else if (!wg_take_string(load, place, wanted, &text)) {
        return;
    } else if (!wg_time_parse(text, &value)) {
        wg_problem(load, place, "'%.*s' is not a time: write %s", WG_STR_F(text), wanted);
        return;
    }
    if (is_in_range(load, place, setting, value))
        *(int64_t *)to = value;
}

static void read_text(struct load *load, const struct place *place,
                      const struct wg_setting *setting, void *to)
{
    struct wg_str text;

    (void)setting;
    if (wg_take_string(load, place, "text", &text))
        *(const char **)to = text.len ? wg_arena_copy(&load->box->arena, text).at : NULL;
}

static void read_boolean(struct load *load, const struct place *place,
                         const struct wg_setting *setting, void *to)
{
    (void)setting;
    if (lua_isboolean(load->L, -1))
        *(bool *)to = lua_toboolean(load->L, -1);
    else
        wg_problem(load, place, "must be true or false, is %s", wg_value_words(load->L));
}

static void read_choice(struct load *load, const struct place *place,
                        const struct wg_setting *setting, void *to)
{
    struct wg_str rest = wg_str(setting->detail);
    struct wg_buf list;
    struct wg_str text;

    _Static_assert(sizeof(enum wg_default_mode) == sizeof(unsigned) &&
                       sizeof(enum wg_log_level) == sizeof(unsigned),
                   "choices are written as unsigned");
    wg_buf_init(&list, 1024);
    for (unsigned i = 0; rest.at; i++) {
        struct wg_str name = wg_str_split(&rest, ' ');

        if (lua_type(load->L, -1) == LUA_TSTRING &&
            wg_str_is(name, lua_tostring(load->L, -1))) {
            memcpy(to, &i, sizeof i);
            wg_buf_done(&list);
            return;
        }
        wg_buf_addf(&list, "%s\"%.*s\"", i ? ", " : "", WG_STR_F(name));
    }
    if (lua_type(load->L, -1) == LUA_TSTRING) {
        text.at = lua_tolstring(load->L, -1, &text.len);
        wg_problem(load, place, "'%.*s' is not one of %s", WG_STR_F(text),
                   wg_buf_str(&list).at);
    } else {
        wg_problem(load, place, "must be one of %s, is %s", wg_buf_str(&list).at,
                   wg_value_words(load->L));
    }
    wg_buf_done(&list);
}

void wg_value_read(struct load *load, const struct place *place,
                   const struct wg_setting *setting, void *to)
{
    static const wg_value_reader readers[] = {[KIND_LISTEN] = wg_read_listen,
                                              [KIND_PEERS] = wg_read_peers,
                                              [KIND_FOLDERS] = wg_read_folders,
                                              [KIND_PATH] = wg_read_path,
                                              [KIND_FILE] = wg_read_file,
                                              [KIND_ANCHORS] = wg_read_anchors,
                                              [KIND_URL] = wg_read_url,
                                              [KIND_TEXT] = read_text,
                                              [KIND_SPANS] = wg_read_spans,
                                              [KIND_INTEGER] = read_integer,
                                              [KIND_DURATION] = read_duration,
                                              [KIND_TIME] = read_time,
                                              [KIND_SIZE] = read_size,
                                              [KIND_BOOLEAN] = read_boolean,
                                              [KIND_CHOICE] = read_choice,
                                              [KIND_WORKERS] = read_workers,
                                              [KIND_RESOLVE] = wg_read_resolve,
                                              [KIND_CIDRS] = wg_read_cidrs,
                                              [KIND_INSTANCES] = wg_read_instances};

    readers[setting->kind](load, place, setting, to);
}
