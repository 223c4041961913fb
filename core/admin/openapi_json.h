// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

/** docs/openapi.json, put into the program when it is built (CMakeLists.txt). */
extern const unsigned char wg_openapi_json[];
extern const size_t wg_openapi_json_len;
