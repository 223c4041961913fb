// SPDX-License-Identifier: Apache-2.0
/* Public suites that live beside the repository, not in it: structured fields and Ed25519. */
#include "unit/wire/requests.h"

#include <jansson.h>
#include <math.h>
#include <sodium.h>
#include <unistd.h>

#define VECTORS "../shared/vectors"
#define FIELDS VECTORS "/structured-field-tests/"
#define ED25519 VECTORS "/ed25519/"

static json_t *load(const char *path)
{
    json_error_t error;
    json_t *json;

    if (access(path, R_OK) != 0) {
        printf("skipped: " VECTORS " is not here\n");
        skip();
    }
    json = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (!json)
        fail_msg("%s: %s", path, error.text);
    return json;
}

static struct wg_str text_of(const json_t *json)
{
    return wg_str_of(json_string_value(json), json_string_length(json));
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static bool flag(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

static struct wg_str join_lines(const json_t *lines, struct wg_arena *arena)
{
    struct wg_str joined = WG_STR("");
    struct wg_buf all;

    wg_buf_init(&all, 1 << 20);
    for (size_t i = 0; i < json_array_size(lines); i++) {
        if (i > 0)
            wg_buf_adds(&all, WG_STR(", "));
        wg_buf_adds(&all, text_of(json_array_get(lines, i)));
    }
    joined = wg_arena_copy(arena, wg_buf_str(&all));
    wg_buf_done(&all);
    return joined;
}

/** The tree of a case's text or of its "expected", ready to be written. */
struct tree {
    const char *type;
    struct wg_sf_item item;
    struct wg_sf_members members;
};

static enum wg_code parse_tree(struct tree *tree, struct wg_str text, struct wg_arena *arena,
                               struct wg_err *err)
{
    if (strcmp(tree->type, "item") == 0)
        return wg_sf_parse_item(text, arena, &tree->item, err);
    if (strcmp(tree->type, "list") == 0)
        return wg_sf_parse_list(text, arena, &tree->members, err);
    return wg_sf_parse_dictionary(text, arena, &tree->members, err);
}

static enum wg_code write_tree(const struct tree *tree, struct wg_buf *out, struct wg_err *err)
{
    if (strcmp(tree->type, "item") == 0)
        return wg_sf_write_item(&tree->item, out, err);
    if (strcmp(tree->type, "list") == 0)
        return wg_sf_write_list(&tree->members, out, err);
    return wg_sf_write_dictionary(&tree->members, out, err);
}

/** RFC 4648 base32, as the suite writes bytes. */
static struct wg_str from_base32(struct wg_str text, struct wg_arena *arena)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    char *bytes = wg_arena_alloc(arena, text.len + 1);
    unsigned held = 0;
    int bits = 0;
    size_t len = 0;

    for (size_t i = 0; i < text.len && text.at[i] != '='; i++) {
        held = (held << 5 | (unsigned)(strchr(alphabet, text.at[i]) - alphabet)) & 0xffff;
        bits += 5;
        if (bits >= 8)
            bytes[len++] = (char)(held >> (bits -= 8));
    }
    return wg_str_of(bytes, len);
}

static struct wg_sf_bare bare_of(const json_t *json, struct wg_arena *arena)
{
    struct wg_sf_bare bare = {0};
    const json_t *value = json_object_get(json, "value");
    const char *type = member(json, "__type");

    if (json_is_integer(json))
        bare = (struct wg_sf_bare){.type = WG_SF_INTEGER, .integer = json_integer_value(json)};
    else if (json_is_real(json))
        bare = (struct wg_sf_bare){.type = WG_SF_DECIMAL,
                                   .integer = llrint(json_real_value(json) * 1000)};
    else if (json_is_boolean(json))
        bare = (struct wg_sf_bare){.type = WG_SF_BOOLEAN, .boolean = json_is_true(json)};
    else if (json_is_string(json))
        bare = (struct wg_sf_bare){.type = WG_SF_STRING, .text = text_of(json)};
    else if (strcmp(type, "token") == 0)
        bare = (struct wg_sf_bare){.type = WG_SF_TOKEN, .text = text_of(value)};
    else if (strcmp(type, "binary") == 0)
        bare = (struct wg_sf_bare){.type = WG_SF_BYTES,
                                   .text = from_base32(text_of(value), arena)};
    else if (strcmp(type, "date") == 0)
        bare = (struct wg_sf_bare){.type = WG_SF_DATE, .integer = json_integer_value(value)};
    else if (strcmp(type, "displaystring") == 0)
        bare = (struct wg_sf_bare){.type = WG_SF_DISPLAY_STRING, .text = text_of(value)};
    else
        fail_msg("a value of a kind the suite does not describe");
    return bare;
}

static struct wg_sf_item plain_item_of(const json_t *json, struct wg_arena *arena)
{
    const json_t *params = json_array_get(json, 1);
    struct wg_sf_item item = {0};

    if (!json_is_array(json_array_get(json, 0)))
        item.bare = bare_of(json_array_get(json, 0), arena);
    for (size_t i = 0; i < json_array_size(params); i++) {
        const json_t *param = json_array_get(params, i);

        wg_sf_param_add(&item.params, arena, text_of(json_array_get(param, 0)),
                        bare_of(json_array_get(param, 1), arena));
    }
    return item;
}

static struct wg_sf_item item_of(const json_t *json, struct wg_arena *arena)
{
    const json_t *inner = json_array_get(json, 0);
    struct wg_sf_item item = plain_item_of(json, arena);

    if (!json_is_array(inner))
        return item;
    item.bare.type = WG_SF_INNER_LIST;
    item.item_count = json_array_size(inner);
    item.items = wg_arena_alloc(arena, (item.item_count + 1) * sizeof *item.items);
    for (size_t i = 0; i < item.item_count; i++)
        item.items[i] = plain_item_of(json_array_get(inner, i), arena);
    return item;
}

static void build_tree(struct tree *tree, const json_t *expected, struct wg_arena *arena)
{
    size_t count = json_array_size(expected);

    if (strcmp(tree->type, "item") == 0) {
        tree->item = item_of(expected, arena);
        return;
    }
    tree->members.at = wg_arena_alloc(arena, (count + 1) * sizeof *tree->members.at);
    tree->members.count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_array_get(expected, i);
        bool has_key = strcmp(tree->type, "dictionary") == 0;

        tree->members.at[i] = item_of(has_key ? json_array_get(one, 1) : one, arena);
        if (has_key)
            tree->members.at[i].key = text_of(json_array_get(one, 0));
    }
}

/** Writes the tree and compares with canonical, else raw. */
static void expect_text(const json_t *one, const struct tree *tree, const char *what,
                        struct wg_arena *arena)
{
    const json_t *canonical = json_object_get(one, "canonical");
    struct wg_str wanted =
        join_lines(canonical ? canonical : json_object_get(one, "raw"), arena);
    struct wg_err err = {0};
    struct wg_buf out;

    wg_buf_init(&out, 1 << 20);
    if (write_tree(tree, &out, &err) != WG_OK || !wg_str_equal(wg_buf_str(&out), wanted))
        fail_msg("%s, %s: '%.*s' instead of '%.*s' %s", member(one, "name"), what,
                 WG_STR_F(wg_buf_str(&out)), WG_STR_F(wanted), err.text);
    wg_buf_done(&out);
}

/** What we refuse where the suite lets us: one text for one value (see sf_bare.c). */
static bool may_refuse(const char *name)
{
    return strcmp(name, "bad padding") == 0 || strcmp(name, "non-zero pad bits") == 0;
}

static void judge_case(const json_t *one)
{
    const char *name = member(one, "name");
    struct tree tree = {.type = member(one, "header_type")}, built = tree;
    struct wg_err err = {0};
    struct wg_arena arena;
    enum wg_code code;

    wg_arena_init(&arena);
    code = parse_tree(&tree, join_lines(json_object_get(one, "raw"), &arena), &arena, &err);
    if (flag(one, "must_fail")) {
        if (code != WG_INVALID)
            fail_msg("%s: accepted", name);
    } else if (code == WG_OK) {
        expect_text(one, &tree, "parsed", &arena);
        build_tree(&built, json_object_get(one, "expected"), &arena);
        expect_text(one, &built, "built", &arena);
    } else if (!(flag(one, "can_fail") && may_refuse(name))) {
        fail_msg("%s: %s", name, err.text);
    }
    wg_arena_done(&arena);
}

static void agrees_with_the_suite_of_structured_fields(void **state)
{
    static const char *const files[] = {"binary",
                                        "boolean",
                                        "date",
                                        "dictionary",
                                        "display-string",
                                        "examples",
                                        "item",
                                        "key-generated",
                                        "large-generated",
                                        "list",
                                        "listlist",
                                        "number-generated",
                                        "number",
                                        "param-dict",
                                        "param-list",
                                        "param-listlist",
                                        "string-generated",
                                        "string",
                                        "token-generated",
                                        "token"};
    size_t cases = 0;

    (void)state;
    for (size_t i = 0; i < WG_COUNT(files); i++) {
        char path[256];
        json_t *suite;

        snprintf(path, sizeof path, FIELDS "%s.json", files[i]);
        suite = load(path);
        for (size_t j = 0; j < json_array_size(suite); j++)
            judge_case(json_array_get(suite, j));
        cases += json_array_size(suite);
        json_decref(suite);
    }
    assert_int_equal(cases, 1591);
}

static void judge_writing(const json_t *one)
{
    struct tree tree = {.type = member(one, "header_type")};
    struct wg_err err = {0};
    struct wg_arena arena;
    struct wg_buf out;

    wg_arena_init(&arena);
    wg_buf_init(&out, 1 << 20);
    build_tree(&tree, json_object_get(one, "expected"), &arena);
    if (!flag(one, "must_fail"))
        expect_text(one, &tree, "built", &arena);
    else if (write_tree(&tree, &out, &err) != WG_INVALID)
        fail_msg("%s: written as '%.*s'", member(one, "name"), WG_STR_F(wg_buf_str(&out)));
    wg_buf_done(&out);
    wg_arena_done(&arena);
}

static void writes_only_what_the_suite_lets_be_written(void **state)
{
    static const char *const files[] = {"key-generated", "number", "string-generated",
                                        "token-generated"};
    size_t cases = 0;

    (void)state;
    for (size_t i = 0; i < WG_COUNT(files); i++) {
        char path[256];
        json_t *suite;

        snprintf(path, sizeof path, FIELDS "serialisation-tests/%s.json", files[i]);
        suite = load(path);
        for (size_t j = 0; j < json_array_size(suite); j++)
            judge_writing(json_array_get(suite, j));
        cases += json_array_size(suite);
        json_decref(suite);
    }
    assert_int_equal(cases, 544);
}

/** Hex of any length; absent (at == NULL) never. */
static struct wg_str from_hex(const char *hex, unsigned char *bytes, size_t size)
{
    size_t len = 0;

    if (sodium_hex2bin(bytes, size, hex, strlen(hex), NULL, &len, NULL) != 0)
        fail_msg("not hex, or too long: %s", hex);
    return wg_str_of(bytes, len);
}

static bool verifies(const char *key, struct wg_str message, const char *signature)
{
    unsigned char key_bytes[256], signature_bytes[256];

    return wg_verify_raw(from_hex(key, key_bytes, sizeof key_bytes), message,
                         from_hex(signature, signature_bytes, sizeof signature_bytes));
}

static bool verifies_hex(const char *key, const char *message, const char *signature)
{
    static unsigned char bytes[1 << 16];

    return verifies(key, from_hex(message, bytes, sizeof bytes), signature);
}

static void agrees_with_wycheproof(void **state)
{
    json_t *suite = load(ED25519 "wycheproof-ed25519_test.json");
    const json_t *groups = json_object_get(suite, "testGroups");
    size_t cases = 0;

    (void)state;
    for (size_t i = 0; i < json_array_size(groups); i++) {
        const json_t *group = json_array_get(groups, i);
        const json_t *tests = json_object_get(group, "tests");
        const char *key = member(json_object_get(group, "publicKey"), "pk");

        for (size_t j = 0; j < json_array_size(tests); j++, cases++) {
            const json_t *one = json_array_get(tests, j);
            bool is_valid = strcmp(member(one, "result"), "valid") == 0;

            if (verifies_hex(key, member(one, "msg"), member(one, "sig")) != is_valid)
                fail_msg("test %lld, %s: %s expected",
                         (long long)json_integer_value(json_object_get(one, "tcId")),
                         member(one, "comment"), member(one, "result"));
        }
    }
    assert_int_equal(cases, 151);
    json_decref(suite);
}

static void accepts_only_case_3_of_speccheck(void **state)
{
    json_t *suite = load(ED25519 "speccheck-cases.json");

    (void)state;
    assert_int_equal(json_array_size(suite), 12);
    for (size_t i = 0; i < 12; i++) {
        const json_t *one = json_array_get(suite, i);

        if (verifies_hex(member(one, "pub_key"), member(one, "message"),
                         member(one, "signature")) != (i == 3))
            fail_msg("case %zu", i);
    }
    json_decref(suite);
}

/** Points with a low-order part beside a good one pass libsodium; everything else odd does not.
 */
static bool has_low_order_components_only(const json_t *flags)
{
    for (size_t i = 0; i < json_array_size(flags); i++) {
        const char *name = json_string_value(json_array_get(flags, i));

        if (strcmp(name, "low_order_component_A") != 0 &&
            strcmp(name, "low_order_component_R") != 0)
            return false;
    }
    return true;
}

static void accepts_43_of_the_points_of_cctv(void **state)
{
    json_t *suite = load(ED25519 "cctv-ed25519vectors.json");
    size_t accepted = 0;

    (void)state;
    assert_int_equal(json_array_size(suite), 914);
    for (size_t i = 0; i < json_array_size(suite); i++) {
        const json_t *one = json_array_get(suite, i);
        bool is_good =
            verifies(member(one, "key"), wg_str(member(one, "msg")), member(one, "sig"));

        if (is_good != has_low_order_components_only(json_object_get(one, "flags")))
            fail_msg("vector %zu", i);
        accepted += is_good;
    }
    assert_int_equal(accepted, 43);
    json_decref(suite);
}

/* Of those 43 a mixed-order key is one no honest peer has: refused when a key is discovered. */
static void discovers_only_keys_of_prime_order(void **state)
{
    json_t *suite = load(ED25519 "cctv-ed25519vectors.json");

    (void)state;
    for (size_t i = 0; i < json_array_size(suite); i++) {
        const json_t *one = json_array_get(suite, i), *flags = json_object_get(one, "flags");
        bool is_odd = false;
        unsigned char bytes[64];
        struct wg_public_key key;
        struct wg_err err;

        for (size_t j = 0; j < json_array_size(flags); j++) {
            const char *name = json_string_value(json_array_get(flags, j));

            is_odd = is_odd || wg_str_ends(wg_str(name), WG_STR("_A"));
        }
        if (wg_public_key_from_bytes(from_hex(member(one, "key"), bytes, sizeof bytes), &key,
                                     &err) != (is_odd ? WG_INVALID : WG_OK))
            fail_msg("vector %zu", i);
    }
    json_decref(suite);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_suite_of_structured_fields),
        cmocka_unit_test(writes_only_what_the_suite_lets_be_written),
        cmocka_unit_test(agrees_with_wycheproof),
        cmocka_unit_test(accepts_only_case_3_of_speccheck),
        cmocka_unit_test(accepts_43_of_the_points_of_cctv),
        cmocka_unit_test(discovers_only_keys_of_prime_order),
    };
    return cmocka_run_group_tests_name("vectors_signature", tests, start_crypto, NULL);
}
