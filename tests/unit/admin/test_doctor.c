// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/doctor_impl.h"
#include "base/file.h"

static const char page[] = "docs/troubleshooting.md";

/* Run in the root of the tree. */
static void read_page(struct wg_buf *text)
{
    struct wg_err err;

    wg_buf_init(text, 1024 * 1024);
    if (wg_file_read(page, text, &err) != WG_OK)
        fail_msg("%s", err.text);
}

static bool is_check(struct wg_str id)
{
    for (size_t i = 0; i < doctor_check_count; i++) {
        if (wg_str_is(id, doctor_checks[i].id))
            return true;
    }
    return false;
}

static void every_check_has_an_id_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < doctor_check_count; i++) {
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(doctor_checks[i].id, doctor_checks[k].id);
    }
}

static void an_id_begins_with_what_is_examined(void **state)
{
    (void)state;
    for (size_t i = 0; i < doctor_check_count; i++) {
        static const char *const prefixes[] = {"peer.", "room.", "self."};
        struct wg_str prefix = wg_str(prefixes[doctor_checks[i].subject]);

        if (!wg_str_starts(wg_str(doctor_checks[i].id), prefix))
            fail_msg("%s", doctor_checks[i].id);
    }
}

static void a_check_needs_an_earlier_one_of_the_same_walk(void **state)
{
    (void)state;
    for (size_t i = 0; i < doctor_check_count; i++) {
        const struct doctor_check *check = &doctor_checks[i];
        bool is_found = !check->needs;

        for (size_t k = 0; k < i && !is_found; k++)
            is_found = (doctor_checks[k].subject == DOCTOR_OF_SELF) ==
                           (check->subject == DOCTOR_OF_SELF) &&
                       strcmp(doctor_checks[k].id, check->needs) == 0;
        if (!is_found)
            fail_msg("%s needs %s", check->id, check->needs);
    }
}

static void every_check_is_explained(void **state)
{
    struct wg_buf text;

    (void)state;
    read_page(&text);
    for (size_t i = 0; i < doctor_check_count; i++) {
        char quoted[64];

        snprintf(quoted, sizeof quoted, "`%s`", doctor_checks[i].id);
        if (!strstr(text.at, quoted))
            fail_msg("%s does not name the check %s", page, quoted);
    }
    wg_buf_done(&text);
}

static bool is_id_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || byte == '_' || byte == '.';
}

static void every_check_that_is_explained_exists(void **state)
{
    struct wg_buf text;
    size_t found = 0;

    (void)state;
    read_page(&text);
    for (const char *at = text.at; (at = strchr(at, '`')) != NULL; at++) {
        size_t len = 0;

        if (strncmp(at, "`peer.", 6) != 0 && strncmp(at, "`room.", 6) != 0 &&
            strncmp(at, "`self.", 6) != 0)
            continue;
        while (is_id_byte(at[1 + len]))
            len++;
        if (at[1 + len] != '`')
            continue;
        found++;
        if (!is_check(wg_str_of(at + 1, len)))
            fail_msg("%s names %.*s, which is no check", page, (int)len, at + 1);
    }
    assert_true(found >= doctor_check_count);
    wg_buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_check_has_an_id_of_its_own),
        cmocka_unit_test(an_id_begins_with_what_is_examined),
        cmocka_unit_test(a_check_needs_an_earlier_one_of_the_same_walk),
        cmocka_unit_test(every_check_is_explained),
        cmocka_unit_test(every_check_that_is_explained_exists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
