// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "admin/doctor_impl.h"
#include "federation/queue.h"

/* What waits for a peer, and what was given up. */

enum { STUCK_MS = 10 * 60 * 1000, DEAD_NEWS_MS = 24 * 3600 * 1000 };

struct waiting {
    struct doctor *doctor;
    struct wg_destination destination;
    struct wg_destination_state state;              /* deliveries 0: nothing waits */
    size_t suspensions;                             /* of the peer, or of single rooms to it */
    struct wg_str suspended_room, suspended_reason; /* of the first; room absent: all */
    struct wg_relay_view view;
    bool has_view;
    int64_t attempts;
    struct wg_str last_reason; /* of the last attempt at the oldest head */
};

static struct waiting *waiting_new(struct doctor *doctor)
{
    struct waiting *waiting = wg_arena_new(doctor->request->arena, struct waiting);

    waiting->doctor = doctor;
    waiting->destination = (struct wg_destination){true, doctor->peer};
    return waiting;
}

static void store_failed(struct doctor *doctor, const struct wg_err *err)
{
    doctor_see(doctor, "the store does not answer: %s", err->text);
    doctor_advise(doctor, "see the log and the disk of the data folder");
    doctor_end(doctor, DOCTOR_FAILED);
}

/* A long list is walked for as long as a check may take, and not past the gateway's end. */
static bool has_ended(struct doctor *doctor)
{
    if (!doctor->is_late && !doctor->is_stopping)
        return false;
    doctor_see(doctor, "what the store has was not looked through in time");
    doctor_advise(doctor, "`wavegate queue shape` and `wavegate queue dead` show all of it");
    doctor_end(doctor, DOCTOR_SKIPPED);
    return true;
}

/* ---- judging ---- */

static const char *trouble_text(struct doctor *doctor, const struct waiting *waiting)
{
    struct wg_arena *arena = doctor->request->arena;
    const char *text = wg_arena_format(
        arena, "%" PRId64 " waiting, the oldest for %s", waiting->state.deliveries,
        doctor_span(doctor, waiting->state.oldest_age_ms / 1000));

    if (waiting->attempts)
        text = wg_arena_format(arena, "%s, tried %" PRId64 " times", text, waiting->attempts);
    if (waiting->last_reason.at)
        text = wg_arena_format(arena, "%s; the last attempt: %.*s", text,
                               WG_STR_F(waiting->last_reason));
    if (waiting->has_view && waiting->view.is_open)
        text = wg_arena_format(arena,
                               "%s; the circuit is open: %" PRId64
                               " failures in a row, one probe at a time",
                               text, waiting->view.failures_in_row);
    return text;
}

static void add_details(struct doctor *doctor, const struct waiting *waiting)
{
    doctor_detail(doctor, "waiting", json_integer(waiting->state.deliveries));
    doctor_detail(doctor, "oldest_age_ms", json_integer(waiting->state.oldest_age_ms));
    doctor_detail(doctor, "suspensions", json_integer((json_int_t)waiting->suspensions));
    doctor_detail(doctor, "attempts", json_integer(waiting->attempts));
    doctor_detail(doctor, "last_reason", wg_admin_string(waiting->last_reason));
    doctor_detail(doctor, "circuit_open",
                  json_boolean(waiting->has_view && waiting->view.is_open));
}

static void judge_suspension(struct waiting *waiting)
{
    struct doctor *doctor = waiting->doctor;
    struct wg_str room = waiting->suspended_room;

    doctor_see(doctor, "%s%.*s is suspended by an operator (%.*s); %" PRId64 " waiting",
               room.at ? "room " : "all", WG_STR_F(room), WG_STR_F(waiting->suspended_reason),
               waiting->state.deliveries);
    doctor_advise(doctor, "when the reason is gone: `wavegate queue resume --peer %.*s%s%.*s`",
                  WG_STR_F(doctor->peer), room.at ? " --room " : "", WG_STR_F(room));
    doctor_end(doctor, DOCTOR_FAILED);
}

static void judge(struct waiting *waiting)
{
    struct doctor *doctor = waiting->doctor;
    bool is_open = waiting->has_view && waiting->view.is_open;

    add_details(doctor, waiting);
    if (waiting->suspensions) {
        judge_suspension(waiting);
        return;
    }
    if (waiting->state.deliveries == 0) {
        doctor_see(doctor, "nothing waits for them");
        doctor_end(doctor, DOCTOR_OK);
        return;
    }
    doctor_see(doctor, "%s", trouble_text(doctor, waiting));
    if (is_open || waiting->attempts || waiting->state.oldest_age_ms > STUCK_MS) {
        doctor_advise(doctor,
                      "mend that; then it goes by itself, or at once: `wavegate queue retry "
                      "--peer %.*s`",
                      WG_STR_F(doctor->peer));
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    doctor_end(doctor, DOCTOR_OK);
}

/* ---- the relay's view, on the thread of the worker it belongs to ---- */

static void on_looked(void *owner)
{
    judge(owner);
}

static void look(void *owner)
{
    struct waiting *waiting = owner;
    const struct wg_gateway *gateway = waiting->doctor->request->gateway;
    const struct wg_worker *worker =
        gateway->workers[wg_relay_of(&waiting->destination, gateway->worker_count)];

    waiting->has_view =
        worker->relay && wg_relay_look(worker->relay, &waiting->destination, &waiting->view);
    wg_loop_post(gateway->control, on_looked, waiting);
}

static void ask_relay(struct waiting *waiting)
{
    struct wg_gateway *gateway = waiting->doctor->request->gateway;
    unsigned index = wg_relay_of(&waiting->destination, gateway->worker_count);

    if (wg_queue_is_running(gateway) && !waiting->doctor->is_stopping)
        wg_loop_post(gateway->workers[index]->loop, look, waiting);
    else
        judge(waiting);
}

/* ---- the oldest delivery and its last attempt ---- */

static void on_story(void *owner, const struct wg_err *err, const struct wg_story *story)
{
    struct waiting *waiting = owner;

    (void)err; /* without its story the queue can still be judged */
    for (size_t i = 0; story && i < story->count; i++) {
        const struct wg_story_part *part = &story->parts[i];

        if (!part->destination.is_outbound || part->attempt_count == 0 ||
            !wg_str_equal(part->destination.name, waiting->destination.name))
            continue;
        waiting->last_reason = wg_arena_copy(waiting->doctor->request->arena,
                                             part->attempts[part->attempt_count - 1].reason);
    }
    ask_relay(waiting);
}

static void on_entries(void *owner, const struct wg_err *err, const struct wg_queue_page *page)
{
    struct waiting *waiting = owner;
    struct wg_admin_request *request = waiting->doctor->request;

    if (!page) {
        store_failed(waiting->doctor, err);
        return;
    }
    if (page->count == 0) {
        ask_relay(waiting);
        return;
    }
    waiting->attempts = page->entries[0].delivery.attempts;
    wg_store_story(request->gateway->store, request->worker->loop,
                   page->entries[0].delivery.message.event_id, on_story, waiting);
}

static void ask_entries(struct waiting *waiting, enum wg_queue_state state,
                        struct wg_str cursor,
                        void (*on_page)(void *owner, const struct wg_err *err,
                                        const struct wg_queue_page *page))
{
    struct wg_admin_request *request = waiting->doctor->request;
    struct wg_queue_list list = {.filter = {.state = state,
                                            .has_destination = true,
                                            .destination = waiting->destination},
                                 .cursor = cursor,
                                 .limit = 1};

    wg_store_queue_list(request->gateway->store, request->worker->loop, &list, on_page,
                        waiting);
}

/* ---- its destination ---- */

static void ask_destinations(struct waiting *waiting, struct wg_str cursor);

static void on_destinations(void *owner, const struct wg_err *err,
                            const struct wg_destination_page *page)
{
    struct waiting *waiting = owner;

    if (!page) {
        store_failed(waiting->doctor, err);
        return;
    }
    for (size_t i = 0; i < page->count; i++) {
        const struct wg_destination_state *state = &page->states[i];

        if (!state->destination.is_outbound ||
            !wg_str_equal(state->destination.name, waiting->destination.name))
            continue;
        waiting->state = *state;
        ask_entries(waiting, WG_QUEUE_WAITING, (struct wg_str){NULL, 0}, on_entries);
        return;
    }
    if (page->next_cursor.at && has_ended(waiting->doctor))
        return;
    if (page->next_cursor.at)
        ask_destinations(waiting, page->next_cursor);
    else
        judge(waiting);
}

static void ask_destinations(struct waiting *waiting, struct wg_str cursor)
{
    struct wg_admin_request *request = waiting->doctor->request;

    wg_store_destinations(request->gateway->store, request->worker->loop, cursor,
                          WG_QUEUE_PAGE_MAX, on_destinations, waiting);
}

/* ---- suspensions, also of what nothing waits for ---- */

static void ask_suspensions(struct waiting *waiting, struct wg_str cursor);

static void on_suspensions(void *owner, const struct wg_err *err,
                           const struct wg_suspension_page *page)
{
    struct waiting *waiting = owner;
    struct wg_arena *arena = waiting->doctor->request->arena;

    if (!page) {
        store_failed(waiting->doctor, err);
        return;
    }
    for (size_t i = 0; i < page->count; i++) {
        const struct wg_suspension *suspension = &page->suspensions[i];

        if (!suspension->destination.is_outbound ||
            !wg_str_equal(suspension->destination.name, waiting->destination.name))
            continue;
        if (waiting->suspensions++ > 0)
            continue;
        waiting->suspended_reason = wg_arena_copy(arena, suspension->reason);
        if (suspension->room_id.at)
            waiting->suspended_room = wg_arena_copy(arena, suspension->room_id);
    }
    if (page->next_cursor.at && has_ended(waiting->doctor))
        return;
    if (page->next_cursor.at)
        ask_suspensions(waiting, page->next_cursor);
    else
        ask_destinations(waiting, (struct wg_str){NULL, 0});
}

static void ask_suspensions(struct waiting *waiting, struct wg_str cursor)
{
    struct wg_admin_request *request = waiting->doctor->request;

    wg_store_suspensions(request->gateway->store, request->worker->loop, cursor,
                         WG_QUEUE_PAGE_MAX, on_suspensions, waiting);
}

void doctor_peer_queue(struct doctor *doctor)
{
    ask_suspensions(waiting_new(doctor), (struct wg_str){NULL, 0});
}

/* ---- dead letters: newest first ---- */

static void on_dead(void *owner, const struct wg_err *err, const struct wg_queue_page *page)
{
    struct waiting *waiting = owner;
    struct doctor *doctor = waiting->doctor;
    const struct wg_queue_entry *entry;
    int64_t age_ms;

    if (!page) {
        store_failed(doctor, err);
        return;
    }
    if (page->count == 0 && page->next_cursor.at) { /* those of others are many */
        if (has_ended(doctor))
            return;
        ask_entries(waiting, WG_QUEUE_DEAD, page->next_cursor, on_dead);
        return;
    }
    if (page->count == 0) {
        doctor_see(doctor, "none");
        doctor_end(doctor, DOCTOR_OK);
        return;
    }
    entry = &page->entries[0];
    age_ms = wg_clock_wall_ms(doctor->request->gateway->clock) - entry->ended_at_ms;
    doctor_see(doctor, "the newest was given up %s ago, room %.*s: %.*s",
               doctor_span(doctor, age_ms / 1000), WG_STR_F(entry->delivery.key.room_id),
               WG_STR_F(entry->reason));
    doctor_advise(doctor,
                  "`wavegate queue dead --peer %.*s` lists them; when the cause is mended, "
                  "`wavegate queue requeue --peer %.*s`",
                  WG_STR_F(doctor->peer), WG_STR_F(doctor->peer));
    doctor_end(doctor, age_ms < DEAD_NEWS_MS ? DOCTOR_FAILED : DOCTOR_OK);
}

void doctor_peer_dead(struct doctor *doctor)
{
    ask_entries(waiting_new(doctor), WG_QUEUE_DEAD, (struct wg_str){NULL, 0}, on_dead);
}
