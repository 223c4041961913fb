// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/server.h"
#include "net/listener.h"
#include "peer.h"

#define HOST "Host: a.example\r\n"
#define ECHO "GET /echo HTTP/1.1\r\n" HOST "\r\n"
#define HOLD "GET /hold HTTP/1.1\r\n" HOST "\r\n"

enum { HELD_LIMIT = 64 };

/** A server on loopback that echoes "[METHOD target body]"; at /hold it keeps the call for the
 * test, at /close it ends the connection, at /nothing it answers 204. */
struct rig {
    struct wg_loop *loop;
    struct wg_listener *listener;
    struct wg_http_server *server;
    uint16_t port;
    struct wg_http_call *held[HELD_LIMIT];
    unsigned held_count, requests, gone, writable, refused;
    int refused_status;
    char refused_reason[256];
    bool is_drained;
};

struct rig *rig_new(const struct wg_http_server_options *options);
struct rig *rig_default(void);
/** Checks that all closes clean. */
void rig_free(struct rig *rig);

void rig_answer(struct wg_http_call *call, struct wg_str body);
/** Begins an answer in chunks. */
void rig_begin(struct rig *rig, struct wg_http_call *call);
void rig_drain(struct rig *rig);

/* Fail the test after 10 s. */
void until_held(struct rig *rig, unsigned count);
void until_gone(struct rig *rig, unsigned count);
void until_connections(struct rig *rig, unsigned count);
void until_drained(struct rig *rig);
