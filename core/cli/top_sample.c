// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/client.h"
#include "cli/top_impl.h"

enum { DEADLINE_MS = 800, TARGET_LIMIT_BYTES = 256, ERRORS_SINCE_MS = 10 * 60 * 1000 };

/* ---- asking ---- */

static json_t *ask_errors(struct cli_client *client)
{
    struct wg_buf target;
    json_t *page;

    wg_buf_init(&target, TARGET_LIMIT_BYTES);
    wg_buf_addf(&target,
                "/_wavegate/v1/audit?order=newest&limit=50&verdict=refused&since_ms=%lld",
                (long long)(wg_clock_wall_ms(wg_clock_system()) - ERRORS_SINCE_MS));
    page = cli_client_ask(client, "GET", target.at, NULL);
    wg_buf_done(&target);
    return page;
}

/* A gateway that was started anew counts from zero: what came before is no measure for it. */
static bool is_same_run(const json_t *a, const json_t *b)
{
    return a && top_number(a, "pid") == top_number(b, "pid") &&
           top_number(a, "mono_ms") < top_number(b, "mono_ms");
}

static void keep(struct top_sample *sample, json_t *overview, json_t *errors)
{
    if (!is_same_run(sample->now, overview))
        sample->now = (json_decref(sample->now), NULL);
    json_decref(sample->before);
    sample->before = sample->now;
    sample->now = overview;
    json_decref(sample->errors);
    sample->errors = errors;
    sample->seconds =
        sample->before
            ? (top_number(sample->now, "mono_ms") - top_number(sample->before, "mono_ms")) /
                  1000
            : 0;
    sample->trouble[0] = '\0';
}

/* Each time from the configuration on: a gateway that was started anew may have another
 * address, and has another token. */
bool top_sample_take(struct top_sample *sample, const char *config)
{
    struct wg_err err;
    struct cli_client *client = cli_client_open_silent(config, DEADLINE_MS, &err);
    json_t *overview = NULL;

    if (client) {
        snprintf(sample->address, sizeof sample->address, "%s", cli_client_address(client));
        overview = cli_client_ask(client, "GET", "/_wavegate/v1/overview", NULL);
        if (overview)
            keep(sample, overview, ask_errors(client));
        else
            snprintf(sample->trouble, sizeof sample->trouble, "%s",
                     cli_client_complaint(client));
        cli_client_close(client);
    } else {
        snprintf(sample->trouble, sizeof sample->trouble, "%s", err.text);
    }
    return overview != NULL;
}

void top_sample_done(struct top_sample *sample)
{
    json_decref(sample->now);
    json_decref(sample->before);
    json_decref(sample->errors);
}

/* ---- figures ---- */

static const json_t *at_path(const json_t *json, const char *path)
{
    char name[64];

    while (json && *path) {
        size_t len = strcspn(path, ".");

        snprintf(name, sizeof name, "%.*s", (int)len, path);
        json = json_object_get(json, name);
        path += len + (path[len] == '.');
    }
    return json;
}

double top_number(const json_t *json, const char *path)
{
    return json_number_value(at_path(json, path));
}

static double per_second(const struct top_sample *sample, double now, double before)
{
    return sample->before && sample->seconds > 0 && now > before
               ? (now - before) / sample->seconds
               : 0;
}

double top_rate_of(const struct top_sample *sample, const char *path)
{
    return per_second(sample, top_number(sample->now, path), top_number(sample->before, path));
}

static double sum(const json_t *overview, const char *list, const char *direction,
                  const char *member, const char *value)
{
    double total = 0;
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(overview, list), i, row)
    {
        if (direction && strcmp(cli_text(row, "direction"), direction) != 0)
            continue;
        if (!member || strcmp(cli_text(row, member), value) == 0)
            total += top_number(row, "total");
    }
    return total;
}

double top_rate(const struct top_sample *sample, const char *list, const char *direction,
                const char *member, const char *value)
{
    return per_second(sample, sum(sample->now, list, direction, member, value),
                      sum(sample->before, list, direction, member, value));
}

static double refusals(const json_t *overview, const char *direction, const char *code)
{
    double total = 0;
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(overview, "exchanges"), i, row)
    {
        if (strcmp(cli_text(row, "outcome"), "refused") == 0 &&
            strcmp(cli_text(row, "direction"), direction) == 0 &&
            strcmp(cli_text(row, "code"), code) == 0)
            total += top_number(row, "total");
    }
    return total;
}

double top_refusals_rate(const struct top_sample *sample, const char *direction,
                         const char *code)
{
    return per_second(sample, refusals(sample->now, direction, code),
                      refusals(sample->before, direction, code));
}

/* The upper bound of the bucket in which the share lies; past the last bound there is none, and
 * the last is what can be said. */
double top_quantile_ms(const struct top_sample *sample, const char *histogram, double share)
{
    const json_t *bounds = json_object_get(sample->now, "bounds_ms");
    const json_t *now = at_path(sample->now, histogram);
    const json_t *before = at_path(sample->before, histogram);
    size_t count = json_array_size(now);
    double total = 0;
    double reached = 0;

    for (size_t i = 0; i < count; i++)
        total += json_number_value(json_array_get(now, i)) -
                 json_number_value(json_array_get(before, i));
    if (total <= 0 || json_array_size(bounds) == 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        reached += json_number_value(json_array_get(now, i)) -
                   json_number_value(json_array_get(before, i));
        if (reached >= share * total && i < json_array_size(bounds))
            return json_number_value(json_array_get(bounds, i));
    }
    return json_number_value(json_array_get(bounds, json_array_size(bounds) - 1));
}

static const json_t *same_peer(const struct top_sample *sample, const char *name)
{
    const json_t *row;
    size_t i;

    json_array_foreach(at_path(sample->before, "peers.rows"), i, row)
    {
        if (strcmp(cli_text(row, "server_name"), name) == 0)
            return row;
    }
    return NULL;
}

double top_peer_rate(const struct top_sample *sample, const json_t *peer, const char *member)
{
    const json_t *before = same_peer(sample, cli_text(peer, "server_name"));

    return before ? per_second(sample, top_number(peer, member), top_number(before, member))
                  : 0;
}

/* ---- for programs ---- */

json_t *top_json(const struct top_sample *sample)
{
    json_t *rates = json_object();
    static const char *const directions[] = {"inbound", "outbound"};

    for (size_t i = 0; i < WG_COUNT(directions); i++) {
        const char *direction = directions[i];
        char path[32];
        double p50, p99;

        snprintf(path, sizeof path, "latency.%s", direction);
        p50 = top_quantile_ms(sample, path, 0.5);
        p99 = top_quantile_ms(sample, path, 0.99);
        json_object_set_new(
            rates, direction,
            json_pack("{s:f, s:f, s:o, s:o}", "requests_per_s",
                      top_rate(sample, "exchanges", direction, NULL, NULL), "refused_per_s",
                      top_rate(sample, "exchanges", direction, "outcome", "refused"), "p50_ms",
                      p50 < 0 ? json_null() : json_real(p50), "p99_ms",
                      p99 < 0 ? json_null() : json_real(p99)));
    }
    json_object_set_new(rates, "delivered_per_s",
                        json_real(top_rate(sample, "attempts", NULL, "result", "sent")));
    json_object_set_new(rates, "seconds", json_real(sample->seconds));
    return json_pack("{s:O, s:o, s:O?}", "overview", sample->now, "rates", rates, "errors",
                     json_object_get(sample->errors, "rows"));
}
