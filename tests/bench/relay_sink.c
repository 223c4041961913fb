// SPDX-License-Identifier: Apache-2.0
/* A peer that takes everything, over real TLS, as fast as one thread can:
 *
 *   relay_sink --certificate PEM --key PEM --public-key ed25519:... --names FILE
 *
 * The names (one a line) share certificate and key. GET /stats says what has come: how many
 * events, how often one came again, how often a room's order was broken, and when. It counts by
 * the number that relay_driver and relay_fill put into the last 8 digits of an event's id;
 * order is that of the numbers within a room. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "http/server.h"
#include "net/listener.h"

enum { NUMBERS = 1 << 25, ROOMS = 1 << 16 };

static struct {
    struct wg_loop *loop;
    struct wg_listener *listener;
    struct wg_http_server *server;
    const char *public_key;
    uint64_t events, again, out_of_order, requests;
    double first_at, last_at;
    uint8_t seen[NUMBERS / 8];
    uint32_t last_of_room[ROOMS]; /**< number + 1 */
} sink;

static double wall_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The text behind name, up to the next quote; events are canonical JSON, without spaces. */
static struct wg_str member(struct wg_str body, const char *name)
{
    const char *at = memmem(body.at, body.len, name, strlen(name));
    struct wg_str rest;

    if (!at)
        return (struct wg_str){NULL, 0};
    at += strlen(name);
    rest = wg_str_of(at, (size_t)(body.at + body.len - at));
    return wg_str_of(rest.at, wg_str_find(rest, '"'));
}

static uint32_t number_behind(struct wg_str text, size_t digits, int base)
{
    char copy[16] = "";

    if (text.len < digits || digits >= sizeof copy)
        return 0;
    memcpy(copy, text.at + text.len - digits, digits);
    return (uint32_t)strtoul(copy, NULL, base);
}

static void count(struct wg_str body, struct wg_str id)
{
    struct wg_str room = member(body, "\"room_id\":\"room-");
    uint32_t number = number_behind(id, 8, 16) % NUMBERS;
    uint32_t room_number = number_behind(room, room.len < 8 ? room.len : 8, 10) % ROOMS;

    if (sink.seen[number / 8] & (1u << number % 8)) {
        sink.again++;
        return;
    }
    sink.seen[number / 8] |= (uint8_t)(1u << number % 8);
    sink.out_of_order += number < sink.last_of_room[room_number];
    sink.last_of_room[room_number] = number + 1;
    sink.events++;
    sink.last_at = wall_s();
    if (sink.events == 1)
        sink.first_at = sink.last_at;
}

static int write_descriptor(struct wg_str name, char *text, size_t size)
{
    return snprintf(
        text, size,
        "{\"server_name\":\"%.*s\",\"public_key\":\"%s\",\"protocol_versions\":[\"v1\"],"
        "\"endpoints\":{\"send\":\"/_scaiwave/federation/v1/send\","
        "\"profile\":\"/_scaiwave/federation/v1/profile/{local_id}\","
        "\"members\":\"/_scaiwave/federation/v1/rooms/{room_id}/members\","
        "\"backfill\":\"/_scaiwave/federation/v1/rooms/{room_id}/backfill\"}}",
        WG_STR_F(name), sink.public_key);
}

static int write_stats(char *text, size_t size)
{
    return snprintf(text, size,
                    "{\"events\":%llu,\"again\":%llu,\"out_of_order\":%llu,"
                    "\"requests\":%llu,\"first_at\":%.6f,\"last_at\":%.6f}",
                    (unsigned long long)sink.events, (unsigned long long)sink.again,
                    (unsigned long long)sink.out_of_order, (unsigned long long)sink.requests,
                    sink.first_at, sink.last_at);
}

static void on_request(void *owner, struct wg_http_call *call)
{
    static const struct wg_header headers[] = {
        {{"content-type", 12}, {"application/json", 16}}};
    const struct wg_message *message = wg_http_call_message(call);
    struct wg_http_answer answer = {.status = 200, .headers = headers, .header_count = 1};
    struct wg_str id;
    char text[1024];
    int len;

    (void)owner;
    if (wg_str_is(message->path, "/.well-known/scaiwave/server")) {
        len = write_descriptor(message->authority, text, sizeof text);
    } else if (wg_str_is(message->path, "/stats")) {
        len = write_stats(text, sizeof text);
    } else {
        sink.requests++;
        id = member(message->body, "\"id\":\"");
        count(message->body, id);
        len = snprintf(text, sizeof text, "{\"status\":\"accepted\",\"id\":\"%.*s\"}",
                       WG_STR_F(id));
    }
    answer.body = wg_str_of(text, (size_t)len);
    wg_http_respond(call, &answer);
}

static void on_accept(void *owner, struct wg_stream *stream)
{
    (void)owner;
    wg_http_server_adopt(sink.server, stream);
}

static void fail(const struct wg_err *err)
{
    fprintf(stderr, "relay_sink: %s\n", err->text);
    exit(1);
}

static void load_names(struct wg_tls_server *tls, const char *path, const char *certificate,
                       const char *key)
{
    FILE *file = fopen(path, "r");
    char line[300];
    struct wg_err err;

    if (!file) {
        perror(path);
        exit(1);
    }
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] && wg_tls_server_set(tls, wg_str(line), certificate, key, &err) != WG_OK)
            fail(&err);
    }
    fclose(file);
}

static void listen_on(struct wg_tls_server *tls, const char *address)
{
    static const struct wg_http_server_events events = {.on_request = on_request};
    struct wg_http_server_options options;
    struct wg_listener_options door = {.tls = tls};
    char actual[WG_SOCKET_TEXT];
    struct wg_err err;

    wg_http_server_defaults(&options);
    options.requests_limit = 100 * 1000 * 1000;
    options.scheme = "https";
    sink.server = wg_http_server_new(sink.loop, &options, &events, NULL);
    if (wg_socket_listen(address, &door.fd, actual, &err) != WG_OK ||
        wg_listener_open(sink.loop, &door, on_accept, NULL, &sink.listener, &err) != WG_OK)
        fail(&err);
    printf("{\"listening\": \"%s\"}\n", actual);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"certificate", required_argument, NULL, 'c'}, {"key", required_argument, NULL, 'k'},
        {"public-key", required_argument, NULL, 'p'},  {"names", required_argument, NULL, 'n'},
        {"listen", required_argument, NULL, 'l'},      {0}};
    const char *certificate = NULL, *key = NULL, *names = NULL, *address = "127.0.0.1:0";
    struct wg_tls_server *tls;
    struct wg_err err;

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        const char **const texts[] = {['c'] = &certificate,
                                      ['k'] = &key,
                                      ['n'] = &names,
                                      ['l'] = &address,
                                      ['p'] = &sink.public_key};

        if (option == '?')
            return 2;
        *texts[option] = optarg;
    }
    if (!certificate || !key || !names || !sink.public_key) {
        fprintf(stderr,
                "relay_sink: --certificate, --key, --public-key and --names are needed\n");
        return 2;
    }
    if (wg_loop_new(wg_clock_system(), &sink.loop, &err) != WG_OK ||
        wg_tls_server_new(&tls, &err) != WG_OK)
        fail(&err);
    load_names(tls, names, certificate, key);
    listen_on(tls, address);
    wg_loop_run(sink.loop); /* until it is ended by a signal */
    return 0;
}
