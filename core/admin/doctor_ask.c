// SPDX-License-Identifier: Apache-2.0
#include "admin/doctor_impl.h"
#include "wire/signature.h"

/* Signed requests to a peer that want nothing: what it answers tells whether it knows us. */

/* Nobody has this name; a profile is read, not made. */
#define NOBODY "wavegate-doctor"

enum { ANSWER_LIMIT_BYTES = 64 * 1024 };

static enum wg_code make_message(struct doctor *doctor, const char *method,
                                 struct wg_str target, struct wg_message *message,
                                 struct wg_err *err)
{
    struct wg_arena *arena = doctor->request->arena;
    struct wg_sign_options options = {.created_s =
                                          wg_clock_wall_s(doctor->request->gateway->clock)};

    *message = (struct wg_message){
        .method = wg_str(method), .scheme = WG_STR("https"), .authority = doctor->peer};
    if (wg_message_set_target(message, target, err) != WG_OK)
        return wg_while(err, "the endpoint in their descriptor");
    wg_headers_add(&message->headers, arena, WG_STR("host"), doctor->peer);
    wg_headers_add(&message->headers, arena, WG_STR("accept"), WG_STR("application/json"));
    wg_headers_add(&message->headers, arena, WG_STR("user-agent"),
                   WG_STR("wavegate/" WAVEGATE_VERSION));
    return wg_instance_sign(doctor->request->instance, message, &options, arena, err);
}

void doctor_ask_peer(struct doctor *doctor, const char *method, struct wg_str target,
                     void (*on_answer)(struct doctor *doctor,
                                       const struct wg_http_response *response,
                                       const struct wg_err *err))
{
    struct wg_http_request request = {
        .origin = {.host = doctor->host, .port = doctor->port, .is_tls = true},
        .answer_limit_bytes = ANSWER_LIMIT_BYTES};
    struct wg_message message;
    struct wg_err err;

    if (make_message(doctor, method, target, &message, &err) != WG_OK) {
        on_answer(doctor, NULL, &err);
        return;
    }
    request.method = message.method;
    request.target = message.target;
    request.headers = message.headers.at;
    request.header_count = message.headers.count;
    doctor_fetch(doctor, &request, on_answer);
}

void doctor_no_answer(struct doctor *doctor, const struct wg_err *err)
{
    doctor_see(doctor, "%s", err->text);
    doctor_advise(doctor, "their descriptor came, this did not: their server, or what stands "
                          "behind their proxy, is at fault");
    doctor_end(doctor, DOCTOR_FAILED);
}

/* ---- do they know us ---- */

static bool speaks_of_time(struct wg_str text)
{
    static const char *const words[] = {"clock",   "drift",         "created",     "stale",
                                        "expired", "in the future", "in the past", "timestamp"};
    struct wg_err copy; /* a text that ends */

    snprintf(copy.text, sizeof copy.text, "%.*s", WG_STR_F(text));
    for (size_t i = 0; i < WG_COUNT(words); i++) {
        if (strcasestr(copy.text, words[i]))
            return true;
    }
    return false;
}

static const char *mismatch_remedy(struct doctor *doctor, struct wg_str refusal)
{
    const struct wg_instance *instance = doctor->request->instance;

    if (speaks_of_time(refusal))
        return "one of the two clocks is wrong: see 'clocks'; `timedatectl` on both";
    return wg_arena_format(
        doctor->request->arena,
        "they hold another key of ours than %s, which signs now: they should "
        "fetch our descriptor again (a Wavegate there: `wavegate peers refresh "
        "%.*s`)",
        doctor_our_key(doctor).kid, WG_STR_F(instance->server_name));
}

static const char *unknown_remedy(struct doctor *doctor, struct wg_str refusal)
{
    const struct wg_str us = doctor->request->instance->server_name;
    struct wg_err copy;

    snprintf(copy.text, sizeof copy.text, "%.*s", WG_STR_F(refusal));
    if (strcasestr(copy.text, "denied") || strcasestr(copy.text, "deny") ||
        strcasestr(copy.text, "blocked"))
        return wg_arena_format(doctor->request->arena,
                               "we are on their deny list: ask their operator to take %.*s out "
                               "of denied_peers",
                               WG_STR_F(us));
    return wg_arena_format(doctor->request->arena,
                           "ask their operator to admit %.*s (allowed_peers)", WG_STR_F(us));
}

static const struct {
    const char *code;
    const char *remedy;
} refusals[] = {
    {"SW_FED_PEER_UNREACHABLE", "they cannot fetch our descriptor: see 'they can see "
                                "us'; from their machine, `curl` our descriptor"},
    {"SW_FED_PROTOCOL_VERSION",
     "our descriptor and theirs share no version: one side has to be "
     "upgraded"},
    {"SW_FED_SERVER_UNKNOWN",
     "another server answers under that name, or its proxy changes the "
     "Host field"},
};

/* NULL: that refusal does not mean that they refuse us. */
static const char *refusal_remedy(struct doctor *doctor, struct wg_str sw_code,
                                  struct wg_str refusal, int status)
{
    if (wg_str_is(sw_code, "SW_FED_PEER_UNKNOWN"))
        return unknown_remedy(doctor, refusal);
    if (wg_str_is(sw_code, "SW_FED_SIGNATURE_MISMATCH") || status == 401)
        return mismatch_remedy(doctor, refusal);
    for (size_t i = 0; i < WG_COUNT(refusals); i++) {
        if (wg_str_is(sw_code, refusals[i].code))
            return refusals[i].remedy;
    }
    if (status >= 500)
        return "their server is failing: tell them";
    if (status >= 300 && status < 400)
        return "redirects are not followed: they must answer there themselves";
    return NULL;
}

static void on_read(struct doctor *doctor, const struct wg_http_response *response,
                    const struct wg_err *err)
{
    struct wg_str refusal, sw_code;
    const char *remedy;

    if (!response) {
        doctor_no_answer(doctor, err);
        return;
    }
    refusal = wg_admin_refusal(doctor->request, response, &sw_code);
    remedy = refusal_remedy(doctor, sw_code, refusal, response->status);
    doctor_detail(doctor, "status", json_integer(response->status));
    if (sw_code.at)
        doctor_detail(doctor, "code", wg_admin_string(sw_code));
    if (remedy) {
        doctor_see(doctor, "they refuse a signed request: they %.*s", WG_STR_F(refusal));
        doctor_advise(doctor, "%s", remedy);
        doctor_end(doctor, DOCTOR_FAILED);
    } else if (response->status == 429) {
        doctor_see(doctor, "cannot tell: they %.*s", WG_STR_F(refusal));
        doctor_advise(doctor, "they hold us back for now: ask again later");
        doctor_end(doctor, DOCTOR_SKIPPED);
    } else if (response->status >= 400 && !sw_code.at) {
        doctor_see(doctor, "cannot tell: they answered %d without an SW_ code",
                   response->status);
        doctor_end(doctor, DOCTOR_SKIPPED);
    } else {
        doctor_see(doctor, "they take a signed request: %d%s%.*s to a profile that nobody has",
                   response->status, sw_code.at ? " " : "", WG_STR_F(sw_code));
        doctor_end(doctor, DOCTOR_OK);
    }
}

void doctor_peer_knows_us(struct doctor *doctor)
{
    doctor_ask_peer(
        doctor, "GET",
        wg_endpoint_expand(doctor->descriptor.profile, WG_STR(NOBODY), doctor->request->arena),
        on_read);
}

/* ---- is /send still there ---- */

/* A refusal that names a room or an event speaks for the endpoint; so does any but "no such
 * thing here". */
static bool is_gone(int status, struct wg_str sw_code)
{
    if (status == 404)
        return !sw_code.at || wg_str_is(sw_code, "SW_FED_NOT_FOUND");
    return status == 405 || status == 410 || status == 501;
}

/* A server that says SW_ why not has looked at the request. */
static bool is_failing(int status, struct wg_str sw_code)
{
    if (status >= 500)
        return !sw_code.at || wg_str_is(sw_code, "SW_INTERNAL");
    return status >= 300 && status < 400;
}

static void on_sent(struct doctor *doctor, const struct wg_http_response *response,
                    const struct wg_err *err)
{
    struct wg_str path = doctor->descriptor.send;
    struct wg_str refusal, sw_code;

    if (!response) {
        doctor_no_answer(doctor, err);
        return;
    }
    refusal = wg_admin_refusal(doctor->request, response, &sw_code);
    doctor_detail(doctor, "status", json_integer(response->status));
    if (is_gone(response->status, sw_code)) {
        doctor_see(doctor, "%.*s is gone: they %.*s", WG_STR_F(path), WG_STR_F(refusal));
        doctor_advise(doctor, "their server was changed, or their proxy does not pass it on: "
                              "nothing we send arrives until they mend it");
        doctor_end(doctor, DOCTOR_FAILED);
    } else if (is_failing(response->status, sw_code)) {
        doctor_see(doctor, "POST %.*s: they %.*s", WG_STR_F(path), WG_STR_F(refusal));
        doctor_advise(doctor,
                      "an empty event should be refused with 400: their server, or what "
                      "stands behind their proxy, is failing");
        doctor_end(doctor, DOCTOR_FAILED);
    } else {
        doctor_see(doctor, "it is there: they answered %d%s%.*s to an empty event",
                   response->status, sw_code.at ? " " : "", WG_STR_F(sw_code));
        doctor_end(doctor, DOCTOR_OK);
    }
}

void doctor_peer_send(struct doctor *doctor)
{
    doctor_ask_peer(doctor, "POST", doctor->descriptor.send, on_sent);
}
