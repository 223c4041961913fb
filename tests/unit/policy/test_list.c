// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "policy/list.h"

static struct wg_list *parse_with(const char *text, struct wg_list_options options)
{
    struct wg_list *list = NULL;
    struct wg_err err;

    if (!options.source)
        options.source = "lists/deny.txt";
    if (wg_list_parse(wg_str(text), &options, &list, &err) != WG_OK)
        fail_msg("%s", err.text);
    return list;
}

static struct wg_list *parse(const char *text)
{
    return parse_with(text, (struct wg_list_options){0});
}

struct question {
    const char *why, *name, *entry; /* entry NULL: not found */
};

static void ask_all(struct wg_list *list, const struct question *questions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct question *question = &questions[i];
        struct wg_list_match match = {.text = WG_STR("nothing")};
        bool is_found = wg_list_find(list, wg_str(question->name), 1000, &match);

        if (is_found != (question->entry != NULL) ||
            (is_found && !wg_str_is(match.text, question->entry)))
            fail_msg("%s: '%s' found '%.*s', not '%s'", question->why, question->name,
                     WG_STR_F(match.text), question->entry ? question->entry : "nothing");
    }
    wg_list_unref(list);
}

static void finds_the_name_itself_before_those_above_and_patterns(void **state)
{
    static const struct question questions[] = {
        {"the name itself", "a.example", "a.example"},
        {"any case", "A.Example", "a.example"},
        {"the root's dot", "a.example.", "a.example"},
        {"an entry without a port stands for all", "a.example:8448", "a.example"},
        {"a plain name is not what is below it", "x.a.example", NULL},
        {"nor what ends alike", "xa.example", NULL},
        {"a suffix is what is below it", "x.b.example", "*.b.example"},
        {"with a port", "x.b.example:8448", "*.b.example"},
        {"at any depth", "x.y.z.b.example", "*.b.example"},
        {"but not itself", "b.example", NULL},
        {"the nearest suffix", "x.deep.b.example", "*.deep.b.example"},
        {"the name before the suffix", "own.b.example", "own.b.example"},
        {"a port of its own", "ported.example:1", "ported.example:1"},
        {"and no other", "ported.example:2", NULL},
        {"the port's before the name's", "both.example:1", "both.example:1"},
        {"the name's for the others", "both.example:2", "both.example"},
        {"a pattern", "spam-7.example", "spam-?.example"},
        {"whose ? is one byte", "spam-77.example", NULL},
        {"whose * crosses dots", "x.evil.y.org", "*evil*.org"},
        {"and may be nothing", "evil.org", "*evil*.org"},
        {"with a port asked for", "evil.org:8448", "*evil*.org"},
        {"suffix before pattern", "evil.sub.org", "*.sub.org"},
        {"an empty name", "", NULL},
        {"a dot", ".", NULL},
        {"a bracket", "[", NULL},
        {"a colon", ":", NULL},
        {"an at", "@", NULL},
    };

    (void)state;
    ask_all(parse("a.example\n*.b.example\n*.deep.b.example\nown.b.example\nported.example:1\n"
                  "both.example\nboth.example:1\nspam-?.example\n*evil*.org\n*.sub.org\n"),
            questions, sizeof questions / sizeof questions[0]);
}

static void lets_a_plain_name_stand_for_names_below_when_asked_to(void **state)
{
    static const struct question questions[] = {
        {"itself", "a.example", "a.example"},
        {"below", "x.a.example", "a.example"},
        {"far below", "x.y.a.example:8448", "a.example"},
        {"not beside", "xa.example", NULL},
        {"the nearest wins", "x.b.a.example", "b.a.example"},
        {"a suffix says so itself, so it wins", "x.c.example", "*.c.example"},
        {"which does not hold the name", "c.example", "c.example"},
    };

    (void)state;
    ask_all(parse_with("a.example\nb.a.example\nc.example\n*.c.example\n",
                       (struct wg_list_options){.has_subdomains = true}),
            questions, sizeof questions / sizeof questions[0]);
}

static void finds_the_smallest_block_around_an_address(void **state)
{
    static const struct question questions[] = {
        {"in the largest", "10.200.0.1", "10.0.0.0/8"},
        {"in one inside", "10.1.200.1", "10.1.0.0/16"},
        {"in one inside that", "10.1.2.3", "10.1.2.0/24"},
        {"the address itself", "10.1.2.7", "10.1.2.7"},
        {"behind a smaller one, out of it again", "10.1.3.1", "10.1.0.0/16"},
        {"the first of a block", "10.1.2.0", "10.1.2.0/24"},
        {"the last of a block", "10.255.255.255", "10.0.0.0/8"},
        {"before all", "9.255.255.255", NULL},
        {"behind all", "11.0.0.0", NULL},
        {"with a port", "10.1.2.7:8448", "10.1.2.7"},
        {"IPv6", "2001:db8:1::5", "2001:db8::/32"},
        {"in brackets with a port", "[2001:db8:1::5]:8448", "2001:db8::/32"},
        {"mapped is IPv4", "::ffff:10.1.2.7", "10.1.2.7"},
        {"IPv6 in the block of all", "2600::1", "2000::/3"},
        {"by pattern", "192.0.2.77", "192.0.2.*"},
        {"no address at all", "10.1.2", NULL},
        {"nor this", "1:2:3", NULL},
    };

    (void)state;
    ask_all(parse("10.1.2.7\n10.0.0.0/8\n10.1.2.0/24\n10.1.0.0/16\n2001:db8::/32\n2000::/3\n"
                  "192.0.2.*\n"),
            questions, sizeof questions / sizeof questions[0]);
}

static void keeps_ipv4_out_of_ipv6_blocks(void **state)
{
    static const struct question questions[] = {
        {"IPv6", "2001:db8::1", "::/0"},
        {"IPv4", "192.0.2.1", NULL},
        {"IPv4 in its own block, which sorts inside", "10.0.0.1", "10.0.0.0/8"},
    };

    (void)state;
    ask_all(parse("::/0\n10.0.0.0/8\n"), questions, 3);
}

static void tells_participants_from_servers(void **state)
{
    static const struct question questions[] = {
        {"the participant", "@eve:a.example", "@eve:a.example"},
        {"the server's case does not matter", "@eve:A.Example", "@eve:a.example"},
        {"the local part's does", "@Eve:a.example", NULL},
        {"a server is not its participants", "@adam:b.example", NULL},
        {"nor the other way", "a.example", NULL},
        {"a pattern of participants", "@bot-9:c.example", "@bot-*:*"},
        {"a pattern of servers is none of theirs", "@x:d.example", NULL},
        {"but of servers", "x.d.example", "*d.exampl?"},
    };

    (void)state;
    ask_all(parse("@eve:a.example\nb.example\n@bot-*:*\n*d.exampl?\n"), questions, 8);
}

static void passes_over_entries_that_have_expired(void **state)
{
    struct wg_list *list = parse_with(
        "entry,expires,reason\nx.a.example,1000,own\n*.a.example,2000,above\n*a.ex*,3000,glob\n"
        "10.0.0.1,1000,one\n10.0.0.0/8,2000,block\n",
        (struct wg_list_options){.source = "t.csv"});
    static const struct {
        const char *name;
        int64_t now_s;
        const char *reason;
    } cases[] = {
        {"x.a.example", 999, "own"},   {"x.a.example", 1000, "above"},
        {"x.a.example", 2000, "glob"}, {"x.a.example", 3000, NULL},
        {"10.0.0.1", 999, "one"},      {"10.0.0.1", 1000, "block"},
        {"10.0.0.1", 2000, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wg_list_match match;
        bool is_found = wg_list_find(list, wg_str(cases[i].name), cases[i].now_s, &match);

        assert_int_equal(is_found, cases[i].reason != NULL);
        if (is_found)
            assert_string_equal(match.reason.at, cases[i].reason);
    }
    wg_list_unref(list);
}

static void says_what_stands_beside_the_entry_and_where(void **state)
{
    struct wg_list *list = parse_with(
        "domain,severity,reject_media,reject_reports,comment,expires_at\n"
        "\n"
        "Evil.Example,Suspend,True,false,\" too much \"\"spam\"\"\n of it \",2026-01-02\n",
        (struct wg_list_options){.source = "lists/deny.csv"});
    struct wg_list_match match;

    (void)state;
    assert_true(wg_list_find(list, WG_STR("evil.example"), 0, &match));
    assert_int_equal(match.kind, WG_LIST_NAME);
    assert_string_equal(match.text.at, "evil.example");
    assert_string_equal(match.severity.at, "suspend");
    assert_string_equal(match.reason.at, "too much \"spam\"  of it");
    assert_true(match.rejects_media);
    assert_false(match.rejects_reports);
    assert_int_equal(match.expires_at_s, 1767312000);
    assert_string_equal(match.source, "lists/deny.csv");
    assert_int_equal(match.line, 3);
    wg_list_unref(list);
}

static void takes_the_later_of_two_that_are_the_same(void **state)
{
    struct wg_list *list =
        parse("a.example one\nA.example two\n10.0.0.0/8 one\n10.0.0.0/8 two\n"
              "a.example three\n");
    struct wg_list_match match;
    struct wg_list_info info;

    (void)state;
    assert_true(wg_list_find(list, WG_STR("a.example"), 0, &match));
    assert_string_equal(match.reason.at, "three");
    assert_int_equal(match.line, 5);
    assert_true(wg_list_find(list, WG_STR("10.1.1.1"), 0, &match));
    assert_string_equal(match.reason.at, "two");
    wg_list_info(list, &info);
    assert_int_equal(info.count, 5);
    wg_list_unref(list);
}

static void counts_lookups_and_hits_through_reloads(void **state)
{
    struct wg_list *old = parse("a.example\nb.example\n");
    struct wg_list *list;
    struct wg_list_match match;
    struct wg_list_info info;

    (void)state;
    assert_true(wg_list_find(old, WG_STR("b.example"), 0, &match));
    assert_true(wg_list_find(old, WG_STR("b.example"), 0, &match));
    assert_false(wg_list_find(old, WG_STR("c.example"), 0, &match));
    assert_int_equal(match.hits, 2);
    assert_true(wg_list_entry(old, 0, &match));
    assert_int_equal(match.hits, 0);
    assert_false(wg_list_entry(old, 2, &match));
    list = parse_with("b.example\n", (struct wg_list_options){.previous = old});
    wg_list_unref(old);
    assert_true(wg_list_find(list, WG_STR("b.example"), 0, &match));
    assert_int_equal(match.hits, 1);
    wg_list_info(list, &info);
    assert_int_equal(info.lookups, 4);
    assert_int_equal(info.hits, 3);
    wg_list_unref(list);
}

static void finds_each_of_many_and_nothing_else(void **state)
{
    enum { COUNT = 20000 };
    struct wg_list_match match;
    struct wg_list *list;
    struct wg_buf text;
    char name[64];

    (void)state;
    wg_buf_init(&text, 4 * 1024 * 1024);
    for (int i = 0; i < COUNT; i++) {
        wg_buf_addf(&text, "n%d.example reason %d\n", i, i % 999);
        wg_buf_addf(&text, "10.%d.%d.%d/32\n", i & 1, i >> 8, i & 255);
    }
    list = parse(text.at);
    for (int i = 0; i < COUNT; i++) {
        char reason[32];

        snprintf(name, sizeof name, "N%d.example", i);
        snprintf(reason, sizeof reason, "reason %d", i % 999);
        assert_true(wg_list_find(list, wg_str(name), 0, &match));
        assert_string_equal(match.reason.at, reason);
        assert_int_equal(match.line, 2 * i + 1);
        snprintf(name, sizeof name, "10.%d.%d.%d", i & 1, i >> 8, i & 255);
        assert_true(wg_list_find(list, wg_str(name), 0, &match));
        assert_int_equal(match.line, 2 * i + 2);
        snprintf(name, sizeof name, "10.%d.%d.%d", (i & 1) + 2, i >> 8, i & 255);
        assert_false(wg_list_find(list, wg_str(name), 0, &match));
        snprintf(name, sizeof name, "n%d.example", i + COUNT);
        assert_false(wg_list_find(list, wg_str(name), 0, &match));
    }
    wg_buf_done(&text);
    wg_list_unref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_name_itself_before_those_above_and_patterns),
        cmocka_unit_test(lets_a_plain_name_stand_for_names_below_when_asked_to),
        cmocka_unit_test(finds_the_smallest_block_around_an_address),
        cmocka_unit_test(keeps_ipv4_out_of_ipv6_blocks),
        cmocka_unit_test(tells_participants_from_servers),
        cmocka_unit_test(passes_over_entries_that_have_expired),
        cmocka_unit_test(says_what_stands_beside_the_entry_and_where),
        cmocka_unit_test(takes_the_later_of_two_that_are_the_same),
        cmocka_unit_test(counts_lookups_and_hits_through_reloads),
        cmocka_unit_test(finds_each_of_many_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
