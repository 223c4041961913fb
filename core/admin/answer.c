// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/admin_impl.h"
#include "base/log.h"
#include "base/metric.h"
#include "federation/answer.h"

enum { ERROR_LIMIT_BYTES = 4096 };

void wg_admin_header(struct wg_admin_request *request, const char *name, struct wg_str value)
{
    wg_headers_add(&request->headers, request->arena, wg_str(name), value);
}

/* Probes and scrapes come every few seconds: they are worth a line only when somebody looks
 * closer. */
static enum wg_log_level level_of(const struct wg_admin_request *request, int status)
{
    if (status >= 400)
        return WG_LOG_WARN;
    return request->route && (request->route->role == WG_ROLE_NONE ||
                              request->route->handle == wg_admin_metrics)
               ? WG_LOG_DEBUG
               : WG_LOG_INFO;
}

static void log_answer(const struct wg_admin_request *request, int status, const char *reason)
{
    int64_t ms = wg_clock_mono_ms(request->gateway->clock) - request->started_ms;
    struct wg_str server = {NULL, 0};

    if (request->instance)
        server = request->instance->server_name;
    wg_log(level_of(request, status), status >= 400 ? "admin.request_refused" : "admin.request",
           "an operator's request", WG_F_TEXT("request_id", request->request_id),
           WG_F_STR("method", request->message->method),
           WG_F_STR("path", request->message->path), WG_F_INT("status", status),
           WG_F_TEXT("token", request->bearer.id[0] ? request->bearer.id : NULL),
           WG_F_STR("server", server), WG_F_TEXT("reason", reason), WG_F_INT("ms", ms));
}

/* The request lives in the arena of its call: it is gone with the answer. */
static void finish(struct wg_admin_request *request, int status, struct wg_str body,
                   const char *reason)
{
    struct wg_worker *worker = request->worker;
    struct wg_http_answer answer = {.status = status, .body = body};

    log_answer(request, status, reason);
    wg_metric_count(ADMIN_REQUESTS, wg_metric_answer(status));
    if (body.len && !wg_headers_get(&request->headers, "content-type").at)
        wg_admin_header(request, "content-type", WG_STR("application/json"));
    wg_admin_header(request, "cache-control", WG_STR("no-store"));
    wg_admin_header(request, "x-request-id", wg_str(request->request_id));
    answer.headers = request->headers.at;
    answer.header_count = request->headers.count;
    json_decref(request->body);
    wg_http_respond(request->call, &answer);
    wg_worker_exchange_ended(worker);
}

void wg_admin_answer_text(struct wg_admin_request *request, int status, struct wg_str body)
{
    finish(request, status, body, NULL);
}

void wg_admin_answer(struct wg_admin_request *request, int status, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);

    json_decref(json);
    finish(request, status, wg_str(text), NULL);
    free(text);
}

static void refuse(struct wg_admin_request *request, int status, const char *sw_code,
                   const char *reason)
{
    struct wg_buf body;

    wg_buf_init(&body, ERROR_LIMIT_BYTES);
    wg_answer_error_body(sw_code, wg_str(reason), &body);
    finish(request, status, wg_buf_str(&body), reason);
    wg_buf_done(&body);
}

void wg_admin_refuse(struct wg_admin_request *request, int status, const char *sw_code,
                     const char *format, ...)
{
    char reason[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    refuse(request, status, sw_code, reason);
}

void wg_admin_fail(struct wg_admin_request *request, enum wg_code code, const char *format, ...)
{
    char reason[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    refuse(request, wg_code_status(code), wg_code_answer(code), reason);
}

void wg_admin_fail_err(struct wg_admin_request *request, const struct wg_err *err)
{
    int status = wg_code_status(err->code);

    if (status == 500 && wg_code_can_retry(err->code))
        status = 503;
    refuse(request, status, wg_code_answer(err->code), err->text);
}
