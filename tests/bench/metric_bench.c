// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/macros.h"
#include "base/metric.h"

/* What recording costs, with one thread and with several at once:
 *
 *   build/<preset>/tests/metric_bench
 *
 * Not a test: figures depend on the machine. */

enum { ROUNDS = 10 * 1000 * 1000, THREADS = 2 };

static void count_once(void)
{
    wg_metric_count(EXCHANGES, 0, 1, 1, WG_OK);
}

static void time_once(void)
{
    wg_metric_time(STAGE_TIME, 123456, 0, 5);
}

static void read_clock(void)
{
    (void)wg_metric_now_ns();
}

/* Of the thread itself: what others do on the machine does not count. */
static double cpu_ns(void)
{
    struct timespec used;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec * 1e9 + (double)used.tv_nsec;
}

static const struct sample {
    const char *what;
    void (*call)(void);
} samples[] = {
    {"a counter", count_once},
    {"a histogram", time_once},
    {"the clock", read_clock},
};

struct work {
    const struct sample *sample;
    double ns; /**< for one call */
};

static void *run(void *owner)
{
    struct work *work = owner;
    double began = cpu_ns();

    for (int i = 0; i < ROUNDS; i++)
        work->sample->call();
    work->ns = (cpu_ns() - began) / ROUNDS;
    return NULL;
}

int main(void)
{
    for (size_t i = 0; i < WG_COUNT(samples); i++) {
        struct work alone = {.sample = &samples[i]};
        struct work together[THREADS];
        pthread_t threads[THREADS];

        run(&alone);
        for (int k = 0; k < THREADS; k++) {
            together[k] = alone;
            pthread_create(&threads[k], NULL, run, &together[k]);
        }
        for (int k = 0; k < THREADS; k++)
            pthread_join(threads[k], NULL);
        printf("%-12s %6.1f ns of CPU alone, %6.1f ns with %d threads at once\n",
               samples[i].what, alone.ns, together[0].ns, THREADS);
    }
    return 0;
}
