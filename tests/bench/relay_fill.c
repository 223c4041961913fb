// SPDX-License-Identifier: Apache-2.0
/* Puts events into a store as if an instance had sent them while its peers were away:
 *
 *   relay_fill --folder DIR --instance NAME --peers FILE [--events N] [--rooms N] [--size
 * BYTES]
 *
 * Event n goes to the peer of line n; the last 8 digits of its id are n. The gateway that is
 * started on DIR then finds them waiting. They bear no signature: relay_sink asks for none. */
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "store/queue.h"

enum { UNDER_WAY = 4096 };

/* --- the least that may be called a loop --- */

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

/* --- filling --- */

static struct wg_store *store;
static uint32_t under_way, failed;
static char **peers;
static uint32_t peer_count, rooms = 20;
static const char *instance;
static char *content;

static void on_accepted(void *owner, const struct wg_err *err,
                        const struct wg_accepted *accepted)
{
    (void)owner;
    under_way--;
    if (err->code != WG_OK || accepted->new_count != 1) {
        if (failed++ == 0)
            fprintf(stderr, "relay_fill: %s\n", err->code ? err->text : "a duplicate");
    }
}

static void put_number(uint32_t number, uint8_t id[WG_EVENT_KEY])
{
    static const uint8_t base[] = {0x01, 0x90, 0xf2, 0xb8, 0x3c, 0x1e,
                                   0x7b, 0x2a, 0x9d, 0x57, 0,    0};

    memcpy(id, base, sizeof base);
    for (int i = 0; i < 4; i++)
        id[12 + i] = (uint8_t)(number >> (24 - 8 * i));
}

static void accept_one(uint32_t number)
{
    struct wg_destination destination = {.is_outbound = true,
                                         .name = wg_str(peers[number % peer_count])};
    /* Rooms are told apart by their number over all peers, for the sink's check of the order.
     */
    uint32_t room = number % peer_count + peer_count * (number / peer_count % rooms);
    struct wg_accept accept = {
        .message = {.server = wg_str(instance),
                    .origin = wg_str(instance),
                    .sender = wg_str(instance),
                    .type = WG_STR("swp.room.message")},
        .destinations = &destination,
        .destination_count = 1,
        .expires_in_ms = INT64_C(5) * 24 * 3600 * 1000,
    };
    char room_id[32];
    char *body;
    int len;

    snprintf(room_id, sizeof room_id, "room-%" PRIu32, room);
    len = asprintf(&body,
                   "{\"content\":{\"body\":\"%s\",\"msgtype\":\"swp.text\"},"
                   "\"id\":\"0190f2b8-3c1e-7b2a-9d57-0000%08" PRIx32 "\","
                   "\"origin\":\"%s\",\"origin_ts\":1778939467,\"room_id\":\"%s\","
                   "\"sender_id\":\"@alice:%s\",\"type\":\"swp.room.message\"}",
                   content, number, instance, room_id, instance);
    if (len < 0)
        abort();
    accept.message.room_id = wg_str(room_id);
    accept.message.body = wg_str_of(body, (size_t)len);
    put_number(number, accept.message.event_id);
    under_way++;
    wg_store_accept(store, &loop, &accept, on_accepted, NULL);
    free(body);
}

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
        peers = wg_realloc(peers, (peer_count + 1) * sizeof *peers);
        peers[peer_count++] = wg_strdup(wg_str(line));
    }
    fclose(file);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"folder", required_argument, NULL, 'f'},
                                            {"instance", required_argument, NULL, 'i'},
                                            {"peers", required_argument, NULL, 'p'},
                                            {"events", required_argument, NULL, 'e'},
                                            {"rooms", required_argument, NULL, 'r'},
                                            {"size", required_argument, NULL, 's'},
                                            {0}};
    struct wg_store_options open = {.post = post};
    uint32_t events = 1000000;
    size_t size = 200;
    struct wg_err err;

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'f')
            open.folder = optarg;
        else if (option == 'i')
            instance = optarg;
        else if (option == 'p')
            load_peers(optarg);
        else if (option == 'e')
            events = (uint32_t)atoi(optarg);
        else if (option == 'r')
            rooms = (uint32_t)atoi(optarg);
        else if (option == 's')
            size = (size_t)atoi(optarg);
        else
            return 2;
    }
    if (!open.folder || !instance || !peer_count || !rooms) {
        fprintf(stderr, "relay_fill: --folder, --instance and --peers are needed\n");
        return 2;
    }
    content = wg_alloc(size + 1);
    memset(content, 'x', size);
    if (wg_store_open(&open, &store, &err) != WG_OK) {
        fprintf(stderr, "relay_fill: %s\n", err.text);
        return 1;
    }
    for (uint32_t i = 0; i < events; i++) {
        accept_one(i);
        while (under_way >= UNDER_WAY)
            turn();
    }
    while (under_way > 0)
        turn();
    store = wg_store_free(store);
    wg_free(content);
    for (uint32_t i = 0; i < peer_count; i++)
        wg_free(peers[i]);
    wg_free(peers);
    return failed != 0;
}
