// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "policy/policy_impl.h"
#include "policy_kit.h"

/* lua/meta/wavegate.lua, which editors read, against what there is. */

static char *read_meta(struct wg_buf *text)
{
    struct wg_err err;

    wg_buf_init(text, 1 << 20);
    if (wg_file_read("lua/meta/wavegate.lua", text, &err) != WG_OK)
        fail_msg("%s", err.text);
    return text->at;
}

/* `["kv.get"] = true, ...` of every function and module that the file describes. */
static void list_described(char *meta, struct wg_buf *out)
{
    for (char *line = meta; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        char name[64];

        if (sscanf(line, "function wavegate.%63[a-z0-9_.]", name) == 1 ||
            sscanf(line, "wavegate.%63[a-z0-9_.] =", name) == 1)
            wg_buf_addf(out, "['%s'] = true, ", name);
    }
}

static void every_function_is_described_and_no_other(void **state)
{
    struct policy_kit kit;
    struct wg_buf meta, policy;

    (void)state;
    wg_buf_init(&policy, 1 << 20);
    wg_buf_addf(&policy, "local described = { ");
    list_described(read_meta(&meta), &policy);
    wg_buf_addf(
        &policy,
        "}\n"
        "local function compare(module, prefix)\n"
        "  for name, value in pairs(module) do\n"
        "    local full = prefix .. name\n"
        "    assert(prefix == 'document.' or described[full], full .. ' is not described')\n"
        "    described[full] = nil\n"
        "    if type(value) == 'table' and prefix == '' then compare(value, name .. '.') end\n"
        "  end\n"
        "end\n"
        "compare(require 'wavegate', '')\n"
        "assert(not next(described), (next(described) or '') .. ' is described but not "
        "there')\n");
    kit_init(&kit);
    kit_open(&kit, policy.at);
    kit_done(&kit);
    wg_buf_done(&policy);
    wg_buf_done(&meta);
}

/* The fields of `---@class (exact) wavegate.<view>`, in their order. */
static void every_field_is_described_and_no_other(void **state)
{
    struct wg_buf meta;
    char *line = read_meta(&meta);
    const char *view = NULL;
    const char *last = "";
    const char *field;

    (void)state;
    for (size_t i = 0; (field = wg_view_field(i, &view)); i++) {
        char start[64];

        if (strcmp(view, last) != 0) {
            snprintf(start, sizeof start, "---@class (exact) wavegate.%s\n", view);
            line = strstr(meta.at, start);
            if (!line)
                fail_msg("%s is not described", view);
            last = view;
        }
        line = strchr(line, '\n') + 1;
        snprintf(start, sizeof start, "---@field %s ", field);
        if (strncmp(line, start, strlen(start)) != 0)
            fail_msg("%s.%s is not described, but '%.*s'", view, field,
                     (int)strcspn(line, "\n"), line);
        if (!wg_view_field(i + 1, &view) || strcmp(view, last) != 0)
            assert_int_not_equal(strncmp(strchr(line, '\n') + 1, "---@field", 9), 0);
    }
    wg_buf_done(&meta);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_is_described_and_no_other),
        cmocka_unit_test(every_field_is_described_and_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
