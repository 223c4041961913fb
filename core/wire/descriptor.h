// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "wire/key.h"

#define WG_DESCRIPTOR_PATH "/.well-known/scaiwave/server"
#define WG_SPOKEN_VERSION "v1"

enum {
    WG_DESCRIPTOR_LIMIT_BYTES = 64 * 1024,
    WG_DESCRIPTOR_KEYS_LIMIT = 16,
    WG_DESCRIPTOR_AGE_MIN_S = 60,
    WG_DESCRIPTOR_AGE_MAX_S = 24 * 3600,
    WG_DESCRIPTOR_AGE_DEFAULT_S = 3600,
};

struct wg_descriptor_key {
    struct wg_public_key key;
    int64_t valid_from_s;  /**< INT64_MIN when not said */
    int64_t valid_until_s; /**< INT64_MAX when not said */
};

/** A server's descriptor (docs/protocol.md "Descriptor"). Texts live in the arena given. */
struct wg_descriptor {
    struct wg_str server_name;
    /** keys[0] is public_key; the rest from "keys", without repeating it. */
    struct wg_descriptor_key keys[WG_DESCRIPTOR_KEYS_LIMIT];
    size_t key_count;
    bool speaks_v1;
    struct wg_str versions; /**< "v1, v2", for messages */
    struct wg_str send, profile, members,
        backfill; /**< absolute paths; the templates as published */
};

/** @return WG_INVALID with the member and the rule (wrong server_name, key, endpoint off the
 * origin, over the size limit). No common version is not an error here: see speaks_v1. */
WG_MUST_USE enum wg_code wg_descriptor_parse(struct wg_str text, struct wg_str expected_name,
                                             struct wg_arena *arena,
                                             struct wg_descriptor *ret_descriptor,
                                             struct wg_err *err);
/** Our own. keys[0] is the one that signs now; "keys" is written when there are several. */
WG_MUST_USE enum wg_code wg_descriptor_write(struct wg_str server_name,
                                             const struct wg_descriptor_key *keys,
                                             size_t key_count, struct wg_buf *out,
                                             struct wg_err *err);
/** How long a descriptor may be kept: Cache-Control's max-age clamped to 60 s ... 24 h, 1 h
 * without (absent: no such field); no-store and no-cache count as the minimum. */
int64_t wg_descriptor_age_s(struct wg_str cache_control);
/** Fills "{room_id}" / "{local_id}" of a published template with a percent-encoded value. */
struct wg_str wg_endpoint_expand(struct wg_str template_text, struct wg_str value,
                                 struct wg_arena *arena);
