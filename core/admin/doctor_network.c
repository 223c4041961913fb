// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "admin/doctor_impl.h"
#include "wire/name.h"

/* The way to a peer, from its name to a TLS connection, for each of its addresses. */

enum { RENEW_SOON_S = 14 * 86400 };

void doctor_peer_name(struct doctor *doctor)
{
    bool allow_ip_literals = doctor->request->gateway->config->allow_ip_literals;
    struct wg_err err;

    if (wg_server_name_check(doctor->peer, allow_ip_literals, &err) != WG_OK) {
        doctor_see(doctor, "%s", err.text);
        doctor_advise(doctor, "write it as they publish it: a host name in lower case, with "
                              ":port only when it is not 443");
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    wg_server_name_split(doctor->peer, 443, &doctor->host, &doctor->port);
    doctor_see(doctor, "host %.*s, port %u", WG_STR_F(doctor->host), (unsigned)doctor->port);
    doctor_end(doctor, DOCTOR_OK);
}

/* ---- addresses ---- */

static bool is_refused(const struct doctor_address *address)
{
    return address->candidate.refusal.code != WG_OK;
}

static void write_address(struct doctor_address *address)
{
    char ip[WG_IP_TEXT];

    wg_ip_write(&address->candidate.ip, ip);
    snprintf(address->text, sizeof address->text,
             wg_ip_is_v4(&address->candidate.ip) ? "%s:%u" : "[%s]:%u", ip,
             (unsigned)address->candidate.port);
}

static void add_address_detail(json_t *list, const struct doctor_address *address)
{
    json_t *json = json_pack("{s:s, s:s, s:b, s:b}", "address", address->text, "family",
                             wg_ip_is_v4(&address->candidate.ip) ? "IPv4" : "IPv6", "fixed",
                             address->candidate.is_fixed, "allowed", !is_refused(address));

    if (is_refused(address))
        json_object_set_new(json, "refusal", json_string(address->candidate.refusal.text));
    json_array_append_new(list, json);
}

/* "192.0.2.1:443, [2001:db8::1]:443 (refused by the address guard)" */
static const char *list_addresses(struct doctor *doctor)
{
    const char *text = "";

    for (size_t i = 0; i < doctor->address_count; i++)
        text = wg_arena_format(
            doctor->request->arena, "%s%s%s%s", text, i ? ", " : "", doctor->addresses[i].text,
            is_refused(&doctor->addresses[i]) ? " (refused by our guard)" : "");
    return text;
}

static const char *families(const struct doctor *doctor)
{
    size_t v4 = 0;

    for (size_t i = 0; i < doctor->address_count; i++)
        v4 += wg_ip_is_v4(&doctor->addresses[i].candidate.ip);
    return v4 == 0 ? "IPv6 only" : v4 == doctor->address_count ? "IPv4 only" : "IPv4 and IPv6";
}

static void judge_addresses(struct doctor *doctor)
{
    const struct doctor_address *refused = NULL;
    json_t *details = json_array();
    size_t good = 0;

    for (size_t i = 0; i < doctor->address_count; i++) {
        add_address_detail(details, &doctor->addresses[i]);
        if (is_refused(&doctor->addresses[i]))
            refused = &doctor->addresses[i];
        else
            good++;
    }
    doctor_detail(doctor, "addresses", details);
    doctor_see(doctor, "%s; %s%s", list_addresses(doctor), families(doctor),
               doctor->addresses[0].candidate.is_fixed ? ", fixed by peers.resolve" : "");
    if (good) {
        doctor_end(doctor, DOCTOR_OK);
        return;
    }
    doctor_advise(doctor, "%s; else their DNS entry is wrong", refused->candidate.refusal.text);
    doctor_end(doctor, DOCTOR_FAILED);
}

static void on_surveyed(void *owner, const struct wg_dial_candidate *candidates, size_t count,
                        const struct wg_err *err)
{
    struct doctor *doctor = owner;

    doctor->survey = NULL;
    if (count == 0) {
        doctor_see(doctor, "%s", err->text);
        doctor_advise(
            doctor,
            "ask what this machine's resolver says: `getent ahosts %.*s`; if the name "
            "is right, their A and AAAA records or our resolver are not. A fixed "
            "address can be set in peers.resolve",
            WG_STR_F(doctor->host));
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    for (size_t i = 0; i < count && i < DOCTOR_ADDRESSES; i++) {
        struct doctor_address *address = &doctor->addresses[doctor->address_count++];

        *address = (struct doctor_address){.doctor = doctor, .candidate = candidates[i]};
        write_address(address);
    }
    judge_addresses(doctor);
}

static struct wg_dial_target target_of(const struct doctor *doctor, bool is_tls)
{
    return (struct wg_dial_target){
        .host = doctor->host, .port = doctor->port, .is_tls = is_tls};
}

void doctor_peer_addresses(struct doctor *doctor)
{
    struct wg_dial_target target = target_of(doctor, false);

    doctor->survey =
        wg_dial_survey(doctor->request->worker->dialer, &target, on_surveyed, doctor);
}

/* ---- connections, to all addresses at once ---- */

static void on_dialed(void *owner, struct wg_stream *stream, const struct wg_err *err)
{
    struct doctor_address *address = owner;
    struct doctor *doctor = address->doctor;

    address->dial = NULL;
    address->is_reached = stream != NULL;
    if (stream) {
        const struct wg_stream_info *info = wg_stream_info(stream);

        address->certificate_until_s = info->certificate_until_s;
        snprintf(address->tls_version, sizeof address->tls_version, "%s",
                 info->tls_version ? info->tls_version : "");
        wg_stream_finish(stream);
    } else {
        address->err = *err;
        if (doctor->is_late)
            wg_fail(&address->err, WG_TIMEOUT, "no answer within %d s", DOCTOR_STEP_MS / 1000);
    }
    if (--doctor->waiting == 0)
        doctor->on_all_dialed(doctor);
}

static void dial_all(struct doctor *doctor, bool is_tls,
                     void (*on_all_dialed)(struct doctor *doctor))
{
    struct wg_dial_target target = target_of(doctor, is_tls);

    doctor->on_all_dialed = on_all_dialed;
    for (size_t i = 0; i < doctor->address_count; i++) {
        struct doctor_address *address = &doctor->addresses[i];

        address->was_tried = !is_refused(address) && (!is_tls || address->is_reached);
        if (!address->was_tried)
            continue;
        doctor->waiting++;
        address->dial =
            wg_dial_address(doctor->request->worker->dialer, &target, &address->candidate.ip,
                            address->candidate.port, on_dialed, address);
    }
}

/* The dialer's text begins with where it went, which stands before it already. */
static const char *reason_of(const struct doctor_address *address)
{
    const char *reason = strstr(address->err.text, address->text);

    if (!reason)
        return address->err.text;
    reason += strlen(address->text);
    return strncmp(reason, ": ", 2) == 0 ? reason + 2 : address->err.text;
}

static const char *list_outcomes(struct doctor *doctor, bool is_reached)
{
    const char *text = "";

    for (size_t i = 0; i < doctor->address_count; i++) {
        const struct doctor_address *address = &doctor->addresses[i];

        if (!address->was_tried || address->is_reached != is_reached)
            continue;
        text = wg_arena_format(doctor->request->arena, "%s%s%s%s%s", text, *text ? "; " : "",
                               address->text, is_reached ? "" : ": ",
                               is_reached ? "" : reason_of(address));
    }
    return text;
}

static const struct doctor_address *first(const struct doctor *doctor, bool is_reached)
{
    for (size_t i = 0; i < doctor->address_count; i++) {
        if (doctor->addresses[i].was_tried && doctor->addresses[i].is_reached == is_reached)
            return &doctor->addresses[i];
    }
    return NULL;
}

/* What libuv says when this machine itself has no way there, as one without IPv6. */
static bool is_without_route(const struct doctor_address *address)
{
    return strstr(address->err.text, "network is unreachable") ||
           strstr(address->err.text, "address not available");
}

static void advise_tcp(struct doctor *doctor, const struct doctor_address *failed,
                       const char *but)
{
    unsigned port = failed->candidate.port;

    if (is_without_route(failed))
        doctor_advise(doctor, "%sthis machine has no route there: `ip route`, `ip -6 route`",
                      but);
    else if (failed->err.code == WG_TIMEOUT)
        doctor_advise(doctor,
                      "%sa firewall, theirs or ours, swallows it, or the machine is down: ask "
                      "whether TCP port %u is open to us",
                      but, port);
    else
        doctor_advise(doctor,
                      "%snothing listens there: ask whether their server runs and port %u is "
                      "the right one",
                      but, port);
}

static void judge_tcp(struct doctor *doctor)
{
    const struct doctor_address *failed = first(doctor, false);

    if (!first(doctor, true)) {
        doctor_see(doctor, "%s", list_outcomes(doctor, false));
        advise_tcp(doctor, failed, "");
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    doctor_see(doctor, failed ? "%s; but not %s" : "%s", list_outcomes(doctor, true),
               list_outcomes(doctor, false));
    if (failed)
        advise_tcp(doctor, failed, "it works by the other address; ");
    doctor_end(doctor, DOCTOR_OK);
}

/* Reasons as core/net/tls_error.c words them. */
static const struct {
    const char *part, *remedy;
} tls_remedies[] = {
    {"expired", "they must renew their certificate"},
    {"not valid before",
     "their certificate is not valid yet: compare the clocks of both sides"},
    {"certificate is for", "they must serve a certificate that names this server"},
    {"signed by itself",
     "they need a certificate of a public CA; or, if this is meant, add it to "
     "the file of peers.trust_anchors"},
    {"no trust anchor", "they must send the whole chain, intermediate certificates included "
                        "(fullchain.pem); if their CA is a private one, add it to the file of "
                        "peers.trust_anchors"},
    {"not TLS",
     "something else than TLS listens on that port: the name lacks its :port, or their "
     "proxy is set up wrong"},
    {"no certificate for", "their server does not know that name: their proxy must serve it"},
    {"protocol_version", "they must offer TLS 1.2 or 1.3"},
    {"handshake_failure", "they must offer TLS 1.2 or 1.3 with a usual cipher suite"},
};

static const char *tls_remedy(const struct wg_err *err)
{
    if (err->code == WG_TIMEOUT)
        return "TCP connects but TLS does not answer: their server hangs, or a firewall looks "
               "into the connection";
    for (size_t i = 0; i < WG_COUNT(tls_remedies); i++) {
        if (strstr(err->text, tls_remedies[i].part))
            return tls_remedies[i].remedy;
    }
    return "their TLS is not usable: give them this reason";
}

static void judge_tls(struct doctor *doctor)
{
    const struct doctor_address *good = first(doctor, true), *failed = first(doctor, false);
    int64_t left_s;

    if (!good) {
        doctor_see(doctor, "%s", list_outcomes(doctor, false));
        doctor_advise(doctor, "%s", tls_remedy(&failed->err));
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    left_s = good->certificate_until_s - wg_clock_wall_s(doctor->request->gateway->clock);
    doctor_see(doctor, "%s, certificate for %.*s verified, good for %s (until %s)%s%s",
               good->tls_version, WG_STR_F(doctor->host), doctor_span(doctor, left_s),
               doctor_day(doctor, good->certificate_until_s), failed ? "; but not at " : "",
               list_outcomes(doctor, false));
    doctor_detail(doctor, "version", json_string(good->tls_version));
    doctor_detail(doctor, "certificate_until", json_integer(good->certificate_until_s));
    if (failed)
        doctor_advise(doctor, "at that address %s", tls_remedy(&failed->err));
    else if (left_s < RENEW_SOON_S)
        doctor_advise(doctor, "tell them to renew their certificate now");
    doctor_end(doctor, DOCTOR_OK);
}

void doctor_peer_tcp(struct doctor *doctor)
{
    dial_all(doctor, false, judge_tcp);
}

void doctor_peer_tls(struct doctor *doctor)
{
    dial_all(doctor, true, judge_tls);
}
