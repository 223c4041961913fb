// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"
#include "wire/event.h"

#define HEAD                                                                              \
    "{\"id\":\"evt-0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11\",\"type\":\"swp.room.message\"," \
    "\"room_id\":\"room-5f1d2c\",\"sender_id\":\"@alice:peer.example.com\","              \
    "\"origin\":\"peer.example.com\",\"origin_ts\":1778939467,"
#define CONTENT "\"content\":{\"msgtype\":\"swp.text\",\"body\":\"Hello\"}"

static struct wg_secret_key key_of(char seed_byte)
{
    struct wg_secret_key key;
    struct wg_err err;
    char seed[32];

    memset(seed, seed_byte, sizeof seed);
    if (wg_secret_key_from_seed(wg_str_of(seed, sizeof seed), &key, &err) != WG_OK)
        fail_msg("%s", err.text);
    return key;
}

static struct wg_event event_of(const char *text)
{
    struct wg_event event;
    struct wg_err err;

    if (wg_event_parse(wg_str(text), &event, &err) != WG_OK)
        fail_msg("%s", err.text);
    return event;
}

static void reads_every_member_of_the_envelope(void **state)
{
    struct wg_event event = event_of(HEAD CONTENT ",\"extra\":[1]}");

    (void)state;
    assert_int_equal(event.id.len, 40);
    assert_true(wg_str_is(event.uuid, "0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11"));
    assert_true(wg_str_is(event.type, "swp.room.message"));
    assert_true(wg_str_is(event.room_id, "room-5f1d2c"));
    assert_true(wg_str_is(event.sender, "@alice:peer.example.com"));
    assert_true(wg_str_is(event.sender_server, "peer.example.com"));
    assert_true(wg_str_is(event.origin, "peer.example.com"));
    assert_true(event.origin_ts == 1778939467);
    assert_int_equal(event.content_bytes,
                     strlen("{\"body\":\"Hello\",\"msgtype\":\"swp.text\"}"));
    assert_null(event.membership.at);
    assert_false(wg_event_is_invite(&event));
    wg_event_done(&event);
}

static void a_member_event_is_about_whom_it_names_or_its_sender(void **state)
{
    static const struct {
        const char *type, *content, *participant;
    } cases[] = {
        {"swp.room.member", "{\"membership\":\"join\",\"participant_id\":\"@b:b.example\"}",
         "@alice:peer.example.com"},
        {"swp.room.member", "{\"membership\":\"leave\"}", "@alice:peer.example.com"},
        {"swp.room.member", "{\"membership\":\"leave\",\"participant_id\":\"@b:b.example\"}",
         "@b:b.example"},
        {"swp.room.member", "{\"membership\":\"ban\",\"participant_id\":\"@b:b.example\"}",
         "@b:b.example"},
        {"swp.room.member", "{\"membership\":\"invite\",\"participant_id\":\"nobody\"}", NULL},
        {"swp.room.message", "{\"participant_id\":\"@b:b.example\"}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_event event;
        struct wg_err err;
        char text[512];

        snprintf(text, sizeof text,
                 "{\"id\":\"0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11\",\"type\":\"%s\","
                 "\"room_id\":\"r\",\"sender_id\":\"@alice:peer.example.com\",\"origin\":"
                 "\"peer.example.com\",\"origin_ts\":1,\"content\":%s}",
                 cases[i].type, cases[i].content);
        assert_int_equal(wg_event_parse(wg_str(text), &event, &err), WG_OK);
        if (!wg_str_equal(event.participant, wg_str(cases[i].participant)))
            fail_msg("case %zu: '%.*s'", i, WG_STR_F(event.participant));
        wg_event_done(&event);
    }
}

static void an_invite_is_a_member_event_with_that_membership(void **state)
{
    static const struct {
        const char *type, *content;
        bool is_invite;
    } cases[] = {
        {"swp.room.member", "{\"membership\":\"invite\"}", true},
        {"swp.room.member", "{\"membership\":\"join\"}", false},
        {"swp.room.member", "{\"membership\":[\"invite\"]}", false},
        {"swp.room.member", "{}", false},
        {"swp.room.message", "{\"membership\":\"invite\"}", false},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_event event;
        char text[1024];

        snprintf(
            text, sizeof text,
            "{\"id\":\"0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11\",\"type\":\"%s\","
            "\"room_id\":\"r\",\"sender_id\":\"@a:b.c\",\"origin\":\"b.c\",\"origin_ts\":1,"
            "\"content\":%s}",
            cases[i].type, cases[i].content);
        event = event_of(text);
        assert_int_equal(wg_event_is_invite(&event), cases[i].is_invite);
        wg_event_done(&event);
    }
}

/* Each case replaces one member of a good event by the text given. */
static void refuses_an_envelope_that_breaks_a_rule(void **state)
{
    static const struct {
        const char *why, *member, *json, *said;
    } cases[] = {
        {"no id", "id", NULL, "'id' is missing"},
        {"an id that is a number", "id", "1", "'id' is not a string"},
        {"an id that is no UUID", "id", "\"42\"", "'id'"},
        {"no type", "type", NULL, "'type' is missing"},
        {"an empty type", "type", "\"\"", "'type'"},
        {"a type with a space", "type", "\"swp room\"", "'type'"},
        {"a type past ASCII", "type", "\"swp.\xc3\xa9\"", "'type'"},
        {"a type with a NUL", "type", "\"swp\\u0000\"", "'type'"},
        {"no room", "room_id", NULL, "'room_id' is missing"},
        {"a room that is a path", "room_id", "\"a/b\"", "'room_id'"},
        {"no sender", "sender_id", NULL, "'sender_id' is missing"},
        {"a sender without a server", "sender_id", "\"@alice\"", "'sender_id'"},
        {"a sender of another server", "sender_id", "\"@alice:other.example\"",
         "'origin' must be"},
        {"no origin", "origin", NULL, "'origin' is missing"},
        {"an origin in other case", "origin", "\"Peer.example.com\"", "'origin' must be"},
        {"no time", "origin_ts", NULL, "'origin_ts'"},
        {"a time of text", "origin_ts", "\"1778939467\"", "'origin_ts'"},
        {"a broken time", "origin_ts", "1.5", "'origin_ts'"},
        {"a time before 1970", "origin_ts", "-1", "'origin_ts'"},
        {"a time past whole numbers", "origin_ts", "1e16", "'origin_ts'"},
        {"no content", "content", NULL, "'content' is missing"},
        {"content that is no object", "content", "[]", "'content' is not an object"},
        {"signatures that are no object", "signatures", "[]", "'signatures'"},
        {"a server's signatures no object", "signatures", "{\"a.b\":\"x\"}", "'signatures'"},
        {"a signature that is no text", "signatures", "{\"a.b\":{\"ed25519:x\":1}}", "base64"},
        {"a signature not in base64", "signatures", "{\"a.b\":{\"ed25519:x\":\"a\"}}",
         "base64"},
        {"base64url", "signatures", "{\"a.b\":{\"ed25519:x\":\"_-8=\"}}", "base64"},
        {"an empty signature", "signatures", "{\"a.b\":{\"ed25519:x\":\"\"}}", "base64"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_err err = {WG_OK, ""};
        struct wg_event event;
        json_t *json = json_loads(HEAD CONTENT "}", 0, NULL);

        if (cases[i].json)
            json_object_set_new(
                json, cases[i].member,
                json_loads(cases[i].json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
        else
            json_object_del(json, cases[i].member);
        if (wg_event_from_json(json, &event, &err) != WG_INVALID)
            fail_msg("%s: accepted", cases[i].why);
        if (!strstr(err.text, cases[i].said))
            fail_msg("%s: %s", cases[i].why, err.text);
        json_decref(json);
    }
}

static void refuses_what_is_no_object_at_all(void **state)
{
    struct wg_event event;
    struct wg_err err;

    (void)state;
    assert_int_equal(wg_event_parse(WG_STR("[]"), &event, &err), WG_INVALID);
    assert_int_equal(wg_event_parse(WG_STR("{"), &event, &err), WG_INVALID);
    assert_int_equal(wg_event_parse(WG_STR(HEAD "\"id\":\"x\"," CONTENT "}"), &event, &err),
                     WG_INVALID);
    assert_non_null(strstr(err.text, "duplicate"));
}

static enum wg_code parse_with_body(size_t body_len, size_t *ret_content_bytes)
{
    char *text = malloc(body_len + 1024);
    struct wg_event event;
    struct wg_err err;
    enum wg_code code;
    size_t len;

    len = (size_t)sprintf(text, HEAD "\"content\":   {\"body\":  \"");
    memset(text + len, 'x', body_len);
    strcpy(text + len + body_len, "\"}}");
    code = wg_event_parse(wg_str(text), &event, &err);
    if (code == WG_OK) {
        *ret_content_bytes = event.content_bytes;
        wg_event_done(&event);
    }
    free(text);
    return code;
}

static void content_is_measured_in_canonical_form(void **state)
{
    const size_t frame = strlen("{\"body\":\"\"}");
    size_t bytes = 0;

    (void)state;
    assert_int_equal(parse_with_body(65536 - frame, &bytes), WG_OK);
    assert_int_equal(bytes, 65536);
    assert_int_equal(parse_with_body(65537 - frame, &bytes), WG_TOO_LARGE);
}

static void signed_bytes_leave_out_signatures_and_unsigned(void **state)
{
    struct wg_event event =
        event_of(HEAD CONTENT ",\"signatures\":{},\"unsigned\":{\"age\":1},\"a\":\"carried\"}");
    struct wg_buf bytes;
    struct wg_err err;

    (void)state;
    wg_buf_init(&bytes, 4096);
    assert_int_equal(wg_event_signed_bytes(&event, &bytes, &err), WG_OK);
    assert_string_equal(
        bytes.at,
        "{\"a\":\"carried\",\"content\":{\"body\":\"Hello\",\"msgtype\":\"swp.text\"},"
        "\"id\":\"evt-0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11\",\"origin\":\"peer."
        "example.com\",\"origin_ts\":1778939467,\"room_id\":\"room-5f1d2c\","
        "\"sender_id\":\"@alice:peer.example.com\",\"type\":\"swp.room.message\"}");
    wg_buf_done(&bytes);
    wg_event_done(&event);
}

static void a_signature_holds_after_the_event_travelled(void **state)
{
    struct wg_secret_key key = key_of(1);
    struct wg_event event = event_of(HEAD CONTENT ",\"unsigned\":{\"age\":1}}"), arrived;
    struct wg_str kid;
    struct wg_err err;
    char *text;

    (void)state;
    assert_int_equal(wg_event_sign(&event, WG_STR("peer.example.com"), &key, &err), WG_OK);
    json_object_set_new(json_object_get(event.json, "unsigned"), "age", json_integer(2));
    text = json_dumps(event.json, JSON_INDENT(2));
    arrived = event_of(text);
    assert_int_equal(wg_event_verify(&arrived, &key.public_key, &err), WG_OK);
    assert_int_equal(wg_event_signature_kids(&arrived, &kid, 1), 1);
    assert_true(wg_str_is(kid, key.public_key.kid));
    free(text);
    wg_event_done(&arrived);
    wg_event_done(&event);
    wg_secret_key_done(&key);
}

static void a_changed_event_loses_its_signature(void **state)
{
    static const struct {
        const char *why, *member, *json;
    } cases[] = {
        {"another text", "content", "{\"msgtype\":\"swp.text\",\"body\":\"Hallo\"}"},
        {"another room", "room_id", "\"room-other\""},
        {"another sender of the same server", "sender_id", "\"@mallory:peer.example.com\""},
        {"another time", "origin_ts", "1778939468"},
        {"another id", "id", "\"0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e12\""},
        {"a member more", "extra", "true"},
    };
    struct wg_secret_key key = key_of(1);

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_event event = event_of(HEAD CONTENT "}"), changed;
        struct wg_err err;

        assert_int_equal(wg_event_sign(&event, event.origin, &key, &err), WG_OK);
        json_object_set_new(event.json, cases[i].member,
                            json_loads(cases[i].json, JSON_DECODE_ANY, NULL));
        assert_int_equal(wg_event_from_json(event.json, &changed, &err), WG_OK);
        if (wg_event_verify(&changed, &key.public_key, &err) != WG_BAD_SIGNATURE)
            fail_msg("%s: still verifies", cases[i].why);
        wg_event_done(&changed);
        wg_event_done(&event);
    }
    wg_secret_key_done(&key);
}

static void refuses_a_signature_that_is_not_this_keys(void **state)
{
    struct wg_secret_key key = key_of(1), other = key_of(2);
    struct wg_event event = event_of(HEAD CONTENT "}");
    struct wg_err err;
    json_t *of_origin;
    char name[32];

    (void)state;
    assert_int_equal(wg_event_verify(&event, &key.public_key, &err), WG_BAD_SIGNATURE);
    assert_non_null(strstr(err.text, "carries no signature"));
    assert_int_equal(wg_event_sign(&event, event.origin, &key, &err), WG_OK);
    assert_int_equal(wg_event_verify(&event, &other.public_key, &err), WG_BAD_SIGNATURE);

    of_origin = json_object_get(json_object_get(event.json, "signatures"), "peer.example.com");
    snprintf(name, sizeof name, "ed25519:%s", other.public_key.kid);
    json_object_set(of_origin, name, json_object_iter_value(json_object_iter(of_origin)));
    assert_int_equal(wg_event_verify(&event, &other.public_key, &err), WG_BAD_SIGNATURE);
    assert_non_null(strstr(err.text, "does not fit"));
    json_object_set_new(of_origin, name, json_string("AAAA"));
    assert_int_equal(wg_event_verify(&event, &other.public_key, &err), WG_BAD_SIGNATURE);
    assert_non_null(strstr(err.text, "64 bytes"));
    assert_int_equal(wg_event_verify(&event, &key.public_key, &err), WG_OK);
    wg_event_done(&event);
    wg_secret_key_done(&key);
    wg_secret_key_done(&other);
}

static void only_the_origin_signs(void **state)
{
    struct wg_secret_key key = key_of(1);
    struct wg_event event = event_of(
        HEAD CONTENT ",\"signatures\":{\"other.example\":{\"ed25519:abcdefgh\":\"AAAA\"}}}");
    struct wg_str kids[1];
    struct wg_err err;

    (void)state;
    assert_int_equal(wg_event_signature_kids(&event, kids, 1), 0);
    assert_int_equal(wg_event_sign(&event, WG_STR("other.example"), &key, &err), WG_INVALID);
    assert_int_equal(wg_event_sign(&event, event.origin, &key, &err), WG_OK);
    assert_int_equal(wg_event_signature_kids(&event, kids, 0), 1);
    assert_int_equal(json_object_size(json_object_get(event.json, "signatures")), 2);
    wg_event_done(&event);
    wg_secret_key_done(&key);
}

static int start_crypto(void **state)
{
    struct wg_err err;

    (void)state;
    return wg_crypto_start(&err) == WG_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_member_of_the_envelope),
        cmocka_unit_test(a_member_event_is_about_whom_it_names_or_its_sender),
        cmocka_unit_test(an_invite_is_a_member_event_with_that_membership),
        cmocka_unit_test(refuses_an_envelope_that_breaks_a_rule),
        cmocka_unit_test(refuses_what_is_no_object_at_all),
        cmocka_unit_test(content_is_measured_in_canonical_form),
        cmocka_unit_test(signed_bytes_leave_out_signatures_and_unsigned),
        cmocka_unit_test(a_signature_holds_after_the_event_travelled),
        cmocka_unit_test(a_changed_event_loses_its_signature),
        cmocka_unit_test(refuses_a_signature_that_is_not_this_keys),
        cmocka_unit_test(only_the_origin_signs),
    };

    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
