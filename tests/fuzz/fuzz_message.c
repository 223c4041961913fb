// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The parts of a target stand in it, one behind the other, up to its end. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wg_message message = {0};
    struct wg_err err;
    const struct wg_str target = wg_str_of(data, size);

    if (wg_message_set_target(&message, target, &err) != WG_OK)
        return 0;
    if (message.path.len == 0 || message.path.at[0] != '/')
        abort();
    if (message.query.at && (message.query.at[0] != '?' || !wg_str_ends(target, message.query)))
        abort();
    if (!message.authority.at && !wg_str_is(target, "*") &&
        message.path.len + message.query.len != size)
        abort();
    return 0;
}
