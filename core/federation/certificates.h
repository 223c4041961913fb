// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "config/config.h"
#include "net/tls.h"

/** The certificates this gateway presents, one for each instance: which is in use, and why the
 * one on the disk is not, if it is another. A pair is taken as a whole or not at all, and a new
 * one that peers would refuse (expired, for another name) does not replace one that they take.
 *
 * Thread: the control loop changes; any thread may read. */
struct wg_certificates;

struct wg_certificate_state {
    struct wg_tls_facts facts; /**< of the one in use */
    int64_t taken_at_s;
    char distrust[256]; /**< why a client with our own trust anchors would refuse it; empty: it
                             would not */
    char problem[256];  /**< why what is on the disk is not in use; empty: it is */
    int64_t problem_since_s;
};

/** Loads all. @return WG_CONFIG with instance, file and reason. */
WG_MUST_USE enum wg_code wg_certificates_new(const struct wg_config *config,
                                             const struct wg_clock *clock,
                                             struct wg_certificates **ret_certificates,
                                             struct wg_err *err);
struct wg_certificates *wg_certificates_free(struct wg_certificates *certificates);

/** Any thread. */
void wg_certificates_read(struct wg_certificates *certificates, size_t index,
                          struct wg_certificate_state *ret_state);
/** The pair in use; wg_tls_pair_unref() it. Any thread. */
struct wg_tls_pair *wg_certificates_pair(struct wg_certificates *certificates, size_t index);

struct wg_certificates_events {
    /** In use from now on: hand it to whoever presents it. Lent. */
    void (*on_taken)(void *owner, size_t index, struct wg_tls_pair *pair);
    /** What is on the disk cannot be used; said once for each state of the files. */
    void (*on_problem)(void *owner, size_t index, const struct wg_err *err);
};
/** Looks at all files and reads those that changed. What does not fit may be half of an
 * exchange: it is a problem only when it still stands at the next call (is_final: at once).
 * @return whether to call again soon. */
bool wg_certificates_look(struct wg_certificates *certificates, bool is_final,
                          const struct wg_certificates_events *events, void *owner);
