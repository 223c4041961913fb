// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/message.h"

/** Takes out what belongs to one connection and not to the message (RFC 9110 7.6.1): Connection
 * and every field it names, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding,
 * Upgrade. */
void wg_http_remove_hop_by_hop(struct wg_headers *headers);
