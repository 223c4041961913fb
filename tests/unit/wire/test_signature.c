// SPDX-License-Identifier: Apache-2.0
#include "unit/wire/requests.h"

static struct wg_arena arena;

static int open_arena(void **state)
{
    (void)state;
    wg_arena_init(&arena);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    wg_arena_done(&arena);
    return 0;
}

#define B26_INPUT                                                                         \
    "(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")" \
    ";created=1618884473;keyid=\"test-key-ed25519\""
#define B26_SIGNATURE                                                                        \
    "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw" \
    "=="
static const char b26_base[] = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n"
                               "\"@method\": POST\n"
                               "\"@path\": /foo\n"
                               "\"@authority\": example.com\n"
                               "\"content-type\": application/json\n"
                               "\"content-length\": 18\n"
                               "\"@signature-params\": " B26_INPUT;

/* The request of RFC 9421 B.2. */
static struct wg_message rfc_request(void)
{
    struct wg_message message =
        made_request("POST", "/foo?param=Value&Pet=dog", "{\"hello\": \"world\"}");

    message.authority = WG_STR("example.com");
    made_header(&message, &arena, "host", "example.com");
    made_header(&message, &arena, "date", "Tue, 20 Apr 2021 02:07:55 GMT");
    made_header(&message, &arena, "content-type", "application/json");
    made_header(
        &message, &arena, "content-digest",
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdV"
        "LvRwEmTHWXvJwew==:");
    made_header(&message, &arena, "content-length", "18");
    return message;
}

static struct wg_signature first_signature(const struct wg_message *message)
{
    struct wg_signature *signatures;
    struct wg_err err;
    size_t count;

    if (wg_signatures_read(message, &arena, &signatures, &count, &err) != WG_OK)
        fail_msg("%s", err.text);
    assert_true(count >= 1);
    return signatures[0];
}

static struct wg_sf_item item_of(const char *text)
{
    struct wg_sf_members list;
    struct wg_err err;

    if (wg_sf_parse_list(wg_str(text), &arena, &list, &err) != WG_OK)
        fail_msg("%s: %s", text, err.text);
    assert_int_equal(list.count, 1);
    return list.at[0];
}

static void makes_the_base_of_rfc_9421_b_2_6(void **state)
{
    struct wg_message message = rfc_request();
    struct wg_sf_item input = item_of(B26_INPUT);
    struct wg_err err;
    struct wg_buf base;

    (void)state;
    wg_buf_init(&base, 4096);
    assert_int_equal(wg_signature_base(&message, &input, &arena, &base, &err), WG_OK);
    assert_string_equal(base.at, b26_base);
    wg_buf_done(&base);
}

static void verifies_rfc_9421_b_2_6(void **state)
{
    struct wg_message message = rfc_request();
    struct wg_secret_key key = made_key();
    char public_text[WG_PUBLIC_KEY_TEXT];
    struct wg_signature signature;
    struct wg_err err;

    (void)state;
    wg_public_key_write(&key.public_key, public_text);
    assert_string_equal(public_text, "ed25519:JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=");
    made_header(&message, &arena, "signature-input", "sig-b26=" B26_INPUT);
    made_header(&message, &arena, "signature", "sig-b26=:" B26_SIGNATURE ":");
    signature = first_signature(&message);
    assert_true(wg_str_is(signature.label, "sig-b26"));
    assert_true(wg_str_is(signature.keyid, "test-key-ed25519"));
    assert_true(signature.has_created && signature.created_s == 1618884473);
    assert_false(signature.has_expires);
    if (wg_signature_verify(&message, &signature, &key.public_key, &arena, &err) != WG_OK)
        fail_msg("%s", err.text);
    message.method = WG_STR("PUT");
    assert_int_equal(wg_signature_verify(&message, &signature, &key.public_key, &arena, &err),
                     WG_BAD_SIGNATURE);
}

/* Ed25519 has one signature for one message, so ours must be theirs. */
static void signs_rfc_9421_b_2_6_to_the_byte(void **state)
{
    struct wg_secret_key key = made_key();
    struct wg_sf_item item = {.bare = {.type = WG_SF_BYTES}};
    uint8_t bytes[WG_SIGNATURE_BYTES];
    struct wg_err err;
    struct wg_buf text;

    (void)state;
    wg_sign(&key, wg_str(b26_base), bytes);
    item.bare.text = wg_str_of(bytes, sizeof bytes);
    wg_buf_init(&text, 256);
    assert_int_equal(wg_sf_write_item(&item, &text, &err), WG_OK);
    assert_string_equal(text.at, ":" B26_SIGNATURE ":");
    wg_buf_done(&text);
}

static void reads_components_as_rfc_9421_section_2_does(void **state)
{
    static const struct {
        const char *why, *target, *component, *value;
    } cases[] = {
        {"2.2.1", "/path?param=value", "\"@method\"", "POST"},
        {"2.2.2", "/path?param=value", "\"@target-uri\"",
         "https://www.example.com/path?param=value"},
        {"2.2.2 of an absolute form", "http://Other.example/a?b", "\"@target-uri\"",
         "http://Other.example/a?b"},
        {"2.2.3: lower case, no default port", "/", "\"@authority\"", "www.example.com"},
        {"2.2.4", "/", "\"@scheme\"", "https"},
        {"2.2.5", "/path?param=value", "\"@request-target\"", "/path?param=value"},
        {"2.2.5, absolute", "https://www.example.com/path?param=value", "\"@request-target\"",
         "https://www.example.com/path?param=value"},
        {"2.2.6", "/path?param=value", "\"@path\"", "/path"},
        {"2.2.6: not decoded", "/a%2fb%20c", "\"@path\"", "/a%2fb%20c"},
        {"2.2.6: empty path", "https://www.example.com", "\"@path\"", "/"},
        {"2.2.7", "/path?param=value&foo=bar&baz=bat%2Dman", "\"@query\"",
         "?param=value&foo=bar&baz=bat%2Dman"},
        {"2.2.7: no name", "/path?queryString", "\"@query\"", "?queryString"},
        {"2.2.7: absent", "/path", "\"@query\"", "?"},
        {"2.2.7: empty", "/path?", "\"@query\"", "?"},
        {"2.2.8", "/path?param=value&foo=bar&baz=batman&qux=", "\"@query-param\";name=\"baz\"",
         "batman"},
        {"2.2.8: empty",
         "/path?param=value&foo=bar&baz=batman&qux=", "\"@query-param\";name=\"qux\"", ""},
        {"2.2.8: no equals sign", "/path?a&b", "\"@query-param\";name=\"a\"", ""},
        {"2.2.8: coded again",
         "/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&"
         "fa%C3%A7ade%22%3A%20=something",
         "\"@query-param\";name=\"var\"", "this%20is%20a%20big%0Amultiline%20value"},
        {"2.2.8: plus is space",
         "/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&"
         "fa%C3%A7ade%22%3A%20=something",
         "\"@query-param\";name=\"bar\"", "with%20plus%20whitespace"},
        {"2.2.8: the name is coded too",
         "/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&"
         "fa%C3%A7ade%22%3A%20=something",
         "\"@query-param\";name=\"fa%C3%A7ade%22%3A%20\"", "something"},
        {"2.1: lines joined", "/", "\"cache-control\"", "max-age=60, must-revalidate"},
        {"2.1: trimmed", "/", "\"x-ows-header\"", "Leading and trailing whitespace."},
        {"2.1: folding is one space", "/", "\"x-obs-fold-header\"", "Obsolete line folding."},
        {"2.1: empty", "/", "\"x-empty-header\"", ""},
        {"2.1.2: integer", "/", "\"example-dict\";key=\"a\"", "1"},
        {"2.1.2: parameters stay", "/", "\"example-dict\";key=\"b\"", "2;x=1;y=2"},
        {"2.1.2: inner list", "/", "\"example-dict\";key=\"c\"", "(a b c)"},
        {"2.1.2: true", "/", "\"example-dict\";key=\"d\"", "?1"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_message message = made_request("POST", "/", "");
        struct wg_sf_item component = item_of(cases[i].component);
        struct wg_err err = {0};
        struct wg_str value;

        message.authority = WG_STR("WWW.example.com:443");
        if (wg_str_is(wg_str(cases[i].component), "\"@target-uri\""))
            message.authority = WG_STR("www.example.com");
        made_target(&message, cases[i].target);
        made_header(&message, &arena, "cache-control", "max-age=60");
        made_header(&message, &arena, "cache-control", "must-revalidate");
        made_header(&message, &arena, "x-ows-header", "  Leading and trailing whitespace.\t ");
        made_header(&message, &arena, "x-obs-fold-header",
                    "Obsolete\r\n    line \r\n\tfolding.");
        made_header(&message, &arena, "x-empty-header", "");
        made_header(&message, &arena, "example-dict",
                    "  a=1,    b=2;x=1;y=2,   c=(a   b   c), d");
        if (wg_signature_component(&message, &component, &arena, &value, &err) != WG_OK ||
            !wg_str_is(value, cases[i].value))
            fail_msg("%s: %s: '%.*s' instead of '%s' %s", cases[i].why, cases[i].component,
                     WG_STR_F(value), cases[i].value, err.text);
    }
}

static void drops_only_the_port_of_the_scheme(void **state)
{
    static const struct {
        const char *scheme, *authority, *value;
    } cases[] = {
        {"https", "a.example:443", "a.example"},
        {"https", "A.Example:80", "a.example:80"},
        {"http", "a.example:80", "a.example"},
        {"http", "a.example:443", "a.example:443"},
        {"https", "a.example:8443", "a.example:8443"},
        {"HTTPS", "[2001:DB8::1]:443", "[2001:db8::1]"},
    };
    const struct wg_sf_item component = item_of("\"@authority\"");

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_message message = made_request("GET", "/", "");
        struct wg_str value;
        struct wg_err err;

        message.scheme = wg_str(cases[i].scheme);
        message.authority = wg_str(cases[i].authority);
        assert_int_equal(wg_signature_component(&message, &component, &arena, &value, &err),
                         WG_OK);
        if (!wg_str_is(value, cases[i].value))
            fail_msg("%s: %.*s", cases[i].authority, WG_STR_F(value));
    }
}

static void refuses_components_it_would_have_to_guess(void **state)
{
    static const struct {
        const char *why, *components;
    } cases[] = {
        {"absent field", "(\"x-absent\")"},
        {"upper case", "(\"Date\")"},
        {"no name", "(\"\")"},
        {"a token", "(date)"},
        {"of a response", "(\"@status\")"},
        {"unknown", "(\"@verb\")"},
        {"itself", "(\"@signature-params\")"},
        {"repeated", "(\"@path\" \"@method\" \"@path\")"},
        {"repeated with its parameter",
         "(\"content-digest\";key=\"sha-512\" \"content-digest\";key=\"sha-512\")"},
        {"sf", "(\"content-type\";sf)"},
        {"bs", "(\"content-type\";bs)"},
        {"tr", "(\"content-type\";tr)"},
        {"req", "(\"@method\";req)"},
        {"req on a field", "(\"date\";req)"},
        {"unknown parameter", "(\"@path\";x=1)"},
        {"name where it has no meaning", "(\"@path\";name=\"a\")"},
        {"key beside another", "(\"content-digest\";key=\"sha-512\";sf)"},
        {"key of no member", "(\"content-digest\";key=\"sha-256\")"},
        {"key of no dictionary", "(\"date\";key=\"a\")"},
        {"key not a string", "(\"content-digest\";key=sha-512)"},
        {"query parameter without name", "(\"@query-param\")"},
        {"query parameter absent", "(\"@query-param\";name=\"x\")"},
        {"query parameter twice", "(\"@query-param\";name=\"twice\")"},
        {"query parameter not UTF-8", "(\"@query-param\";name=\"latin\")"},
        {"a field past ASCII", "(\"x-latin\")"},
        {"a field with a line break", "(\"x-broken\")"},
        {"a field with NUL", "(\"x-nul\")"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_message message = rfc_request();
        struct wg_sf_item input = item_of(cases[i].components);
        struct wg_err err = {0};
        struct wg_buf base;

        made_target(&message, "/?twice=1&a&twice=1&latin=%E9");
        made_header(&message, &arena, "x-latin", "caf\xc3\xa9");
        made_header(&message, &arena, "x-broken", "a\nb");
        wg_headers_add(&message.headers, &arena, WG_STR("x-nul"), wg_str_of("a\0b", 3));
        wg_buf_init(&base, 4096);
        if (wg_signature_base(&message, &input, &arena, &base, &err) != WG_BAD_SIGNATURE)
            fail_msg("%s: accepted: %.*s", cases[i].why, WG_STR_F(wg_buf_str(&base)));
        wg_buf_done(&base);
    }
}

static void refuses_more_components_than_anyone_needs(void **state)
{
    struct wg_message message = rfc_request();
    struct wg_sf_item input;
    struct wg_buf text, base;
    struct wg_err err;

    (void)state;
    wg_buf_init(&text, 1 << 16);
    wg_buf_init(&base, 1 << 16);
    wg_buf_addc(&text, '(');
    for (int i = 0; i < 65; i++) {
        wg_buf_addf(&text, "%s\"x%d\"", i ? " " : "", i);
        made_header(&message, &arena, wg_arena_format(&arena, "x%d", i), "");
    }
    wg_buf_addc(&text, ')');
    input = item_of(text.at);
    assert_int_equal(wg_signature_base(&message, &input, &arena, &base, &err),
                     WG_BAD_SIGNATURE);
    input.item_count = 64;
    assert_int_equal(wg_signature_base(&message, &input, &arena, &base, &err), WG_OK);
    wg_buf_done(&text);
    wg_buf_done(&base);
}

/* The base is made of the re-serialised form (RFC 9421 2.5), not of what stood on the wire. */
static void keeps_the_order_of_parameters_but_not_their_spaces(void **state)
{
    struct wg_message message = rfc_request();
    struct wg_sf_item input =
        item_of("(  \"@method\"  ); tag=\"t\";  created=1; alg=\"ed25519\"");
    struct wg_err err;
    struct wg_buf base;

    (void)state;
    wg_buf_init(&base, 4096);
    assert_int_equal(wg_signature_base(&message, &input, &arena, &base, &err), WG_OK);
    assert_string_equal(
        base.at, "\"@method\": POST\n"
                 "\"@signature-params\": (\"@method\");tag=\"t\";created=1;alg=\"ed25519\"");
    wg_buf_clear(&base);
    input = item_of("()");
    assert_int_equal(wg_signature_base(&message, &input, &arena, &base, &err), WG_OK);
    assert_string_equal(base.at, "\"@signature-params\": ()");
    wg_buf_done(&base);
}

static void refuses_signature_fields_that_do_not_parse(void **state)
{
    static const struct {
        const char *why, *input, *signature;
    } cases[] = {
        {"no dictionary", "sw=(", NULL},
        {"no inner list", "sw=1", NULL},
        {"a component that is no string", "sw=(date)", NULL},
        {"created as text", "sw=();created=\"1\"", NULL},
        {"created with a fraction", "sw=();created=1.5", NULL},
        {"created as date", "sw=();created=@1", NULL},
        {"expires as text", "sw=();expires=\"1\"", NULL},
        {"keyid as token", "sw=();keyid=a", NULL},
        {"alg as token", "sw=();alg=ed25519", NULL},
        {"nonce as bytes", "sw=();nonce=:YQ==:", NULL},
        {"tag without value", "sw=();tag", NULL},
        {"Signature is no dictionary", "sw=()", "=="},
        {"Signature is a string", "sw=()", "sw=\"a\""},
        {"seventeen signatures",
         "a=(),b=(),c=(),d=(),e=(),f=(),g=(),h=(),i=(),j=(),k=(),l=(),m=(),n=(),o=(),p=(),q=()",
         NULL},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_message message = rfc_request();
        struct wg_signature *signatures;
        struct wg_err err = {0};
        size_t count;

        made_header(&message, &arena, "signature-input", cases[i].input);
        if (cases[i].signature)
            made_header(&message, &arena, "signature", cases[i].signature);
        if (wg_signatures_read(&message, &arena, &signatures, &count, &err) != WG_INVALID)
            fail_msg("%s: accepted", cases[i].why);
    }
}

static struct wg_message signed_request(const struct wg_sign_options *options)
{
    struct wg_message message = made_request("POST", "/send?x=1", "{}");
    struct wg_secret_key key = made_key();
    struct wg_err err;

    if (wg_message_sign(&message, options, &key, &arena, &err) != WG_OK)
        fail_msg("%s", err.text);
    return message;
}

static void signs_what_the_profile_needs(void **state)
{
    const struct wg_sign_options options = {.keyid = WG_STR("peer.example.com"),
                                            .nonce = WG_STR("AAAAAAAAAAAAAAAAAAAAAA"),
                                            .created_s = MADE_NOW_S};
    struct wg_message message = signed_request(&options);
    struct wg_secret_key key = made_key();
    struct wg_signature signature = first_signature(&message);
    struct wg_err err;

    (void)state;
    assert_int_equal(message.headers.count, 3);
    assert_true(wg_str_is(wg_headers_get(&message.headers, "content-digest"),
                          "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:"));
    assert_true(
        wg_str_is(wg_headers_get(&message.headers, "signature-input"),
                  "sw=(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\")"
                  ";created=1778939467;keyid=\"peer.example.com\";alg=\"ed25519\""
                  ";nonce=\"AAAAAAAAAAAAAAAAAAAAAA\";tag=\"scaiwave-federation-v1\""));
    assert_int_equal(wg_signature_verify(&message, &signature, &key.public_key, &arena, &err),
                     WG_OK);
}

static void makes_a_fresh_nonce_for_each_signature(void **state)
{
    const struct wg_sign_options options = {.keyid = WG_STR("a"), .created_s = 1};
    struct wg_message one = signed_request(&options), two = signed_request(&options);
    struct wg_str nonce = first_signature(&one).nonce;

    (void)state;
    assert_int_equal(nonce.len, 24);
    assert_false(wg_str_equal(nonce, first_signature(&two).nonce));
}

static void signs_beside_other_labels_and_replaces_its_own(void **state)
{
    const struct wg_sign_options ours = {.keyid = WG_STR("a"), .created_s = 1};
    const struct wg_sign_options gateway = {.label = WG_STR("gw"),
                                            .keyid = WG_STR("gateway"),
                                            .tag = WG_STR(WG_TAG_UPSTREAM),
                                            .created_s = 2};
    struct wg_message message = signed_request(&ours);
    struct wg_secret_key key = made_key();
    struct wg_str first = first_signature(&message).bytes;
    struct wg_signature *signatures;
    struct wg_err err;
    size_t count;

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(wg_message_sign(&message, &gateway, &key, &arena, &err), WG_OK);
    assert_int_equal(wg_signatures_read(&message, &arena, &signatures, &count, &err), WG_OK);
    assert_int_equal(count, 2);
    assert_true(wg_str_equal(signatures[0].bytes, first));
    assert_true(wg_str_is(signatures[1].tag, WG_TAG_UPSTREAM));
    for (size_t i = 0; i < count; i++)
        assert_int_equal(
            wg_signature_verify(&message, &signatures[i], &key.public_key, &arena, &err),
            WG_OK);
}

static void signs_the_components_it_is_told(void **state)
{
    const struct wg_str components[] = {WG_STR("@path"),
                                        WG_STR("\"content-digest\";key=\"sha-256\"")};
    const struct wg_str missing[] = {WG_STR("x-absent")};
    struct wg_sign_options options = {
        .keyid = WG_STR("a"), .components = components, .component_count = 2, .created_s = 1};
    struct wg_message message = signed_request(&options);
    struct wg_secret_key key = made_key();
    struct wg_err err;

    (void)state;
    assert_true(wg_str_starts(wg_headers_get(&message.headers, "signature-input"),
                              WG_STR("sw=(\"@path\" \"content-digest\";key=\"sha-256\");")));
    options.components = missing;
    options.component_count = 1;
    assert_int_equal(wg_message_sign(&message, &options, &key, &arena, &err), WG_BAD_SIGNATURE);
}

static void refuses_signatures_that_are_not_good(void **state)
{
    const struct wg_sign_options options = {.keyid = WG_STR("a"), .created_s = 1};
    struct wg_message message = signed_request(&options);
    struct wg_secret_key key = made_key(), other;
    const struct wg_signature good = first_signature(&message);
    struct wg_signature changed;
    struct wg_err err;

    (void)state;
    wg_secret_key_generate(&other);
    assert_int_equal(wg_signature_verify(&message, &good, &other.public_key, &arena, &err),
                     WG_BAD_SIGNATURE);
    changed = good;
    changed.bytes = wg_str_of(good.bytes.at, 63);
    assert_int_equal(wg_signature_verify(&message, &changed, &key.public_key, &arena, &err),
                     WG_BAD_SIGNATURE);
    changed.bytes = (struct wg_str){0};
    assert_int_equal(wg_signature_verify(&message, &changed, &key.public_key, &arena, &err),
                     WG_BAD_SIGNATURE);
    changed = good;
    changed.alg = WG_STR("rsa-pss-sha512");
    assert_int_equal(wg_signature_verify(&message, &changed, &key.public_key, &arena, &err),
                     WG_BAD_SIGNATURE);
    made_target(&message, "/send?x=2");
    assert_int_equal(wg_signature_verify(&message, &good, &key.public_key, &arena, &err),
                     WG_BAD_SIGNATURE);
}

#define in_arena(test) cmocka_unit_test_setup_teardown(test, open_arena, close_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_arena(makes_the_base_of_rfc_9421_b_2_6),
        in_arena(verifies_rfc_9421_b_2_6),
        in_arena(signs_rfc_9421_b_2_6_to_the_byte),
        in_arena(reads_components_as_rfc_9421_section_2_does),
        in_arena(drops_only_the_port_of_the_scheme),
        in_arena(refuses_components_it_would_have_to_guess),
        in_arena(refuses_more_components_than_anyone_needs),
        in_arena(keeps_the_order_of_parameters_but_not_their_spaces),
        in_arena(refuses_signature_fields_that_do_not_parse),
        in_arena(signs_what_the_profile_needs),
        in_arena(makes_a_fresh_nonce_for_each_signature),
        in_arena(signs_beside_other_labels_and_replaces_its_own),
        in_arena(signs_the_components_it_is_told),
        in_arena(refuses_signatures_that_are_not_good),
    };
    return cmocka_run_group_tests_name("signature", tests, start_crypto, NULL);
}
