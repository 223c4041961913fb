// SPDX-License-Identifier: Apache-2.0
/* How much the store does a second, how long a start takes with a million queued deliveries,
 * and how long a page of the audit takes with a million rows:
 *
 *   build/<preset>/tests/unit/store/store_bench [--folder DIR] [--events N] [--queued N]
 * [--audit N]
 *
 * Seen on two shared cores of a Xeon, six runs with 423,000 rows there: the audit of an event
 * 10.8 to 20.2 us CPU for its row, 17 in the middle, and 4.9 to 7 us more for its trace.
 * What a worker takes to write the trace down is not in it.
 *
 * It prints one line a figure. Not a test: figures depend on the machine. */
#include <dirent.h>
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/audit.h"
#include "store/queue.h"

/* --- a loop --- */

struct posted {
    struct posted *next;
    void (*call)(void *owner);
    void *owner;
};
struct wg_loop {
    pthread_mutex_t lock;
    pthread_cond_t has_work;
    struct posted *first, **last;
};
static struct wg_loop loop = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL,
                              &loop.first};

static void post(struct wg_loop *to, void (*call)(void *owner), void *owner)
{
    struct posted *posted = wg_new(struct posted);

    *posted = (struct posted){NULL, call, owner};
    pthread_mutex_lock(&to->lock);
    *to->last = posted;
    to->last = &posted->next;
    pthread_cond_signal(&to->has_work);
    pthread_mutex_unlock(&to->lock);
}

static void turn(void)
{
    struct posted *posted;

    pthread_mutex_lock(&loop.lock);
    while (!loop.first)
        pthread_cond_wait(&loop.has_work, &loop.lock);
    posted = loop.first;
    loop.first = posted->next;
    if (!loop.first)
        loop.last = &loop.first;
    pthread_mutex_unlock(&loop.lock);
    posted->call(posted->owner);
    wg_free(posted);
}

static double now_s(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static long memory_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long pages = 0;

    if (file && fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* --- work --- */

static struct wg_store *store;
static int64_t asked, answered, failed;
static const char body[600] = "{\"content\":{}}";

static struct wg_audit_row row_of(char event[40], uint32_t number)
{
    snprintf(event, 40, "0190f2b8-3c1e-7b2a-9d57-%012x", number);
    return (struct wg_audit_row){.action = WG_STR("federation.send"),
                                 .server = WG_STR("a.example"),
                                 .peer = WG_STR("peer.example"),
                                 .direction = WG_STR("outbound"),
                                 .room_id = WG_STR("room-5f1d2c"),
                                 .event_id = wg_str(event),
                                 .verdict = WG_STR("allow"),
                                 .policy = WG_STR("policies/main.lua:12"),
                                 .latency_us = 812,
                                 .request_id = WG_STR("0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11")};
}

static void make_id(uint32_t number, uint8_t id[WG_EVENT_KEY])
{
    memset(id, 0, WG_EVENT_KEY);
    for (int i = 0; i < 4; i++)
        id[i] = (uint8_t)(number >> (24 - 8 * i));
    id[15] = (uint8_t)(number * 2654435761u >> 24);
}

static void on_settled(void *owner, const struct wg_err *err)
{
    (void)owner;
    answered++;
    failed += err->code != WG_OK;
}

struct sent {
    struct wg_delivery_key key;
    char name[32], room[32];
    uint32_t number;
};

static void settle(struct sent *sent)
{
    char event[40];
    struct wg_audit_row row = row_of(event, sent->number);
    struct wg_settlement settlement = {
        .key = sent->key,
        .outcome = WG_OUTCOME_SENT,
        .was_attempted = true,
        .attempt = {.at_ms = 1, .code = WG_OK, .status = 200, .took_ms = 3},
        .audit = &row,
        .audit_count = 1};

    wg_store_settle(store, &loop, &settlement, 1, on_settled, NULL);
}

static void on_accepted(void *owner, const struct wg_err *err,
                        const struct wg_accepted *accepted)
{
    struct sent *sent = owner;

    failed += err->code != WG_OK;
    if (accepted && sent->key.destination.name.at) {
        sent->key.order = accepted->order;
        settle(sent);
    } else {
        answered++;
    }
    wg_free(sent);
}

static void accept_one(uint32_t number, int destinations, int rooms, bool is_delivered)
{
    struct sent *sent = wg_new(struct sent);
    char event[40];
    struct wg_audit_row row = row_of(event, number);
    struct wg_destination destination = {true, {0}};
    struct wg_accept accept = {.message = {.server = WG_STR("a.example"),
                                           .origin = WG_STR("a.example"),
                                           .sender = WG_STR("a.example"),
                                           .type = WG_STR("swp.room.message"),
                                           .body = wg_str_of(body, sizeof body)},
                               .destinations = &destination,
                               .destination_count = 1,
                               .expires_in_ms = INT64_C(432000000),
                               .audit = &row,
                               .audit_count = is_delivered};

    snprintf(sent->name, sizeof sent->name, "peer-%u.example", number % (unsigned)destinations);
    snprintf(sent->room, sizeof sent->room, "room-%u",
             number / (unsigned)destinations % (unsigned)rooms);
    sent->number = number;
    destination.name = wg_str(sent->name);
    make_id(number, accept.message.event_id);
    accept.message.room_id = wg_str(sent->room);
    if (is_delivered)
        sent->key = (struct wg_delivery_key){destination, wg_str(sent->room), 0};
    asked++;
    wg_store_accept(store, &loop, &accept, on_accepted, sent);
}

static void run_until(int64_t outstanding)
{
    while (asked - answered > outstanding)
        turn();
}

static void bench_events(uint32_t count, int64_t in_flight)
{
    double wall = now_s(CLOCK_MONOTONIC), cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
    struct wg_store_figures before, after;

    asked = answered = 0;
    wg_store_read_figures(store, &before);
    for (uint32_t i = 0; i < count; i++) {
        accept_one((uint32_t)in_flight * 10000000u + i, 50, 20, true);
        run_until(in_flight);
    }
    run_until(0);
    wall = now_s(CLOCK_MONOTONIC) - wall;
    cpu = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    wg_store_read_figures(store, &after);
    printf("accept+deliver, %4lld under way: %7.0f events/s, %5.1f us CPU an event, "
           "%.1f requests a commit\n",
           (long long)in_flight, count / wall, cpu / count * 1e6,
           (double)(after.committed - before.committed) /
               (double)(after.commits - before.commits));
}

/* As it is with many peers: ids at random, ten thousand peers, a hundred thousand rooms. */
static const char trace[] =
    "{\"stages\":[[\"route\",4],[\"claim\",15],[\"discover\",16],[\"authenticate\",118],"
    "[\"parse\",131],[\"authenticate_event\",219],[\"admit\",232],[\"recognise\",235],"
    "[\"judge\",258],[\"deduplicate\",301],[\"deliver\",912]],\"hooks\":["
    "{\"hook\":\"peer\",\"at\":220,\"us\":9,\"verdict\":\"allow\",\"handlers\":["
    "[\"deny_list\",\"policies/deny_list.lua:41\",\"nothing\",2],"
    "[\"standard\",\"policies/standard.lua:72\",\"allow\",4,\"policies/standard.lua:86\"]]},"
    "{\"hook\":\"room\",\"at\":236,\"us\":1,\"verdict\":\"allow\",\"default\":true,"
    "\"handlers\":[]},{\"hook\":\"event\",\"at\":239,\"us\":15,\"verdict\":\"allow\","
    "\"default\":true,\"handlers\":[[\"main\",\"policies/main.lua:10\",\"nothing\",6],"
    "[\"standard\",\"policies/standard.lua:116\",\"nothing\",3]]}]}";

enum audit_cost { EVENT_ALONE, WITH_ROW, WITH_ROW_AND_TRACE };

static void on_marked(void *owner, const struct wg_err *err, bool was_seen)
{
    (void)owner;
    answered++;
    failed += err->code != WG_OK || was_seen;
}

static uint64_t random_number(void)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void mark_one(uint32_t number, enum audit_cost how)
{
    char event[40], peer[32], room[32], request[40];
    struct wg_audit_row row = row_of(event, number);
    struct wg_seen seen = {.server = row.server, .destination = {false, row.server}};
    uint64_t halves[] = {random_number(), random_number()};

    memcpy(seen.event_id, halves, sizeof seen.event_id);
    snprintf(event, sizeof event, "%08llx-7c3a-4b2a-9d57-%012llx",
             (unsigned long long)(halves[0] & 0xffffffff),
             (unsigned long long)(halves[1] & 0xffffffffffff));
    snprintf(peer, sizeof peer, "peer-%u.example", (unsigned)(random_number() % 10000));
    snprintf(room, sizeof room, "room-%u", (unsigned)(random_number() % 100000));
    snprintf(request, sizeof request, "01a20434-%04x-7097-821a-%012x", number >> 16, number);
    row.peer = wg_str(peer);
    row.room_id = wg_str(room);
    row.request_id = wg_str(request);
    row.extra = WG_STR("{\"endpoint\":\"send\",\"type\":\"swp.room.message\",\"status\":200,"
                       "\"remote\":\"192.0.2.7\",\"policy\":\"standard\"}");
    if (how == WITH_ROW_AND_TRACE)
        row.trace = wg_str_of(trace, sizeof trace - 1);
    asked++;
    wg_store_seen_mark(store, &loop, &seen, &row, how != EVENT_ALONE, on_marked, NULL);
}

static double mark_many(uint32_t count, enum audit_cost how)
{
    double cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);

    asked = answered = 0;
    for (uint32_t i = 0; i < count; i++) {
        mark_one(i, how);
        run_until(256);
    }
    run_until(0);
    return (now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu) / count * 1e6;
}

static int by_size(const void *a, const void *b)
{
    const double *one = a, *other = b;

    return *one < *other ? -1 : *one > *other;
}

/* user and sys of the whole process, what is copied for the store and its thread included; in
 * turns, since the machine has other work: the best turn of each */
static void bench_audit_cost(uint32_t count)
{
    enum { TURNS = 7 };
    double costs[3][TURNS];
    struct wg_store_figures figures;

    for (int round = 0; round < TURNS; round++) {
        for (int how = 0; how < 3; how++)
            costs[how][round] = mark_many(count / TURNS, (enum audit_cost)how);
    }
    for (int how = 0; how < 3; how++)
        qsort(costs[how], TURNS, sizeof(double), by_size);
    wg_store_read_figures(store, &figures);
    printf(
        "audit of an event, with %lld rows there: %.1f us CPU the row, %.1f us more its trace "
        "(of %zu bytes); %.1f us the event without\n",
        (long long)figures.audit_rows, costs[1][0] - costs[0][0], costs[2][0] - costs[1][0],
        sizeof trace - 1, costs[0][0]);
}

static double page_ms;
static bool is_page_done, is_page_end;
static char page_cursor[256];
static size_t page_rows;

static void on_page(void *owner, const struct wg_err *err, const struct wg_audit_page *page)
{
    (void)owner;
    failed += err->code != WG_OK;
    is_page_done = true;
    is_page_end = !page || page->is_end;
    page_rows += page ? page->count : 0;
    snprintf(page_cursor, sizeof page_cursor, "%.*s", page ? (int)page->next_cursor.len : 0,
             page && page->next_cursor.at ? page->next_cursor.at : "");
}

static void bench_search(const char *name, struct wg_audit_search search)
{
    double worst = 0, all = now_s(CLOCK_MONOTONIC);
    int pages = 0;

    page_cursor[0] = '\0';
    page_rows = 0;
    do {
        char cursor[256];

        strcpy(cursor, page_cursor);
        if (cursor[0])
            search.cursor = wg_str(cursor);
        is_page_done = false;
        page_ms = now_s(CLOCK_MONOTONIC);
        wg_store_audit_search(store, &loop, &search, on_page, NULL);
        while (!is_page_done)
            turn();
        page_ms = (now_s(CLOCK_MONOTONIC) - page_ms) * 1e3;
        worst = page_ms > worst ? page_ms : worst;
    } while (!is_page_end && ++pages < 200);
    printf("audit search by %-9s: slowest page %5.1f ms, %3d pages, %zu rows, %.0f ms in all\n",
           name, worst, pages + 1, page_rows, (now_s(CLOCK_MONOTONIC) - all) * 1e3);
}

static void bench_audit_pages(uint32_t count)
{
    asked = answered = 0;
    for (uint32_t i = 0; i < count; i += 100) {
        struct wg_audit_row rows[100];
        char events[100][40], peers[100][32], rooms[100][32];

        for (uint32_t k = 0; k < 100; k++) {
            rows[k] = row_of(events[k], i + k);
            snprintf(peers[k], 32, "peer-%u.example", (i + k) * 2654435761u % 10000);
            snprintf(rooms[k], 32, "room-%u", (i + k) % 50000);
            rows[k].peer = wg_str(peers[k]);
            rows[k].room_id = wg_str(rooms[k]);
        }
        asked++;
        wg_store_audit_append(store, &loop, rows, 100, on_settled, NULL);
        run_until(16);
    }
    run_until(0);
    bench_search("nothing", (struct wg_audit_search){.limit = 1000});
    bench_search("peer", (struct wg_audit_search){.peer = WG_STR("peer-77.example")});
    bench_search("event", (struct wg_audit_search){
                              .event_id = WG_STR("0190f2b8-3c1e-7b2a-9d57-000000000001")});
    bench_search("room", (struct wg_audit_search){.room_id = WG_STR("room-77")});
    bench_search("verdict", (struct wg_audit_search){.verdict = WG_STR("deny")});
}

static int64_t destinations, deliveries;

static void on_destinations(void *owner, const struct wg_err *err,
                            const struct wg_destination_page *page)
{
    (void)owner;
    failed += err->code != WG_OK;
    is_page_done = true;
    destinations += page ? (int64_t)page->count : 0;
    for (size_t i = 0; page && i < page->count; i++)
        deliveries += page->states[i].deliveries;
    snprintf(page_cursor, sizeof page_cursor, "%.*s", page ? (int)page->next_cursor.len : 0,
             page && page->next_cursor.at ? page->next_cursor.at : "");
}

static void list_destinations(void)
{
    page_cursor[0] = '\0';
    do {
        char cursor[256];

        strcpy(cursor, page_cursor);
        is_page_done = false;
        wg_store_destinations(store, &loop, cursor[0] ? wg_str(cursor) : (struct wg_str){0},
                              1000, on_destinations, NULL);
        while (!is_page_done)
            turn();
    } while (page_cursor[0]);
}

static size_t heads_got;

static void on_heads(void *owner, const struct wg_err *err, const struct wg_heads *heads)
{
    (void)owner;
    failed += err->code != WG_OK;
    heads_got += heads ? heads->count : 0;
    is_page_done = true;
}

static void bench_start(const struct wg_store_options *options, uint32_t count)
{
    struct wg_next next = {.destination = {true, WG_STR("peer-500.example")}, .limit = 16};
    struct wg_err err;
    double began, opened, listed;

    asked = answered = 0;
    for (uint32_t i = 0; i < count; i++) {
        accept_one(0x80000000u + i, 1000, 20, false);
        run_until(4096);
    }
    run_until(0);
    store = wg_store_free(store);
    began = now_s(CLOCK_MONOTONIC);
    if (wg_store_open(options, &store, &err) != WG_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    opened = now_s(CLOCK_MONOTONIC);
    list_destinations();
    listed = now_s(CLOCK_MONOTONIC);
    is_page_done = false;
    wg_store_next(store, &loop, &next, on_heads, NULL);
    while (!is_page_done)
        turn();
    printf("start with %lld deliveries for %lld destinations: open %.3f s, list %.3f s, "
           "first heads (%zu) %.4f s; %ld MiB resident\n",
           (long long)deliveries, (long long)destinations, opened - began, listed - opened,
           heads_got, now_s(CLOCK_MONOTONIC) - listed, memory_kib() / 1024);
}

static void wipe(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        if (strncmp(entry->d_name, "wavegate.db", 11) == 0)
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir)
        closedir(dir);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"folder", required_argument, NULL, 'f'},
                                            {"events", required_argument, NULL, 'e'},
                                            {"queued", required_argument, NULL, 'q'},
                                            {"audit", required_argument, NULL, 'a'},
                                            {0}};
    char made[] = "/tmp/wg-bench-XXXXXX";
    const char *folder = NULL;
    uint32_t events = 50000, queued = 1000000, audit = 1000000;
    struct wg_store_options open = {.post = post};
    struct wg_err err;

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'f')
            folder = optarg;
        else if (option == 'e')
            events = (uint32_t)atoi(optarg);
        else if (option == 'q')
            queued = (uint32_t)atoi(optarg);
        else if (option == 'a')
            audit = (uint32_t)atoi(optarg);
        else
            return 2;
    }
    if (!folder && !(folder = mkdtemp(made)))
        return 1;
    open.folder = folder;
    if (wg_store_open(&open, &store, &err) != WG_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    bench_events(events / 50 + 1, 1);
    bench_events(events, 64);
    bench_events(events, 1024);
    bench_audit_cost(events);
    if (queued)
        bench_start(&open, queued);
    if (queued)
        bench_events(events, 512);
    if (audit)
        bench_audit_pages(audit);
    if (audit)
        bench_audit_cost(events);
    store = wg_store_free(store);
    wipe(folder);
    if (folder == made)
        rmdir(folder);
    if (failed)
        fprintf(stderr, "%lld requests failed\n", (long long)failed);
    return failed != 0;
}
