// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/hop.h"
#include "http/parse.h"
#include "http/rules_impl.h"

#define GET "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a.example\r\n"
#define HOST "Host: a.example\r\n"

static void print_case(const char *why, struct wg_str request, const char *got)
{
    print_error("%s\n  request: %.*s\n  got: %s\n", why, WG_STR_F(request), got);
}

static void refuses_what_two_parsers_could_read_differently(void **state)
{
    static const struct {
        const char *why;
        struct wg_str request;
    } cases[] = {
#define CASE(why, request)               \
    {                                    \
        why,                             \
        {                                \
            request, sizeof(request) - 1 \
        }                                \
    }
        CASE("no Host", GET "\r\n"),
        CASE("no Host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"),
        CASE("two Hosts that agree", GET HOST HOST "\r\n"),
        CASE("an empty Host", GET "Host:\r\n\r\n"),
        CASE("a list of hosts", GET "Host: a.example, b.example\r\n\r\n"),
        CASE("a Host with a path", GET "Host: a.example/x\r\n\r\n"),
        CASE("a Host with userinfo", GET "Host: u@a.example\r\n\r\n"),
        CASE("a port that is none", GET "Host: a.example:66000\r\n\r\n"),
        CASE("an empty port", GET "Host: a.example:\r\n\r\n"),
        CASE("an open bracket", GET "Host: [::1\r\n\r\n"),
        CASE("an absolute target for another host",
             "GET http://b.example/ HTTP/1.1\r\n" HOST "\r\n"),
        CASE("userinfo in the target", "GET http://u@a.example/ HTTP/1.1\r\n" HOST "\r\n"),
        CASE("another scheme", "GET ftp://a.example/ HTTP/1.1\r\n" HOST "\r\n"),
        CASE("* without OPTIONS", "GET * HTTP/1.1\r\n" HOST "\r\n"),
        CASE("a target without /", "GET x HTTP/1.1\r\n" HOST "\r\n"),
        CASE("CONNECT", "CONNECT a.example:443 HTTP/1.1\r\n" HOST "\r\n"),
        CASE("a fragment", "GET /a#b HTTP/1.1\r\n" HOST "\r\n"),
        CASE("a dot segment", "GET /a/../b HTTP/1.1\r\n" HOST "\r\n"),
        CASE("a character others re-encode", "GET /a|b HTTP/1.1\r\n" HOST "\r\n"),
        CASE("HTTP/2.0", "GET / HTTP/2.0\r\n" HOST "\r\n"),
        CASE("HTTP/0.9", "GET / HTTP/0.9\r\n" HOST "\r\n"),
        CASE("HTTP/1.2", "GET / HTTP/1.2\r\n" HOST "\r\n"),
        CASE("a method in lower case", "get / HTTP/1.1\r\n" HOST "\r\n"),
        CASE("an unknown method", "FETCH / HTTP/1.1\r\n" HOST "\r\n"),
        CASE("an empty Transfer-Encoding", POST "Transfer-Encoding:\r\n\r\n"),
        CASE("an unknown coding", POST "Transfer-Encoding: gzip\r\n\r\n"),
        CASE("a coding before chunked",
             POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        CASE("chunked twice",
             POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        CASE("coding and length",
             POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
        CASE("chunked in HTTP/1.0",
             "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        CASE("two lengths that agree", POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"),
        CASE("a list of lengths", POST "Content-Length: 1, 1\r\n\r\nx"),
        CASE("a signed length", POST "Content-Length: +1\r\n\r\nx"),
        CASE("an octal length", POST "Content-Length: 01\r\n\r\nx"),
        CASE("an empty length", POST "Content-Length:\r\n\r\n"),
        CASE("a length past 64 bits", POST "Content-Length: 99999999999999999999\r\n\r\n"),
        CASE("bare LF", "GET / HTTP/1.1\nHost: a.example\n\n"),
        CASE("bare CR in a value", GET HOST "A: b\rc\r\n\r\n"),
        CASE("a folded line", GET HOST "A: b\r\n c\r\n\r\n"),
        CASE("a folded Transfer-Encoding",
             POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
        CASE("a space before the colon", GET HOST "A : b\r\n\r\n"),
        CASE("a space before the first field", "GET / HTTP/1.1\r\n Host: a.example\r\n\r\n"),
        CASE("NUL in a value", GET HOST "A: b\0c\r\n\r\n"),
        CASE("DEL in a value", GET HOST "A: b\x7f\r\n\r\n"),
        CASE("a control byte in a value", GET HOST "A: \x01\r\n\r\n"),
        CASE("a name with a bracket", GET HOST "A[: b\r\n\r\n"),
        CASE("an empty name", GET HOST ": b\r\n\r\n"),
        CASE("a line without a colon", GET HOST "Ab\r\n\r\n"),
        CASE("a chunk size with a prefix",
             POST "Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n"),
        CASE("a chunk size with a space",
             POST "Transfer-Encoding: chunked\r\n\r\n1 \r\nx\r\n0\r\n\r\n"),
        CASE("a chunk longer than its size",
             POST "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n"),
        CASE("a control byte in a trailer",
             POST "Transfer-Encoding: chunked\r\n\r\n0\r\nA: \x7f\r\n\r\n"),
        CASE("an unknown expectation", POST "Expect: 200-ok\r\nContent-Length: 0\r\n\r\n"),
        CASE("no end of the head", GET HOST),
        CASE("a body that is too short", POST "Content-Length: 5\r\n\r\nabc"),
        CASE("bytes behind the end", GET HOST "\r\nGET"),
        CASE("nothing", ""),
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_message message;
        struct wg_arena arena;
        struct wg_err err;
        enum wg_code code;

        wg_arena_init(&arena);
        code = wg_http_parse_request(cases[i].request, &arena, &message, &err);
        if (code != WG_INVALID)
            print_case(cases[i].why, cases[i].request, wg_code_name(code));
        assert_int_equal(code, WG_INVALID);
        assert_true(err.text[0]);
        wg_arena_done(&arena);
    }
}

static void reads_a_request_into_its_parts(void **state)
{
    struct wg_str request =
        WG_STR("POST /a%20b/c?x=1&y HTTP/1.1\r\nHost: A.example:8443\r\n"
               "X-Two:  one \r\nx-two: two\t\r\nEmpty:\r\nContent-Length: 4\r\n"
               "\r\nbody");
    struct wg_message message;
    struct wg_arena arena;
    struct wg_err err;

    (void)state;
    wg_arena_init(&arena);
    assert_int_equal(wg_http_parse_request(request, &arena, &message, &err), WG_OK);
    assert_true(wg_str_is(message.method, "POST"));
    assert_true(wg_str_is(message.scheme, "https"));
    assert_true(wg_str_is(message.target, "/a%20b/c?x=1&y"));
    assert_true(wg_str_is(message.path, "/a%20b/c"));
    assert_true(wg_str_is(message.query, "?x=1&y"));
    assert_true(wg_str_is(message.authority, "A.example:8443"));
    assert_true(wg_str_is(wg_headers_joined(&message.headers, "x-two", &arena), "one, two"));
    assert_true(wg_str_is(wg_headers_get(&message.headers, "empty"), ""));
    assert_int_equal(message.headers.count, 5);
    assert_true(wg_str_is(message.body, "body"));
    wg_arena_done(&arena);
}

static void accepts_the_forms_that_are_plain(void **state)
{
    static const struct {
        const char *why, *request, *path, *body;
    } cases[] = {
        {"an absolute target of the same host",
         "GET http://A.example/x HTTP/1.1\r\n" HOST "\r\n", "/x", ""},
        {"HTTP/1.0 with Host", "GET /x HTTP/1.0\r\n" HOST "\r\n", "/x", ""},
        {"an address as Host", "GET /x HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "/x", ""},
        {"chunks, an extension and a trailer",
         POST "Transfer-Encoding: Chunked\r\n\r\n2;a=b\r\nab\r\nA\r\n0123456789\r\n0\r\nT: "
              "t\r\n\r\n",
         "/", "ab0123456789"},
        {"a GET with a body", GET HOST "Content-Length: 1\r\n\r\nx", "/", "x"},
        {"an upgrade, which we do not follow",
         GET HOST "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n", "/", ""},
        {"an empty line first", "\r\n" GET HOST "\r\n", "/", ""},
        {"100-continue", POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx", "/", "x"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_message message;
        struct wg_arena arena;
        struct wg_err err;

        wg_arena_init(&arena);
        if (wg_http_parse_request(wg_str(cases[i].request), &arena, &message, &err) != WG_OK) {
            print_case(cases[i].why, wg_str(cases[i].request), err.text);
            fail();
        }
        assert_true(wg_str_is(message.path, cases[i].path));
        assert_true(wg_str_is(message.body, cases[i].body));
        wg_arena_done(&arena);
    }
}

static void options_star_names_the_server(void **state)
{
    struct wg_message message;
    struct wg_arena arena;
    struct wg_err err;

    (void)state;
    wg_arena_init(&arena);
    assert_int_equal(wg_http_parse_request(WG_STR("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), &arena,
                                           &message, &err),
                     WG_OK);
    assert_true(wg_str_is(message.target, "*"));
    wg_arena_done(&arena);
}

static enum wg_code parse_buf(struct wg_buf *request)
{
    struct wg_message message;
    struct wg_arena arena;
    struct wg_err err;
    enum wg_code code;

    wg_arena_init(&arena);
    code = wg_http_parse_request(wg_buf_str(request), &arena, &message, &err);
    wg_arena_done(&arena);
    wg_buf_done(request);
    return code;
}

static void a_header_may_have_16_kib_and_not_one_byte_more(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct wg_buf request;

        wg_buf_init(&request, 1 << 20);
        wg_buf_addf(&request, GET HOST "A: ");
        while (request.len + 4 < 16 * 1024 + more)
            wg_buf_addc(&request, 'x');
        wg_buf_addf(&request, "\r\n\r\n");
        assert_int_equal(request.len, 16 * 1024 + more);
        assert_int_equal(parse_buf(&request), more ? WG_TOO_LARGE : WG_OK);
    }
}

static void a_header_may_have_100_fields(void **state)
{
    (void)state;
    for (unsigned count = 100; count <= 101; count++) {
        struct wg_buf request;

        wg_buf_init(&request, 1 << 20);
        wg_buf_addf(&request, GET HOST);
        for (unsigned i = 1; i < count; i++)
            wg_buf_addf(&request, "A: b\r\n");
        wg_buf_addf(&request, "\r\n");
        assert_int_equal(parse_buf(&request), count > 100 ? WG_TOO_LARGE : WG_OK);
    }
}

static void framing_between_chunks_is_limited_like_a_header(void **state)
{
    static const char *const endless[] = {"1;a=%0*d\r\nx\r\n0\r\n\r\n",
                                          "%0*d1\r\nx\r\n0\r\n\r\n", "0\r\nT: %0*d\r\n\r\n"};

    (void)state;
    for (size_t i = 0; i < WG_COUNT(endless); i++) {
        struct wg_buf request;

        wg_buf_init(&request, 1 << 20);
        wg_buf_addf(&request, POST "Transfer-Encoding: chunked\r\n\r\n");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        wg_buf_addf(&request, endless[i], 20000, 0);
#pragma GCC diagnostic pop
        assert_int_equal(parse_buf(&request), WG_TOO_LARGE);
    }
}

static void many_small_chunks_are_fine(void **state)
{
    struct wg_buf request;

    (void)state;
    wg_buf_init(&request, 1 << 20);
    wg_buf_addf(&request, POST "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 20000; i++)
        wg_buf_addf(&request, "1\r\nx\r\n");
    wg_buf_addf(&request, "0\r\n\r\n");
    assert_int_equal(parse_buf(&request), WG_OK);
}

static void a_length_over_the_limit_is_refused_at_the_header(void **state)
{
    struct wg_buf request;

    (void)state;
    wg_buf_init(&request, 1 << 20);
    wg_buf_addf(&request, POST "Content-Length: 262145\r\n\r\n");
    assert_int_equal(parse_buf(&request), WG_TOO_LARGE);
}

struct answer {
    struct wg_arena arena;
    struct wg_headers headers;
    struct wg_http_frame frame;
};

static enum wg_http_verdict judge_answer(void *owner, struct wg_http_reader *reader)
{
    struct answer *answer = owner;

    if (wg_http_judge_response(reader, false, &answer->arena, &answer->headers, &answer->frame,
                               &reader->err) != WG_OK)
        return wg_http_reader_refuse(reader, 400);
    return WG_HTTP_GO_ON;
}

static void refuses_an_answer_that_can_be_read_in_two_ways(void **state)
{
    static const struct {
        const char *why, *answer;
    } cases[] = {
        {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"},
        {"coding and length",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"},
        {"an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx"},
        {"chunked in HTTP/1.0",
         "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {"a signed length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"},
        {"HTTP/2.0", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {"an upgrade we did not ask for", "HTTP/1.1 101 OK\r\nUpgrade: x\r\n\r\n"},
        {"204 with a body", "HTTP/1.1 204 No\r\nContent-Length: 1\r\n\r\nx"},
        {"status 700", "HTTP/1.1 700 Odd\r\nContent-Length: 0\r\n\r\n"},
        {"a folded line", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n"},
        {"bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"},
        {"not HTTP", "SSH-2.0-OpenSSH\r\n"},
    };
    static const struct wg_http_limits limits = {1024, 20, 1024};

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct answer answer = {0};
        struct wg_http_reader reader;
        size_t used;

        wg_arena_init(&answer.arena);
        wg_http_reader_init(&reader, HTTP_RESPONSE, &limits, judge_answer, &answer);
        if (wg_http_reader_feed(&reader, cases[i].answer, strlen(cases[i].answer), &used) !=
            WG_HTTP_FAILED) {
            print_case(cases[i].why, wg_str(cases[i].answer), "no failure");
            fail();
        }
        wg_http_reader_done(&reader);
        wg_arena_done(&answer.arena);
    }
}

static void takes_out_what_belongs_to_one_connection(void **state)
{
    static const char *const names[] = {
        "connection", "a", "keep-alive",        "connection", "b",
        "x-private",  "c", "transfer-encoding", "te"};
    static const char *const values[] = {
        "X-Private, close", "1", "5", "d", "2", "3", "4", "x", "y"};
    struct wg_headers headers = {0};
    struct wg_arena arena;

    (void)state;
    wg_arena_init(&arena);
    for (size_t i = 0; i < WG_COUNT(names); i++)
        wg_headers_add(&headers, &arena, wg_str(names[i]), wg_str(values[i]));
    wg_http_remove_hop_by_hop(&headers);
    assert_int_equal(headers.count, 3);
    assert_true(wg_str_is(headers.at[0].name, "a"));
    assert_true(wg_str_is(headers.at[1].name, "b"));
    assert_true(wg_str_is(headers.at[2].name, "c"));
    wg_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_two_parsers_could_read_differently),
        cmocka_unit_test(reads_a_request_into_its_parts),
        cmocka_unit_test(accepts_the_forms_that_are_plain),
        cmocka_unit_test(options_star_names_the_server),
        cmocka_unit_test(a_header_may_have_16_kib_and_not_one_byte_more),
        cmocka_unit_test(a_header_may_have_100_fields),
        cmocka_unit_test(framing_between_chunks_is_limited_like_a_header),
        cmocka_unit_test(many_small_chunks_are_fine),
        cmocka_unit_test(a_length_over_the_limit_is_refused_at_the_header),
        cmocka_unit_test(refuses_an_answer_that_can_be_read_in_two_ways),
        cmocka_unit_test(takes_out_what_belongs_to_one_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
