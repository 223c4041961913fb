// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/buf.h"

/** Reads a whole regular file into out (which has the limit). @return WG_OK; WG_CONFIG when it
 * does not exist, may not be read or is no regular file; WG_TOO_LARGE; WG_IO. The text names
 * the file. */
WG_MUST_USE enum wg_code wg_file_read(const char *file, struct wg_buf *out, struct wg_err *err);

/** Writes a file for its owner only (0600) in one step: a crash at any moment leaves the former
 * one or the new one, whole and on the disk. @return WG_CONFIG when nothing can be written
 * there, WG_IO. The text names the file. */
WG_MUST_USE enum wg_code wg_file_write(const char *file, struct wg_str text,
                                       struct wg_err *err);
