// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "federation/gateway.h"

/** A request as it goes to an instance: what the peer sent, less what only we may say, plus
 * what we say, signed afresh with the instance's key (docs/protocol.md, "Upstream"). */
struct wg_upstream {
    const struct wg_instance *instance;
    struct wg_message message; /**< as the peer sent it; lent */
    struct wg_str peer_name;   /**< verified */
    struct wg_str request_id;
    struct wg_str remote_address;
    uint64_t generation; /**< of the policies that let it through */
    struct wg_headers labels;
    bool is_held; /**< it was in quarantine: its event is verified again before it goes on */
    bool is_narrowed; /**< message.query is not what the peer signed */
};

/** Everything of *ret_request lives in arena, or is lent from upstream. */
WG_MUST_USE enum wg_code wg_upstream_request(const struct wg_upstream *upstream, int64_t now_s,
                                             struct wg_arena *arena,
                                             struct wg_http_request *ret_request,
                                             struct wg_err *err);

/** All of it but instance, peer_name and body, as bytes for the store; and back. The bytes are
 * JSON. */
void wg_upstream_pack(const struct wg_upstream *upstream, struct wg_buf *out);
WG_MUST_USE enum wg_code wg_upstream_unpack(struct wg_str bytes, struct wg_arena *arena,
                                            struct wg_upstream *ret_upstream,
                                            struct wg_err *err);
