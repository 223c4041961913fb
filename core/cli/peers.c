// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/client.h"

#define PEERS "/v1/admin/federation/peers"
#define PEER "/_wavegate/v1/peers/"

enum { TARGET_LIMIT_BYTES = 8192 };

static long long number(const json_t *object, const char *member)
{
    return (long long)json_number_value(json_object_get(object, member));
}

/* "3 min ago": what an operator compares with what just happened. */
static void write_ago(const json_t *peer, const char *member, char text[32])
{
    long long seconds = (long long)wg_clock_wall_s(wg_clock_system()) - number(peer, member);

    if (!json_is_number(json_object_get(peer, member)))
        snprintf(text, 32, "never");
    else if (seconds < 120)
        snprintf(text, 32, "%lld s ago", seconds < 0 ? 0 : seconds);
    else if (seconds < 2 * 3600)
        snprintf(text, 32, "%lld min ago", seconds / 60);
    else if (seconds < 48 * 3600)
        snprintf(text, 32, "%lld h ago", seconds / 3600);
    else
        snprintf(text, 32, "%lld d ago", seconds / (24 * 3600));
}

static void print_row(const json_t *peer)
{
    char seen[32];

    write_ago(peer, "last_seen", seen);
    printf("%-32s %-11s %-11s %6lld %8lld %8lld %8lld  ", cli_text(peer, "server_name"),
           cli_text(peer, "mode"), seen, number(json_object_get(peer, "queue"), "deliveries"),
           number(peer, "events_received_24h"), number(peer, "events_sent_24h"),
           number(peer, "requests_refused_24h") + number(peer, "attempts_failed_24h"));
    cli_print_plain(cli_text(peer, "last_error"));
    putchar('\n');
}

static int list(struct cli_client *client, bool is_json)
{
    struct wg_buf target;
    json_t *page;
    json_t *peer;
    size_t i;

    if (!is_json)
        printf("%-32s %-11s %-11s %6s %8s %8s %8s  %s\n", "peer", "mode", "seen", "queue",
               "in 24h", "out 24h", "failed", "last error");
    wg_buf_init(&target, TARGET_LIMIT_BYTES);
    wg_buf_addf(&target, PEERS "?limit=1000");
    while ((page = cli_client_ask(client, "GET", target.at, NULL)) != NULL) {
        const char *cursor = cli_text(page, "next_cursor");

        json_array_foreach(json_object_get(page, "peers"), i, peer)
        {
            if (is_json)
                cli_print_json(peer, JSON_COMPACT);
            else
                print_row(peer);
        }
        if (!*cursor)
            break;
        wg_buf_clear(&target);
        wg_buf_addf(&target, PEERS "?limit=1000");
        cli_add_parameter(&target, "cursor", cursor);
        json_decref(page);
    }
    wg_buf_done(&target);
    json_decref(page);
    return page ? CLI_GOOD : CLI_REFUSED;
}

static void print_moment(const char *label, const json_t *object, const char *member)
{
    time_t at = (time_t)number(object, member);
    struct tm parts;
    char text[32] = "never";

    if (at && gmtime_r(&at, &parts))
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &parts);
    printf("%-20s %s\n", label, text);
}

static void print_notes(const json_t *peer)
{
    json_t *labels = json_object_get(peer, "labels");
    const json_t *pin = json_object_get(peer, "pin");
    const char *name;
    json_t *value;

    json_object_foreach(labels, name, value)
    {
        printf("%-20s %s=", "label", name);
        cli_print_plain(json_string_value(value));
        putchar('\n');
    }
    if (*cli_text(peer, "note")) {
        printf("%-20s ", "note");
        cli_print_plain(cli_text(peer, "note"));
        putchar('\n');
    }
    if (pin)
        printf("%-20s %s, by %s%s\n", "pinned key", cli_text(pin, "kid"), cli_text(pin, "by"),
               json_is_false(json_object_get(pin, "is_published"))
                   ? "; the peer publishes another: what it signs with that is refused"
                   : "");
}

static void print_modes(const json_t *peer)
{
    const char *server;
    json_t *mode;

    json_object_foreach(json_object_get(peer, "modes"), server, mode)
    {
        printf("%-20s %s at %s: ", "mode", cli_text(mode, "mode"), server);
        cli_print_plain(cli_text(mode, "why"));
        putchar('\n');
    }
}

static void print_behaviour(const json_t *peer)
{
    const json_t *verdicts = json_object_get(peer, "verdicts_24h");
    const json_t *clock = json_object_get(peer, "clock");

    if (verdicts)
        printf("%-20s %lld allowed, %lld denied, %lld deferred, %lld quarantined\n",
               "verdicts in 24 h", number(verdicts, "allowed"), number(verdicts, "denied"),
               number(verdicts, "deferred"), number(verdicts, "quarantined"));
    if (clock)
        printf("%-20s %+lld s against ours, by its %s\n", "clock", number(clock, "skew_s"),
               cli_text(clock, "from"));
}

static void print_peer(const json_t *peer)
{
    const json_t *descriptor = json_object_get(peer, "descriptor");
    const json_t *queue = json_object_get(peer, "queue");
    json_t *key;
    size_t i;

    printf("%s\n", cli_text(peer, "server_name"));
    print_modes(peer);
    print_moment("first seen", peer, "first_seen");
    print_moment("last seen", peer, "last_seen");
    printf("%-20s %lld in, %lld out, %lld refused, %lld attempts failed\n", "last 24 hours",
           number(peer, "events_received_24h"), number(peer, "events_sent_24h"),
           number(peer, "requests_refused_24h"), number(peer, "attempts_failed_24h"));
    print_behaviour(peer);
    if (*cli_text(peer, "last_error")) {
        print_moment("last error", peer, "last_error_at");
        printf("%-20s ", "");
        cli_print_plain(cli_text(peer, "last_error"));
        putchar('\n');
    }
    if (json_is_object(descriptor)) {
        print_moment("descriptor of", descriptor, "fetched_at");
        print_moment("certificate until", descriptor, "certificate_until");
        printf("%-20s %s%s\n", "speaks", cli_text(descriptor, "protocol_versions"),
               json_is_true(json_object_get(descriptor, "common_version"))
                   ? ""
                   : " (nothing this server speaks)");
    }
    json_array_foreach(json_object_get(peer, "keys"), i, key)
    {
        printf("%-20s ", i ? "" : "keys");
        print_moment(cli_text(key, "kid"), key, "first_seen");
    }
    print_notes(peer);
    if (json_is_object(queue))
        printf("%-20s %lld, the oldest for %lld s%s\n", "waiting for it",
               number(queue, "deliveries"), number(queue, "oldest_age_s"),
               json_is_true(json_object_get(queue, "suspended")) ? ", suspended" : "");
}

/* PEER NAME REST, the name as one segment of a path. Takes body over. */
static json_t *ask_peer(struct cli_client *client, const char *method, const char *name,
                        const char *rest, json_t *body)
{
    struct wg_buf target;
    json_t *answer;

    wg_buf_init(&target, TARGET_LIMIT_BYTES);
    wg_buf_addf(&target, PEER);
    cli_add_segment(&target, name);
    wg_buf_addf(&target, "%s", rest);
    answer = cli_client_ask(client, method, target.at, body);
    wg_buf_done(&target);
    json_decref(body);
    return answer;
}

/* "tier=partner", "tier=" to take it out. @return NULL after having said what is wrong. */
static json_t *label_body(const struct cli_arguments *arguments)
{
    const char *note = cli_argument(arguments, "--note");
    json_t *labels = json_object();
    json_t *body = json_pack("{s:o}", "labels", labels);

    if (note)
        json_object_set_new(body, "note", json_string(note));
    for (size_t i = 2; i < arguments->word_count; i++) {
        struct wg_str value = wg_str(arguments->words[i]);
        struct wg_str name = wg_str_split(&value, '=');

        if (!value.at) {
            fprintf(stderr, "wavegate peers label: '%s' is not KEY=VALUE\n",
                    arguments->words[i]);
            json_decref(body);
            return NULL;
        }
        json_object_setn_new(labels, name.at, name.len,
                             value.len ? json_stringn(value.at, value.len) : json_null());
    }
    return body;
}

static const struct verb {
    const char *name, *method, *rest;
} verbs[] = {
    {"refresh", "POST", "/refresh"}, {"forget", "DELETE", ""},    {"label", "POST", "/label"},
    {"pin", "PUT", "/pin"},          {"unpin", "DELETE", "/pin"},
};

static const struct verb *verb_of(const struct cli_arguments *arguments)
{
    for (size_t i = 0; i < WG_COUNT(verbs); i++)
        if (arguments->word_count > 1 && strcmp(arguments->words[0], verbs[i].name) == 0)
            return &verbs[i];
    return NULL;
}

static json_t *ask(struct cli_client *client, const struct cli_arguments *arguments,
                   const struct verb *verb)
{
    const char *key = cli_argument(arguments, "--key");
    json_t *body = NULL;

    if (!verb)
        return ask_peer(client, "GET", arguments->words[0], "", NULL);
    if (strcmp(verb->name, "label") == 0) {
        body = label_body(arguments);
        if (!body)
            return NULL;
    }
    if (key)
        body = json_pack("{s:s}", "key", key);
    return ask_peer(client, verb->method, arguments->words[1], verb->rest, body);
}

static int run(struct cli_client *client, const struct cli_arguments *arguments, bool is_json)
{
    const struct verb *verb = verb_of(arguments);
    json_t *answer = ask(client, arguments, verb);

    if (!answer)
        return CLI_REFUSED;
    if (is_json)
        cli_print_json(answer, JSON_INDENT(2));
    else if (verb && strcmp(verb->name, "forget") == 0)
        printf("%s is forgotten\n", arguments->words[1]);
    else
        print_peer(answer);
    json_decref(answer);
    return CLI_GOOD;
}

int cli_peers(const struct cli_arguments *arguments)
{
    bool is_json = cli_argument(arguments, "--json") != NULL;
    struct cli_client *client;
    int status;

    client = cli_client_open(arguments);
    if (!client)
        return CLI_REFUSED;
    status = arguments->word_count ? run(client, arguments, is_json) : list(client, is_json);
    cli_client_close(client);
    return status;
}
