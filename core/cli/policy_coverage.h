// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "policy/coverage.h"

/** How much of a policy file has run: {file, statements, run, lines: [[52, 52], [60, 61]]}, the
 * lines being those whose statements have not; NULL when the file cannot be read. */
json_t *policy_coverage_of(const struct wg_coverage *coverage, const char *file);
void policy_coverage_print(const json_t *row);
