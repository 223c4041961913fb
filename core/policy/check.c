// SPDX-License-Identifier: Apache-2.0
#include "policy/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "policy/scan.h"
#include "policy/trial_impl.h"

enum { PROBLEM_LIMIT = 1000 };

/** A function that ends the chain whatever it is asked. */
struct answerer {
    const char *file;
    int line;
    bool always_answers; /**< of all functions that begin on this line */
};

struct checker {
    struct wg_arena arena;
    struct wg_check_problem *problems;
    size_t problem_count;
    struct answerer *answerers;
    size_t answerer_count;
    lua_State *modules; /**< where modules are looked up; NULL: not at all */
    const char *file;   /**< that is scanned */
};

WG_PRINTF(5, 6)
static void add(struct checker *checker, const char *file, int line, const char *kind,
                const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (checker->problem_count == PROBLEM_LIMIT)
        return;
    checker->problems[checker->problem_count++] =
        (struct wg_check_problem){wg_arena_copy(&checker->arena, wg_str(file)).at, line, kind,
                                  wg_arena_copy(&checker->arena, wg_str(text)).at};
}

/* ---- names ---- */

static bool is_name_of(struct wg_str name, const char *const *names)
{
    for (; *names; names++)
        if (wg_str_is(name, *names))
            return true;
    return false;
}

/* What Lua has elsewhere: a "did you mean" would mislead. */
static const char *const withheld[] = {
    "_G",      "collectgarbage", "coroutine",  "debug",  "dofile", "io",
    "load",    "loadfile",       "loadstring", "module", "os",     "package",
    "setfenv", "getfenv",        "unpack",     "warn",   NULL};

static void on_global(void *owner, struct wg_str name, int line, bool is_write)
{
    struct checker *checker = owner;
    const char *near;

    if (wg_str_is(name, "_ENV"))
        return;
    if (is_write)
        add(checker, checker->file, line, "global",
            "assignment to the undeclared global '%.*s': write 'local %.*s'", WG_STR_F(name),
            WG_STR_F(name));
    else if (is_name_of(name, withheld))
        add(checker, checker->file, line, "global", "policies have no '%.*s'", WG_STR_F(name));
    else if (!is_name_of(name, wg_sandbox_names())) {
        near = wg_str_nearest(name, wg_sandbox_names());
        add(checker, checker->file, line, "global", "unknown global '%.*s'%s%s%s",
            WG_STR_F(name), near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
}

static bool is_library(struct wg_str name)
{
    return wg_str_is(name, "string") || wg_str_is(name, "table") || wg_str_is(name, "math") ||
           wg_str_is(name, "utf8");
}

/* Modules of this program only: what files return may be made at run time. */
static bool has_module_field(lua_State *L, struct wg_str module, struct wg_str field)
{
    bool has_field = true;
    int top;

    if (!L || !wg_str_starts(module, WG_STR("wavegate")))
        return true;
    top = lua_gettop(L);
    lua_getfield(L, LUA_REGISTRYINDEX, "wavegate.loaded");
    lua_pushlstring(L, module.at, module.len);
    if (lua_rawget(L, -2) == LUA_TTABLE) {
        lua_pushlstring(L, field.at, field.len);
        has_field = lua_gettable(L, -2) != LUA_TNIL;
    }
    lua_settop(L, top);
    return has_field;
}

static void on_field(void *owner, struct wg_str module, struct wg_str field, int line)
{
    struct checker *checker = owner;
    const char *full;
    const char *near;

    full = wg_arena_format(&checker->arena, "%.*s.%.*s", WG_STR_F(module), WG_STR_F(field));
    if (is_library(module) ? is_name_of(wg_str(full), wg_sandbox_names())
                           : has_module_field(checker->modules, module, field))
        return;
    near = is_library(module) ? wg_str_nearest(wg_str(full), wg_sandbox_names()) : NULL;
    add(checker, checker->file, line, "field", "there is no %s%s%s%s", full,
        near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static void on_function(void *owner, int line, bool always_answers)
{
    struct checker *checker = owner;
    struct answerer *last =
        checker->answerer_count ? &checker->answerers[checker->answerer_count - 1] : NULL;

    for (size_t i = 0; i < checker->answerer_count; i++) {
        last = &checker->answerers[i];
        if (last->line == line && strcmp(last->file, checker->file) == 0) {
            last->always_answers &= always_answers;
            return;
        }
    }
    checker->answerers = wg_realloc(checker->answerers,
                                    (checker->answerer_count + 1) * sizeof *checker->answerers);
    checker->answerers[checker->answerer_count++] =
        (struct answerer){checker->file, line, always_answers};
}

/* What does not compile is not scanned: names would be told that are none. */
static bool compiles(struct wg_str text, const char *file, struct checker *checker,
                     bool is_told)
{
    lua_State *L = luaL_newstate();
    char name[512];
    bool is_good;

    if (!L)
        return false;
    snprintf(name, sizeof name, "@%s", file);
    is_good = luaL_loadbufferx(L, text.at, text.len, name, "t") == LUA_OK;
    if (!is_good && is_told)
        add(checker, file, 0, "load", "%s", lua_tostring(L, -1));
    lua_close(L);
    return is_good;
}

static void scan(struct checker *checker, const char *file, struct wg_str text)
{
    struct wg_scan callbacks = {.on_global = on_global,
                                .on_field = on_field,
                                .on_function = on_function,
                                .owner = checker};

    checker->file = wg_arena_copy(&checker->arena, wg_str(file)).at;
    wg_scan_run(&callbacks, text);
}

/* ---- handlers ---- */

static bool always_answers(const struct checker *checker, const struct wg_handler *handler)
{
    for (size_t i = 0; i < checker->answerer_count; i++) {
        const struct answerer *answerer = &checker->answerers[i];

        if (answerer->line == handler->line &&
            strcmp(answerer->file, handler->source->shown) == 0)
            return answerer->always_answers;
    }
    return false;
}

static void check_chain(struct checker *checker, const struct wg_chain *chain,
                        enum wg_hook hook)
{
    size_t end = 0;

    while (end < chain->count && !always_answers(checker, &chain->handlers[end]))
        end++;
    for (size_t i = end + 1; i < chain->count; i++)
        add(checker, chain->handlers[i].source->shown, chain->handlers[i].line, "unreachable",
            "this handler of '%s' is never asked: the one at %s:%d always answers; put it "
            "before that one",
            wg_hook_name(hook), chain->handlers[end].source->shown, chain->handlers[end].line);
}

/* ---- the whole ---- */

/* "policies/main.lua:12: text" */
static void add_load_failure(struct checker *checker, const char *file, const char *text)
{
    const char *colon = strchr(text, ':');
    char *end;
    long line;

    for (; colon; colon = strchr(colon + 1, ':')) {
        line = strtol(colon + 1, &end, 10);
        if (end == colon + 1 || *end != ':' || line <= 0 || line > INT32_MAX)
            continue;
        add(checker, wg_arena_copy(&checker->arena, wg_str_of(text, (size_t)(colon - text))).at,
            (int)line, "load", "%s", end + 1 + (end[1] == ' '));
        return;
    }
    add(checker, file, 0, "load", "%s", text);
}

/* The same mistake is told once, by who knows more of it: the scan. */
static void drop_repeated(struct checker *checker, size_t load_failure)
{
    const struct wg_check_problem *failure = &checker->problems[load_failure];

    for (size_t i = load_failure + 1; i < checker->problem_count; i++) {
        const struct wg_check_problem *problem = &checker->problems[i];

        if (failure->line == problem->line && strcmp(failure->file, problem->file) == 0) {
            memmove(&checker->problems[load_failure], &checker->problems[load_failure + 1],
                    (checker->problem_count - load_failure - 1) * sizeof *checker->problems);
            checker->problem_count--;
            return;
        }
    }
}

static int compare(const void *a, const void *b)
{
    const struct wg_check_problem *x = a;
    const struct wg_check_problem *y = b;
    int by_file = strcmp(x->file, y->file);

    return by_file              ? by_file
           : x->line != y->line ? (x->line > y->line) - (x->line < y->line)
                                : strcmp(x->text, y->text);
}

static size_t report(struct checker *checker,
                     void (*on_problem)(void *owner, const struct wg_check_problem *problem),
                     void *owner)
{
    size_t count = checker->problem_count;

    qsort(checker->problems, count, sizeof *checker->problems, compare);
    for (size_t i = 0; i < count; i++)
        on_problem(owner, &checker->problems[i]);
    wg_free(checker->problems);
    wg_free(checker->answerers);
    wg_arena_done(&checker->arena);
    return count;
}

static void init(struct checker *checker)
{
    *checker = (struct checker){.problems = NULL};
    wg_arena_init(&checker->arena);
    checker->problems = wg_alloc(PROBLEM_LIMIT * sizeof *checker->problems);
}

/* Modules as a policy finds them, whether or not this one can be loaded. */
static struct wg_state *open_modules(struct wg_trial *trial)
{
    struct wg_edition *empty = wg_edition_new(trial->edition->config, trial->edition->instance);
    struct wg_state *state = NULL;
    struct wg_err err;

    empty->engine = trial->engine;
    wg_edition_add_main(empty, "nothing", WG_STR(""));
    if (wg_state_new(empty, NULL, &state, &err) != WG_OK)
        state = NULL;
    wg_edition_unref(empty);
    return state;
}

static void check_trial(struct checker *checker, struct wg_trial *trial, bool is_alone,
                        void (*on_file)(void *owner, const char *file), void *owner)
{
    struct wg_edition *edition = trial->edition;
    struct wg_state *state = NULL;
    struct wg_state *modules = open_modules(trial);
    struct wg_err err;
    bool has_failed =
        wg_state_new(edition, NULL, &state, &err) != WG_OK || wg_dry_run(state, &err) != WG_OK;

    if (has_failed && is_alone && edition->lacks_required)
        has_failed = false;
    if (has_failed)
        add_load_failure(checker, edition->instance->policy, err.text);
    checker->modules = modules ? modules->L : NULL;
    for (size_t i = 0; i < edition->source_count; i++) {
        const struct wg_source *source = edition->sources[i];
        struct wg_str text = wg_str_of(source->text, source->len);

        if (on_file)
            on_file(owner, source->shown);
        if (compiles(text, source->shown, checker, false))
            scan(checker, source->shown, text);
    }
    if (has_failed)
        drop_repeated(checker, 0);
    for (int hook = 0; state && hook < WG_HOOK_COUNT; hook++)
        check_chain(checker, &state->chains[hook], (enum wg_hook)hook);
    wg_state_unref(modules);
    wg_state_unref(state);
}

size_t wg_policy_check(const struct wg_check_options *options,
                       void (*on_file)(void *owner, const char *file),
                       void (*on_problem)(void *owner, const struct wg_check_problem *problem),
                       void *owner)
{
    struct checker checker;
    struct wg_trial *trial;
    struct wg_err err;

    init(&checker);
    if (wg_trial_prepare(&options->trial, &trial, &err) == WG_OK) {
        check_trial(&checker, trial, options->is_alone, on_file, owner);
        wg_trial_free(trial);
    } else {
        add(&checker, options->trial.instance->policy, 0, "load", "%s", err.text);
    }
    return report(&checker, on_problem, owner);
}

size_t wg_policy_check_names(const char *file, struct wg_str text,
                             void (*on_problem)(void *owner,
                                                const struct wg_check_problem *problem),
                             void *owner)
{
    struct checker checker;

    init(&checker);
    if (compiles(text, file, &checker, true))
        scan(&checker, file, text);
    return report(&checker, on_problem, owner);
}
