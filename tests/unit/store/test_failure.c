// SPDX-License-Identifier: Apache-2.0
#include "unit/store/support.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/db.h"
#include "unit/store/faulty_vfs.h"

static int setup(void **state)
{
    faulty_vfs_install();
    faulty = (struct faulty_vfs){0};
    return fixture_setup(state);
}

static enum wg_code accept_event(struct fixture *f, uint32_t event)
{
    struct wg_accept accept = make_accept(event, "room-1", &to_peer);

    return ask_accept(f, &accept, NULL);
}

/* All that waits, in order of acceptance. */
static struct entries all_of(struct fixture *f)
{
    struct wg_queue_filter waiting = {.state = WG_QUEUE_WAITING};
    struct entries entries;

    assert_int_equal(ask_list(f, &waiting, 100, &entries), WG_OK);
    return entries;
}

/* --- group commit --- */

struct burst {
    int64_t answered;
    bool is_done;
};

static void on_burst(void *owner, const struct wg_err *err, const struct wg_accepted *accepted)
{
    struct burst *burst = owner;

    assert_int_equal(err->code, WG_OK);
    assert_non_null(accepted);
    burst->is_done = ++burst->answered == 2000;
}

static void what_waits_together_costs_one_fsync(void **state)
{
    struct fixture *f = *state;
    struct burst burst = {0};
    int64_t syncs;

    fixture_open(f);
    syncs = faulty_vfs_log_syncs();
    for (uint32_t i = 0; i < 2000; i++) {
        struct wg_accept accept = make_accept(i, "room-1", &to_peer);

        wg_store_accept(f->store, f->loop, &accept, on_burst, &burst);
    }
    loop_until(f->loop, &burst.is_done);
    syncs = faulty_vfs_log_syncs() - syncs;
    assert_in_range(syncs, 2, 1000); /* 1,024 in a group at most, but the first ones go alone */
    assert_int_equal(all_of(f).count, 256); /* as many as the helper keeps */
}

static void every_promise_is_fsynced(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    for (uint32_t i = 0; i < 10; i++) {
        int64_t syncs = faulty_vfs_log_syncs();

        assert_int_equal(accept_event(f, i), WG_OK);
        assert_true(faulty_vfs_log_syncs() > syncs);
    }
}

/* --- failing disk --- */

static void a_failure_is_told_and_passes_with_its_cause(void **state)
{
    static const struct {
        const char *why;
        int *code, value;
        enum wg_code expected;
    } cases[] = {
        {"no space", &faulty.write_code, SQLITE_FULL, WG_FULL},
        {"write error", &faulty.write_code, SQLITE_IOERR_WRITE, WG_IO},
        {"read-only", &faulty.write_code, SQLITE_READONLY, WG_IO},
        {"fsync error", &faulty.sync_code, SQLITE_IOERR_FSYNC, WG_IO},
    };

    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct fixture *f = *state;
        struct wg_store_figures figures;
        struct entries entries;

        fixture_open(f);
        assert_int_equal(accept_event(f, 1), WG_OK);
        faulty_vfs_set(cases[i].code, cases[i].value);
        for (uint32_t event = 2; event < 5; event++) {
            if (accept_event(f, event) != cases[i].expected)
                fail_msg("%s: %s", cases[i].why, f->err.text);
        }
        wg_store_read_figures(f->store, &figures);
        assert_false(figures.is_writable);
        faulty_vfs_set(cases[i].code, 0);
        for (uint32_t event = 5; event < 8; event++) {
            if (accept_event(f, event) != WG_OK)
                fail_msg("after %s: %s", cases[i].why, f->err.text);
        }
        wg_store_read_figures(f->store, &figures);
        assert_true(figures.is_writable);
        assert_int_equal(figures.deliveries, 4);
        fixture_close(f);
        fixture_open(f);
        entries = all_of(f);
        assert_int_equal(entries.count, 4);
        for (size_t k = 1; k < 4; k++)
            assert_int_equal(entries.event[k], 4 + k);
        fixture_close(f);
        fixture_wipe(f->folder);
    }
}

static void a_promise_made_before_a_failed_fsync_holds(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    for (uint32_t i = 0; i < 50; i++) {
        bool is_failing = i % 5 == 4;

        faulty_vfs_set(&faulty.sync_code, is_failing ? SQLITE_IOERR_FSYNC : 0);
        assert_int_equal(accept_event(f, i), is_failing ? WG_IO : WG_OK);
        faulty_vfs_set(&faulty.sync_code, 0);
    }
    assert_int_equal(all_of(f).count, 40);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(all_of(f).count, 40);
}

static void while_the_file_cannot_be_opened_again_requests_fail_and_then_work(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    assert_int_equal(accept_event(f, 1), WG_OK);
    faulty_vfs_set(&faulty.open_code, SQLITE_CANTOPEN);
    faulty_vfs_set(&faulty.sync_code, SQLITE_IOERR_FSYNC);
    assert_int_equal(accept_event(f, 2), WG_IO);
    faulty_vfs_set(&faulty.sync_code, 0);
    assert_int_equal(accept_event(f, 3), WG_IO);
    if (!strstr(f->err.text, "cannot be used since"))
        fail_msg("%s", f->err.text);
    faulty_vfs_set(&faulty.open_code, 0);
    assert_int_equal(accept_event(f, 4), WG_OK);
    assert_int_equal(all_of(f).count, 2);
}

static void a_full_disk_takes_nothing_from_what_was_promised(void **state)
{
    struct fixture *f = *state;
    static char body[50000];
    struct wg_accept accept;
    struct entries entries;
    uint32_t promised = 0;

    if (mount("none", f->folder, "tmpfs", 0, "size=2m") != 0) {
        print_message("no tmpfs can be mounted here (%s): not tested\n", strerror(errno));
        skip();
    }
    f->options.free_disk_bytes_min = 1;
    fixture_open(f);
    for (uint32_t i = 0; i < 100; i++) {
        enum wg_code code;

        accept = make_accept(i, "room-1", &to_peer);
        accept.message.body = wg_str_of(body, sizeof body);
        code = ask_accept(f, &accept, NULL);
        if (code == WG_FULL)
            break;
        assert_int_equal(code, WG_OK);
        promised++;
    }
    assert_in_range(promised, 1, 99);
    assert_int_equal(ask_accept(f, &accept, NULL), WG_FULL);
    assert_int_equal(all_of(f).count, promised);
    assert_int_equal(mount("none", f->folder, "tmpfs", MS_REMOUNT, "size=16m"), 0);
    assert_int_equal(ask_accept(f, &accept, NULL), WG_OK);
    fixture_close(f);
    fixture_open(f);
    entries = all_of(f);
    assert_int_equal(entries.count, promised + 1);
    for (uint32_t i = 0; i <= promised; i++)
        assert_int_equal(entries.event[i], i);
    fixture_close(f);
    umount(f->folder);
}

/* --- files that are not ours, or not well --- */

static void path_of(struct fixture *f, char *path, size_t size)
{
    snprintf(path, size, "%s/wavegate.db", f->folder);
}

static void run_sql(struct fixture *f, const char *sql)
{
    char path[128], *message = NULL;
    sqlite3 *db;

    path_of(f, path, sizeof path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

static void expect_refusal(struct fixture *f, enum wg_code code, const char *words)
{
    assert_int_equal(wg_store_open(&f->options, &f->store, &f->err), code);
    assert_null(f->store);
    if (!strstr(f->err.text, words))
        fail_msg("'%s' lacks '%s'", f->err.text, words);
}

static void refuses_the_database_of_another_program(void **state)
{
    struct fixture *f = *state;

    run_sql(f, "CREATE TABLE moz_places (id INTEGER PRIMARY KEY)");
    expect_refusal(f, WG_CONFIG, "another program; set another `data` folder");
    run_sql(f, "PRAGMA application_id = 12345");
    expect_refusal(f, WG_CONFIG, "another program");
}

static void refuses_a_file_that_is_no_database(void **state)
{
    struct fixture *f = *state;
    char path[128];
    FILE *file;

    path_of(f, path, sizeof path);
    file = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fprintf(file, "this is a letter to my aunt\n");
    fclose(file);
    expect_refusal(f, WG_CONFIG, "is not a store of Wavegate");
}

static void refuses_a_store_that_a_newer_version_wrote(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    fixture_close(f);
    run_sql(f, "PRAGMA user_version = 99");
    expect_refusal(f, WG_CONFIG, "newer Wavegate (schema 99");
}

static void refuses_a_damaged_store(void **state)
{
    struct fixture *f = *state;
    char path[128], noise[4096];
    struct stat info;
    int fd;

    fixture_open(f);
    for (uint32_t i = 0; i < 200; i++)
        assert_int_equal(accept_event(f, i), WG_OK);
    fixture_close(f);
    path_of(f, path, sizeof path);
    assert_int_equal(stat(path, &info), 0);
    memset(noise, 0x5a, sizeof noise);
    fd = open(path, O_WRONLY);
    for (off_t at = 4096 * 3; at < info.st_size; at += 4096 * 4)
        assert_int_equal(pwrite(fd, noise, sizeof noise, at), sizeof noise);
    close(fd);
    expect_refusal(f, WG_CORRUPT, "restore it from a backup");
    assert_int_equal(truncate(path, 4096 * 2), 0);
    expect_refusal(f, WG_CORRUPT, "restore it from a backup");
}

static void refuses_a_second_process(void **state)
{
    struct fixture *f = *state;
    struct wg_store *second = NULL;

    fixture_open(f);
    assert_int_equal(wg_store_open(&f->options, &second, &f->err), WG_CONFIG);
    assert_non_null(strstr(f->err.text, "in use by another process"));
}

static void refuses_a_folder_it_cannot_write(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    fixture_close(f);
    if (mount(f->folder, f->folder, NULL, MS_BIND, NULL) != 0 ||
        mount(f->folder, f->folder, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0) {
        print_message("nothing can be mounted here (%s): not tested\n", strerror(errno));
        skip();
    }
    expect_refusal(f, WG_CONFIG, "data folder");
    umount(f->folder);
    fixture_open(f);
    fixture_close(f);
    f->options.folder = "/nonexistent/folder";
    expect_refusal(f, WG_CONFIG, "data folder");
}

static void refuses_a_file_it_cannot_write(void **state)
{
    struct fixture *f = *state;
    char path[128];

    fixture_open(f);
    fixture_close(f);
    path_of(f, path, sizeof path);
    if (mount(path, path, NULL, MS_BIND, NULL) != 0 ||
        mount(path, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0) {
        print_message("nothing can be mounted here (%s): not tested\n", strerror(errno));
        skip();
    }
    expect_refusal(f, WG_CONFIG, "cannot be written");
    umount(path);
}

static void brings_a_store_of_version_1_up_to_date_with_all_in_it(void **state)
{
    struct fixture *f = *state;
    struct wg_db db = {0};
    struct entries entries;
    char path[128];

    path_of(f, path, sizeof path);
    assert_int_equal(wg_db_open(&db, path, false, &f->err), WG_OK);
    wg_db_migrate(&db, 1);
    wg_db_script(
        &db, "INSERT INTO message VALUES (1, x'00000007000000000000000000000000', 'a.example',"
             " NULL, NULL, 'room-1', 'swp.room.message', 1, 1800000000000, 'o:peer.example',"
             " NULL, x'7b7d');"
             "INSERT INTO delivery VALUES ('o:peer.example', 'room-1', 1, 2);"
             "INSERT INTO lane VALUES ('o:peer.example', 'room-1', 1, 1, 1, 1, 2, 0);"
             "UPDATE state SET next_order = 2, deliveries = 1, body_bytes = 2");
    assert_int_equal(wg_db_status(&db, &f->err), WG_OK);
    wg_db_close(&db);
    fixture_open(f);
    entries = all_of(f);
    assert_int_equal(entries.count, 1);
    assert_int_equal(entries.event[0], 7);
    assert_int_equal(
        ask_append(f, &(struct wg_audit_row){.action = WG_STR("admin.migrated")}, 1), WG_OK);
    assert_int_equal(accept_event(f, 8), WG_OK);
}

/* SHA-256 of 32 zero bytes and that row: n, at, generation, latency, 13 texts. */
#define VERSION_2_HASH "52ef3c243ab5dffbcaca7cda7bbda7a83d0de46d6ab7f625eedf077a89e35202"

static void on_checked(void *owner, const struct wg_err *err,
                       const struct wg_audit_check *check)
{
    struct wg_audit_check *copy = owner;

    assert_int_equal(err->code, WG_OK);
    *copy = *check;
}

static void a_chain_of_version_2_is_still_whole_after_the_migration(void **state)
{
    struct fixture *f = *state;
    struct wg_audit_check check = {0};
    struct wg_db db = {0};
    char path[128];

    path_of(f, path, sizeof path);
    assert_int_equal(wg_db_open(&db, path, false, &f->err), WG_OK);
    wg_db_migrate(&db, 2);
    wg_db_script(
        &db, "INSERT INTO sw_audit (n, at, action, generation, latency_us, hash) VALUES"
             " (1, 1000, 'federation.old', 0, -1, x'" VERSION_2_HASH "');"
             "UPDATE state SET audit_number = 1, audit_rows = 1, audit_hash = x'" VERSION_2_HASH
             "'");
    assert_int_equal(wg_db_status(&db, &f->err), WG_OK);
    wg_db_close(&db);
    fixture_open(f);
    assert_int_equal(
        ask_append(f, &(struct wg_audit_row){.action = WG_STR("new"), .trace = WG_STR("{}")},
                   1),
        WG_OK);
    wg_store_audit_verify(f->store, f->loop, (struct wg_str){0}, on_checked, &check);
    loop_until(f->loop, &check.is_end);
    assert_false(check.is_broken);
    assert_int_equal(check.rows, 2);
}

static void a_migration_that_fails_leaves_the_file_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct wg_db db = {0};
    char path[128];

    path_of(f, path, sizeof path);
    assert_int_equal(wg_db_open(&db, path, false, &f->err), WG_OK);
    wg_db_migrate(&db, 1);
    wg_db_script(&db, "CREATE TABLE sw_audit (something_else INTEGER)");
    wg_db_close(&db);
    assert_int_not_equal(wg_store_open(&f->options, &f->store, &f->err), WG_OK);
    run_sql(f, "DROP TABLE sw_audit");
    fixture_open(f); /* version 1 still, and whole */
    assert_int_equal(accept_event(f, 8), WG_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
        TEST(what_waits_together_costs_one_fsync),
        TEST(every_promise_is_fsynced),
        TEST(a_failure_is_told_and_passes_with_its_cause),
        TEST(a_promise_made_before_a_failed_fsync_holds),
        TEST(while_the_file_cannot_be_opened_again_requests_fail_and_then_work),
        TEST(a_full_disk_takes_nothing_from_what_was_promised),
        TEST(refuses_the_database_of_another_program),
        TEST(refuses_a_file_that_is_no_database),
        TEST(refuses_a_store_that_a_newer_version_wrote),
        TEST(refuses_a_damaged_store),
        TEST(refuses_a_second_process),
        TEST(refuses_a_folder_it_cannot_write),
        TEST(refuses_a_file_it_cannot_write),
        TEST(brings_a_store_of_version_1_up_to_date_with_all_in_it),
        TEST(a_chain_of_version_2_is_still_whole_after_the_migration),
        TEST(a_migration_that_fails_leaves_the_file_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
