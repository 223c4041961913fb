// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/watch.h"

/* A folder with links as certbot and Kubernetes make them. */
struct rig {
    char folder[64];
    struct wg_loop *loop;
    struct wg_watch_files *watch;
    unsigned changes;
};

static void on_change(void *owner)
{
    struct rig *rig = owner;

    rig->changes++;
}

static const char *path_of(const struct rig *rig, const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", rig->folder, name);
    return path;
}

static void write_file(const struct rig *rig, const char *name)
{
    int fd = open(path_of(rig, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

static void make_folder(const struct rig *rig, const char *name)
{
    assert_int_equal(mkdir(path_of(rig, name), 0700), 0);
}

/* As ln -sfn. */
static void make_link(const struct rig *rig, const char *target, const char *name)
{
    const char *draft = path_of(rig, "link.new");

    assert_int_equal(symlink(target, draft), 0);
    assert_int_equal(rename(draft, path_of(rig, name)), 0);
}

static void rig_open(struct rig *rig)
{
    struct wg_err err;

    memset(rig, 0, sizeof *rig);
    strcpy(rig->folder, "/tmp/wavegate-watch-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    assert_int_equal(wg_loop_new(wg_clock_system(), &rig->loop, &err), WG_OK);
    rig->watch = wg_watch_files_new(rig->loop, on_change, rig, &err);
    assert_int_equal(err.code, WG_OK);
}

static void rig_close(struct rig *rig)
{
    char command[128];

    wg_watch_files_free(rig->watch);
    wg_loop_stop(rig->loop);
    wg_loop_run(rig->loop);
    wg_loop_free(rig->loop);
    snprintf(command, sizeof command, "rm -r %s", rig->folder);
    assert_int_equal(system(command), 0);
}

static void watch(struct rig *rig, const char *name)
{
    const char *path = path_of(rig, name);

    wg_watch_files_set(rig->watch, &path, 1);
}

static void wait_for_change(struct rig *rig)
{
    unsigned before = rig->changes;

    while (rig->changes == before)
        wg_loop_wait(rig->loop);
}

/* A change that counts, after one that does not: both would be told together. */
static void assert_unnoticed(struct rig *rig)
{
    unsigned before = rig->changes;
    int64_t until_ms = wg_loop_now_ms(rig->loop) + 2 * (int64_t)WG_WATCH_QUIET_MS;

    wg_watch_files_again(rig->watch, 2 * (int64_t)WG_WATCH_QUIET_MS);
    while (rig->changes == before)
        wg_loop_wait(rig->loop);
    assert_true(wg_loop_now_ms(rig->loop) >= until_ms - 1);
}

static void notices_a_file_that_is_written_renamed_or_made(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig);
    write_file(&rig, "a.pem");
    watch(&rig, "a.pem");
    write_file(&rig, "a.pem");
    wait_for_change(&rig);
    write_file(&rig, "fresh");
    assert_int_equal(rename(path_of(&rig, "fresh"), path_of(&rig, "a.pem")), 0);
    wait_for_change(&rig);
    assert_int_equal(unlink(path_of(&rig, "a.pem")), 0);
    wait_for_change(&rig);
    write_file(&rig, "a.pem");
    wait_for_change(&rig);
    rig_close(&rig);
}

static void notices_a_link_on_the_way_that_leads_elsewhere(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig);
    make_folder(&rig, "one");
    make_folder(&rig, "two");
    write_file(&rig, "one/tls.pem");
    write_file(&rig, "two/tls.pem");
    make_link(&rig, "one", "data");
    make_link(&rig, "data/tls.pem", "tls.pem");
    watch(&rig, "tls.pem");
    make_link(&rig, "two", "data");
    wait_for_change(&rig);
    watch(&rig, "tls.pem");
    write_file(&rig, "two/tls.pem");
    wait_for_change(&rig);
    watch(&rig, "tls.pem");
    write_file(&rig, "one/tls.pem"); /* leads there no more */
    assert_unnoticed(&rig);
    rig_close(&rig);
}

static void neighbours_of_a_file_do_not_count(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig);
    write_file(&rig, "a.pem");
    watch(&rig, "a.pem");
    write_file(&rig, "b.pem");
    assert_unnoticed(&rig);
    rig_close(&rig);
}

static void links_in_a_circle_are_given_up(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig);
    make_link(&rig, "b", "a");
    make_link(&rig, "a", "b");
    watch(&rig, "a");
    make_link(&rig, "c", "b");
    wait_for_change(&rig);
    rig_close(&rig);
}

static void changes_that_come_together_are_told_once(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig);
    write_file(&rig, "a.pem");
    watch(&rig, "a.pem");
    for (int i = 0; i < 5; i++)
        write_file(&rig, "a.pem");
    wait_for_change(&rig);
    assert_unnoticed(&rig);
    assert_int_equal(rig.changes, 2);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notices_a_file_that_is_written_renamed_or_made),
        cmocka_unit_test(notices_a_link_on_the_way_that_leads_elsewhere),
        cmocka_unit_test(neighbours_of_a_file_do_not_count),
        cmocka_unit_test(links_in_a_circle_are_given_up),
        cmocka_unit_test(changes_that_come_together_are_told_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
