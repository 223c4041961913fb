// SPDX-License-Identifier: Apache-2.0
#include "net/resolve_impl.h"

#include "base/alloc.h"

struct wg_resolve {
    uv_getaddrinfo_t request; /**< holds the memory: it is freed in on_answer() only */
    struct wg_later later;    /**< tells that the question could not even be asked */
    int status;
    void (*on_resolved)(void *owner, int status, const struct addrinfo *found);
    void *owner;
};

static void on_answer(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct wg_resolve *resolve = request->data;

    if (resolve->on_resolved)
        resolve->on_resolved(resolve->owner, status, found);
    uv_freeaddrinfo(found);
    wg_free(resolve);
}

static void on_refused(void *owner)
{
    struct wg_resolve *resolve = owner;

    on_answer(&resolve->request, resolve->status, NULL);
}

struct wg_resolve *wg_resolve_start(struct wg_loop *loop, const char *host,
                                    void (*on_resolved)(void *owner, int status,
                                                        const struct addrinfo *found),
                                    void *owner)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct wg_resolve *resolve = wg_new(struct wg_resolve);

    resolve->request.data = resolve;
    resolve->on_resolved = on_resolved;
    resolve->owner = owner;
    wg_later_init(&resolve->later, on_refused, resolve);
    resolve->status =
        uv_getaddrinfo(&loop->uv, &resolve->request, on_answer, host, NULL, &hints);
    if (resolve->status != 0)
        wg_later_add(loop, &resolve->later);
    return resolve;
}

struct wg_resolve *wg_resolve_abandon(struct wg_resolve *resolve)
{
    if (resolve) {
        resolve->on_resolved = NULL;
        if (resolve->status == 0)
            uv_cancel((uv_req_t *)&resolve->request);
    }
    return NULL;
}
