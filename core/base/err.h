// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/code.h"
#include "base/macros.h"

/** What went wrong, as a whole sentence that the layers complete on the way up.
 *
 * Owner: the caller, on its stack; passed down, never NULL. Untouched on success. */
struct wg_err {
    enum wg_code code;
    char text[256]; /**< "reaching peer.example: TLS handshake: certificate expired" */
};

/** Writes the error; a longer text ends in "...". @return code */
enum wg_code wg_fail(struct wg_err *err, enum wg_code code, const char *format, ...)
    WG_PRINTF(3, 4) WG_COLD;

/** Prepends what we were doing ("loading keys/a.key") and ": ". @return err->code */
enum wg_code wg_while(struct wg_err *err, const char *format, ...) WG_PRINTF(2, 3) WG_COLD;
