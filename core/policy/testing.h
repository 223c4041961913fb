// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "policy/coverage.h"
#include "policy/policy.h"

/** What came of one `testing.test(...)`. Texts are lent until the callback returns. */
struct wg_test_result {
    const char *name;
    const char *place;         /**< "policies/a_test.lua:12", where it begins */
    const char *failure;       /**< NULL: it passed */
    const char *failure_place; /**< NULL: the text says where */
};

struct wg_testing_options {
    const struct wg_config *config; /**< of the policies that are tried: folders and budget */
    struct wg_coverage *coverage;   /**< NULL: not wanted */
    void (*on_result)(void *owner, const struct wg_test_result *result);
    void *owner;
};

/** Runs one file of tests (lua/wavegate/testing.lua says what it may do), in the sandbox of a
 * policy with a wider budget.
 *
 * @return WG_SCRIPT or WG_BUDGET when the file itself fails, with "file:line: reason" */
WG_MUST_USE enum wg_code wg_testing_run(const struct wg_testing_options *options,
                                        const char *file, struct wg_err *err);
