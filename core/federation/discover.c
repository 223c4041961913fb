// SPDX-License-Identifier: Apache-2.0
#include <stdatomic.h>

#include "base/metric.h"
#include "federation/directory_impl.h"
#include "federation/standing.h"
#include "wire/date.h"
#include "wire/name.h"

/* One fetch of a descriptor. The network's ways to fail all become WG_PEER_UNREACHABLE towards
 * the peer that asked; the text keeps the reason. */

struct discovery {
    struct wg_directory *directory;
    char *name;
};

static void finish(struct discovery *discovery, struct wg_peer_box *box, int64_t age_s,
                   const struct wg_err *err, const struct wg_err *told)
{
    wg_directory_settle(discovery->directory, wg_str(discovery->name), box, age_s, err, told);
    wg_free(discovery->name);
    wg_free(discovery);
}

/* The network's reasons name addresses and ports: whoever asks would have a port scanner. */
static void finish_unreachable(struct discovery *discovery, const struct wg_err *fetch_err)
{
    struct wg_err err = *fetch_err;
    struct wg_err told;

    wg_while(&err, "fetching https://%s" WG_DESCRIPTOR_PATH, discovery->name);
    wg_fail(&told, err.code == WG_CANCELLED ? WG_CANCELLED : WG_PEER_UNREACHABLE,
            "https://%s" WG_DESCRIPTOR_PATH " cannot be fetched from here: %s; see that it is "
            "reachable from the internet with a valid certificate",
            discovery->name, wg_code_words(err.code));
    wg_metric_count(DISCOVERIES, err.code == WG_CANCELLED ? WG_DISCOVERY_CANCELLED
                                                          : WG_DISCOVERY_UNREACHABLE);
    finish(discovery, NULL, 0, &err, &told);
}

static enum wg_code read_descriptor(struct discovery *discovery,
                                    const struct wg_http_response *response,
                                    struct wg_peer_box *box, struct wg_err *err)
{
    if (response->status >= 300 && response->status < 400)
        return wg_fail(err, WG_BAD_ANSWER, "answered %d: redirects are not followed",
                       response->status);
    if (response->status != 200)
        return wg_fail(err, WG_BAD_ANSWER, "answered %d, not 200", response->status);
    box->peer.name = wg_arena_copy(&box->arena, wg_str(discovery->name));
    box->peer.fetched_at_s = wg_clock_wall_s(discovery->directory->clock);
    box->peer.certificate_until_s = response->info->certificate_until_s;
    return wg_descriptor_parse(response->body, box->peer.name, &box->arena,
                               &box->peer.descriptor, err);
}

static void note_clock(struct discovery *discovery, const struct wg_http_response *response)
{
    int64_t now_s = wg_clock_wall_s(discovery->directory->clock);
    int64_t at_s;

    if (wg_http_date_parse(wg_headers_get(&response->headers, "date"), &at_s))
        wg_standing_clock(discovery->directory, wg_str(discovery->name), at_s - now_s, "date");
}

static void on_answer(void *owner, const struct wg_http_response *response,
                      const struct wg_err *fetch_err)
{
    struct discovery *discovery = owner;
    struct wg_peer_box *box;
    struct wg_err err;

    if (!response) {
        finish_unreachable(discovery, fetch_err);
        return;
    }
    note_clock(discovery, response);
    box = wg_new(struct wg_peer_box);
    atomic_init(&box->references, 1);
    wg_arena_init(&box->arena);
    if (read_descriptor(discovery, response, box, &err) != WG_OK) {
        wg_while(&err, "descriptor https://%s" WG_DESCRIPTOR_PATH, discovery->name);
        err.code = WG_PEER_UNREACHABLE;
        (void)wg_peer_unref(&box->peer);
        wg_metric_count(DISCOVERIES, WG_DISCOVERY_UNUSABLE);
        finish(discovery, NULL, 0, &err, &err);
        return;
    }
    wg_metric_count(DISCOVERIES, WG_DISCOVERY_SUCCESS);
    finish(discovery, box,
           wg_descriptor_age_s(wg_headers_get(&response->headers, "cache-control")), NULL,
           NULL);
}

void wg_directory_fetch(struct wg_directory *directory, struct wg_str name,
                        const struct wg_lookup_how *how)
{
    struct discovery *discovery = wg_new(struct discovery);
    struct wg_header headers[] = {
        {WG_STR("host"), name},
        {WG_STR("accept"), WG_STR("application/json")},
        {WG_STR("user-agent"), WG_STR("wavegate/" WAVEGATE_VERSION)},
    };
    struct wg_http_request request = {
        .origin = {.is_tls = true},
        .method = WG_STR("GET"),
        .target = WG_STR(WG_DESCRIPTOR_PATH),
        .headers = headers,
        .header_count = WG_COUNT(headers),
        .answer_limit_bytes = WG_DESCRIPTOR_LIMIT_BYTES,
        .timeout_ms = 10 * 1000,
        .purpose = WG_PURPOSE_DISCOVERY,
    };

    *discovery = (struct discovery){directory, wg_strdup(name)};
    wg_server_name_split(wg_str(discovery->name), 443, &request.origin.host,
                         &request.origin.port);
    (void)wg_http_fetch(how->client, &request, on_answer, discovery);
}
