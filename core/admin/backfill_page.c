// SPDX-License-Identifier: Apache-2.0
#include "admin/backfill_impl.h"

enum { QUERY_LIMIT_BYTES = 1024 };

static void ask(struct backfill *backfill);

static struct backfill_peer *current(struct backfill *backfill)
{
    return &backfill->peers[backfill->peer_at];
}

static size_t wanted(const struct backfill *backfill)
{
    return backfill->limit - json_array_size(backfill->events);
}

void backfill_pull(struct backfill *backfill)
{
    if (backfill->peer_at == backfill->peer_count || wanted(backfill) == 0) {
        wg_loop_post(backfill->request->worker->loop, backfill_deliver, backfill);
        return;
    }
    backfill->cursor = backfill->before;
    ask(backfill);
}

static void next_peer(struct backfill *backfill)
{
    backfill->peer_at++;
    backfill_pull(backfill);
}

static void give_up(struct backfill *backfill, struct wg_str reason, struct wg_str sw_code)
{
    current(backfill)->error = wg_arena_copy(backfill->request->arena, reason);
    current(backfill)->sw_code = wg_arena_copy(backfill->request->arena, sw_code);
    next_peer(backfill);
}

static int64_t time_of(const json_t *event)
{
    int64_t at = 0;

    (void)wg_json_integer(event, "origin_ts", &at);
    return at;
}

/* @return NULL, or why the event is not for this room's history. */
static const char *objection(struct backfill *backfill, const json_t *event)
{
    const char *id = json_string_value(json_object_get(event, "id"));

    if (!wg_str_equal(wg_json_string(event, "room_id"), backfill->room_id))
        return "it belongs to another room";
    if (json_object_get(backfill->seen, id))
        return "it came twice";
    json_object_set_new(backfill->seen, id, json_true());
    return NULL;
}

static void refuse(struct backfill *backfill, const char *reason)
{
    struct backfill_peer *peer = current(backfill);

    if (peer->refused++ == 0)
        peer->refused_reason = wg_arena_copy(backfill->request->arena, wg_str(reason));
}

/* Pages go back in time, so each stands before those taken so far; within a page the peer may
 * begin at either end. */
static void take_events(struct backfill *backfill, const json_t *events)
{
    size_t count = json_array_size(events);
    bool is_newest_first = count > 1 && time_of(json_array_get(events, 0)) >
                                            time_of(json_array_get(events, count - 1));
    size_t at = 0;

    for (size_t i = 0; i < count && wanted(backfill) > 0; i++) {
        json_t *event = json_array_get(events, is_newest_first ? count - 1 - i : i);
        const char *why = objection(backfill, event);

        if (why)
            refuse(backfill, why);
        else
            json_array_insert(backfill->events, at++, event);
    }
}

static void on_checked(void *owner, const struct wg_history_result *result)
{
    struct backfill *backfill = owner;
    struct backfill_peer *peer = current(backfill);

    if (result->refused) {
        refuse(backfill, result->reason);
        peer->refused += result->refused - 1;
    }
    take_events(backfill, result->events);
    if (backfill->cursor.at && wanted(backfill) > 0 && peer->pages < BACKFILL_PAGES_MAX)
        ask(backfill);
    else
        next_peer(backfill);
}

static void take_page(struct backfill *backfill, json_t *page)
{
    struct wg_history_limits limits = {-1, -1, -1};
    struct wg_admin_request *request = backfill->request;
    json_t *events = json_object_get(page, "events");
    struct wg_str next = wg_json_string(page, "next");

    if (!json_is_array(events)) {
        give_up(backfill, WG_STR("its page has no list \"events\""), (struct wg_str){NULL, 0});
        return;
    }
    current(backfill)->pages++;
    current(backfill)->received += json_array_size(events);
    /* A page that leads nowhere new would be asked for again and again. */
    if (json_array_size(events) == 0 || !next.len || wg_str_equal(next, backfill->cursor))
        backfill->cursor = (struct wg_str){NULL, 0};
    else
        backfill->cursor = wg_arena_copy(request->arena, next);
    (void)wg_history_check(request->worker, request->instance, events, &limits, on_checked,
                           backfill);
}

static void on_page(struct wg_admin_request *request, const struct wg_http_response *response,
                    const struct wg_err *err)
{
    struct backfill *backfill = request->state;
    struct wg_str sw_code, text;
    struct wg_err parse_err;
    json_t *page;

    if (!response) {
        give_up(backfill, wg_str(err->text), wg_str(wg_code_answer(err->code)));
    } else if (response->status != 200) {
        text = wg_admin_refusal(request, response, &sw_code);
        give_up(backfill, text, sw_code);
    } else if (wg_json_parse(response->body, &page, &parse_err) != WG_OK) {
        give_up(backfill, wg_str(parse_err.text), (struct wg_str){NULL, 0});
    } else {
        take_page(backfill, page);
        json_decref(page);
    }
}

/* RFC 3986 2.3: what is not unreserved is encoded, whatever the peer put into "next". */
static void add_encoded(struct wg_buf *out, struct wg_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '.' || c == '_' || c == '~')
            wg_buf_addc(out, (char)c);
        else
            wg_buf_addf(out, "%%%02X", c);
    }
}

static void ask(struct backfill *backfill)
{
    struct wg_admin_request *request = backfill->request;
    struct wg_buf query;
    struct wg_err err;

    wg_buf_init(&query, QUERY_LIMIT_BYTES);
    wg_buf_addf(&query, "?limit=%zu", wanted(backfill));
    if (backfill->cursor.at) {
        wg_buf_addf(&query, "&before=");
        add_encoded(&query, backfill->cursor);
    }
    if (wg_buf_status(&query, &err) != WG_OK) {
        wg_buf_done(&query);
        give_up(backfill, WG_STR("its \"next\" is too long"), (struct wg_str){NULL, 0});
        return;
    }
    backfill->read = (struct wg_admin_read){
        .peer = current(backfill)->name,
        .endpoint = WG_ENDPOINT_BACKFILL,
        .value = backfill->room_id,
        .query = wg_arena_copy(request->arena, wg_buf_str(&query)),
        .on_answer = on_page,
    };
    wg_buf_done(&query);
    wg_admin_peer_read(request, &backfill->read);
}
