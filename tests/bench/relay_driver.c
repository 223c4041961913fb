// SPDX-License-Identifier: Apache-2.0
/* An instance in a hurry: hands events to the gateway's egress door and reports as `hey` does.
 *
 *   relay_driver --address IP:PORT --token T --instance NAME --peers FILE
 *                [--events N] [--connections N] [--rooms N] [--size BYTES]
 *
 * Each connection has rooms of its own and sends one event after the other, so that the order
 * in a room is that of the numbers in the ids. Event n goes to the peer of line n. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "http/client.h"

struct slot {
    uint32_t next; /**< number of its next event */
    double began;
};

static struct {
    struct wg_loop *loop;
    struct wg_http_client *client;
    struct wg_dial_target gateway;
    const char *instance;
    char authorization[300];
    char **peers;
    uint32_t peer_count;
    uint32_t events, connections, rooms;
    uint32_t sent, answered;
    size_t size;
    char *content;
    double *latency; /**< seconds, in the order of the answers */
    double began;
    uint32_t by_status[600], failed;
    char failure[256];
} driver = {.events = 50000, .connections = 64, .rooms = 256, .size = 200};

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void send_next(struct slot *slot);
static void print_report(double took_s);

static void on_answer(void *owner, const struct wg_http_response *response,
                      const struct wg_err *err)
{
    struct slot *slot = owner;

    driver.latency[driver.answered++] = now_s() - slot->began;
    if (response) {
        driver.by_status[response->status % 600]++;
    } else {
        driver.failed++;
        snprintf(driver.failure, sizeof driver.failure, "%s", err->text);
    }
    slot->next += driver.connections;
    send_next(slot);
    if (driver.answered == driver.sent) {
        print_report(now_s() - driver.began);
        exit(driver.failed != 0);
    }
}

/* Rooms are dealt to connections, so that a room's events come from one of them. */
static uint32_t room_of(uint32_t number)
{
    uint32_t of_connection = driver.rooms / driver.connections;
    uint32_t turn = number / driver.connections;

    return number % driver.connections +
           driver.connections * (turn % (of_connection ? of_connection : 1));
}

static void send_next(struct slot *slot)
{
    const char *peer = driver.peers[slot->next % driver.peer_count];
    struct wg_header headers[] = {
        {WG_STR("host"), wg_str(peer)},
        {WG_STR("authorization"), wg_str(driver.authorization)},
        {WG_STR("content-type"), WG_STR("application/json")},
    };
    struct wg_http_request request = {.origin = driver.gateway,
                                      .method = WG_STR("POST"),
                                      .target = WG_STR("/_scaiwave/federation/v1/send"),
                                      .headers = headers,
                                      .header_count = WG_COUNT(headers),
                                      .timeout_ms = 60 * 1000};
    char *body;
    int len;

    if (slot->next >= driver.events)
        return;
    len = asprintf(&body,
                   "{\"id\":\"0190f2b8-3c1e-7b2a-9d57-0000%08" PRIx32 "\","
                   "\"type\":\"swp.room.message\",\"room_id\":\"room-%" PRIu32 "\","
                   "\"sender_id\":\"@alice:%s\",\"origin\":\"%s\",\"origin_ts\":%lld,"
                   "\"content\":{\"msgtype\":\"swp.text\",\"body\":\"%s\"}}",
                   slot->next, room_of(slot->next), driver.instance, driver.instance,
                   (long long)time(NULL), driver.content);
    if (len < 0)
        abort();
    request.body = wg_str_of(body, (size_t)len);
    slot->began = now_s();
    driver.sent++;
    (void)wg_http_fetch(driver.client, &request, on_answer, slot);
    free(body);
}

/* --- report --- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void print_histogram(const double *latency, uint32_t count)
{
    double least = latency[0], step = (latency[count - 1] - least) / 10;
    uint32_t at = 0;

    printf("\nResponse time histogram:\n");
    for (int i = 0; i <= 10; i++) {
        uint32_t from = at;

        while (at < count && (i == 10 || latency[at] <= least + step * i))
            at++;
        printf("  %.4f [%u]\t|", least + step * i, at - from);
        for (uint32_t k = 0; k < (at - from) * 40 / count; k++)
            fputs("■", stdout);
        puts("");
    }
}

static void print_report(double took_s)
{
    static const unsigned percents[] = {10, 25, 50, 75, 90, 95, 99};
    uint32_t count = driver.answered;
    double sum = 0;

    qsort(driver.latency, count, sizeof *driver.latency, compare);
    for (uint32_t i = 0; i < count; i++)
        sum += driver.latency[i];
    printf("\nSummary:\n  Total:\t%.4f secs\n  Slowest:\t%.4f secs\n  Fastest:\t%.4f secs\n"
           "  Average:\t%.4f secs\n  Requests/sec:\t%.1f\n",
           took_s, driver.latency[count - 1], driver.latency[0], sum / count, count / took_s);
    print_histogram(driver.latency, count);
    printf("\nLatency distribution:\n");
    for (size_t i = 0; i < WG_COUNT(percents); i++)
        printf("  %u%% in %.4f secs\n", percents[i],
               driver.latency[(uint64_t)(count - 1) * percents[i] / 100]);
    printf("\nStatus code distribution:\n");
    for (int status = 0; status < 600; status++) {
        if (driver.by_status[status])
            printf("  [%d]\t%u responses\n", status, driver.by_status[status]);
    }
    if (driver.failed)
        printf("  [none]\t%u, the last: %s\n", driver.failed, driver.failure);
    fflush(stdout);
}

/* --- set-up --- */

static void load_peers(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[300];

    if (!file) {
        perror(path);
        exit(1);
    }
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        driver.peers = wg_realloc(driver.peers, (driver.peer_count + 1) * sizeof *driver.peers);
        driver.peers[driver.peer_count++] = wg_strdup(wg_str(line));
    }
    fclose(file);
}

static void read_address(const char *text)
{
    const char *colon = strrchr(text, ':');

    if (!colon)
        exit(2);
    driver.gateway = (struct wg_dial_target){.host = wg_str_of(text, (size_t)(colon - text)),
                                             .port = (uint16_t)atoi(colon + 1),
                                             .is_trusted = true};
}

static void read_option(int option)
{
    switch (option) {
    case 'a':
        read_address(optarg);
        break;
    case 't':
        snprintf(driver.authorization, sizeof driver.authorization, "Bearer %s", optarg);
        break;
    case 'i':
        driver.instance = optarg;
        break;
    case 'p':
        load_peers(optarg);
        break;
    case 'e':
        driver.events = (uint32_t)atoi(optarg);
        break;
    case 'c':
        driver.connections = (uint32_t)atoi(optarg);
        break;
    case 'r':
        driver.rooms = (uint32_t)atoi(optarg);
        break;
    case 's':
        driver.size = (size_t)atoi(optarg);
        break;
    default:
        exit(2);
    }
}

static void run(void)
{
    struct slot *slots = wg_alloc(driver.connections * sizeof *slots);

    driver.began = now_s();
    for (uint32_t i = 0; i < driver.connections; i++) {
        slots[i].next = i;
        send_next(&slots[i]);
    }
    wg_loop_run(driver.loop); /* the last answer ends the process */
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"address", required_argument, NULL, 'a'},
                                            {"token", required_argument, NULL, 't'},
                                            {"instance", required_argument, NULL, 'i'},
                                            {"peers", required_argument, NULL, 'p'},
                                            {"events", required_argument, NULL, 'e'},
                                            {"connections", required_argument, NULL, 'c'},
                                            {"rooms", required_argument, NULL, 'r'},
                                            {"size", required_argument, NULL, 's'},
                                            {0}};
    struct wg_dialer_options dialer = {0};
    struct wg_http_client_options client = {0};
    struct wg_err err;

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        read_option(option);
    if (!driver.instance || !driver.peer_count || !driver.gateway.port || !driver.connections ||
        !driver.events) {
        fprintf(stderr,
                "relay_driver: --address, --token, --instance and --peers are needed\n");
        return 2;
    }
    if (wg_loop_new(wg_clock_system(), &driver.loop, &err) != WG_OK) {
        fprintf(stderr, "relay_driver: %s\n", err.text);
        return 1;
    }
    client.connections_per_origin = driver.connections;
    driver.content = wg_alloc(driver.size + 1);
    memset(driver.content, 'x', driver.size);
    driver.latency = wg_alloc(driver.events * sizeof *driver.latency);
    driver.client =
        wg_http_client_new(driver.loop, wg_dialer_new(driver.loop, &dialer), &client);
    run();
    return 1;
}
