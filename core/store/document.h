// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/store.h"

/** Small named values: tokens, policy documents, room flags, peers, the policies' key-value. A
 * document is found by namespace and key; every change gives it a new version, never used
 * again, so that a lost update can be refused. */

enum {
    WG_DOCUMENT_NAME_MAX = 512, /**< bytes of a namespace, of a key */
    WG_DOCUMENT_VALUE_MAX = 1024 * 1024,
    WG_DOCUMENT_PAGE_MAX = 1000,
};

#define WG_DOCUMENT_ANY INT64_C(-1)   /**< expected_version: whatever is there */
#define WG_DOCUMENT_ABSENT INT64_C(0) /**< expected_version: nothing may be there */

struct wg_document {
    struct wg_str namespace, key, value;
    int64_t version;
    int64_t updated_at_ms; /**< wall clock */
    int64_t expires_at_ms; /**< 0: never; past it the document is absent */
};

struct wg_document_put {
    struct wg_str namespace, key, value;
    int64_t expected_version;
    int64_t expires_at_ms;            /**< 0: never */
    const struct wg_audit_row *audit; /**< written in the same commit */
    size_t audit_count;
};

/** WG_NOT_FOUND when there is none. */
void wg_store_document_get(struct wg_store *store, struct wg_loop *loop,
                           struct wg_str namespace, struct wg_str key,
                           void (*on_document)(void *owner, const struct wg_err *err,
                                               const struct wg_document *document),
                           void *owner);

/** WG_EXISTS when the version there is not the expected one (the text names both);
 * WG_TOO_LARGE. */
void wg_store_document_put(
    struct wg_store *store, struct wg_loop *loop, const struct wg_document_put *put,
    void (*on_put)(void *owner, const struct wg_err *err, int64_t version), void *owner);

/** put->value and expires_at_ms are not looked at. WG_NOT_FOUND; WG_EXISTS as above. */
void wg_store_document_delete(struct wg_store *store, struct wg_loop *loop,
                              const struct wg_document_put *put, wg_store_done on_deleted,
                              void *owner);

struct wg_document_page {
    const struct wg_document *documents; /**< by key, in byte order */
    size_t count;
    struct wg_str next_cursor;
};

/** Those of a namespace whose key starts with prefix (absent: all). limit 0: 100. */
void wg_store_document_list(struct wg_store *store, struct wg_loop *loop,
                            struct wg_str namespace, struct wg_str prefix, struct wg_str cursor,
                            size_t limit,
                            void (*on_page)(void *owner, const struct wg_err *err,
                                            const struct wg_document_page *page),
                            void *owner);
