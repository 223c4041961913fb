// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "policy/policy.h"
#include "wire/key.h"

/* What ten handlers cost an event, beside the one signature check that each event costs anyway:
 *
 *   build/<preset>/tests/unit/policy/policy_bench
 *
 * Median and 99th percentile of many calls, each with an arena of its own as in the gateway,
 * and the CPU time that all of them took. Not a test: figures depend on the machine. */

enum { CALLS = 200 * 1000, SIGNATURES = 20 * 1000, HANDLERS = 10 };

struct sample {
    const char *what;
    const char *handler; /* ten times, %d is which */
};

static const struct sample samples[] = {
    {"return nothing", "wavegate.on('event', function(event, ctx) end)\n"},
    {"look at type and body",
     "wavegate.on('event', function(event, ctx)\n"
     "  if event.type == 'swp.room.chunk%d' and ctx.peer.known_for < 86400 then\n"
     "    return wavegate.deny { reason = 'a new peer' }\n"
     "  end\n"
     "  if event.content.body == 'spam %d' then return wavegate.deny {} end\n"
     "end)\n"},
    {"a set of names, a suffix, a size",
     "local names = {}\n"
     "for i = 1, 1000 do names['node' .. i .. '.example'] = %d end\n"
     "wavegate.on('event', function(event, ctx)\n"
     "  local name = ctx.peer.name\n"
     "  if names[name] or name:sub(-9) == '.bad%d.test' then return wavegate.deny {} end\n"
     "  if event.size > 60000 and ctx.direction == 'inbound' then return wavegate.deny {} end\n"
     "end)\n"},
    {"a pattern over the body",
     "wavegate.on('event', function(event, ctx)\n"
     "  local body = event.content.body\n"
     "  if body and body:lower():find('buy%d+%%s+now') then return wavegate.deny {} end\n"
     "end)\n"},
    {"each a label", "wavegate.on('event', function(event, ctx)\n"
                     "  return wavegate.label { rule%d = ctx.peer.name }\n"
                     "end)\n"},
};

static const char event_text[] =
    "{\"id\":\"0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11\",\"type\":\"swp.room.message\","
    "\"room_id\":\"room-1\",\"sender_id\":\"@a:b.example\",\"origin\":\"b.example\","
    "\"origin_ts\":1778939467,\"content\":{\"msgtype\":\"swp.text\",\"body\":"
    "\"It was a bright cold day in April, and the clocks were striking thirteen.\"},"
    "\"signatures\":{}}";

static int64_t time_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void print_row(const char *what, int64_t *took, size_t count, int64_t cpu_ns)
{
    qsort(took, count, sizeof *took, by_size);
    printf("%-36s %8.2f %8.2f %8.2f\n", what, (double)took[count / 2] / 1000,
           (double)took[count / 100 * 99] / 1000, (double)cpu_ns / (double)count / 1000);
}

static void write_policy(const char *path, const struct sample *sample)
{
    FILE *file = fopen(path, "w");

    if (!file)
        exit(1);
    fputs("local wavegate = require 'wavegate'\n", file);
    for (int i = 0; i < HANDLERS; i++) {
        fputs("do\n", file);
        for (const char *c = sample->handler; *c; c++) {
            if (c[0] == '%' && c[1] == 'd')
                fprintf(file, "%d", i), c++;
            else if (c[0] == '%' && c[1] == '%')
                fputc('%', file), c++;
            else
                fputc(*c, file);
        }
        fputs("end\n", file);
    }
    fclose(file);
}

static void ask(struct wg_policy_generation *generation, const struct wg_question *question)
{
    struct wg_arena arena;
    struct wg_decision decision;

    wg_arena_init(&arena);
    if (wg_policy_ask(generation, question, &arena, &decision, NULL, NULL) ||
        decision.verdict != WG_VERDICT_ALLOW || decision.failure != WG_OK) {
        fprintf(stderr, "not allowed: %.*s\n", WG_STR_F(decision.failure_text));
        exit(1);
    }
    wg_arena_done(&arena);
}

static void measure(const struct sample *sample, const struct wg_question *question,
                    int64_t *took)
{
    char path[] = "/tmp/policy-bench-XXXXXX";
    struct wg_config_instance instance = {.server_name = "a.example", .policy = path};
    struct wg_config config = {.folder = "/tmp", .instances = &instance, .instance_count = 1};
    struct wg_policy_engine *engine;
    struct wg_policy_worker *worker;
    struct wg_policy_generation *generation;
    struct wg_err err;
    int64_t cpu_ns;

    close(mkstemp(path));
    write_policy(path, sample);
    config.budget = (struct wg_config_budget){1000000, 50, 1000, 64 << 20};
    if (wg_policy_engine_new(&config, wg_clock_system(), &engine, &err) != WG_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    worker = wg_policy_worker_new(engine, NULL);
    generation = wg_policy_pin(worker, 0);
    cpu_ns = -time_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < CALLS; i++) {
        took[i] = -time_ns(CLOCK_MONOTONIC);
        ask(generation, question);
        took[i] += time_ns(CLOCK_MONOTONIC);
    }
    cpu_ns += time_ns(CLOCK_THREAD_CPUTIME_ID);
    print_row(sample->what, took, CALLS, cpu_ns);
    wg_policy_unpin(generation);
    wg_policy_worker_close(worker, NULL, NULL);
    wg_policy_engine_free(engine);
    unlink(path);
}

/* The event's own signature: canonical form and curve. */
static void measure_signature(struct wg_event *event, int64_t *took)
{
    struct wg_secret_key key;
    struct wg_err err;
    int64_t cpu_ns;

    if (wg_crypto_start(&err) != WG_OK)
        exit(1);
    wg_secret_key_generate(&key);
    if (wg_event_sign(event, WG_STR("b.example"), &key, &err) != WG_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    cpu_ns = -time_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < SIGNATURES; i++) {
        took[i] = -time_ns(CLOCK_MONOTONIC);
        if (wg_event_verify(event, &key.public_key, &err) != WG_OK)
            exit(1);
        took[i] += time_ns(CLOCK_MONOTONIC);
    }
    cpu_ns += time_ns(CLOCK_THREAD_CPUTIME_ID);
    print_row("one signature of an event", took, SIGNATURES, cpu_ns);
    wg_secret_key_done(&key);
}

int main(void)
{
    int64_t *took = calloc(CALLS, sizeof *took);
    struct wg_event event;
    struct wg_question question = {.hook = WG_HOOK_EVENT, .event = &event};
    struct wg_err err;

    if (!took || wg_event_parse(wg_str(event_text), &event, &err) != WG_OK)
        return 1;
    question.peer.name = WG_STR("b.example");
    question.peer.known_for_s = 90000;
    printf("%-36s %8s %8s %8s\n", "microseconds; ten handlers that", "median", "p99", "cpu");
    for (size_t i = 0; i < WG_COUNT(samples); i++)
        measure(&samples[i], &question, took);
    measure_signature(&event, took);
    wg_event_done(&event);
    free(took);
    return 0;
}
