// SPDX-License-Identifier: Apache-2.0
#include "unit/store/support.h"

#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static uint8_t secret_key[crypto_sign_SECRETKEYBYTES], public_key[crypto_sign_PUBLICKEYBYTES];

static bool sign(void *owner, struct wg_str message, uint8_t ret_signature[WG_STORE_SIGNATURE],
                 char ret_key_name[WG_STORE_KEY_NAME])
{
    (void)owner;
    crypto_sign_detached(ret_signature, NULL, (const uint8_t *)message.at, message.len,
                         secret_key);
    strcpy(ret_key_name, "test-key");
    return true;
}

static bool verify(void *owner, struct wg_str message,
                   const uint8_t signature[WG_STORE_SIGNATURE], struct wg_str key_name)
{
    (void)owner;
    return wg_str_is(key_name, "test-key") &&
           crypto_sign_verify_detached(signature, (const uint8_t *)message.at, message.len,
                                       public_key) == 0;
}

static struct fixture *open_store(void **state)
{
    struct fixture *f = *state;

    assert_true(sodium_init() >= 0);
    crypto_sign_keypair(public_key, secret_key);
    f->options.signer = (struct wg_store_signer){sign, verify, NULL};
    f->options.checkpoint_every_rows = 10;
    fixture_open(f);
    return f;
}

static void append_rows(struct fixture *f, int count)
{
    for (int i = 0; i < count; i++) {
        char peer[32], event[32];
        struct wg_audit_row row = {
            .action = i % 2 ? WG_STR("federation.send") : WG_STR("admin.token"),
            .server = WG_STR("a.example"),
            .verdict = WG_STR("allow"),
            .latency_us = 12,
            .trace = i % 2 ? WG_STR("{\"stages\":[]}") : (struct wg_str){0},
        };

        snprintf(peer, sizeof peer, "peer-%d.example", i % 3);
        snprintf(event, sizeof event, "event-%d", i);
        row.peer = wg_str(peer);
        row.event_id = wg_str(event);
        assert_int_equal(ask_append(f, &row, 1), WG_OK);
        f->now_ms += 1000;
    }
}

struct search_result {
    bool is_done, is_end;
    size_t count, pages;
    char events[1024], cursor[64];
    size_t traces;
    enum wg_code code;
};

static void on_page(void *owner, const struct wg_err *err, const struct wg_audit_page *page)
{
    struct search_result *result = owner;

    result->is_done = true;
    result->code = err->code;
    if (!page)
        return;
    result->pages++;
    result->is_end = page->is_end;
    for (size_t i = 0; i < page->count; i++, result->count++) {
        size_t len = strlen(result->events);

        result->traces += page->rows[i].trace.len > 0;
        if (page->rows[i].event_id.len > 6)
            snprintf(result->events + len, sizeof result->events - len, "%.*s ",
                     (int)page->rows[i].event_id.len - 6, page->rows[i].event_id.at + 6);
    }
    snprintf(result->cursor, sizeof result->cursor, "%.*s", WG_STR_F(page->next_cursor));
}

static struct search_result search_all(struct fixture *f, struct wg_audit_search search)
{
    struct search_result result = {0};

    do {
        char cursor[64];

        strcpy(cursor, result.cursor);
        search.cursor = cursor[0] ? wg_str(cursor) : (struct wg_str){0};
        result.is_done = false;
        wg_store_audit_search(f->store, f->loop, &search, on_page, &result);
        loop_until(f->loop, &result.is_done);
        assert_int_equal(result.code, WG_OK);
    } while (!result.is_end && result.pages < 1000);
    return result;
}

static void finds_rows_by_every_filter_newest_first(void **state)
{
    struct fixture *f = open_store(state);
    int64_t began = f->now_ms;
    const struct {
        struct wg_audit_search search;
        const char *expected;
    } cases[] = {
        {{.limit = 3}, "7 6 5 4 3 2 1 0 "},
        {{.action = WG_STR("federation.*"), .limit = 3}, "7 5 3 1 "},
        {{.action = WG_STR("admin.token")}, "6 4 2 0 "},
        {{.action = WG_STR("admin")}, ""},
        {{.peer = WG_STR("peer-1.example"), .limit = 1}, "7 4 1 "},
        {{.peer = WG_STR("peer-1.example"), .action = WG_STR("federation.send")}, "7 1 "},
        {{.event_id = WG_STR("event-5")}, "5 "},
        {{.verdict = WG_STR("deny")}, ""},
        {{.since_ms = began + 3000, .until_ms = began + 6000}, "5 4 3 "},
        {{.is_oldest_first = true, .limit = 5}, "0 1 2 3 4 5 6 7 "},
        {{.is_oldest_first = true, .peer = WG_STR("peer-0.example")}, "0 3 6 "},
    };

    append_rows(f, 8);
    for (size_t i = 0; i < WG_COUNT(cases); i++)
        assert_string_equal(search_all(f, cases[i].search).events, cases[i].expected);
}

static void lists_leave_out_the_traces_that_a_story_asks_for(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_audit_search search = {.event_id = WG_STR("event-1")};

    append_rows(f, 2);
    assert_int_equal(search_all(f, search).traces, 0);
    search.with_trace = true;
    assert_int_equal(search_all(f, search).traces, 1);
}

/* 5,000 rows of every mixture, so that there are several slices and all kinds of them. */
static void append_mixture(struct fixture *f)
{
    enum { COUNT = 5000 };
    static struct wg_audit_row rows[COUNT];
    static char peers[COUNT][16], rooms[COUNT][16], events[COUNT][16];
    static const char *const actions[] = {"federation.send.success", "federation.send.failed",
                                          "federation.queue.drop", "admin.token"};
    static const char *const verdicts[] = {"accepted", "refused", "duplicate"};
    uint32_t state = 12345;

    for (int i = 0; i < COUNT; i++) {
        state = state * 1664525 + 1013904223;
        snprintf(peers[i], sizeof peers[i], "peer-%u", (state >> 8) % 40);
        snprintf(rooms[i], sizeof rooms[i], "room-%u", (state >> 12) % 700);
        snprintf(events[i], sizeof events[i], "event-%d", i);
        rows[i] = (struct wg_audit_row){
            .action = wg_str(actions[i % 997 == 0  ? 2
                                     : i % 61 == 0 ? 3
                                                   : (state >> 16) % 2]),
            .verdict = wg_str(verdicts[(state >> 20) % 3]),
            .peer = wg_str(peers[i]),
            .room_id = wg_str(rooms[i]),
            .event_id = wg_str(events[i]),
            .latency_us = -1,
        };
        if (i % 61 == 0)
            rows[i].verdict = (struct wg_str){0};
        if (wg_str_is(rows[i].verdict, "refused"))
            rows[i].code = i % 5 ? WG_STR("SW_ONE") : WG_STR("SW_TWO");
    }
    for (int i = 0; i < COUNT; i += 1000)
        assert_int_equal(ask_append(f, rows + i, 1000), WG_OK);
}

/* What SQLite says when it looks at every row. */
static int count_rows(struct fixture *f, const char *where)
{
    char file[128], sql[512];
    sqlite3_stmt *row;
    sqlite3 *db;
    int count;

    snprintf(file, sizeof file, "%s/wavegate.db", f->folder);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM sw_audit NOT INDEXED WHERE %s", where);
    assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    count = sqlite3_column_int(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return count;
}

static void filters_that_meet_rarely_find_every_row_and_no_other(void **state)
{
    struct fixture *f = open_store(state);
    const struct {
        struct wg_audit_search search;
        const char *where;
    } cases[] = {
        {{.peer = WG_STR("peer-7")}, "peer = 'peer-7'"},
        {{.peer = WG_STR("peer-7"), .room_id = WG_STR("room-77")},
         "peer = 'peer-7' AND room = 'room-77'"},
        {{.action = WG_STR("federation.queue.*")}, "action GLOB 'federation.queue.*'"},
        {{.action = WG_STR("federation.*"), .peer = WG_STR("peer-3")},
         "action GLOB 'federation.*' AND peer = 'peer-3'"},
        {{.action = WG_STR("*"), .code = WG_STR("SW_TWO")}, "code = 'SW_TWO'"},
        {{.action = WG_STR("federation.send.failed"), .verdict = WG_STR("refused")},
         "action = 'federation.send.failed' AND verdict = 'refused'"},
        {{.verdict = WG_STR("refused"), .room_id = WG_STR("room-5")},
         "verdict = 'refused' AND room = 'room-5'"},
        {{.action = WG_STR("admin.token"), .verdict = WG_STR("refused")}, "0"},
        {{.action = WG_STR("admin.token"), .peer = WG_STR("peer-11")},
         "action = 'admin.token' AND peer = 'peer-11'"},
        {{.action = WG_STR("nothing.*")}, "0"},
        {{.event_id = WG_STR("event-4321")}, "event = 'event-4321'"},
        {{.room_id = WG_STR("room-none")}, "0"},
    };

    append_mixture(f);
    for (size_t i = 0; i < 4 * WG_COUNT(cases); i++) {
        struct wg_audit_search search = cases[i / 4].search;
        size_t found;

        search.is_oldest_first = i % 2;
        search.limit = i % 4 < 2 ? 1000 : 37;
        found = search_all(f, search).count;
        if ((int)found != count_rows(f, cases[i / 4].where))
            fail_msg("%s: %zu rows", cases[i / 4].where, found);
    }
}

static void following_gives_what_came_since(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_audit_search search = {.is_oldest_first = true};
    struct search_result result, more = {0};

    append_rows(f, 3);
    result = search_all(f, search);
    assert_int_equal(result.count, 3);
    append_rows(f, 2);
    search.cursor = wg_str(result.cursor);
    wg_store_audit_search(f->store, f->loop, &search, on_page, &more);
    loop_until(f->loop, &more.is_done);
    assert_int_equal(more.count, 2);
}

/* --- chain --- */

struct verdict {
    bool is_done, is_end, is_broken;
    int64_t rows, checkpoints, broken_number;
    char finding[128], cursor[256];
};

static void on_checked(void *owner, const struct wg_err *err,
                       const struct wg_audit_check *check)
{
    struct verdict *verdict = owner;

    assert_int_equal(err->code, WG_OK);
    verdict->is_done = true;
    verdict->is_end = check->is_end;
    verdict->is_broken = check->is_broken;
    verdict->rows = check->rows;
    verdict->checkpoints = check->checkpoints;
    verdict->broken_number = check->broken_number;
    snprintf(verdict->finding, sizeof verdict->finding, "%.*s", WG_STR_F(check->finding));
    snprintf(verdict->cursor, sizeof verdict->cursor, "%.*s", WG_STR_F(check->next_cursor));
}

static struct verdict verify_all(struct fixture *f)
{
    struct verdict verdict = {0};

    for (int i = 0; i < 1000 && !verdict.is_end; i++) {
        char cursor[256];

        strcpy(cursor, verdict.cursor);
        verdict.is_done = false;
        wg_store_audit_verify(f->store, f->loop,
                              cursor[0] ? wg_str(cursor) : (struct wg_str){0}, on_checked,
                              &verdict);
        loop_until(f->loop, &verdict.is_done);
    }
    assert_true(verdict.is_end);
    return verdict;
}

/* As somebody would who has the file. */
static void tamper(struct fixture *f, const char *sql)
{
    char file[128], *message = NULL;
    sqlite3 *db;

    fixture_close(f);
    snprintf(file, sizeof file, "%s/wavegate.db", f->folder);
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
    fixture_open(f);
}

static void an_untouched_chain_is_good_over_restarts(void **state)
{
    struct fixture *f = open_store(state);
    struct verdict verdict = verify_all(f);

    assert_false(verdict.is_broken);
    append_rows(f, 25);
    fixture_close(f);
    fixture_open(f);
    append_rows(f, 1);
    verdict = verify_all(f);
    if (verdict.is_broken)
        fail_msg("%s", verdict.finding);
    assert_int_equal(verdict.checkpoints, 3); /* two by count, one at the close */
    assert_int_equal(verdict.rows, 26 + 3);
}

static void finds_what_was_done_to_the_chain(void **state)
{
    const struct {
        const char *sql, *finding;
    } cases[] = {
        {"UPDATE sw_audit SET verdict = 'deny' WHERE n = 5", "row 5 was changed or moved"},
        {"UPDATE sw_audit SET at = at + 1 WHERE n = 2", "row 2 was changed or moved"},
        {"UPDATE sw_audit SET reason = '' WHERE n = 2", "row 2 was changed or moved"},
        {"UPDATE sw_audit SET trace = '{}' WHERE n = 2", "row 2 was changed or moved"},
        {"UPDATE sw_audit SET trace = NULL WHERE n = 2", "row 2 was changed or moved"},
        {"UPDATE sw_audit SET trace = '' WHERE n = 3", "row 3 was changed or moved"},
        {"UPDATE sw_audit SET extra = trace, trace = NULL WHERE n = 2",
         "row 2 was changed or moved"},
        {"UPDATE sw_audit SET peer = peer || server, server = '' WHERE n = 3",
         "row 3 was changed or moved"},
        {"DELETE FROM sw_audit WHERE n = 7", "row 7 is missing"},
        {"DELETE FROM sw_audit WHERE n BETWEEN 3 AND 6", "rows 3 to 6 are missing"},
        {"DELETE FROM sw_audit WHERE n <= 4", "rows 1 to 4 are missing"},
        {"DELETE FROM sw_audit WHERE n > 9", "the chain ends at row 9, but 13 were written"},
        {"UPDATE sw_audit SET n = 100 WHERE n = 3; UPDATE sw_audit SET n = 3 WHERE n = 4;"
         "UPDATE sw_audit SET n = 4 WHERE n = 100",
         "row 3 was changed or moved"},
        {"DELETE FROM sw_audit WHERE n <= 4; UPDATE audit_anchor SET n = 4,"
         " hash = (SELECT hash FROM sw_audit WHERE n = 4)",
         "the anchor of the chain was changed"},
        {"UPDATE audit_anchor SET n = 4, hash = (SELECT hash FROM sw_audit WHERE n = 4);"
         "DELETE FROM sw_audit WHERE n <= 4",
         "the anchor at row 4, before which rows were removed, is not signed by a key of this "
         "gateway"},
    };

    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct fixture *f = open_store(state);
        const char *sql = cases[i].sql;
        struct verdict verdict;

        append_rows(f, 11);
        if (i == 13) /* the anchor's hash cannot become NULL: the file itself refuses */
            sql = "DELETE FROM sw_audit WHERE n <= 4; UPDATE audit_anchor SET n = 4, hash = "
                  "x'00'";
        tamper(f, sql);
        verdict = verify_all(f);
        assert_true(verdict.is_broken);
        assert_string_equal(verdict.finding, cases[i].finding);
        fixture_close(f);
        fixture_wipe(f->folder);
    }
}

static void a_rewritten_chain_lacks_the_signature(void **state)
{
    struct fixture *f = open_store(state);
    struct verdict verdict;

    append_rows(f, 12);
    fixture_close(f);
    crypto_sign_keypair(public_key, secret_key); /* as if signed by somebody else */
    fixture_open(f);
    verdict = verify_all(f);
    assert_true(verdict.is_broken);
    assert_string_equal(verdict.finding,
                        "checkpoint 11 is not signed by a key of this gateway");
}

static void the_rest_is_good_after_old_rows_went(void **state)
{
    struct fixture *f = *state;
    struct wg_store_figures figures;
    struct verdict verdict;

    f->options.audit_keep_ms = 100 * 1000;
    open_store(state);
    append_rows(f, 300);
    ask_upkeep(f);
    wg_store_read_figures(f->store, &figures);
    assert_in_range(figures.audit_rows, 99, 115);
    verdict = verify_all(f);
    if (verdict.is_broken)
        fail_msg("%s", verdict.finding);
    assert_int_equal(verdict.rows, figures.audit_rows);
    fixture_close(f);
    f->options.audit_keep_bytes = 5000;
    fixture_open(f);
    ask_upkeep(f);
    wg_store_read_figures(f->store, &figures);
    assert_in_range(figures.audit_bytes, 4000, 5000);
    assert_false(verify_all(f).is_broken);
}

static void rows_come_with_the_change_they_tell_of_or_not_at_all(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_audit_row row = {.action = WG_STR("federation.send"),
                               .event_id = WG_STR("event-1")};
    struct wg_accept accept = make_accept(1, "room-1", &to_peer);
    struct wg_audit_search search = {.event_id = WG_STR("event-1")};

    accept.audit = &row;
    accept.audit_count = 1;
    ask_accept(f, &accept, NULL);
    ask_accept(f, &accept, NULL); /* a duplicate writes none */
    assert_int_equal(search_all(f, search).count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(finds_rows_by_every_filter_newest_first),
        TEST(lists_leave_out_the_traces_that_a_story_asks_for),
        TEST(filters_that_meet_rarely_find_every_row_and_no_other),
        TEST(following_gives_what_came_since),
        TEST(an_untouched_chain_is_good_over_restarts),
        TEST(finds_what_was_done_to_the_chain),
        TEST(a_rewritten_chain_lacks_the_signature),
        TEST(the_rest_is_good_after_old_rows_went),
        TEST(rows_come_with_the_change_they_tell_of_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
