// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "policy/list_source.h"

enum { THREADS = 4, SWAPS = 60 };

struct shared {
    struct wg_list_source *source;
    atomic_bool is_over;
    atomic_uint lookups, wrong;
    unsigned news;
};

/* Every version has "always"; none has "never". */
static void *ask(void *owner)
{
    struct shared *shared = owner;

    while (!atomic_load(&shared->is_over)) {
        struct wg_list *list = wg_list_source_current(shared->source);
        struct wg_list_match match;
        struct wg_list_info info;

        for (int i = 0; i < 50; i++) {
            if (!wg_list_find(list, WG_STR("x.always.example"), 0, &match) ||
                wg_list_find(list, WG_STR("never.example"), 0, &match))
                atomic_fetch_add(&shared->wrong, 1);
            atomic_fetch_add(&shared->lookups, 2);
        }
        wg_list_info(list, &info);
        wg_list_unref(list);
    }
    return NULL;
}

static void on_news(void *owner, const struct wg_list_source_news *news)
{
    struct shared *shared = owner;

    assert_true(news->is_ok && news->is_changed);
    shared->news++;
}

static void on_closed(void *owner)
{
    *(bool *)owner = true;
}

static void write_version(const char *path, unsigned version)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (unsigned i = 0; i <= version; i++)
        fprintf(file, "n%u-%u.example\n10.%u.0.0/16\n", version, i, i);
    fputs("*.always.example\n", file);
    fclose(file);
}

static void answers_every_thread_while_versions_are_swapped(void **state)
{
    struct wg_list_source_options options = {.on_news = on_news};
    char path[] = "/tmp/wavegate-list-XXXXXX";
    struct shared shared = {0};
    pthread_t threads[THREADS];
    struct wg_list_info info;
    struct wg_list *list;
    bool is_closed = false;
    struct wg_err err;
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(wg_loop_new(wg_clock_system(), &options.loop, &err), WG_OK);
    write_version(path, 0);
    options.where = path;
    options.owner = &shared;
    assert_int_equal(wg_list_source_open(&options, &shared.source, &err), WG_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &shared), 0);
    for (unsigned version = 1; version <= SWAPS; version++) {
        write_version(path, version);
        wg_list_source_refresh(shared.source);
        while (shared.news < version)
            wg_loop_turn(options.loop);
    }
    atomic_store(&shared.is_over, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(shared.wrong, 0);
    list = wg_list_source_current(shared.source);
    wg_list_info(list, &info);
    assert_int_equal(info.count, 2 * (SWAPS + 1) + 1);
    assert_int_equal(info.lookups, atomic_load(&shared.lookups));
    assert_int_equal(info.hits * 2, info.lookups);
    wg_list_unref(list);
    wg_list_source_close(shared.source, on_closed, &is_closed);
    while (!is_closed)
        wg_loop_turn(options.loop);
    wg_loop_free(options.loop);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_every_thread_while_versions_are_swapped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
