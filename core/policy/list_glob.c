// SPDX-License-Identifier: Apache-2.0
#include "policy/list_impl.h"

/* Only the last '*' is ever tried again: what an earlier one could take besides, the later one
 * takes as well. So the work is at most one length times the other. */
bool wg_list_glob_match(struct wg_str pattern, struct wg_str text)
{
    size_t p = 0, t = 0;
    size_t star = SIZE_MAX, star_took_to = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.at[p] == '*') {
            star = p++;
            star_took_to = t;
        } else if (p < pattern.len && (pattern.at[p] == '?' || pattern.at[p] == text.at[t])) {
            p++, t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++star_took_to;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.at[p] == '*')
        p++;
    return p == pattern.len;
}
