// SPDX-License-Identifier: Apache-2.0
#include "admin/doctor_impl.h"
#include "federation/peers.h"

/* What a peer publishes of itself, and how that fits what we know of it. */

enum { SKEW_NOTED_S = 10 };

/* ---- descriptor ---- */

/* The clock read is that of the middle of the exchange. */
static void measure_skew(struct doctor *doctor, struct wg_str date)
{
    int64_t now_ms = wg_clock_wall_ms(doctor->request->gateway->clock), theirs_ms;

    if (!doctor_read_date(doctor, date, &theirs_ms))
        return;
    doctor->skew_ms = theirs_ms - (doctor->asked_at_ms + (now_ms - doctor->asked_at_ms) / 2);
    doctor->has_skew = true;
}

static const char *status_remedy(int status)
{
    if (status >= 300 && status < 400)
        return "redirects are not followed: they must answer on that name itself";
    if (status == 401 || status == 403)
        return "the descriptor must be readable by everybody: their proxy protects it";
    if (status == 404)
        return "their server publishes no descriptor: federation is off there, or their proxy "
               "does not pass " WG_DESCRIPTOR_PATH " on";
    if (status >= 500)
        return "their server, or what stands behind their proxy, is down or broken";
    return "they must answer 200 with the descriptor";
}

static void judge_descriptor(struct doctor *doctor, const struct wg_http_response *response)
{
    struct wg_arena *arena = doctor->request->arena;
    struct wg_str cache = wg_headers_get(&response->headers, "cache-control");
    struct wg_err err;

    if (response->status != 200) {
        doctor_see(doctor, "answered %d", response->status);
        doctor_advise(doctor, "%s", status_remedy(response->status));
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    if (wg_descriptor_parse(wg_arena_copy(arena, response->body), doctor->peer, arena,
                            &doctor->descriptor, &err) != WG_OK) {
        doctor_see(doctor, "not usable: %s", err.text);
        doctor_advise(doctor, "tell them: until it is mended nobody here can trust them");
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    doctor_see(doctor, "200, %zu bytes, key %s, kept for %s", response->body.len,
               doctor->descriptor.keys[0].key.kid,
               doctor_span(doctor, wg_descriptor_age_s(cache)));
    doctor_detail(doctor, "kid", json_string(doctor->descriptor.keys[0].key.kid));
    doctor_detail(doctor, "cache_s", json_integer(wg_descriptor_age_s(cache)));
    doctor_end(doctor, DOCTOR_OK);
}

static void on_descriptor(struct doctor *doctor, const struct wg_http_response *response,
                          const struct wg_err *err)
{
    if (response) {
        measure_skew(doctor, wg_headers_get(&response->headers, "date"));
        judge_descriptor(doctor, response);
        return;
    }
    doctor_see(doctor, "%s", err->text);
    doctor_advise(doctor,
                  err->code == WG_TIMEOUT
                      ? "their server takes connections and does not answer: it, or what "
                        "stands behind their proxy, hangs"
                      : "give them this reason");
    doctor_end(doctor, DOCTOR_FAILED);
}

void doctor_peer_descriptor(struct doctor *doctor)
{
    struct wg_header headers[] = {
        {WG_STR("host"), doctor->peer},
        {WG_STR("accept"), WG_STR("application/json")},
        {WG_STR("user-agent"), WG_STR("wavegate/" WAVEGATE_VERSION)},
    };
    struct wg_http_request request = {
        .origin = {.host = doctor->host, .port = doctor->port, .is_tls = true},
        .method = WG_STR("GET"),
        .target = WG_STR(WG_DESCRIPTOR_PATH),
        .headers = headers,
        .header_count = WG_COUNT(headers),
        .answer_limit_bytes = WG_DESCRIPTOR_LIMIT_BYTES,
    };

    doctor->asked_at_ms = wg_clock_wall_ms(doctor->request->gateway->clock);
    doctor_fetch(doctor, &request, on_descriptor);
}

void doctor_peer_versions(struct doctor *doctor)
{
    const struct wg_descriptor *descriptor = &doctor->descriptor;

    doctor_detail(doctor, "protocol_versions", wg_admin_string(descriptor->versions));
    if (descriptor->speaks_v1) {
        doctor_see(doctor, "they speak %.*s, we speak %s", WG_STR_F(descriptor->versions),
                   WG_SPOKEN_VERSION);
        doctor_end(doctor, DOCTOR_OK);
        return;
    }
    doctor_see(doctor, "none in common: they speak %.*s, we speak %s",
               WG_STR_F(descriptor->versions), WG_SPOKEN_VERSION);
    doctor_advise(doctor, "one side has to be upgraded, or they must publish %s as well",
                  WG_SPOKEN_VERSION);
    doctor_end(doctor, DOCTOR_FAILED);
}

/* ---- clocks ---- */

void doctor_peer_clock(struct doctor *doctor)
{
    int64_t off_ms = doctor->skew_ms < 0 ? -doctor->skew_ms : doctor->skew_ms;
    long long off_s = (long long)((off_ms + 500) / 1000);
    const char *way = doctor->skew_ms < 0 ? "behind" : "ahead of";

    if (!doctor->has_skew) {
        doctor_see(doctor, "their answer has no usable Date");
        doctor_end(doctor, DOCTOR_SKIPPED);
        return;
    }
    doctor_detail(doctor, "skew_s", json_integer((json_int_t)(doctor->skew_ms / 1000)));
    if (off_ms > WG_CREATED_WINDOW_S * 1000) {
        doctor_see(doctor,
                   "their clock is %lld s %s ours; past %d s every signature is refused", off_s,
                   way, WG_CREATED_WINDOW_S);
        doctor_advise(doctor,
                      "one of the two clocks is wrong: `wavegate doctor` and `timedatectl` "
                      "say whether ours is synchronized; if it is, theirs is not");
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    if (off_s > SKEW_NOTED_S) {
        doctor_see(doctor, "their clock is %lld s %s ours, %d s are allowed", off_s, way,
                   WG_CREATED_WINDOW_S);
        doctor_advise(doctor, "one of the two is not synchronized (NTP): `timedatectl`");
    } else {
        doctor_see(doctor, "theirs and ours agree within %lld s", off_s > 0 ? off_s : 1);
    }
    doctor_end(doctor, DOCTOR_OK);
}

/* ---- keys ---- */

static bool is_published(const struct doctor *doctor, const char *kid)
{
    for (size_t i = 0; i < doctor->descriptor.key_count; i++) {
        if (strcmp(doctor->descriptor.keys[i].key.kid, kid) == 0)
            return true;
    }
    return false;
}

/* Our policy takes the key; the directory may still hold another. */
static void judge_taken_key(struct doctor *doctor, const char *old_kid, int64_t since_s)
{
    const char *kid = doctor->descriptor.keys[0].key.kid;

    if (strcmp(old_kid, kid) == 0) {
        doctor_see(doctor, "%s, the one we know since %s", kid, doctor_day(doctor, since_s));
        doctor_end(doctor, DOCTOR_OK);
    } else if (is_published(doctor, old_kid)) {
        doctor_see(doctor,
                   "rotating: they sign with %s now and still publish %s, which we know; the "
                   "new one is fetched when they first use it",
                   kid, old_kid);
        doctor_end(doctor, DOCTOR_OK);
    } else {
        doctor_see(doctor,
                   "rotated without an overlap: they publish %s, we know %s (since %s); their "
                   "next signature makes us fetch the new one, at most once a minute",
                   kid, old_kid, doctor_day(doctor, since_s));
        doctor_advise(doctor, "take it now: `wavegate peers refresh %.*s`",
                      WG_STR_F(doctor->peer));
        doctor_end(doctor, DOCTOR_FAILED);
    }
}

/* An operator's word goes before any policy. */
static bool is_pinned_otherwise(struct doctor *doctor)
{
    const struct wg_public_key *key = &doctor->descriptor.keys[0].key;
    struct wg_public_key pinned;

    if (!wg_notes_refuse(doctor->request->gateway->notes, doctor->peer, key, &pinned))
        return false;
    doctor_see(doctor, "they publish %s, an operator has pinned %s: all they sign is refused",
               key->kid, pinned.kid);
    doctor_advise(doctor,
                  "ask them, not over federation, whether they changed their key; if they did: "
                  "`wavegate peers pin %.*s --key %s`",
                  WG_STR_F(doctor->peer), key->kid);
    doctor_end(doctor, DOCTOR_FAILED);
    return true;
}

static bool refuses_key(struct doctor *doctor, const struct wg_public_key *known)
{
    const struct wg_public_key *key = &doctor->descriptor.keys[0].key;
    struct doctor_verdict verdict;

    if (wg_keyring_has(doctor->request->gateway->keyring,
                       doctor->request->instance->server_name, doctor->peer, key))
        return false;
    doctor_ask_key(doctor, known ? wg_str(known->kid) : (struct wg_str){NULL, 0},
                   wg_str(key->kid), &verdict);
    if (verdict.is_waiting || verdict.decision.verdict == WG_VERDICT_ALLOW)
        return false;
    doctor_see(doctor, "they publish %s, %s%s, and our policy refuses it: %s", key->kid,
               known ? "we have taken " : "which is their first one here",
               known ? known->kid : "", doctor_verdict_text(doctor, &verdict));
    doctor_advise(doctor, "ask them, not over federation, whether they changed their key; if "
                          "they did, change that policy, if not, somebody stands between");
    doctor_end(doctor, DOCTOR_FAILED);
    return true;
}

void doctor_peer_key(struct doctor *doctor)
{
    struct wg_gateway *gateway = doctor->request->gateway;
    struct wg_public_key newest;
    bool has_newest = wg_keyring_newest(
        gateway->keyring, doctor->request->instance->server_name, doctor->peer, &newest);
    struct wg_peer_facts facts;

    wg_directory_facts(gateway->directory, doctor->peer, &facts);
    doctor_detail(doctor, "published", json_string(doctor->descriptor.keys[0].key.kid));
    if (facts.kid[0])
        doctor_detail(doctor, "known", json_string(facts.kid));
    if (is_pinned_otherwise(doctor) || refuses_key(doctor, has_newest ? &newest : NULL))
        return;
    if (!facts.kid[0]) {
        doctor_see(doctor, "%s; we have not met them yet", doctor->descriptor.keys[0].key.kid);
        doctor_end(doctor, DOCTOR_OK);
        return;
    }
    judge_taken_key(doctor, facts.kid, facts.key_since_s);
}

/* ---- how it went lately ---- */

static const struct {
    const char *code, *remedy;
} lately_remedies[] = {
    {"SW_FED_SIGNATURE_MISMATCH", "their key or their clock: see 'clocks' and 'their key'; if "
                                  "both are good, their server signs wrongly"},
    {"SW_FED_PEER_UNKNOWN", "our policy refused them: see 'we admit them'"},
    {"SW_FED_PEER_UNREACHABLE", "we could not fetch their descriptor then: for now see "
                                "'descriptor'"},
    {"SW_FED_PROTOCOL_VERSION", "see 'protocol versions'"},
};

static const char *lately_remedy(const json_t *error)
{
    const char *code = json_string_value(json_object_get(error, "code"));

    for (size_t i = 0; code && i < WG_COUNT(lately_remedies); i++) {
        if (strcmp(code, lately_remedies[i].code) == 0)
            return lately_remedies[i].remedy;
    }
    return NULL;
}

static long long number(const json_t *object, const char *member)
{
    return (long long)json_number_value(json_object_get(object, member));
}

static const char *text(const json_t *object, const char *member)
{
    const char *value = json_string_value(json_object_get(object, member));

    return value ? value : "";
}

/* An error that nothing has followed yet is how it stands; an older one is history. */
static bool is_open(const json_t *error, long long seen_s, int64_t now_s)
{
    long long failed_s = number(error, "at");

    return failed_s >= seen_s && now_s - failed_s < 86400 &&
           strcmp(text(error, "direction"), "inbound") == 0 && lately_remedy(error);
}

static const char *error_text(struct doctor *doctor, const json_t *error, long long seen_s,
                              int64_t now_s)
{
    if (!json_is_object(error))
        return "";
    return wg_arena_format(
        doctor->request->arena, "; last error %s ago, %s%s: %s%s",
        doctor_span(doctor, now_s - number(error, "at")), text(error, "direction"),
        json_is_true(json_object_get(error, "proven")) ? "" : ", not proven to be them",
        text(error, "reason"),
        is_open(error, seen_s, now_s) ? "; nothing good has come since" : "");
}

static void judge_lately(struct doctor *doctor, const json_t *peer)
{
    const json_t *error = json_object_get(peer, "last_error");
    int64_t now_s = wg_clock_wall_s(doctor->request->gateway->clock);
    long long seen_s = number(peer, "last_seen");
    const char *seen = seen_s ? wg_arena_format(doctor->request->arena, "%s ago",
                                                doctor_span(doctor, now_s - seen_s))
                              : "never";

    doctor_see(doctor, "seen %s; events in 24 h: %lld in, %lld out%s", seen,
               number(peer, "events_received_24h"), number(peer, "events_sent_24h"),
               error_text(doctor, error, seen_s, now_s));
    if (is_open(error, seen_s, now_s)) {
        doctor_advise(doctor, "%s", lately_remedy(error));
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    doctor_end(doctor, DOCTOR_OK);
}

void doctor_peer_lately(struct doctor *doctor)
{
    json_t *peer = wg_peers_describe(doctor->request->gateway->directory, doctor->peer);

    if (!peer) {
        doctor_see(doctor, "nothing came from them and nothing went to them");
        doctor_end(doctor, DOCTOR_OK);
        return;
    }
    judge_lately(doctor, peer);
    json_decref(peer);
}
