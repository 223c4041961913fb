// SPDX-License-Identifier: Apache-2.0
/** What ten handlers cost an event: median of many calls, in microseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "policy/policy.h"

enum { CALLS = 200000, HANDLERS = 10 };

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void write_policy(const char *path)
{
    FILE *file = fopen(path, "w");

    if (!file)
        exit(1);
    fputs("local wavegate = require 'wavegate'\n", file);
    for (int i = 0; i < HANDLERS; i++)
        fprintf(file,
                "wavegate.on('event', function(event, ctx)\n"
                "  if event.type == 'swp.room.chunk%d' and ctx.peer.known_for < 86400 then\n"
                "    return wavegate.deny { reason = 'a new peer' }\n"
                "  end\n"
                "  if event.content.body == 'spam %d' then return wavegate.deny {} end\n"
                "end)\n",
                i, i);
    fclose(file);
}

int main(void)
{
    static int64_t took[CALLS];
    char path[] = "/tmp/policy-bench-XXXXXX";
    struct wg_config_instance instance = {.server_name = "a.example", .policy = path};
    struct wg_config config = {.folder = "/tmp", .instances = &instance, .instance_count = 1};
    struct wg_policy_engine *engine;
    struct wg_policy_worker *worker;
    struct wg_policy_generation *generation;
    struct wg_event event = {.json = NULL};
    struct wg_question question = {.hook = WG_HOOK_EVENT, .event = &event};
    struct wg_err err;

    close(mkstemp(path));
    write_policy(path);
    config.budget = (struct wg_config_budget){1000000, 50, 1000, 64 << 20};
    if (wg_policy_engine_new(&config, wg_clock_system(), &engine, &err) != WG_OK ||
        wg_event_parse(WG_STR("{\"id\":\"0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11\",\"type\":"
                              "\"swp.room.message\",\"room_id\":\"room-1\",\"sender_id\":"
                              "\"@a:b.example\",\"origin\":\"b.example\",\"origin_ts\":1,"
                              "\"content\":{\"body\":\"hi\"},\"signatures\":{}}"),
                       &event, &err) != WG_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    worker = wg_policy_worker_new(engine, NULL);
    question.peer.name = WG_STR("b.example");
    generation = wg_policy_pin(worker, 0);
    for (int i = 0; i < CALLS; i++) {
        struct wg_arena arena;
        struct wg_decision decision;
        int64_t began = now_ns();

        wg_arena_init(&arena);
        if (wg_policy_ask(generation, &question, &arena, &decision, NULL, NULL) ||
            decision.verdict != WG_VERDICT_ALLOW)
            return 1;
        wg_arena_done(&arena);
        took[i] = now_ns() - began;
    }
    qsort(took, CALLS, sizeof took[0], by_size);
    printf("%d handlers: median %.2f us, p99 %.2f us\n", HANDLERS,
           (double)took[CALLS / 2] / 1000, (double)took[CALLS / 100 * 99] / 1000);
    wg_policy_unpin(generation);
    wg_policy_worker_close(worker, NULL, NULL);
    wg_policy_engine_free(engine);
    wg_event_done(&event);
    unlink(path);
    return 0;
}
