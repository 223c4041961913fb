// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <sys/timex.h>

#include "admin/doctor_impl.h"
#include "federation/probe.h"
#include "federation/standing.h"
#include "wire/name.h"

/* The gateway itself: its instances, its clock against others', and its doors as peers meet
 * them. Each instance is asked in turn; of many, the first few. */

enum {
    ASKED_MAX = 16,
    ASK_MS = 2000,
    SKEW_MAX_S = 60, /* past it signatures are refused */
    SKEW_NOTED_S = 5,
    CLOCKS_MAX = 1000,
    CLOCKS_FEW = 3, /* fewer peers may be wrong themselves */
    DAY_S = 86400,
};

/* ---- instances ---- */

struct round {
    struct doctor *doctor;
    size_t at, good;
    struct doctor_findings bad;
    /* of the descriptor's round */
    struct wg_str host;
    struct wg_dialer *dialer;
    struct wg_http_client *client;
};

static struct round *round_new(struct doctor *doctor)
{
    struct round *round = wg_arena_new(doctor->request->arena, struct round);

    round->doctor = doctor;
    doctor->state = round;
    return round;
}

static const struct wg_instance *instance_of(const struct round *round)
{
    return &round->doctor->request->gateway->instances[round->at];
}

static bool is_over(const struct round *round)
{
    return round->at >= round->doctor->request->gateway->instance_count ||
           round->at >= ASKED_MAX || round->doctor->is_late || round->doctor->is_stopping;
}

/* Those that were not asked now were looked at lately. */
static void add_probed(struct round *round)
{
    const struct wg_gateway *gateway = round->doctor->request->gateway;

    for (; round->at < gateway->instance_count; round->at++) {
        struct wg_probe_state state;

        wg_probe_read(gateway->probe, round->at, &state);
        if (state.is_known && !state.is_reachable)
            doctor_find(&round->bad, "%s: %s",
                        gateway->config->instances[round->at].server_name, state.error);
        else
            round->good += state.is_known;
    }
}

static void judge_instances(struct round *round)
{
    struct doctor *doctor = round->doctor;

    add_probed(round);
    doctor_detail(doctor, "good", json_integer((json_int_t)round->good));
    if (round->bad.count) {
        doctor_see(doctor, "no answer from %s", doctor_findings_text(doctor, &round->bad));
        doctor_advise(doctor, "start it, or mend 'upstream' of that instance; meanwhile its "
                              "events are taken and wait in the queue");
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    doctor_see(doctor, "%zu answer%s", round->good, round->good == 1 ? "s" : "");
    doctor_end(doctor, DOCTOR_OK);
}

static void note_skew(struct doctor *doctor, struct wg_str date)
{
    int64_t now_ms = wg_clock_wall_ms(doctor->request->gateway->clock), skew_ms;

    if (!doctor_read_date(doctor, date, &skew_ms))
        return;
    skew_ms -= doctor->asked_at_ms + (now_ms - doctor->asked_at_ms) / 2;
    if (!doctor->has_skew || llabs(skew_ms) > llabs(doctor->skew_ms))
        doctor->skew_ms = skew_ms;
    doctor->has_skew = true;
}

static void ask_instance(struct round *round);

static void on_instance(struct doctor *doctor, const struct wg_http_response *response,
                        const struct wg_err *err)
{
    struct round *round = doctor->state;

    if (response) {
        round->good++;
        note_skew(doctor, wg_headers_get(&response->headers, "date"));
    } else {
        doctor_find(&round->bad, "%.*s: %s", WG_STR_F(instance_of(round)->server_name),
                    err->text);
    }
    round->at++;
    ask_instance(round);
}

static void ask_instance(struct round *round)
{
    struct doctor *doctor = round->doctor;
    struct wg_header headers[1];
    struct wg_http_request asked;

    if (is_over(round) || !doctor->request->worker->client) {
        judge_instances(round);
        return;
    }
    headers[0] = (struct wg_header){WG_STR("host"), instance_of(round)->server_name};
    asked = (struct wg_http_request){
        .origin = instance_of(round)->upstream,
        .method = WG_STR("GET"),
        .target = WG_STR("/"),
        .headers = headers,
        .header_count = 1,
        .answer_limit_bytes = WG_DESCRIPTOR_LIMIT_BYTES,
        .timeout_ms = ASK_MS,
    };
    doctor->asked_at_ms = wg_clock_wall_ms(doctor->request->gateway->clock);
    doctor_fetch(doctor, &asked, on_instance);
}

void doctor_self_instances(struct doctor *doctor)
{
    ask_instance(round_new(doctor));
}

/* ---- clocks ---- */

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

/* @return whether there are enough peers to believe: half of them are that far from us. */
static bool peers_skew(struct doctor *doctor, int64_t *ret_skew_s, size_t *ret_count)
{
    const struct wg_gateway *gateway = doctor->request->gateway;
    int64_t *skews = wg_arena_alloc(doctor->request->arena, CLOCKS_MAX * sizeof *skews);

    *ret_count = wg_standing_clocks(gateway->directory, wg_clock_wall_s(gateway->clock) - DAY_S,
                                    skews, CLOCKS_MAX);
    if (*ret_count < CLOCKS_FEW)
        return false;
    qsort(skews, *ret_count, sizeof *skews, compare);
    *ret_skew_s = skews[*ret_count / 2];
    return true;
}

static bool kernel_is_synchronised(void)
{
    struct timex timex = {.modes = 0};
    int state = adjtimex(&timex);

    return state >= 0 && state != TIME_ERROR && !(timex.status & STA_UNSYNC);
}

static const char *far_text(struct doctor *doctor, const char *who, int64_t skew_s)
{
    return wg_arena_format(doctor->request->arena, "our clock is %s %s %s",
                           doctor_span(doctor, skew_s), skew_s > 0 ? "behind" : "ahead of",
                           who);
}

void doctor_self_clock(struct doctor *doctor)
{
    static const char remedy[] =
        "past 60 s peers refuse what we sign, and we what they sign: set the clocks with NTP "
        "(`timedatectl` must say that it is synchronized)";
    int64_t peers_s = 0, instance_s = doctor->has_skew ? doctor->skew_ms / 1000 : 0;
    bool is_synchronised = kernel_is_synchronised();
    size_t count;
    bool has_peers = peers_skew(doctor, &peers_s, &count);
    const char *far = has_peers && llabs(peers_s) > SKEW_MAX_S
                          ? far_text(doctor, "half of the peers seen", peers_s)
                      : llabs(instance_s) > SKEW_MAX_S
                          ? far_text(doctor, "an instance", instance_s)
                          : NULL;

    doctor_detail(doctor, "synchronized", json_boolean(is_synchronised));
    doctor_detail(doctor, "peers", json_integer((json_int_t)count));
    if (far) {
        doctor_see(doctor, "%s", far);
        doctor_advise(doctor, "%s", remedy);
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    doctor_see(doctor, "%s; %s",
               is_synchronised ? "the system keeps it by NTP"
                               : "the system does not keep it by NTP",
               has_peers          ? wg_arena_format(doctor->request->arena,
                                                    "%zu peers seen within a day, the middle one %lld s "
                                                             "from us",
                                                    count, (long long)peers_s)
               : doctor->has_skew ? "the instances agree with it"
                                  : "nobody to compare it with");
    if (!is_synchronised || llabs(peers_s) > SKEW_NOTED_S || llabs(instance_s) > SKEW_NOTED_S)
        doctor_advise(doctor, "%s", remedy);
    doctor_end(doctor, DOCTOR_OK);
}

/* ---- our descriptor, as a peer would fetch it ---- */

static void fetch_descriptor(struct round *round);

static void judge_descriptors(struct round *round)
{
    struct doctor *doctor = round->doctor;

    if (round->bad.count) {
        doctor_see(doctor, "%s", doctor_findings_text(doctor, &round->bad));
        doctor_advise(doctor, "peers meet the same: mend the certificate (check of "
                              "certificates), or see the log for what ends the connection");
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    doctor_see(doctor, "%zu fetched through %s: certificate, name and key are ours",
               round->good, doctor->request->gateway->ingress);
    if (round->good < doctor->request->gateway->instance_count)
        doctor_advise(doctor, "only the first %d of %zu were fetched", ASKED_MAX,
                      doctor->request->gateway->instance_count);
    doctor_end(doctor, DOCTOR_OK);
}

static void on_client_closed(void *owner)
{
    struct round *round = owner;

    round->dialer = wg_dialer_free(round->dialer);
    round->at++;
    fetch_descriptor(round);
}

static void judge_one(struct round *round, const struct wg_http_response *response)
{
    struct doctor *doctor = round->doctor;
    const struct wg_instance *instance = instance_of(round);
    struct wg_arena *arena = doctor->request->arena;
    const struct wg_public_key ours = wg_identity_public_key(
        instance->identity, wg_clock_wall_s(doctor->request->gateway->clock));
    struct wg_descriptor seen;
    struct wg_err err;

    if (response->status != 200)
        doctor_find(&round->bad, "%.*s: answered %d", WG_STR_F(instance->server_name),
                    response->status);
    else if (wg_descriptor_parse(wg_arena_copy(arena, response->body), instance->server_name,
                                 arena, &seen, &err) != WG_OK)
        doctor_find(&round->bad, "%.*s: %s", WG_STR_F(instance->server_name), err.text);
    else if (!wg_public_key_equal(&seen.keys[0].key, &ours))
        doctor_find(&round->bad, "%.*s: it shows key %s, we sign with %s",
                    WG_STR_F(instance->server_name), seen.keys[0].key.kid, ours.kid);
    else
        round->good++;
}

static void on_descriptor(struct doctor *doctor, const struct wg_http_response *response,
                          const struct wg_err *err)
{
    struct round *round = doctor->state;

    if (response)
        judge_one(round, response);
    else
        doctor_find(&round->bad, "%.*s: %s", WG_STR_F(instance_of(round)->server_name),
                    err->text);
    wg_http_client_close(round->client, on_client_closed, round);
}

static void fetch_descriptor(struct round *round)
{
    const struct wg_admin_request *request = round->doctor->request;
    struct wg_resolve_entry direct[2] = {{NULL, NULL}};
    struct wg_http_client_options pool = {0};
    struct wg_http_request asked;
    struct wg_header headers[1];
    uint16_t port;

    if (is_over(round)) {
        judge_descriptors(round);
        return;
    }
    wg_server_name_split(instance_of(round)->server_name, 443, &round->host, &port);
    direct[0] = (struct wg_resolve_entry){wg_arena_copy(request->arena, round->host).at,
                                          request->gateway->ingress};
    headers[0] = (struct wg_header){WG_STR("host"), instance_of(round)->server_name};
    asked = (struct wg_http_request){
        .origin = {.host = round->host, .port = port, .is_tls = true, .is_trusted = true},
        .method = WG_STR("GET"),
        .target = WG_STR(WG_DESCRIPTOR_PATH),
        .headers = headers,
        .header_count = 1,
        .answer_limit_bytes = WG_DESCRIPTOR_LIMIT_BYTES,
        .timeout_ms = ASK_MS,
    };
    round->dialer = wg_dialer_beside(request->worker->dialer, direct);
    round->client = wg_http_client_new(request->worker->loop, round->dialer, &pool);
    doctor_fetch_with(round->doctor, round->client, &asked, on_descriptor);
}

void doctor_self_descriptor(struct doctor *doctor)
{
    fetch_descriptor(round_new(doctor));
}
