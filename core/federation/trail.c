// SPDX-License-Identifier: Apache-2.0
#include "federation/trail.h"

enum {
    BUFFER_BYTES = 256 * 1024, /* WG_TRAIL_LIMIT_BYTES and one handler of any size */
    TEXT_LIMIT_BYTES = 500,    /* of a reason: the row has it in full when it decided */
};

static enum wg_audit_trace kept(const struct wg_exchange *x)
{
    return x->worker->gateway->config->audit.trace;
}

void wg_trail_asked(struct wg_exchange *x)
{
    struct wg_trail_hook *hook;

    if (kept(x) == WG_AUDIT_TRACE_NONE)
        return;
    hook = wg_arena_new(x->arena, struct wg_trail_hook);
    *hook = (struct wg_trail_hook){.hook = x->question.hook,
                                   .server = x->instance->server_name,
                                   .recipient = x->recipient_at,
                                   .trace = {.arena = x->arena},
                                   .asked_us = wg_clock_elapsed_us() - x->started_us,
                                   .ended_us = -1};
    if (x->last_hook)
        x->last_hook->next = hook;
    else
        x->first_hook = hook;
    x->last_hook = hook;
    x->question.trace = &hook->trace;
}

void wg_trail_decided(struct wg_exchange *x)
{
    struct wg_trail_hook *hook = x->last_hook;

    if (!x->question.trace)
        return;
    hook->ended_us = wg_clock_elapsed_us() - x->started_us;
    hook->verdict = x->decision.verdict;
    hook->is_default = wg_str_is(x->decision.policy, "default");
}

/* --- as JSON; by hand, since every event pays for it --- */

static void add_number(struct wg_buf *out, int64_t number)
{
    char digits[24], *at = digits + sizeof digits;
    uint64_t rest = number < 0 ? 0 : (uint64_t)number;

    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    wg_buf_add(out, at, (size_t)(digits + sizeof digits - at));
}

static void add_text(struct wg_buf *out, struct wg_str text)
{
    if (text.len > TEXT_LIMIT_BYTES) {
        text.len = TEXT_LIMIT_BYTES;
        while (text.len && ((unsigned char)text.at[text.len] & 0xc0) == 0x80)
            text.len--;
    }
    wg_buf_addc(out, '"');
    wg_buf_add_json(out, text);
    wg_buf_addc(out, '"');
}

static void add_place(struct wg_buf *out, struct wg_str file, int line)
{
    wg_buf_addc(out, '"');
    wg_buf_add_json(out, file);
    wg_buf_addc(out, ':');
    add_number(out, line);
    wg_buf_addc(out, '"');
}

static void add_stages(const struct wg_exchange *x, struct wg_buf *out)
{
    wg_buf_adds(out, WG_STR("{\"stages\":["));
    for (size_t i = 0; i < x->time_count; i++) {
        wg_buf_adds(out, i ? WG_STR(",[") : WG_STR("["));
        add_text(out, wg_str(x->times[i].name));
        wg_buf_addc(out, ',');
        add_number(out, x->times[i].ended_us);
        wg_buf_addc(out, ']');
    }
    if (x->stage != x->record) { /* that very stage is storing this */
        wg_buf_adds(out, x->time_count ? WG_STR(",[") : WG_STR("["));
        add_text(out, wg_str(x->stage->name));
        wg_buf_addc(out, ',');
        add_number(out, wg_clock_elapsed_us() - x->started_us);
        wg_buf_addc(out, ']');
    }
    wg_buf_addc(out, ']');
}

static void add_hits(struct wg_buf *out, const struct wg_trace_hit *hit)
{
    wg_buf_adds(out, WG_STR(",["));
    for (bool is_first = true; hit; hit = hit->next, is_first = false) {
        wg_buf_adds(out, is_first ? WG_STR("[") : WG_STR(",["));
        add_text(out, hit->source);
        wg_buf_addc(out, ',');
        add_number(out, hit->line);
        wg_buf_addc(out, ',');
        add_text(out, hit->entry);
        if (hit->reason.len) {
            wg_buf_addc(out, ',');
            add_text(out, hit->reason);
        }
        wg_buf_addc(out, ']');
    }
    wg_buf_addc(out, ']');
}

static void add_step(struct wg_buf *out, const struct wg_trace_step *step)
{
    wg_buf_addc(out, '[');
    add_text(out, step->policy);
    wg_buf_addc(out, ',');
    add_place(out, step->file, step->line);
    wg_buf_addc(out, ',');
    add_text(out, wg_str(step->answer));
    wg_buf_addc(out, ',');
    add_number(out, step->running_us);
    if (step->said_file.at || step->text.len || step->hits) {
        wg_buf_addc(out, ',');
        if (step->said_file.at)
            add_place(out, step->said_file, step->said_line);
        else
            wg_buf_adds(out, WG_STR("\"\""));
    }
    if (step->text.len || step->hits) {
        wg_buf_addc(out, ',');
        add_text(out, step->text);
    }
    if (step->hits)
        add_hits(out, step->hits);
    wg_buf_addc(out, ']');
}

static void add_hook_head(const struct wg_exchange *x, struct wg_buf *out,
                          const struct wg_trail_hook *hook)
{
    wg_buf_adds(out, WG_STR("{\"hook\":"));
    add_text(out, wg_str(wg_hook_name(hook->hook)));
    if (x->instance && !wg_str_equal(hook->server, x->instance->server_name)) {
        wg_buf_adds(out, WG_STR(",\"server\":"));
        add_text(out, hook->server);
    }
    wg_buf_adds(out, WG_STR(",\"at\":"));
    add_number(out, hook->asked_us);
    if (hook->ended_us >= 0) {
        wg_buf_adds(out, WG_STR(",\"us\":"));
        add_number(out, hook->ended_us - hook->asked_us);
        wg_buf_adds(out, WG_STR(",\"verdict\":"));
        add_text(out, wg_str(wg_verdict_name(hook->verdict)));
    }
    if (hook->is_default)
        wg_buf_adds(out, WG_STR(",\"default\":true"));
}

/* @return false when the rest had to be left out. */
static bool add_hook(const struct wg_exchange *x, struct wg_buf *out,
                     const struct wg_trail_hook *hook)
{
    size_t i = 0, mark;

    add_hook_head(x, out, hook);
    wg_buf_adds(out, WG_STR(",\"handlers\":["));
    for (; i < hook->trace.count; i++) {
        mark = out->len;
        if (i)
            wg_buf_addc(out, ',');
        add_step(out, &hook->trace.steps[i]);
        if (out->len > WG_TRAIL_LIMIT_BYTES) {
            out->len = mark;
            break;
        }
    }
    wg_buf_adds(out, WG_STR("]}"));
    return i == hook->trace.count && out->len < WG_TRAIL_LIMIT_BYTES;
}

static void write(struct wg_exchange *x, struct wg_buf *out, size_t recipient)
{
    bool is_first = true, is_whole = true;

    add_stages(x, out);
    wg_buf_adds(out, WG_STR(",\"hooks\":["));
    for (const struct wg_trail_hook *hook = x->first_hook; hook && is_whole;
         hook = hook->next) {
        if (x->recipient_count && hook->recipient != recipient)
            continue;
        if (!is_first)
            wg_buf_addc(out, ',');
        is_first = false;
        is_whole = add_hook(x, out, hook);
    }
    wg_buf_adds(out, is_whole ? WG_STR("]}") : WG_STR("],\"cut\":true}"));
}

struct wg_str wg_trail_write(struct wg_exchange *x, bool is_refused, size_t recipient)
{
    struct wg_str text = {NULL, 0};
    struct wg_buf out;

    if (kept(x) == WG_AUDIT_TRACE_NONE ||
        (kept(x) == WG_AUDIT_TRACE_REFUSED && !is_refused && !x->is_held))
        return text;
    wg_buf_init(&out, BUFFER_BYTES);
    write(x, &out, recipient);
    if (!out.is_overflown)
        text = wg_arena_copy(x->arena, wg_buf_str(&out));
    wg_buf_done(&out);
    return text;
}
