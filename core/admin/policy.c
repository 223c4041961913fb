// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>

#include "admin/admin_impl.h"
#include "base/log.h"
#include "federation/document.h"
#include "federation/restore.h"
#include "store/document.h"

/* The policy document. A change is judged as a whole, tried on the policies, in force, then
 * stored; when the store cannot keep it, the one before is put back. Its ETag is the version of
 * the stored document; version 0 is what the configuration says. */

struct change {
    bool is_put;     /* else back to the configuration */
    int64_t version; /* of the document before */
    struct wg_config_federation before, after;
    bool was_stored;
    struct wg_audit_row audit;
};

static void set_etag(struct wg_admin_request *request, int64_t version)
{
    wg_admin_header(request, "etag",
                    wg_str(wg_arena_format(request->arena, "\"%" PRId64 "\"", version)));
}

static void answer_document(struct wg_admin_request *request, int64_t version)
{
    set_etag(request, version);
    wg_admin_answer(request, 200,
                    wg_policy_document_write(wg_policy_document(request->gateway->policy,
                                                                request->instance->index)));
}

static void on_got(void *owner, const struct wg_err *err, const struct wg_document *document)
{
    struct wg_admin_request *request = owner;

    if (!document && err->code != WG_NOT_FOUND)
        wg_admin_fail_err(request, err);
    else
        answer_document(request, document ? document->version : 0);
}

void wg_admin_policy_get(struct wg_admin_request *request)
{
    wg_store_document_get(request->gateway->store, request->worker->loop,
                          WG_STR(WG_STORED_POLICIES), request->instance->server_name, on_got,
                          request);
}

static void begin(struct wg_admin_request *request);

/* Lets the next change begin. */
static void end(struct wg_admin *admin)
{
    struct wg_admin_request *next = admin->waiting;

    admin->changing = NULL;
    if (!next)
        return;
    admin->waiting = next->next;
    if (!admin->waiting)
        admin->waiting_end = &admin->waiting;
    begin(next);
}

/* RFC 9110 13.1.1: any of a list of entity tags, strongly compared. */
static bool matches(struct wg_str field, int64_t version)
{
    char tag[32];

    snprintf(tag, sizeof tag, "\"%" PRId64 "\"", version);
    while (field.at) {
        struct wg_str one = wg_str_trim(wg_str_split(&field, ','));

        if (wg_str_is(one, "*") || wg_str_is(one, tag))
            return true;
    }
    return false;
}

/* @return false after having answered. */
static bool check_if_match(struct wg_admin_request *request, int64_t version)
{
    struct wg_str field =
        wg_headers_joined(&request->message->headers, "if-match", request->arena);

    if (!field.at || matches(field, version))
        return true;
    set_etag(request, version);
    wg_admin_refuse(request, 412, "SW_PRECONDITION_FAILED",
                    "the document has changed in the meantime: get it again and repeat the "
                    "change on it");
    return false;
}

static const struct wg_config_federation *configured(const struct wg_admin_request *request)
{
    return &request->instance->config->federation;
}

static bool apply(struct wg_admin_request *request, const struct wg_config_federation *document,
                  struct wg_err *err)
{
    return wg_gateway_set_document(request->gateway, request->instance->index, document,
                                  "document", err) == WG_OK;
}

static void roll_back(struct wg_admin_request *request)
{
    struct change *change = request->state;
    struct wg_err err;

    if (!apply(request, change->was_stored ? &change->before : NULL, &err))
        wg_log(WG_LOG_ERROR, "policy.rollback_failed",
               "a document that could not be stored stays in force until the next restart",
               WG_F_STR("server", request->instance->server_name),
               WG_F_TEXT("reason", err.text));
}

static void on_stored(void *owner, const struct wg_err *err, int64_t version)
{
    struct wg_admin_request *request = owner;
    struct wg_admin *admin = request->admin;

    if (err->code == WG_OK) {
        answer_document(request, version);
    } else {
        roll_back(request);
        wg_admin_fail_err(request, err);
    }
    end(admin);
}

static void on_deleted(void *owner, const struct wg_err *err)
{
    on_stored(owner, err, 0);
}

static void store(struct wg_admin_request *request)
{
    struct change *change = request->state;
    json_t *after = wg_policy_document_write(&change->after);
    struct wg_document_put put = {
        .namespace = WG_STR(WG_STORED_POLICIES),
        .key = request->instance->server_name,
        .expected_version = change->version,
        .audit = &change->audit,
        .audit_count = 1,
    };

    change->audit = wg_admin_audit(request, change->is_put ? "federation.policy.put"
                                                           : "federation.policy.delete");
    change->audit.extra = wg_admin_text(
        request, json_pack("{s:o, s:O}", "before", wg_policy_document_write(&change->before),
                           "after", after));
    put.value = wg_admin_text(request, after);
    if (change->is_put)
        wg_store_document_put(request->gateway->store, request->worker->loop, &put, on_stored,
                              request);
    else
        wg_store_document_delete(request->gateway->store, request->worker->loop, &put,
                                 on_deleted, request);
}

/* @return false after having answered. */
static bool prepare(struct wg_admin_request *request, int64_t version)
{
    struct change *change = request->state;
    struct wg_err err;

    change->version = version;
    change->was_stored = version > 0;
    change->before = *wg_policy_document(request->gateway->policy, request->instance->index);
    change->after = *configured(request);
    if (!check_if_match(request, version))
        return false;
    if (!change->is_put && !change->was_stored) { /* it says what the configuration says */
        answer_document(request, 0);
        return false;
    }
    if (change->is_put &&
        wg_policy_document_merge(&change->before, request->body,
                                 request->gateway->config->allow_ip_literals, request->arena,
                                 &change->after, &err) != WG_OK) {
        wg_admin_fail(request, WG_INVALID, "policy document: %s", err.text);
        return false;
    }
    if (apply(request, change->is_put ? &change->after : NULL, &err))
        return true;
    wg_admin_fail(request, WG_INVALID, "the policies cannot work with this document: %s",
                  err.text);
    return false;
}

static void on_current(void *owner, const struct wg_err *err,
                       const struct wg_document *document)
{
    struct wg_admin_request *request = owner;
    struct wg_admin *admin = request->admin;

    if (!document && err->code != WG_NOT_FOUND) {
        wg_admin_fail_err(request, err);
        end(admin);
    } else if (prepare(request, document ? document->version : 0)) {
        store(request);
    } else {
        end(admin);
    }
}

static void begin(struct wg_admin_request *request)
{
    request->admin->changing = request;
    wg_store_document_get(request->gateway->store, request->worker->loop,
                          WG_STR(WG_STORED_POLICIES), request->instance->server_name,
                          on_current, request);
}

static void change(struct wg_admin_request *request, bool is_put)
{
    struct wg_admin *admin = request->admin;
    struct change *state = wg_arena_new(request->arena, struct change);

    state->is_put = is_put;
    request->state = state;
    if (!admin->changing) {
        begin(request);
        return;
    }
    *admin->waiting_end = request;
    admin->waiting_end = &request->next;
}

void wg_admin_policy_put(struct wg_admin_request *request)
{
    change(request, true);
}

void wg_admin_policy_delete(struct wg_admin_request *request)
{
    change(request, false);
}
