// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "admin/doctor_impl.h"
#include "wire/name.h"

/* Our own descriptor, fetched as a peer would: by the name, when this machine can go that way,
 * else through our own listener, which leaves out what lies between. */

enum { RENEW_SOON_S = 14 * 86400 };

struct sight {
    struct doctor *doctor;
    struct wg_str host;
    uint16_t port;
    struct wg_dialer *dialer;
    struct wg_http_client *client;
    bool is_direct;     /* to our own listener */
    const char *detour; /* why */
    enum doctor_result result;
};

static void fetch(struct sight *sight);

/* ---- the end: what was opened closes first ---- */

static void on_closed(void *owner)
{
    struct sight *sight = owner;

    sight->dialer = wg_dialer_free(sight->dialer);
    if (sight->result == DOCTOR_PENDING)
        fetch(sight);
    else
        doctor_end(sight->doctor, sight->result);
}

/* With DOCTOR_PENDING the other way is tried. */
static void leave(struct sight *sight, enum doctor_result result)
{
    sight->result = result;
    wg_http_client_close(sight->client, on_closed, sight);
}

/* ---- judging ---- */

static const char *way_of(const struct sight *sight)
{
    if (!sight->is_direct)
        return "by its name";
    return wg_arena_format(sight->doctor->request->arena,
                           "through our own listener %s, since %s",
                           sight->doctor->request->gateway->ingress, sight->detour);
}

static void see_failure(struct sight *sight, const struct wg_err *err)
{
    doctor_see(sight->doctor, "%s: %s", way_of(sight), err->text);
    doctor_advise(sight->doctor,
                  err->code == WG_TLS_FAILED
                      ? "peers refuse that certificate as well: setting 'certificate' of the "
                        "instance must hold the whole chain, for that name, in date"
                      : "our own door does not answer: see the log of the gateway");
    leave(sight, DOCTOR_FAILED);
}

static void judge_descriptor(struct sight *sight, const struct wg_http_response *response)
{
    struct doctor *doctor = sight->doctor;
    const struct wg_instance *instance = doctor->request->instance;
    const struct wg_public_key ours = doctor_our_key(doctor);
    struct wg_arena *arena = doctor->request->arena;
    struct wg_descriptor seen;
    struct wg_err err;
    int64_t left_s =
        response->info->certificate_until_s - wg_clock_wall_s(doctor->request->gateway->clock);

    if (response->status != 200) {
        doctor_see(doctor, "%s: answered %d", way_of(sight), response->status);
        doctor_advise(doctor, "something else answers there: our DNS entry or proxy must lead "
                              "to this gateway");
        leave(sight, DOCTOR_FAILED);
    } else if (wg_descriptor_parse(wg_arena_copy(arena, response->body), instance->server_name,
                                   arena, &seen, &err) != WG_OK) {
        doctor_see(doctor, "%s: %s", way_of(sight), err.text);
        doctor_advise(doctor, "something else answers there: our DNS entry or proxy must lead "
                              "to this gateway");
        leave(sight, DOCTOR_FAILED);
    } else if (!wg_public_key_equal(&seen.keys[0].key, &ours)) {
        doctor_see(doctor, "%s: it publishes key %s, we sign with %s", way_of(sight),
                   seen.keys[0].key.kid, ours.kid);
        doctor_advise(doctor, "another gateway, or a cache with an old answer, stands there: "
                              "they refuse all we sign until it shows our key");
        leave(sight, DOCTOR_FAILED);
    } else {
        doctor_see(doctor, "our descriptor came %s: key %s, certificate good for %s",
                   way_of(sight), seen.keys[0].key.kid, doctor_span(doctor, left_s));
        if (left_s < RENEW_SOON_S)
            doctor_advise(doctor, "renew the instance's certificate now");
        else if (sight->is_direct)
            doctor_advise(doctor, "from outside, try `curl https://%.*s" WG_DESCRIPTOR_PATH "`",
                          WG_STR_F(instance->server_name));
        leave(sight, DOCTOR_OK);
    }
}

/* By the name: whether it does not resolve here, or leads to an address that this machine
 * cannot reach from inside, says little of what others see. */
static bool is_of_this_machine(enum wg_code code)
{
    return code == WG_UNRESOLVED || code == WG_CONNECT_FAILED || code == WG_TIMEOUT;
}

static void on_answer(struct doctor *doctor, const struct wg_http_response *response,
                      const struct wg_err *err)
{
    struct sight *sight = doctor->state;

    if (response) {
        judge_descriptor(sight, response);
    } else if (!sight->is_direct && is_of_this_machine(err->code) && !doctor->is_late &&
               doctor->request->gateway->ingress[0]) {
        sight->is_direct = true;
        sight->detour = wg_arena_copy(doctor->request->arena,
                                      wg_str(err->code == WG_UNRESOLVED
                                                 ? "the name does not resolve on this machine"
                                                 : err->text))
                            .at;
        leave(sight, DOCTOR_PENDING);
    } else {
        see_failure(sight, err);
    }
}

static void fetch(struct sight *sight)
{
    struct wg_admin_request *request = sight->doctor->request;
    const struct wg_resolve_entry direct[] = {
        {wg_arena_copy(request->arena, sight->host).at, request->gateway->ingress}, {0}};
    struct wg_http_client_options pool = {0};
    struct wg_header headers[] = {{WG_STR("host"), request->instance->server_name},
                                  {WG_STR("accept"), WG_STR("application/json")}};
    struct wg_http_request asked = {
        .origin = {.host = sight->host,
                   .port = sight->port,
                   .is_tls = true,
                   .is_trusted = true},
        .method = WG_STR("GET"),
        .target = WG_STR(WG_DESCRIPTOR_PATH),
        .headers = headers,
        .header_count = WG_COUNT(headers),
        .answer_limit_bytes = WG_DESCRIPTOR_LIMIT_BYTES,
        .timeout_ms = DOCTOR_STEP_MS / 2,
    };

    sight->dialer = wg_dialer_beside(request->worker->dialer, sight->is_direct ? direct : NULL);
    sight->client = wg_http_client_new(request->worker->loop, sight->dialer, &pool);
    doctor_fetch_with(sight->doctor, sight->client, &asked, on_answer);
}

void doctor_peer_sees_us(struct doctor *doctor)
{
    struct sight *sight = wg_arena_new(doctor->request->arena, struct sight);

    sight->doctor = doctor;
    doctor->state = sight;
    wg_server_name_split(doctor->request->instance->server_name, 443, &sight->host,
                         &sight->port);
    fetch(sight);
}
