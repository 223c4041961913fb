// SPDX-License-Identifier: Apache-2.0
#include "net/work.h"

#include <uv.h>

#include "base/alloc.h"

struct job {
    uv_work_t uv;
    void (*work)(void *owner);
    void (*done)(void *owner);
    void *owner;
};

static void on_work(uv_work_t *uv)
{
    struct job *job = uv->data;

    job->work(job->owner);
}

static void on_done(uv_work_t *uv, int status)
{
    struct job *job = uv->data;

    (void)status; /* nothing cancels it */
    job->done(job->owner);
    wg_free(job);
}

void wg_loop_work(struct wg_loop *loop, void (*work)(void *owner), void (*done)(void *owner),
                  void *owner)
{
    struct job *job = wg_new(struct job);

    *job = (struct job){.work = work, .done = done, .owner = owner};
    job->uv.data = job;
    if (uv_queue_work(wg_loop_uv(loop), &job->uv, on_work, on_done) != 0)
        wg_panic("no work can be queued");
}
