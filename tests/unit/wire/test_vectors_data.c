// SPDX-License-Identifier: Apache-2.0
/* Public suites that live beside the repository, not in it: canonical JSON, JSON parsing,
 * names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"
#include "wire/json.h"
#include "wire/name.h"

#define VECTORS "../shared/vectors"

/** @return false when there is no such file. */
static bool read_file(const char *path, struct wg_buf *out)
{
    FILE *file = fopen(path, "rb");
    char piece[4096];
    size_t len;

    wg_buf_init(out, 16 * 1024 * 1024);
    if (!file)
        return false;
    while ((len = fread(piece, 1, sizeof piece, file)) > 0)
        wg_buf_add(out, piece, len);
    fclose(file);
    return true;
}

static DIR *open_suite(const char *path)
{
    DIR *folder = opendir(path);

    if (!folder) {
        printf("skipped: " VECTORS " is not here\n");
        skip();
    }
    return folder;
}

/** Is \uD8xx (or \uDCxx with low) written there. */
static bool is_surrogate(const char *at, bool is_low)
{
    return at[0] == '\\' && at[1] == 'u' && (at[2] | 0x20) == 'd' &&
           strchr(is_low ? "cdefCDEF" : "89abAB", at[3]);
}

/* jansson refuses lone surrogates, which the IDNA suite holds: any other refused character is
 * as good. */
static void replace_lone_surrogates(char *text)
{
    for (char *at = text; (at = strstr(at, "\\u")); at += 6) {
        if (is_surrogate(at, false) && is_surrogate(at + 6, true))
            at += 6;
        else if (is_surrogate(at, false) || is_surrogate(at, true))
            memcpy(at + 2, "fffd", 4);
    }
}

static json_t *load_suite(const char *path)
{
    json_error_t failure = {.line = 0};
    struct wg_buf file;
    json_t *json;

    if (!read_file(path, &file)) {
        printf("skipped: " VECTORS " is not here\n");
        skip();
    }
    replace_lone_surrogates(file.at);
    json = json_loads(file.at, JSON_ALLOW_NUL, &failure);
    wg_buf_done(&file);
    if (!json)
        fail_msg("%s:%d: %s", path, failure.line, failure.text);
    return json;
}

static enum wg_code canonicalize(struct wg_str text, struct wg_buf *out, struct wg_err *err)
{
    enum wg_code code;
    json_t *json;

    if (wg_json_parse(text, &json, err) != WG_OK)
        return err->code;
    code = wg_jcs_write(json, out, err);
    json_decref(json);
    return code;
}

static void canonicalizes_the_inputs_of_the_jcs_suite(void **state)
{
    DIR *folder = open_suite(VECTORS "/jcs/input");
    struct dirent *entry;
    size_t count = 0;

    (void)state;
    while ((entry = readdir(folder))) {
        struct wg_buf in, expected, out;
        struct wg_err err = {WG_OK, ""};
        char path[512];

        if (!wg_str_ends(wg_str(entry->d_name), WG_STR(".json")))
            continue;
        snprintf(path, sizeof path, VECTORS "/jcs/input/%s", entry->d_name);
        assert_true(read_file(path, &in));
        snprintf(path, sizeof path, VECTORS "/jcs/output/%s", entry->d_name);
        assert_true(read_file(path, &expected));
        wg_buf_init(&out, 1024 * 1024);
        if (canonicalize(wg_buf_str(&in), &out, &err) != WG_OK)
            fail_msg("%s: %s", entry->d_name, err.text);
        if (!wg_str_equal(wg_buf_str(&out), wg_buf_str(&expected)))
            fail_msg("%s: %s", entry->d_name, out.at);
        wg_buf_done(&in);
        wg_buf_done(&expected);
        wg_buf_done(&out);
        count++;
    }
    closedir(folder);
    assert_in_range(count, 6, 1000);
}

static void prints_the_es6_numbers(void **state)
{
    FILE *file = fopen(VECTORS "/jcs/es6-numbers-10000.txt", "r");
    size_t count = 0;
    char line[128];

    (void)state;
    if (!file) {
        printf("skipped: " VECTORS " is not here\n");
        skip();
    }
    while (fgets(line, sizeof line, file)) {
        char text[WG_JCS_NUMBER_TEXT] = "", *comma = strchr(line, ',');
        uint64_t bits = strtoull(line, NULL, 16);
        double value;

        assert_non_null(comma);
        comma[1 + strcspn(comma + 1, "\r\n")] = '\0';
        memcpy(&value, &bits, sizeof value);
        wg_jcs_number(value, text);
        if (strcmp(text, comma + 1) != 0)
            fail_msg("%016llx: %s, expected %s", (unsigned long long)bits, text, comma + 1);
        count++;
    }
    fclose(file);
    assert_int_equal(count, 10000);
}

/* What other suites leave open ("i_"), and where I-JSON is stricter than they are. */
static bool must_refuse(const char *name)
{
    static const char *const open_and_refused[] = {
        "surrogate",
        "invalid",
        "utf-8",
        "UTF-8",
        "UTF-16",
        "utf16",
        "overlong",
        "not_in_unicode",
        "iso_latin",
        "continuation",
        "BOM",
        "500_nested",
        "pos_double_huge",
        "huge_exp.json",
        "real_neg_overflow",
        "real_pos_overflow",
    };

    if (name[0] == 'n')
        return true;
    if (name[0] == 'y')
        return strstr(name, "y_object_duplicated_key") != NULL;
    for (size_t i = 0; i < WG_COUNT(open_and_refused); i++) {
        if (strstr(name, open_and_refused[i]))
            return true;
    }
    return false;
}

static bool may_do_either(const char *name)
{
    return strcmp(name, "y_object_escaped_null_in_key.json") == 0;
}

static void parses_what_the_json_suite_asks(void **state)
{
    DIR *folder = open_suite(VECTORS "/json-test-suite/test_parsing");
    size_t count = 0, wrong = 0;
    struct dirent *entry;

    (void)state;
    while ((entry = readdir(folder))) {
        struct wg_err err = {WG_OK, ""};
        json_t *json = NULL;
        struct wg_buf in;
        char path[512];
        bool is_refused;

        if (!wg_str_ends(wg_str(entry->d_name), WG_STR(".json")))
            continue;
        snprintf(path, sizeof path, VECTORS "/json-test-suite/test_parsing/%s", entry->d_name);
        assert_true(read_file(path, &in));
        is_refused = wg_json_parse(wg_buf_str(&in), &json, &err) != WG_OK;
        if (is_refused != must_refuse(entry->d_name) && !may_do_either(entry->d_name)) {
            printf("%s: %s\n", entry->d_name, is_refused ? err.text : "accepted");
            wrong++;
        }
        json_decref(json);
        wg_buf_done(&in);
        count++;
    }
    closedir(folder);
    assert_int_equal(wrong, 0);
    assert_in_range(count, 300, 1000);
}

/* Only what is host[:port] in lower-case letters, digits and hyphens can be a name at all. */
static bool has_the_alphabet(struct wg_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-.:", name.at[i]) || !name.at[i])
            return false;
    }
    return name.len > 0;
}

static bool is_accepted(struct wg_str name)
{
    struct wg_err err;

    return wg_server_name_check(name, false, &err) == WG_OK;
}

/** Every input of an IDNA suite: what the suite itself calls an error, or would have to change,
 * is refused. */
static void run_idna(const char *path, size_t expected_count)
{
    json_t *cases = load_suite(path), *item;
    size_t index, count = 0, wrong = 0;

    json_array_foreach(cases, index, item)
    {
        struct wg_str input = wg_json_string(item, "input");
        struct wg_str output = wg_json_string(item, "output");

        if (!input.at)
            continue;
        count++;
        if (is_accepted(input) && !(output.at && wg_str_equal(input, output))) {
            printf("accepted: %.*s\n", WG_STR_F(input));
            wrong++;
        }
        if (is_accepted(input))
            assert_true(has_the_alphabet(input));
    }
    json_decref(cases);
    assert_int_equal(wrong, 0);
    assert_in_range(count, expected_count, 100000);
}

static void refuses_what_idna_would_change_or_refuse(void **state)
{
    (void)state;
    run_idna(VECTORS "/hostnames/wpt-IdnaTestV2.json", 1000);
    run_idna(VECTORS "/hostnames/wpt-toascii.json", 50);
}

static void accepts_the_a_labels_that_idna_makes(void **state)
{
    json_t *cases = load_suite(VECTORS "/hostnames/wpt-toascii.json"), *item;
    size_t index, count = 0;

    (void)state;
    json_array_foreach(cases, index, item)
    {
        struct wg_str output = wg_json_string(item, "output");

        count += is_accepted(output);
    }
    json_decref(cases);
    assert_in_range(count, 40, 1000);
}

/** The host as it stands in a URL of the suite, with its port: what a careless peer would send.
 */
static struct wg_str host_of(struct wg_str url)
{
    size_t end = 0;

    for (size_t i = 0; i + 2 < url.len; i++) {
        if (memcmp(url.at + i, "://", 3) == 0) {
            url = wg_str_of(url.at + i + 3, url.len - i - 3);
            break;
        }
    }
    while (end < url.len && (!url.at[end] || !strchr("/?#\\", url.at[end])))
        end++;
    return wg_str_of(url.at, end);
}

static void run_urls(const char *path, size_t expected_count)
{
    json_t *cases = load_suite(path), *item;
    size_t index, count = 0, wrong = 0;

    json_array_foreach(cases, index, item)
    {
        struct wg_str url = wg_json_string(item, "input"), host;

        if (!url.at || !wg_str_starts(url, WG_STR("http")))
            continue;
        host = host_of(url);
        count++;
        if (is_accepted(host) &&
            (json_is_true(json_object_get(item, "failure")) || !has_the_alphabet(host))) {
            printf("accepted: %.*s\n", WG_STR_F(url));
            wrong++;
        }
    }
    json_decref(cases);
    assert_int_equal(wrong, 0);
    assert_in_range(count, expected_count, 100000);
}

static void refuses_hosts_that_url_parsers_refuse(void **state)
{
    (void)state;
    run_urls(VECTORS "/hostnames/wpt-urltestdata.json", 100);
    run_urls(VECTORS "/hostnames/wpt-verifydnslength_tests.json", 5);
}

/* checkPublicSuffix('input', 'registrable'); the lines are read as text. */
static void judges_the_names_of_the_public_suffix_tests(void **state)
{
    struct wg_buf file;
    struct wg_str rest;
    size_t accepted = 0;

    (void)state;
    if (!read_file(VECTORS "/hostnames/test_psl.txt", &file)) {
        printf("skipped: " VECTORS " is not here\n");
        skip();
    }
    rest = wg_buf_str(&file);
    while (rest.at) {
        struct wg_str line = wg_str_split(&rest, '\n'), name;

        if (!wg_str_starts(line, WG_STR("checkPublicSuffix('")))
            continue;
        wg_str_split(&line, '\'');
        name = wg_str_split(&line, '\'');
        if (is_accepted(name) != (has_the_alphabet(name) && name.at[0] != '.'))
            fail_msg("'%.*s' was judged wrongly", WG_STR_F(name));
        accepted += is_accepted(name);
    }
    wg_buf_done(&file);
    assert_in_range(accepted, 50, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonicalizes_the_inputs_of_the_jcs_suite),
        cmocka_unit_test(prints_the_es6_numbers),
        cmocka_unit_test(parses_what_the_json_suite_asks),
        cmocka_unit_test(refuses_what_idna_would_change_or_refuse),
        cmocka_unit_test(accepts_the_a_labels_that_idna_makes),
        cmocka_unit_test(refuses_hosts_that_url_parsers_refuse),
        cmocka_unit_test(judges_the_names_of_the_public_suffix_tests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
