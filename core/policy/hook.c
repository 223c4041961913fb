// SPDX-License-Identifier: Apache-2.0
#include "policy/policy.h"

static const char *const hook_names[] = {
#define X(name, text) text,
    WG_HOOKS(X)
#undef X
};

const char *wg_hook_name(enum wg_hook hook)
{
    return hook_names[hook];
}

bool wg_hook_parse(struct wg_str name, enum wg_hook *ret_hook)
{
    for (size_t i = 0; i < WG_COUNT(hook_names); i++) {
        if (wg_str_is(name, hook_names[i])) {
            *ret_hook = (enum wg_hook)i;
            return true;
        }
    }
    return false;
}

const char *wg_verdict_name(enum wg_verdict verdict)
{
    static const char *const names[] = {"none", "allow", "deny", "defer", "quarantine"};

    return names[verdict];
}
