// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/listener.h"

/** Counts one more connection of ip. @return false: the limit is reached, nothing is counted */
bool wg_connection_counter_take(struct wg_connection_counter *counter, const struct wg_ip *ip);
void wg_connection_counter_give(struct wg_connection_counter *counter, const struct wg_ip *ip);
