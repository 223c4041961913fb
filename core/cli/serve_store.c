// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/serve_impl.h"

enum wg_code serve_open_store(struct serve *serve, struct wg_err *err)
{
    const struct wg_config_queue *queue = &serve->config->queue;
    struct wg_store_options options = {
        .folder = serve->config->data,
        .clock = wg_clock_system(),
        .post = wg_loop_post,
        .queue_rows_limit = queue->rows,
        .queue_bytes_limit = queue->bytes,
        .free_disk_bytes_min = queue->free_disk_bytes,
        .seen_keep_ms = queue->seen_keep_ms,
        .dead_keep_ms = queue->dead_keep_ms,
    };

    /* What is promised to instances and peers stands in it: nobody else has to read that. */
    if (mkdir(serve->config->data, 0700) != 0 && errno != EEXIST)
        return wg_fail(err, WG_CONFIG, "data: %s: %s; make the folder, or name another in %s",
                       serve->config->data, strerror(errno), serve->config->file);
    return wg_store_open(&options, &serve->store, err);
}
