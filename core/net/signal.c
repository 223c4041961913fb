// SPDX-License-Identifier: Apache-2.0
#include "net/signal.h"

#include <uv.h>

#include "base/alloc.h"

struct wg_signal {
    uv_signal_t uv;
    void (*on_signal)(void *owner);
    void *owner;
};

static void on_uv_signal(uv_signal_t *uv, int signum)
{
    struct wg_signal *signal = uv->data;

    (void)signum;
    signal->on_signal(signal->owner);
}

struct wg_signal *wg_signal_new(struct wg_loop *loop, int signum,
                                void (*on_signal)(void *owner), void *owner)
{
    struct wg_signal *signal = wg_new(struct wg_signal);

    signal->on_signal = on_signal;
    signal->owner = owner;
    signal->uv.data = signal;
    if (uv_signal_init(wg_loop_uv(loop), &signal->uv) != 0 ||
        uv_signal_start(&signal->uv, on_uv_signal, signum) != 0)
        wg_panic("cannot watch for signal %d", signum);
    return signal;
}

static void on_closed(uv_handle_t *handle)
{
    wg_free(handle->data);
}

struct wg_signal *wg_signal_free(struct wg_signal *signal)
{
    if (signal)
        uv_close((uv_handle_t *)&signal->uv, on_closed);
    return NULL;
}
