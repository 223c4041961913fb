// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "policy/list.h"

#define MASTODON "#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\n"

/* "text severity reason expiry line" of all entries, one a line. */
static void describe(const struct wg_list *list, struct wg_buf *out)
{
    struct wg_list_match match;

    wg_buf_clear(out);
    for (uint32_t i = 0; wg_list_entry(list, i, &match); i++) {
        wg_buf_addf(out, "%u %s", match.line, match.text.at);
        if (match.severity.at)
            wg_buf_addf(out, " %s", match.severity.at);
        if (match.reason.at)
            wg_buf_addf(out, " (%s)", match.reason.at);
        if (match.expires_at_s)
            wg_buf_addf(out, " until %lld", (long long)match.expires_at_s);
        wg_buf_addc(out, '\n');
    }
}

static void reads_what_text_tables_and_json_say(void **state)
{
    static const struct {
        const char *why, *source, *text, *entries;
    } cases[] = {
        {"one a line, with comments", "a.txt",
         "# all of them\n\n a.example \r\n\t#b.example\nc.example",
         "3 a.example\n5 c.example\n"},
        {"a reason behind it, # or not", "a.txt",
         "a.example  two words\nb.example # why  not\n",
         "1 a.example (two words)\n2 b.example (why  not)\n"},
        {"a byte order mark", "a.txt",
         "\xef\xbb\xbf"
         "a.example\n",
         "1 a.example\n"},
        {"nothing", "a.txt", "", ""},
        {"a header alone", "a.csv", MASTODON, ""},
        {"Mastodon's export", "deny",
         MASTODON "a.example,suspend,True,False,spam,False\nb.example,silence,,,,\n",
         "2 a.example suspend (spam)\n3 b.example silence\n"},
        {"columns in any order and case, others passed over", "deny",
         "Note,REASON,Entry\nx,why,a.example\n", "2 a.example (why)\n"},
        {"quotes, and lines that end as RFC 4180 says", "a.csv",
         "entry,reason\r\n\"a.example\",\"one, \"\"two\"\"\r\nthree\"\r\nb.example,\"\"\r\n",
         "2 a.example (one, \"two\"  three)\n4 b.example\n"},
        {"rows that end early, and none", "a.csv", "entry,reason\na.example\n\nb.example,why",
         "2 a.example\n4 b.example (why)\n"},
        {"the first comment that says something", "a.csv",
         "domain,public_comment,comment\na.example,,private\nb.example,public,private\n",
         "2 a.example (private)\n3 b.example (public)\n"},
        {"JSON: strings", "deny", " [\"a.example\",\n\"*.b.example\"]\n",
         "1 a.example\n2 *.b.example\n"},
        {"JSON: none", "deny", "[]", ""},
        {"JSON: objects, numbers and null", "a.json",
         "[{\"domain\": \"a.example\", \"severity\": \"suspend\", \"comment\": null,\n"
         "\"digest\": [1]}, {\"entry\": \"b.example\", \"reason\": \"w\\u00e9\\n\", "
         "\"expires\": 77, \"reject_media\": true}]",
         "1 a.example suspend\n2 b.example (w\xc3\xa9) until 77\n"},
        {"JSON: entries in an object", "deny",
         "{\"version\": 1, \"entries\": [\"a.example\", {\"name\": \"b.example\"}], \"by\": "
         "{}}",
         "1 a.example\n1 b.example\n"},
        {"a URL's name, its query aside", "https://x.example/a.csv?raw=true",
         "entry\na.example\n", "2 a.example\n"},
        {"an address in brackets is no JSON", "deny", "2001:db8::1\n", "1 2001:db8::1\n"},
        {"expiry as date, moment, number and never", "a.csv",
         "entry,expires\na.a,2026-01-01\nb.a,2026-01-01T01:00:00+01:00\nc.a,1\nd.a,0\n"
         "e.a,9999-12-31\nf.a,1969-01-01\n",
         "2 a.a until 1767225600\n3 b.a until 1767225600\n4 c.a until 1\n5 d.a\n6 e.a\n"
         "7 f.a until 1\n"},
    };
    struct wg_buf out;

    (void)state;
    wg_buf_init(&out, 4096);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wg_list_options options = {.source = cases[i].source};
        struct wg_list *list;
        struct wg_err err;

        if (wg_list_parse(wg_str(cases[i].text), &options, &list, &err) != WG_OK)
            fail_msg("%s: %s", cases[i].why, err.text);
        describe(list, &out);
        if (!wg_str_is(wg_buf_str(&out), cases[i].entries))
            fail_msg("%s: got\n%snot\n%s", cases[i].why, out.at, cases[i].entries);
        wg_list_unref(list);
    }
    wg_buf_done(&out);
}

static void names_line_and_remedy_of_what_is_broken(void **state)
{
    static const struct {
        const char *source, *text, *message;
    } cases[] = {
        {"a.txt", "a.example\nhttps://b.example/about\n",
         "a.txt:2: 'https://b.example/about': a URL; write the host alone: b.example"},
        {"a.txt", ".b.example",
         "a.txt:1: '.b.example': write *.b.example for every name below"},
        {"a.txt", "a.example,suspend", "names its columns"},
        {"a.txt", "0.0.0.0 ads.example",
         "a.txt:1: a line of a hosts file; write the name alone"},
        {"a.txt",
         "b\xc3\xbc"
         "cher.example",
         "A-labels"},
        {"a.txt", "10.0.0.1/8", "a.txt:1: '10.0.0.1/8': "},
        {"a.txt", "10.0.0.1:8448", "an address stands for every port"},
        {"a.txt", "[2001:db8::1]", "an address stands for every port"},
        {"a.txt", "127.1", "a.txt:1: '127.1': "},
        {"a.txt", "*.a.example:8448", "'*.' stands for every port; write *.a.example"},
        {"a.txt", "a b*\nsp/m*", "a.txt:2: 'sp/m*': a pattern holds the letters"},
        {"a.txt", "@eve", "the server is missing"},
        {"a.txt", "a.example \xff", "a.txt:1: the reason is not UTF-8"},
        {"a.csv", "a.example,b\n", "a.csv:1: the first line names the columns"},
        {"a.csv", "domain,entry\n", "a.csv:1: the first line names the columns"},
        {"a.csv", "entry\na.example\n\"b.example", "a.csv:3: a '\"' is never closed"},
        {"a.csv", "entry\n\"a.example\"x\n", "a.csv:2: something stands between"},
        {"a.csv", "entry\na\"b\n", "a.csv:2: a '\"' inside a field"},
        {"a.csv", "entry,reason\na.example,one, two\n", "a.csv:2: 3 fields where"},
        {"a.csv", "entry,reason\n,why\n", "a.csv:2: no server name"},
        {"a.csv", "entry,severity\na.example,very bad\n", "a.csv:2: severity is one word"},
        {"a.csv", "entry,expires\na.example,soon\n", "a.csv:2: when it expires: 'soon' is not"},
        {"a.csv", "entry,reject_media\na.example,maybe\n", "reject_media is true or false"},
        {"a.json", "[\"a.example\",\n 7]", "a.json:2: an entry is a string, or an object"},
        {"a.json", "[{\"entry\": \"a.example\", \"reason\": []}]", "'reason' is of the wrong"},
        {"a.json", "[{\"entry\": 7}]", "'entry' is of the wrong"},
        {"a.json", "[\"a.example\"\n\"b.example\"]", "a.json:2: JSON: ',' or ']' is missing"},
        {"a.json", "[\"a.example\",\n\"b", "a.json:2: JSON: "},
        {"a.json", "[\"a.example\"] x", "something stands behind the list"},
        {"a.json", "{\"a\": []}", "the member 'entries' is missing"},
        {"a.json", "{\"entries\": []", "',' or '}' is missing"},
        {"a.json", "7", "a list is an array, or an object"},
        {"a.json", "[{\"entry\": \"a.a\", \"entry\": \"b.b\"}]", "duplicate"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wg_list_options options = {.source = cases[i].source};
        struct wg_list *list;
        struct wg_err err;

        if (wg_list_parse(wg_str(cases[i].text), &options, &list, &err) != WG_INVALID)
            fail_msg("'%s' is taken", cases[i].text);
        if (!strstr(err.text, cases[i].message))
            fail_msg("'%s' says '%s', not '%s'", cases[i].text, err.text, cases[i].message);
    }
}

static void leaves_broken_lines_out_when_asked_to(void **state)
{
    static const struct {
        const char *source, *text;
    } cases[] = {
        {"a.txt", "a.example\n:\nb.example\n,\n"},
        {"a.csv", "entry,reason\na.example\nc.example,\"x\"y,z\nb.example\n:,\n"},
        {"a.json", "[\"a.example\", {}, \"b.example\", 7]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wg_list_options options = {.source = cases[i].source, .skips_broken = true};
        struct wg_list_match match;
        struct wg_list_info info;
        struct wg_list *list;
        struct wg_err err;

        assert_int_equal(wg_list_parse(wg_str(cases[i].text), &options, &list, &err), WG_OK);
        wg_list_info(list, &info);
        assert_int_equal(info.count, 2);
        assert_int_equal(info.broken, 2);
        assert_non_null(strstr(info.first_broken, cases[i].source));
        assert_true(wg_list_find(list, WG_STR("b.example"), 0, &match));
        wg_list_unref(list);
    }
}

static void bounds_what_a_list_may_hold(void **state)
{
    struct wg_list_options options = {.source = "a.txt", .limit_bytes = 10};
    struct wg_list_match match;
    struct wg_list *list;
    struct wg_buf text;
    struct wg_err err;

    (void)state;
    assert_int_equal(wg_list_parse(WG_STR("long.example"), &options, &list, &err),
                     WG_TOO_LARGE);
    options.limit_bytes = 0;
    wg_buf_init(&text, 1024 * 1024);
    for (int i = 0; i <= WG_LIST_GLOB_LIMIT; i++)
        wg_buf_addf(&text, "a%d*\n", i);
    options.skips_broken = true;
    assert_int_equal(wg_list_parse(wg_buf_str(&text), &options, &list, &err), WG_TOO_LARGE);
    wg_buf_clear(&text);
    wg_buf_addf(&text, "a.example ");
    for (int i = 0; i < WG_LIST_REASON_LIMIT; i++)
        wg_buf_addf(&text, "\xc3\xbc");
    assert_int_equal(wg_list_parse(wg_buf_str(&text), &options, &list, &err), WG_OK);
    assert_true(wg_list_entry(list, 0, &match));
    assert_int_equal(match.reason.len, WG_LIST_REASON_LIMIT);
    wg_list_unref(list);
    wg_buf_done(&text);
}

static void loads_a_file_and_says_why_it_cannot(void **state)
{
    char path[] = "/tmp/wavegate-list-XXXXXX";
    struct wg_list_options options = {0};
    struct wg_list_match match;
    struct wg_list *list;
    struct wg_err err;
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, "a.example why\n", 14), 14);
    assert_int_equal(wg_list_load(path, &options, &list, &err), WG_OK);
    assert_true(wg_list_find(list, WG_STR("a.example"), 0, &match));
    assert_string_equal(match.source, path);
    wg_list_unref(list);
    options.limit_bytes = 3;
    assert_int_equal(wg_list_load(path, &options, &list, &err), WG_TOO_LARGE);
    close(fd);
    unlink(path);
    assert_int_equal(wg_list_load(path, &options, &list, &err), WG_CONFIG);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(wg_list_load("/tmp", &options, &list, &err), WG_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_text_tables_and_json_say),
        cmocka_unit_test(names_line_and_remedy_of_what_is_broken),
        cmocka_unit_test(leaves_broken_lines_out_when_asked_to),
        cmocka_unit_test(bounds_what_a_list_may_hold),
        cmocka_unit_test(loads_a_file_and_says_why_it_cannot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
