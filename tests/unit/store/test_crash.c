// SPDX-License-Identifier: Apache-2.0
/* kill -9 at random moments of a store under load: every promise that was told is kept, nothing
 * is there that nobody asked for, and each room is in order. WG_CRASH_ROUNDS sets how many
 * times. */
#include "unit/store/support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 200000, ROOMS = 7, UNDER_WAY = 200 };

enum told { TOLD_ACCEPTED = 'A', TOLD_SETTLING = 'S', TOLD_SETTLED = 'D' };
struct record {
    uint32_t event;
    uint32_t told;
};

/* --- the process that is killed --- */

struct child {
    struct fixture *f;
    int pipe;
    int64_t under_way;
};

struct job {
    struct child *child;
    uint32_t event;
    bool is_sent;
    struct wg_settlement settlement;
    char room[16];
};

static void tell(const struct job *job, enum told told)
{
    struct record record = {job->event, told};

    if (write(job->child->pipe, &record, sizeof record) != sizeof record)
        _exit(3);
}

static void on_settled(void *owner, const struct wg_err *err)
{
    struct job *job = owner;

    if (err->code == WG_OK)
        tell(job, TOLD_SETTLED);
    job->child->under_way--;
    free(job);
}

static void on_accepted(void *owner, const struct wg_err *err,
                        const struct wg_accepted *accepted)
{
    struct job *job = owner;

    if (err->code == WG_OK)
        tell(job, TOLD_ACCEPTED);
    if (!accepted || !job->is_sent) {
        job->child->under_way--;
        free(job);
        return;
    }
    tell(job, TOLD_SETTLING);
    job->settlement = (struct wg_settlement){
        .key = {to_peer, wg_str(job->room), accepted->order}, .outcome = WG_OUTCOME_SENT};
    wg_store_settle(job->child->f->store, job->child->f->loop, &job->settlement, 1, on_settled,
                    job);
}

static void load_until_killed(struct fixture *f, int pipe, uint32_t first)
{
    struct child child = {f, pipe, 0};

    fixture_open(f);
    for (uint32_t event = first; event < EVENTS_MAX; event++) {
        struct job *job = calloc(1, sizeof *job);
        struct wg_accept accept;

        job->child = &child;
        job->event = event;
        job->is_sent = event % 3 != 0;
        snprintf(job->room, sizeof job->room, "room-%u", event % ROOMS);
        accept = make_accept(event, job->room, &to_peer);
        child.under_way++;
        wg_store_accept(f->store, f->loop, &accept, on_accepted, job);
        while (child.under_way >= UNDER_WAY)
            loop_turn(f->loop);
    }
    _exit(0);
}

/* --- the process that looks afterwards --- */

struct ledger {
    bool is_accepted[EVENTS_MAX], is_settling[EVENTS_MAX], is_settled[EVENTS_MAX],
        is_there[EVENTS_MAX];
    uint32_t next; /* first event not told of */
    uint32_t last_of_room[ROOMS];
    bool is_done;
    char cursor[256];
};

static void read_all(int pipe, struct ledger *ledger)
{
    struct record record;

    while (read(pipe, &record, sizeof record) == sizeof record) {
        if (record.told == TOLD_ACCEPTED)
            ledger->is_accepted[record.event] = true;
        else if (record.told == TOLD_SETTLING)
            ledger->is_settling[record.event] = true;
        else
            ledger->is_settled[record.event] = true;
        if (record.event >= ledger->next)
            ledger->next = record.event + 1;
    }
}

static void on_page(void *owner, const struct wg_err *err, const struct wg_queue_page *page)
{
    struct ledger *ledger = owner;

    assert_int_equal(err->code, WG_OK);
    ledger->is_done = true;
    for (size_t i = 0; i < page->count; i++) {
        const struct wg_delivery *delivery = &page->entries[i].delivery;
        const uint8_t *id = delivery->message.event_id;
        uint32_t event =
            (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];

        assert_true(event < EVENTS_MAX);
        assert_false(ledger->is_there[event]);
        ledger->is_there[event] = true;
        /* Rows come room by room in order of acceptance, which was that of the numbers. */
        assert_true(event >= ledger->last_of_room[event % ROOMS]);
        ledger->last_of_room[event % ROOMS] = event;
        if (event >= ledger->next)
            ledger->next = event + 1;
    }
    snprintf(ledger->cursor, sizeof ledger->cursor, "%.*s", WG_STR_F(page->next_cursor));
}

static void compare(struct fixture *f, struct ledger *ledger, uint32_t asked_at_most)
{
    memset(ledger->is_there, 0, sizeof ledger->is_there);
    memset(ledger->last_of_room, 0, sizeof ledger->last_of_room);
    ledger->cursor[0] = '\0';
    fixture_open(f);
    do {
        struct wg_queue_list list = {.limit = 1000};
        char cursor[256];

        strcpy(cursor, ledger->cursor);
        if (cursor[0])
            list.cursor = wg_str(cursor);
        ledger->is_done = false;
        wg_store_queue_list(f->store, f->loop, &list, on_page, ledger);
        loop_until(f->loop, &ledger->is_done);
    } while (ledger->cursor[0]);
    for (uint32_t event = 0; event < EVENTS_MAX; event++) {
        if (ledger->is_accepted[event] && !ledger->is_settling[event] &&
            !ledger->is_there[event])
            fail_msg("event %u was promised and is lost", event);
        if (ledger->is_settled[event] && ledger->is_there[event])
            fail_msg("event %u was settled for good and is there again", event);
        if (ledger->is_there[event] && event >= asked_at_most)
            fail_msg("event %u was never asked for", event);
    }
    fixture_close(f);
}

static void keeps_every_promise_through_kill_9(void **state)
{
    struct fixture *f = *state;
    struct ledger *ledger = calloc(1, sizeof *ledger);
    const char *rounds_text = getenv("WG_CRASH_ROUNDS");
    int rounds = rounds_text ? atoi(rounds_text) : 8;

    srand((unsigned)time(NULL));
    for (int round = 0; round < rounds; round++) {
        int ends[2];
        pid_t pid;
        struct timespec nap = {0, (rand() % 150 + 5) * 1000000};

        assert_int_equal(pipe(ends), 0);
        pid = fork();
        if (pid == 0) {
            close(ends[0]);
            load_until_killed(f, ends[1], ledger->next);
        }
        close(ends[1]);
        /* The pipe is read while it lasts, or the child would wait for us. */
        if (fork() == 0) {
            nanosleep(&nap, NULL);
            kill(pid, SIGKILL);
            _exit(0);
        }
        read_all(ends[0], ledger);
        close(ends[0]);
        while (wait(NULL) > 0)
            ;
        /* What was asked and not told of may be there or not: at most as many as were under
         * way. */
        compare(f, ledger, ledger->next + UNDER_WAY);
        ledger->next += UNDER_WAY;
    }
    print_message("%u events in %d rounds\n", ledger->next, rounds);
    free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_every_promise_through_kill_9, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
