// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "admin/admin.h"

/* Run in the root of the tree. */
static json_t *read_description(void)
{
    json_error_t failure;
    json_t *description = json_load_file("docs/openapi.json", JSON_REJECT_DUPLICATES, &failure);

    if (!description)
        fail_msg("docs/openapi.json:%d: %s", failure.line, failure.text);
    return description;
}

static void lower(const char *method, char *to)
{
    do
        *to++ = (char)tolower((unsigned char)*method);
    while (*method++);
}

static void every_route_is_described_with_its_role(void **state)
{
    json_t *description = read_description();
    const json_t *paths = json_object_get(description, "paths");

    (void)state;
    for (size_t i = 0; i < wg_admin_route_count(); i++) {
        const char *method, *pattern, *role;
        char member[16];
        const json_t *operation;

        wg_admin_route_names(i, &method, &pattern, &role);
        lower(method, member);
        operation = json_object_get(json_object_get(paths, pattern), member);
        if (!operation)
            fail_msg("%s %s is not described", method, pattern);
        if (strcmp(json_string_value(json_object_get(operation, "x-wavegate-role")), role) != 0)
            fail_msg("%s %s: the role is '%s'", method, pattern, role);
    }
    json_decref(description);
}

static bool is_route(const char *path, const char *member)
{
    for (size_t i = 0; i < wg_admin_route_count(); i++) {
        const char *method, *pattern, *role;
        char lowered[16];

        wg_admin_route_names(i, &method, &pattern, &role);
        lower(method, lowered);
        if (strcmp(pattern, path) == 0 && strcmp(lowered, member) == 0)
            return true;
    }
    return false;
}

static void nothing_is_described_that_is_no_route(void **state)
{
    json_t *description = read_description();
    json_t *methods, *operation;
    const char *path, *member;

    (void)state;
    json_object_foreach(json_object_get(description, "paths"), path, methods)
    {
        json_object_foreach(methods, member, operation)
        {
            if (!is_route(path, member))
                fail_msg("%s %s is described, but there is no such route", member, path);
        }
    }
    json_decref(description);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_described_with_its_role),
        cmocka_unit_test(nothing_is_described_that_is_no_route),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
