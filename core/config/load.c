// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/load_impl.h"

enum { FILE_LIMIT_BYTES = 4 * 1024 * 1024, LOG_FORMAT_AUTO = 3 };

/* All of fd, or errno. */
static bool read_all(int fd, struct wg_buf *out)
{
    for (;;) {
        char *room = wg_buf_room(out, 4096);
        ssize_t got;

        if (!room) {
            errno = EFBIG;
            return false;
        }
        got = read(fd, room, 4096);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        out->len += (size_t)got;
    }
}

static void read_source(struct load *load)
{
    int fd = open(load->file, O_RDONLY | O_CLOEXEC);
    struct wg_buf text;

    wg_buf_init(&text, FILE_LIMIT_BYTES);
    if (fd < 0 || !read_all(fd, &text))
        wg_problem_at_line(
            load, 0,
            errno == ENOENT
                ? "no such file: name one with --config; `man wavegate.conf` shows a first one"
                : strerror(errno));
    else
        load->source = wg_arena_copy(&load->scratch, wg_buf_str(&text));
    if (fd >= 0)
        close(fd);
    wg_buf_done(&text);
}

/* "auto" became WG_LOG_HUMAN + 1 in a field that has no such value; shipped folders come last.
 */
static void complete(struct load *load)
{
    struct wg_config *config = &load->box->config;
    struct wg_arena *arena = &load->box->arena;
    const char *shipped[WG_SHIPPED_FOLDERS];
    const char **folders;
    size_t count = 0;

    if ((int)config->log_format == LOG_FORMAT_AUTO)
        config->log_format = isatty(STDERR_FILENO) ? WG_LOG_HUMAN : WG_LOG_JSON;
    while (config->policy_path && config->policy_path[count])
        count++;
    folders = wg_arena_alloc(arena, (count + WG_SHIPPED_FOLDERS + 1) * sizeof *folders);
    for (size_t i = 0; i < count; i++)
        folders[i] = config->policy_path[i];
    wg_path_shipped(arena, shipped);
    for (size_t i = 0; i < WG_SHIPPED_FOLDERS; i++)
        folders[count + i] = shipped[i];
    config->policy_path = folders;
}

static int run_and_check(lua_State *L)
{
    struct load *load = lua_touserdata(L, 1);
    struct place root = {NULL, {NULL, 0}, false};

    wg_sandbox_run(load);
    if (!lua_istable(L, -1)) {
        wg_problem(load, &root,
                   "must return a table: return { ingress = ..., instances = ... }");
        return 0;
    }
    wg_section_read(load, &root, wg_settings_top, &load->box->config);
    complete(load);
    return 0;
}

/* Lua's "config:12: text", with the file's own name instead. */
static void report_lua_error(struct load *load, int status)
{
    struct wg_str text = {NULL, 0};
    struct wg_str rest, line_text;
    uint64_t line;

    if (status == LUA_ERRMEM)
        text = WG_STR("took more memory than a configuration may");
    else if (lua_type(load->L, -1) == LUA_TSTRING)
        text.at = lua_tolstring(load->L, -1, &text.len);
    else
        text = WG_STR("ended with an error that is not a text");
    rest = text;
    if (wg_str_starts(text, WG_STR("config:"))) {
        wg_str_split(&rest, ':');
        line_text = wg_str_split(&rest, ':');
        if (rest.at && wg_str_to_uint(line_text, INT32_MAX, &line)) {
            rest = wg_str_trim(rest);
            wg_problem_at_line(load, (int)line, wg_arena_copy(&load->scratch, rest).at);
            return;
        }
    }
    wg_problem_at_line(load, 0, wg_arena_copy(&load->scratch, text).at);
}

static void report_twice(struct load *load)
{
    for (struct wg_config_lines_twice *twice = load->lines.twice; twice; twice = twice->next) {
        struct wg_str path = wg_str_of(twice->path.at, twice->path.len - 1);
        struct wg_str key = path;

        for (size_t i = path.len; i-- > 0;) {
            if (path.at[i] == WG_LINES_END) {
                key = wg_str_of(path.at + i + 1, path.len - i - 1);
                break;
            }
        }
        wg_problem_at_line(load, twice->second,
                           wg_arena_format(&load->scratch,
                                           "field '%.*s' is given twice, first on line %d",
                                           WG_STR_F(key), twice->first));
    }
}

static void run(struct load *load)
{
    int status;

    load->L = wg_sandbox_new();
    if (!load->L) {
        wg_problem_at_line(load, 0, "no memory for Lua");
        return;
    }
    lua_pushcfunction(load->L, run_and_check);
    lua_pushlightuserdata(load->L, load);
    status = lua_pcall(load->L, 1, 0, 0);
    if (status != LUA_OK)
        report_lua_error(load, status);
    else
        report_twice(load);
    wg_sandbox_free(load->L);
}

enum wg_code wg_config_load(const char *file, struct wg_config **ret_config,
                            void (*on_problem)(void *owner, const char *text), void *owner,
                            struct wg_err *err)
{
    struct config_box *box = wg_new(struct config_box);
    struct load load = {.file = file, .box = box};
    struct wg_config *config = &box->config;
    enum wg_code code;

    wg_arena_init(&box->arena);
    wg_arena_init(&load.scratch);
    config->file = wg_arena_copy(&box->arena, wg_str(file)).at;
    read_source(&load);
    wg_config_lines_init(&load.lines, load.source);
    if (load.source.at) {
        if (wg_path_folder(file, &box->arena, &config->folder, err) != WG_OK)
            wg_problem_at_line(&load, 0, err->text);
        else
            run(&load);
    }
    code = wg_problems_report(&load, on_problem, owner, err);
    wg_config_lines_done(&load.lines);
    wg_arena_done(&load.scratch);
    if (code == WG_OK)
        *ret_config = config;
    else
        wg_config_free(config);
    return code;
}

struct wg_config *wg_config_free(struct wg_config *config)
{
    if (config) {
        struct config_box *box = WG_CONTAINER(config, struct config_box, config);

        wg_arena_done(&box->arena);
        wg_free(box);
    }
    return NULL;
}
