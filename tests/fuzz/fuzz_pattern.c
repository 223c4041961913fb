// SPDX-License-Identifier: Apache-2.0
/* The first byte is the length of the pattern, the rest the text it is matched against. */
#include "policy/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wg_pattern m = {.steps_left = 20000};
    size_t pattern_len;

    if (size == 0)
        return 0;
    pattern_len = data[0] < size ? data[0] : size - 1;
    m.pattern = wg_str_of(data + 1, pattern_len);
    m.text = wg_str_of(data + 1 + pattern_len, size - 1 - pattern_len);
    for (size_t at = 0; at <= m.text.len && m.failure == WG_PATTERN_FINE; at++) {
        const char *end = wg_pattern_match(&m, m.text.at + at);

        if (end && (end < m.text.at + at || end > m.text.at + m.text.len))
            __builtin_trap();
    }
    return 0;
}
