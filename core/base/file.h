// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/buf.h"

/** Reads a whole regular file into out (which has the limit). @return WG_OK; WG_CONFIG when it
 * does not exist, may not be read or is no regular file; WG_TOO_LARGE; WG_IO. The text names
 * the file. */
WG_MUST_USE enum wg_code wg_file_read(const char *file, struct wg_buf *out, struct wg_err *err);
