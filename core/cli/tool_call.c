// SPDX-License-Identifier: Apache-2.0
/* What a verb is given: its options, and the kinds of value that several verbs take. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/tool_impl.h"
#include "http/parse.h"

enum { KEY_FILE_LIMIT_BYTES = 4096 };

enum wg_code tool_misuse(struct tool_call *call, const char *format, ...)
{
    char text[sizeof call->err->text];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    call->is_misused = true;
    return wg_fail(call->err, WG_INVALID, "%s", text);
}

static bool is_name(const char *name, struct wg_str written)
{
    if (strlen(name) != written.len)
        return false;
    for (size_t i = 0; i < written.len; i++)
        if (name[i] != written.at[i] && !(name[i] == '-' && written.at[i] == '_'))
            return false;
    return true;
}

enum wg_code tool_find_option(struct tool_call *call, const struct tool_verb *verb,
                              struct wg_str name, const struct tool_option **ret_option)
{
    const char *names[TOOL_OPTIONS_LIMIT + 1] = {NULL};
    const char *nearest;

    for (size_t i = 0; i < TOOL_OPTIONS_LIMIT && verb->options[i].name; i++) {
        names[i] = verb->options[i].name;
        if (is_name(names[i], name)) {
            *ret_option = &verb->options[i];
            return WG_OK;
        }
    }
    nearest = wg_str_nearest(name, names);
    return tool_misuse(call, "there is no option '%.*s'%s%s%s", WG_STR_F(name),
                       nearest ? ", did you mean '" : "", nearest ? nearest : "",
                       nearest ? "'?" : "");
}

enum wg_code tool_add_value(struct tool_call *call, const struct tool_option *option,
                            struct wg_str value)
{
    if (option->kind != TOOL_MANY && tool_has(call, option->name))
        return tool_misuse(call, "'%s' is given twice", option->name);
    if (call->value_count == TOOL_VALUES_LIMIT)
        return tool_misuse(call, "more than %d options", TOOL_VALUES_LIMIT);
    call->values[call->value_count++] = (struct tool_value){option->name, value};
    return WG_OK;
}

enum wg_code tool_run(struct tool_call *call, const struct tool_verb *verb)
{
    for (size_t i = 0; i < TOOL_OPTIONS_LIMIT && verb->options[i].name; i++) {
        const struct tool_option *option = &verb->options[i];

        if ((option->kind == TOOL_NEEDED || option->kind == TOOL_MANY) &&
            !tool_has(call, option->name))
            return tool_misuse(call, "'%s' is missing", option->name);
    }
    return verb->run(call);
}

bool tool_next_value(const struct tool_call *call, const char *name, size_t *cursor,
                     struct wg_str *ret_value)
{
    while (*cursor < call->value_count) {
        const struct tool_value *value = &call->values[(*cursor)++];

        if (strcmp(value->name, name) == 0) {
            *ret_value = value->value;
            return true;
        }
    }
    return false;
}

struct wg_str tool_value_of(const struct tool_call *call, const char *name)
{
    struct wg_str value = {0};
    size_t cursor = 0;

    return tool_next_value(call, name, &cursor, &value) ? value : (struct wg_str){0};
}

bool tool_has(const struct tool_call *call, const char *name)
{
    struct wg_str value;
    size_t cursor = 0;

    return tool_next_value(call, name, &cursor, &value);
}

enum wg_code tool_time(struct tool_call *call, const char *name, int64_t *ret_s)
{
    /* As many digits as a structured field's integer has. */
    const uint64_t latest_s = UINT64_C(999999999999999);
    struct wg_str text = tool_value_of(call, name);
    uint64_t value;

    if (!text.at) {
        *ret_s = wg_clock_wall_s(wg_clock_system());
        return WG_OK;
    }
    if (!wg_str_to_uint(text, latest_s, &value))
        return tool_misuse(call, "'%s' is a time in Unix seconds", name);
    *ret_s = (int64_t)value;
    return WG_OK;
}

static enum wg_code read_key_file(struct tool_call *call, const char *path, struct wg_buf *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = -1;

    if (fd >= 0)
        len = read(fd, wg_buf_room(text, KEY_FILE_LIMIT_BYTES), KEY_FILE_LIMIT_BYTES);
    if (len < 0)
        wg_fail(call->err, WG_IO, "key file %s: %s", path, strerror(errno));
    else
        text->len = (size_t)len;
    if (fd >= 0)
        close(fd);
    return len < 0 ? call->err->code : WG_OK;
}

enum wg_code tool_secret_key(struct tool_call *call, struct wg_secret_key *ret_key)
{
    const char *path = wg_arena_copy(call->arena, tool_value_of(call, "key-file")).at;
    struct wg_buf text;
    enum wg_code code;

    wg_buf_init(&text, KEY_FILE_LIMIT_BYTES);
    code = read_key_file(call, path, &text);
    if (code == WG_OK && wg_secret_key_parse(wg_buf_str(&text), ret_key, call->err) != WG_OK)
        code = wg_while(call->err, "key file %s", path);
    sodium_memzero(text.at, text.capacity);
    wg_buf_done(&text);
    return code;
}

enum wg_code tool_public_key(struct tool_call *call, struct wg_str text,
                             struct wg_str *ret_keyid, struct wg_public_key *ret_key)
{
    struct wg_str rest = text, keyid;
    struct wg_err err;

    keyid = wg_str_split(&rest, '=');
    if (!rest.at || keyid.len == 0)
        return tool_misuse(call, "a key is given as KEYID=ed25519:BASE64");
    if (wg_public_key_parse(rest, ret_key, &err) != WG_OK)
        return tool_misuse(call, "key of '%.*s': %s", WG_STR_F(keyid), err.text);
    *ret_keyid = keyid;
    return WG_OK;
}

enum wg_code tool_check_keys(struct tool_call *call)
{
    struct wg_str text, keyid;
    struct wg_public_key key;
    size_t cursor = 0;

    while (tool_next_value(call, "key", &cursor, &text))
        if (tool_public_key(call, text, &keyid, &key) != WG_OK)
            return call->err->code;
    return WG_OK;
}

enum wg_code tool_request(struct tool_call *call, struct wg_message *ret_message)
{
    struct wg_str scheme = tool_value_of(call, "scheme");

    if (scheme.at && !wg_str_is(scheme, "https") && !wg_str_is(scheme, "http"))
        return tool_misuse(call, "'scheme' is https or http");
    if (wg_http_parse_request(call->input, call->arena, ret_message, call->err) != WG_OK)
        return wg_while(call->err, "request");
    if (scheme.at)
        ret_message->scheme = scheme;
    return WG_OK;
}
