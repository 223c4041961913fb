// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "federation/exchange.h"
#include "wire/json.h"

/* An instance's page of history on its way to a peer: nothing leaves that does not verify, is
 * hidden, or is more than policy allows. */

enum { PAGE_LIMIT_BYTES = 32 * 1024 * 1024, PAGE_EVENTS = 1000 };

static enum wg_stage_result unusable(struct wg_exchange *x, const char *why)
{
    x->is_delivered = true;
    x->delivery_failure = wg_str(why);
    x->retry_after_s = 60;
    return wg_exchange_fail(
        x, WG_UPSTREAM_UNAVAILABLE,
        "'%.*s' gave a page of history that cannot be passed on: tell its operator",
        WG_STR_F(x->instance->server_name));
}

static void write_page(struct wg_exchange *x, json_t *page,
                       const struct wg_history_result *result)
{
    struct wg_buf text;
    struct wg_err err;

    json_object_set(page, "events", result->events);
    if (result->is_cut && result->oldest_id)
        json_object_set_new(page, "next", json_string(result->oldest_id));
    else if (result->hidden || result->is_cut) /* what lies before is hidden as well */
        json_object_del(page, "next");
    wg_buf_init(&text, PAGE_LIMIT_BYTES);
    if (wg_jcs_write(page, &text, &err) == WG_OK)
        x->answer_body = wg_arena_copy(x->arena, wg_buf_str(&text));
    else
        unusable(x, "the page is too large");
    wg_buf_done(&text);
}

static void on_checked(void *owner, const struct wg_history_result *result)
{
    struct wg_exchange *x = owner;
    struct wg_err ignored;
    json_t *page;

    x->history = NULL;
    x->is_screened = true;
    if (result->refused)
        wg_log(WG_LOG_WARN, "federation.history_refused",
               "events of a page do not verify and were left out",
               WG_F_TEXT("request_id", x->request_id),
               WG_F_STR("server", x->instance->server_name), WG_F_STR("peer", x->peer_name),
               WG_F_STR("room", x->room_id), WG_F_INT("refused", result->refused),
               WG_F_TEXT("reason", result->reason));
    if (wg_json_parse(x->answer_body, &page, &ignored) == WG_OK) {
        write_page(x, page, result);
        json_decref(page);
    }
    wg_exchange_run(x);
}

enum wg_stage_result wg_stage_screen(struct wg_exchange *x)
{
    struct wg_history_limits limits = {x->limits.events, x->limits.bytes,
                                       x->limits.not_before_s};
    struct wg_err err;
    json_t *page;
    json_t *events;

    if (x->is_screened || x->endpoint != WG_ENDPOINT_BACKFILL || x->status != 200)
        return WG_STAGE_REPLY;
    if (wg_json_parse(x->answer_body, &page, &err) != WG_OK)
        return unusable(x, "the page of history is not JSON");
    events = json_object_get(page, "events");
    if (!json_is_array(events)) {
        json_decref(page);
        return unusable(x, "the page of history has no list \"events\"");
    }
    if (limits.events < 0 || limits.events > PAGE_EVENTS)
        limits.events = PAGE_EVENTS;
    if (x->limit > 0 && x->limit < limits.events)
        limits.events = x->limit;
    x->history = wg_history_check(x->worker, x->direction == WG_INBOUND ? x->instance : NULL,
                                  events, &limits, on_checked, x);
    json_decref(page);
    return WG_STAGE_WAIT;
}
