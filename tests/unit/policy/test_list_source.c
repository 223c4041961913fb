// SPDX-License-Identifier: Apache-2.0
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "http/server.h"
#include "net/listener.h"
#include "policy/list_source.h"
#include "support/fake_clock.h"

enum { WAIT_MS = 20000 };

/* A server of lists and a source that asks it, in one loop, on loopback. */
struct kit {
    struct fake_clock clock;
    struct wg_loop *loop;
    struct wg_listener *listener;
    struct wg_http_server *server;
    struct wg_dialer *dialer;
    struct wg_http_client *client;
    struct wg_resolve_entry resolve[2];
    char address[WG_SOCKET_TEXT], url[128], folder[64];
    struct wg_list_source *source;

    /* What the server answers, and what it was asked last. */
    int status;
    const char *body, *etag, *extra_name, *extra_value;
    char asked_etag[64], asked_date[64];
    unsigned requests;

    unsigned news;
    bool is_ok, is_changed, is_closed;
    char text[256];
};

static void on_request(void *owner, struct wg_http_call *call)
{
    struct kit *kit = owner;
    struct wg_message *message = wg_http_call_message(call);
    struct wg_header headers[3];
    struct wg_http_answer answer = {.status = kit->status, .headers = headers};
    struct wg_str asked = wg_headers_get(&message->headers, "if-none-match");
    struct wg_str date = wg_headers_get(&message->headers, "if-modified-since");

    kit->requests++;
    snprintf(kit->asked_etag, sizeof kit->asked_etag, "%.*s", WG_STR_F(asked));
    snprintf(kit->asked_date, sizeof kit->asked_date, "%.*s", WG_STR_F(date));
    if (kit->etag) {
        headers[answer.header_count++] = (struct wg_header){WG_STR("etag"), wg_str(kit->etag)};
        headers[answer.header_count++] = (struct wg_header){
            WG_STR("last-modified"), WG_STR("Sat, 01 Jan 2000 00:00:00 GMT")};
    }
    if (kit->extra_name)
        headers[answer.header_count++] =
            (struct wg_header){wg_str(kit->extra_name), wg_str(kit->extra_value)};
    if (kit->status == 200)
        answer.body = wg_str(kit->body);
    wg_http_respond(call, &answer);
}

static void on_accept(void *owner, struct wg_stream *stream)
{
    wg_http_server_adopt(((struct kit *)owner)->server, stream);
}

static void on_news(void *owner, const struct wg_list_source_news *news)
{
    struct kit *kit = owner;

    assert_ptr_equal(news->source, kit->source);
    kit->news++;
    kit->is_ok = news->is_ok;
    kit->is_changed = news->is_changed;
    snprintf(kit->text, sizeof kit->text, "%s", news->text);
}

static void on_closed(void *owner)
{
    *(bool *)owner = true;
}

static void turn_until(struct kit *kit, const bool *is_done, const unsigned *count,
                       unsigned wanted)
{
    int64_t began_ms = wg_clock_mono_ms(wg_clock_system());

    while (is_done ? !*is_done : *count < wanted) {
        wg_loop_turn(kit->loop);
        if (wg_clock_mono_ms(wg_clock_system()) - began_ms > WAIT_MS)
            fail_msg("nothing happens");
    }
}

static void await_news(struct kit *kit, unsigned wanted)
{
    turn_until(kit, NULL, &kit->news, wanted);
}

static void kit_open(struct kit *kit)
{
    static struct wg_cidr loopback;
    struct wg_http_server_options options;
    const struct wg_http_server_events events = {.on_request = on_request};
    struct wg_listener_options listen = {0};
    struct wg_dialer_options dial = {
        .resolve = kit->resolve, .allowed = &loopback, .allowed_count = 1};
    struct wg_err err;

    *kit = (struct kit){.status = 200,
                        .body = "a.example\n",
                        .etag = "\"one\"",
                        .folder = "/tmp/wavegate-lists-XXXXXX"};
    assert_non_null(mkdtemp(kit->folder));
    fake_clock_init(&kit->clock);
    assert_int_equal(wg_cidr_parse(WG_STR("127.0.0.0/8"), &loopback, &err), WG_OK);
    assert_int_equal(wg_loop_new(&kit->clock.clock, &kit->loop, &err), WG_OK);
    assert_int_equal(wg_socket_listen("127.0.0.1:0", &listen.fd, kit->address, &err), WG_OK);
    wg_http_server_defaults(&options);
    kit->server = wg_http_server_new(kit->loop, &options, &events, kit);
    assert_int_equal(wg_listener_open(kit->loop, &listen, on_accept, kit, &kit->listener, &err),
                     WG_OK);
    kit->resolve[0] = (struct wg_resolve_entry){"lists.example.test", kit->address};
    kit->dialer = wg_dialer_new(kit->loop, &dial);
    kit->client = wg_http_client_new(kit->loop, kit->dialer, NULL);
    snprintf(kit->url, sizeof kit->url, "http://lists.example.test%s/deny.txt?raw=1",
             strrchr(kit->address, ':'));
}

static enum wg_code open_source(struct kit *kit, const char *where, struct wg_err *err)
{
    struct wg_list_source_options options = {.loop = kit->loop,
                                             .client = kit->client,
                                             .where = where,
                                             .data_folder = kit->folder,
                                             .allows_plain_http = true,
                                             .on_news = on_news,
                                             .owner = kit};

    return wg_list_source_open(&options, &kit->source, err);
}

static void must_open(struct kit *kit, const char *where)
{
    struct wg_err err;

    if (open_source(kit, where, &err) != WG_OK)
        fail_msg("%s", err.text);
}

static void close_source(struct kit *kit)
{
    kit->is_closed = false;
    wg_list_source_close(kit->source, on_closed, &kit->is_closed);
    turn_until(kit, &kit->is_closed, NULL, 0);
}

static int scrap(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info, (void)type, (void)at;
    return remove(path);
}

static void kit_close(struct kit *kit)
{
    bool is_drained = false;

    close_source(kit);
    wg_http_client_close(kit->client, NULL, NULL);
    wg_listener_close(kit->listener);
    wg_http_server_drain(kit->server, on_closed, &is_drained);
    turn_until(kit, &is_drained, NULL, 0);
    wg_loop_stop(kit->loop);
    wg_loop_run(kit->loop);
    wg_http_server_free(kit->server);
    wg_dialer_free(kit->dialer);
    wg_loop_free(kit->loop);
    nftw(kit->folder, scrap, 8, FTW_DEPTH | FTW_PHYS);
}

static bool has(struct kit *kit, const char *name)
{
    struct wg_list *list = wg_list_source_current(kit->source);
    struct wg_list_match match;
    bool is_found = list && wg_list_find(list, wg_str(name), 0, &match);

    wg_list_unref(list);
    return is_found;
}

static void fetches_keeps_and_asks_again_only_for_what_is_new(void **state)
{
    struct wg_list_source_info info;
    struct kit kit;

    (void)state;
    kit_open(&kit);
    must_open(&kit, kit.url);
    assert_null(wg_list_source_current(kit.source));
    await_news(&kit, 1);
    assert_string_equal(kit.text, "");
    assert_true(kit.is_ok && kit.is_changed && has(&kit, "a.example"));
    assert_string_equal(kit.asked_etag, "");

    kit.status = 304;
    fake_clock_turn(&kit.clock, 5000);
    wg_list_source_refresh(kit.source);
    await_news(&kit, 2);
    assert_true(kit.is_ok && !kit.is_changed && has(&kit, "a.example"));
    assert_string_equal(kit.asked_etag, "\"one\"");
    assert_string_equal(kit.asked_date, "Sat, 01 Jan 2000 00:00:00 GMT");
    wg_list_source_info(kit.source, &info);
    assert_int_equal(info.changed_at_s, 1000000000);
    assert_int_equal(info.checked_at_s, 1000000005);
    kit_close(&kit);
}

static void uses_the_copy_on_disk_while_the_source_is_down(void **state)
{
    struct wg_list_source_info info;
    struct kit kit;

    (void)state;
    kit_open(&kit);
    must_open(&kit, kit.url);
    await_news(&kit, 1);
    close_source(&kit);
    kit.status = 503;
    fake_clock_turn(&kit.clock, 2 * 3600 * 1000);
    must_open(&kit, kit.url);
    assert_true(has(&kit, "a.example"));
    await_news(&kit, 2);
    assert_false(kit.is_ok);
    assert_non_null(strstr(kit.text, "the server answers 503; the last good copy stays"));
    assert_string_equal(kit.asked_etag, "\"one\"");
    wg_list_source_info(kit.source, &info);
    assert_int_equal(info.failures, 1);
    assert_int_equal(info.checked_at_s, 1000000000);
    assert_string_equal(info.problem, kit.text);
    kit_close(&kit);
}

static void asks_nothing_while_the_copy_is_young(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit);
    must_open(&kit, kit.url);
    await_news(&kit, 1);
    close_source(&kit);
    must_open(&kit, kit.url);
    for (int i = 0; i < 100; i++)
        wg_loop_turn(kit.loop);
    assert_int_equal(kit.requests, 1);
    assert_true(has(&kit, "a.example"));
    kit_close(&kit);
}

static void keeps_the_last_good_version_when_an_answer_is_of_no_use(void **state)
{
    static const struct {
        int status;
        const char *body, *name, *value, *text;
    } cases[] = {
        {200, "<html>sorry</html>\n", NULL, NULL, ":1: '<html>sorry</html>'"},
        {200, "a.example\nb..example\n", NULL, NULL, ":2: 'b..example'"},
        {200, " \r\n", NULL, NULL, "the answer is empty"},
        {200, "x", "content-encoding", "gzip", "coded as gzip"},
        {301, "", "location", "https://new.example/", "write the new URL instead: https://new"},
        {404, "", NULL, NULL, "answers 404"},
    };
    struct kit kit;

    (void)state;
    kit_open(&kit);
    must_open(&kit, kit.url);
    await_news(&kit, 1);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kit.status = cases[i].status;
        kit.body = cases[i].body;
        kit.extra_name = cases[i].name;
        kit.extra_value = cases[i].value;
        wg_list_source_refresh(kit.source);
        await_news(&kit, i + 2);
        if (kit.is_ok || !strstr(kit.text, cases[i].text))
            fail_msg("'%s', not '%s'", kit.text, cases[i].text);
        assert_true(has(&kit, "a.example"));
    }
    /* What is on disk is the good one, too, and it is asked for by its own ETag. */
    close_source(&kit);
    must_open(&kit, kit.url);
    assert_true(has(&kit, "a.example"));
    kit_close(&kit);
}

static void fetches_anew_what_was_damaged_on_disk(void **state)
{
    char command[256];
    struct kit kit;

    (void)state;
    kit_open(&kit);
    must_open(&kit, kit.url);
    await_news(&kit, 1);
    close_source(&kit);
    snprintf(command, sizeof command, "for f in %s/lists/*.list; do echo b.example >> $f; done",
             kit.folder);
    assert_int_equal(system(command), 0);
    must_open(&kit, kit.url);
    assert_null(wg_list_source_current(kit.source));
    await_news(&kit, 2);
    assert_string_equal(kit.asked_etag, "");
    assert_true(has(&kit, "a.example"));
    kit_close(&kit);
}

static void says_when_the_copy_cannot_be_kept_and_goes_on(void **state)
{
    char path[128];
    struct kit kit;
    FILE *file;

    (void)state;
    kit_open(&kit);
    snprintf(path, sizeof path, "%s/lists", kit.folder);
    file = fopen(path, "w"); /* a file where the folder would be */
    assert_non_null(file);
    fclose(file);
    must_open(&kit, kit.url);
    await_news(&kit, 1);
    assert_false(kit.is_ok);
    assert_true(kit.is_changed && has(&kit, "a.example"));
    assert_non_null(strstr(kit.text, "keeping http://lists.example.test"));
    kit_close(&kit);
}

static void reads_a_file_again_once_it_has_changed(void **state)
{
    char path[128];
    struct kit kit;
    struct wg_err err;
    FILE *file;

    (void)state;
    kit_open(&kit);
    snprintf(path, sizeof path, "%s/deny.txt", kit.folder);
    assert_int_equal(open_source(&kit, path, &err), WG_CONFIG);
    file = fopen(path, "w");
    fputs("a.example\n", file);
    fclose(file);
    must_open(&kit, path);
    wg_list_source_refresh(kit.source);
    assert_true(has(&kit, "a.example"));
    file = fopen(path, "w");
    fputs("b.example more\n", file);
    fclose(file);
    wg_list_source_refresh(kit.source);
    await_news(&kit, 1);
    assert_true(kit.is_ok && kit.is_changed && has(&kit, "b.example"));
    file = fopen(path, "w");
    fputs("c.example\n/\n", file);
    fclose(file);
    wg_list_source_refresh(kit.source);
    await_news(&kit, 2);
    assert_false(kit.is_ok);
    assert_true(has(&kit, "b.example"));
    kit_close(&kit);
}

static void closes_in_the_middle_of_a_fetch_or_a_job(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit);
    for (int turns = 0; turns < 12; turns++) {
        must_open(&kit, kit.url);
        wg_list_source_refresh(kit.source);
        for (int i = 0; i < turns; i++)
            wg_loop_turn(kit.loop);
        kit.news = 0;
        close_source(&kit);
        assert_int_equal(kit.news, 0);
    }
    must_open(&kit, kit.url);
    kit_close(&kit);
}

static void refuses_urls_that_cannot_be_one(void **state)
{
    static const char *const urls[] = {"http://",
                                       "https://a.example/a b",
                                       "https://a.example/#x",
                                       "https://u:p@a.example/",
                                       "https://127.0.0.1/x",
                                       "https://A.example/"};
    struct wg_list_source_options options = {.where = "http://a.example/"};
    struct wg_list_source *source;
    struct wg_err err;
    struct kit kit;

    (void)state;
    kit_open(&kit);
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        if (open_source(&kit, urls[i], &err) != WG_CONFIG)
            fail_msg("'%s' is taken", urls[i]);
    }
    options.loop = kit.loop;
    options.client = kit.client;
    assert_int_equal(wg_list_source_open(&options, &source, &err), WG_CONFIG);
    assert_non_null(strstr(err.text, "comes over https"));
    must_open(&kit, kit.url);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fetches_keeps_and_asks_again_only_for_what_is_new),
        cmocka_unit_test(uses_the_copy_on_disk_while_the_source_is_down),
        cmocka_unit_test(asks_nothing_while_the_copy_is_young),
        cmocka_unit_test(keeps_the_last_good_version_when_an_answer_is_of_no_use),
        cmocka_unit_test(fetches_anew_what_was_damaged_on_disk),
        cmocka_unit_test(says_when_the_copy_cannot_be_kept_and_goes_on),
        cmocka_unit_test(reads_a_file_again_once_it_has_changed),
        cmocka_unit_test(closes_in_the_middle_of_a_fetch_or_a_job),
        cmocka_unit_test(refuses_urls_that_cannot_be_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
