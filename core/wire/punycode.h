// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/str.h"

/** Is what follows "xn--" a plausible A-label: lower-case Punycode (RFC 3492) that decodes to
 * at least one code point past ASCII, none of which a U-label can never hold (RFC 5892: upper
 * case of the common scripts, controls, spaces, surrogates, private use, full-width forms). The
 * full IDNA tables are the registries' business: they decide what can be registered at all. */
bool wg_punycode_is_plausible(struct wg_str encoded);
