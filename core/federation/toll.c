// SPDX-License-Identifier: Apache-2.0
#include "federation/toll.h"

#include "base/map.h"

static uint64_t hash_of(struct wg_str server_name, struct wg_str peer)
{
    return (uint64_t)wg_hash(server_name.at, server_name.len) * 31 +
           (uint64_t)wg_hash(peer.at, peer.len);
}

static int64_t level_at(int64_t level_us, int64_t at_ms, int64_t now_ms)
{
    int64_t drained_us = (now_ms - at_ms) * (WG_TOLL_PER_SECOND_US / 1000);

    return drained_us >= level_us ? 0 : level_us - drained_us;
}

void wg_toll_add(struct wg_toll *toll, struct wg_str server_name, struct wg_str peer,
                 int64_t running_us, int64_t now_ms)
{
    uint64_t hash = hash_of(server_name, peer);
    size_t i = hash % WG_TOLL_SLOTS;
    int64_t level_us = 0;

    if (toll->slots[i].peer == hash)
        level_us = level_at(toll->slots[i].level_us, toll->slots[i].at_ms, now_ms);
    toll->slots[i].peer = hash;
    toll->slots[i].level_us = level_us + running_us;
    toll->slots[i].at_ms = now_ms;
}

int64_t wg_toll_wait_s(const struct wg_toll *toll, struct wg_str server_name,
                       struct wg_str peer, int64_t now_ms)
{
    uint64_t hash = hash_of(server_name, peer);
    size_t i = hash % WG_TOLL_SLOTS;
    int64_t over_us;

    if (toll->slots[i].peer != hash)
        return 0;
    over_us =
        level_at(toll->slots[i].level_us, toll->slots[i].at_ms, now_ms) - WG_TOLL_BURST_US;
    return over_us <= 0 ? 0 : (over_us + WG_TOLL_PER_SECOND_US - 1) / WG_TOLL_PER_SECOND_US;
}
