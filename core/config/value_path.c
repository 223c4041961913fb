// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/load_impl.h"

void wg_read_path(struct load *load, const struct place *place,
                  const struct wg_setting *setting, void *to)
{
    struct wg_str text;

    (void)setting;
    if (!wg_take_string(load, place, "a path", &text))
        return;
    if (text.len == 0)
        wg_problem(load, place, "may not be empty; \".\" is the configuration's folder");
    else
        *(const char **)to = wg_path_resolve(load, text);
}

/* "... --out *" with the path as written in place of the star. */
static const char *remedy(struct load *load, const struct wg_setting *setting,
                          struct wg_str text)
{
    struct wg_str before = wg_str(setting->detail);
    size_t star = wg_str_find(before, '*');

    if (star == before.len)
        return setting->detail;
    return wg_arena_format(&load->scratch, "%.*s%.*s%s", (int)star, before.at, WG_STR_F(text),
                           before.at + star + 1);
}

/* There, a file, and ours to read. What is in it is judged by its user. */
static bool is_readable(struct load *load, const struct place *place,
                        const struct wg_setting *setting, struct wg_str text, const char *path)
{
    struct stat info;
    /* Without O_NONBLOCK a named pipe would hold us up. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            wg_problem(load, place, "no such file: %s: %s", path, remedy(load, setting, text));
        else
            wg_problem(load, place, "cannot read %s: %s%s", path, strerror(errno),
                       errno == EACCES ? "; let the user that runs wavegate read it" : "");
        return false;
    }
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        close(fd);
        wg_problem(load, place, "%s is a folder: %s", path, remedy(load, setting, text));
        return false;
    }
    close(fd);
    return true;
}

void wg_read_file(struct load *load, const struct place *place,
                  const struct wg_setting *setting, void *to)
{
    struct wg_str text;
    const char *path;

    if (!wg_take_string(load, place, "a file's path", &text))
        return;
    if (text.len == 0) {
        wg_problem(load, place, "may not be empty: %s", remedy(load, setting, text));
        return;
    }
    path = wg_path_resolve(load, text);
    if (is_readable(load, place, setting, text, path))
        *(const char **)to = path;
}

void wg_read_anchors(struct load *load, const struct place *place,
                     const struct wg_setting *setting, void *to)
{
    if (lua_type(load->L, -1) == LUA_TSTRING &&
        strcmp(lua_tostring(load->L, -1), "system") == 0)
        *(const char **)to = "system";
    else
        wg_read_file(load, place, setting, to);
}

static bool is_host(struct wg_str host)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

    for (size_t i = 0; i < host.len; i++) {
        if (!strchr(allowed, host.at[i]) || !host.at[i])
            return false;
    }
    return host.len > 0 && host.len <= 255;
}

/* host, host:port, [ipv6], [ipv6]:port; nothing else. */
static bool is_authority(struct wg_str text)
{
    struct wg_str host = text, port = {NULL, 0};
    struct wg_ip ip;
    struct wg_err err;
    uint64_t number;

    if (text.len && text.at[0] == '[') {
        size_t end = wg_str_find(text, ']');

        if (wg_ip_parse(wg_str_of(text.at + 1, end - 1), &ip, &err) != WG_OK || end == text.len)
            return false;
        host = (struct wg_str){NULL, 0};
        if (end + 1 < text.len) {
            if (text.at[end + 1] != ':')
                return false;
            port = wg_str_of(text.at + end + 2, text.len - end - 2);
        }
    } else {
        port = text;
        host = wg_str_split(&port, ':');
    }
    if (host.at && !is_host(host))
        return false;
    return !port.at || (wg_str_to_uint(port, UINT16_MAX, &number) && number > 0);
}

void wg_read_url(struct load *load, const struct place *place, const struct wg_setting *setting,
                 void *to)
{
    static const char form[] = "write http://host:port or https://host:port";
    struct wg_str text, rest;

    (void)setting;
    if (!wg_take_string(load, place, "a URL", &text))
        return;
    if (wg_str_starts(text, WG_STR("http://")))
        rest = wg_str_of(text.at + 7, text.len - 7);
    else if (wg_str_starts(text, WG_STR("https://")))
        rest = wg_str_of(text.at + 8, text.len - 8);
    else {
        wg_problem(load, place, "'%.*s' is not a URL with http:// or https://; %s",
                   WG_STR_F(text), form);
        return;
    }
    if (wg_str_find(rest, '@') < rest.len)
        wg_problem(load, place, "a URL with a user's name; use upstream_token_file, and %s",
                   form);
    else if (wg_str_find(rest, '/') < rest.len || wg_str_find(rest, '?') < rest.len)
        wg_problem(load, place, "'%.*s' has a path; the request's own is used: %s",
                   WG_STR_F(text), form);
    else if (!is_authority(rest))
        wg_problem(load, place, "'%.*s' is not a host and a port; %s", WG_STR_F(text), form);
    else
        *(const char **)to = wg_arena_copy(&load->box->arena, text).at;
}
