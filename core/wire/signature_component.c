// SPDX-License-Identifier: Apache-2.0
/* Component values, RFC 9421 2.1 and 2.2. What is not implemented is refused: a component that
 * two sides read differently is worse than one that is not signed. */
#include "base/utf8.h"
#include "wire/signature.h"

enum { MEMBER_LIMIT_BYTES = 64 * 1024 };

/** What a component is asked of. */
struct component_read {
    const struct wg_message *message;
    const struct wg_sf_item *component;
    struct wg_arena *arena;
    struct wg_err *err;
};

static struct wg_str lower(struct wg_str text, struct wg_arena *arena)
{
    struct wg_str copy = wg_arena_copy(arena, text);
    char *at = (char *)copy.at;

    for (size_t i = 0; i < copy.len; i++)
        if (at[i] >= 'A' && at[i] <= 'Z')
            at[i] = (char)(at[i] + ('a' - 'A'));
    return copy;
}

static enum wg_code read_method(const struct component_read *read, struct wg_str *ret_value)
{
    *ret_value = read->message->method;
    return WG_OK;
}

static enum wg_code read_scheme(const struct component_read *read, struct wg_str *ret_value)
{
    *ret_value = lower(read->message->scheme, read->arena);
    return WG_OK;
}

/* 2.2.3: lower case, and without the port that the scheme implies. */
static enum wg_code read_authority(const struct component_read *read, struct wg_str *ret_value)
{
    const struct wg_message *message = read->message;
    struct wg_str authority = lower(message->authority, read->arena);
    struct wg_str port =
        wg_str_equal_nocase(message->scheme, WG_STR("https")) ? WG_STR(":443") : WG_STR(":80");

    if (authority.len == 0)
        return wg_fail(read->err, WG_BAD_SIGNATURE,
                       "\"@authority\" is signed but the request has no Host");
    if (wg_str_ends(authority, port))
        authority.len -= port.len;
    *ret_value = authority;
    return WG_OK;
}

/* 2.2.2 points to RFC 9110 7.1: an absolute form as it stands, else put together from the parts
 * as received. */
static enum wg_code read_target_uri(const struct component_read *read, struct wg_str *ret_value)
{
    const struct wg_message *message = read->message;
    struct wg_str target = message->target;

    if (wg_str_is(target, "*"))
        target = WG_STR("");
    else if (target.len > 0 && target.at[0] != '/') {
        *ret_value = target;
        return WG_OK;
    }
    if (message->authority.len == 0)
        return wg_fail(read->err, WG_BAD_SIGNATURE,
                       "\"@target-uri\" is signed but the request has no Host");
    *ret_value =
        wg_str(wg_arena_format(read->arena, "%.*s://%.*s%.*s", WG_STR_F(message->scheme),
                               WG_STR_F(message->authority), WG_STR_F(target)));
    return WG_OK;
}

static enum wg_code read_request_target(const struct component_read *read,
                                        struct wg_str *ret_value)
{
    *ret_value = read->message->target;
    return WG_OK;
}

static enum wg_code read_path(const struct component_read *read, struct wg_str *ret_value)
{
    *ret_value = read->message->path.len ? read->message->path : WG_STR("/");
    return WG_OK;
}

static enum wg_code read_query(const struct component_read *read, struct wg_str *ret_value)
{
    *ret_value = read->message->query.len ? read->message->query : WG_STR("?");
    return WG_OK;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 2.2.8: decoded as a form ('+' is a space), then percent-encoded with the form set. */
static struct wg_str form_recode(struct wg_str text, struct wg_arena *arena, bool *ret_is_utf8)
{
    static const char hex[] = "0123456789ABCDEF";
    char *decoded = wg_arena_alloc(arena, text.len + 1);
    char *coded = wg_arena_alloc(arena, text.len * 3 + 1);
    size_t len = 0, to = 0;

    for (size_t i = 0; i < text.len; i++) {
        bool is_escape = text.at[i] == '%' && text.len - i > 2 &&
                         hex_digit(text.at[i + 1]) >= 0 && hex_digit(text.at[i + 2]) >= 0;

        if (is_escape) {
            decoded[len++] = (char)(hex_digit(text.at[i + 1]) * 16 + hex_digit(text.at[i + 2]));
            i += 2;
        } else {
            decoded[len++] = text.at[i] == '+' ? ' ' : text.at[i];
        }
    }
    *ret_is_utf8 = wg_utf8_is_valid(wg_str_of(decoded, len));
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)decoded[i];

        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            c == '*' || c == '-' || c == '.' || c == '_') {
            coded[to++] = (char)c;
        } else {
            coded[to++] = '%';
            coded[to++] = hex[c >> 4];
            coded[to++] = hex[c & 15];
        }
    }
    return wg_str_of(coded, to);
}

static enum wg_code find_query_param(const struct component_read *read, struct wg_str wanted,
                                     struct wg_str *ret_value)
{
    struct wg_str rest = read->message->query, found = {0};

    if (rest.len > 0)
        rest = wg_str_of(rest.at + 1, rest.len - 1);
    while (rest.at) {
        struct wg_str value = wg_str_split(&rest, '&'), name;
        bool is_utf8;

        if (value.len == 0)
            continue;
        name = wg_str_split(&value, '=');
        if (!wg_str_equal(form_recode(name, read->arena, &is_utf8), wanted))
            continue;
        if (found.at)
            return wg_fail(read->err, WG_BAD_SIGNATURE,
                           "query parameter \"%.*s\" is signed but stands more than once",
                           WG_STR_F(wanted));
        found = form_recode(value.at ? value : WG_STR(""), read->arena, &is_utf8);
        if (!is_utf8)
            return wg_fail(read->err, WG_BAD_SIGNATURE,
                           "query parameter \"%.*s\" is signed but not UTF-8",
                           WG_STR_F(wanted));
    }
    if (!found.at)
        return wg_fail(read->err, WG_BAD_SIGNATURE,
                       "query parameter \"%.*s\" is signed but absent", WG_STR_F(wanted));
    *ret_value = found;
    return WG_OK;
}

static enum wg_code read_query_param(const struct component_read *read,
                                     struct wg_str *ret_value)
{
    const struct wg_sf_bare *name = wg_sf_param_get(&read->component->params, "name");

    if (!name || name->type != WG_SF_STRING)
        return wg_fail(read->err, WG_BAD_SIGNATURE,
                       "\"@query-param\" needs its parameter name=\"...\"");
    return find_query_param(read, name->text, ret_value);
}

static const struct derived {
    const char *name;
    const char *param; /**< the one parameter it takes */
    enum wg_code (*read)(const struct component_read *read, struct wg_str *ret_value);
} derived_components[] = {
    {"@method", NULL, read_method},
    {"@authority", NULL, read_authority},
    {"@scheme", NULL, read_scheme},
    {"@target-uri", NULL, read_target_uri},
    {"@request-target", NULL, read_request_target},
    {"@path", NULL, read_path},
    {"@query", NULL, read_query},
    {"@query-param", "name", read_query_param},
};

/* 2.1.2: the member's value, serialised again. */
static enum wg_code read_member(const struct component_read *read, struct wg_str field,
                                const struct wg_sf_bare *key, struct wg_str *ret_value)
{
    const struct wg_str name = read->component->bare.text;
    const struct wg_sf_item *member;
    struct wg_sf_members dictionary;
    struct wg_buf out;
    enum wg_code code;

    if (key->type != WG_SF_STRING)
        return wg_fail(read->err, WG_BAD_SIGNATURE,
                       "\"%.*s\": the parameter key is not a string", WG_STR_F(name));
    if (wg_sf_parse_dictionary(field, read->arena, &dictionary, read->err) != WG_OK) {
        wg_while(read->err, "\"%.*s\" is signed by key but is no dictionary", WG_STR_F(name));
        return read->err->code = WG_BAD_SIGNATURE;
    }
    member = wg_sf_member(&dictionary, wg_arena_copy(read->arena, key->text).at);
    if (!member)
        return wg_fail(read->err, WG_BAD_SIGNATURE,
                       "\"%.*s\";key=\"%.*s\" is signed but the field has no such member",
                       WG_STR_F(name), WG_STR_F(key->text));
    wg_buf_init(&out, MEMBER_LIMIT_BYTES);
    code = wg_sf_write_item(member, &out, read->err);
    if (code == WG_OK)
        *ret_value = wg_arena_copy(read->arena, wg_buf_str(&out));
    wg_buf_done(&out);
    return code;
}

/* 2.1: line folding becomes one space; a line break or a byte past ASCII would let two readers
 * see two bases. */
static enum wg_code clean_field(const struct component_read *read, struct wg_str joined,
                                struct wg_str *ret_value)
{
    const struct wg_str name = read->component->bare.text;
    struct wg_str copy = wg_arena_copy(read->arena, joined);
    char *at = (char *)copy.at;
    size_t len = 0;

    for (size_t i = 0; i < copy.len; i++) {
        size_t fold = i;

        while (fold < copy.len && (at[fold] == '\r' || at[fold] == '\n'))
            fold++;
        if (fold > i && fold < copy.len && (at[fold] == ' ' || at[fold] == '\t')) {
            while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
                len--;
            while (fold + 1 < copy.len && (at[fold + 1] == ' ' || at[fold + 1] == '\t'))
                fold++;
            at[fold] = ' ';
            i = fold;
        }
        if (((unsigned char)at[i] < 0x20 && at[i] != '\t') || (unsigned char)at[i] >= 0x7f)
            return wg_fail(read->err, WG_BAD_SIGNATURE,
                           "\"%.*s\" is signed but has a byte that is not printable ASCII",
                           WG_STR_F(name));
        at[len++] = at[i];
    }
    *ret_value = wg_str_trim(wg_str_of(at, len));
    return WG_OK;
}

static enum wg_code read_field(const struct component_read *read, struct wg_str *ret_value)
{
    const struct wg_sf_params *params = &read->component->params;
    const struct wg_str text = read->component->bare.text;
    const char *name = wg_arena_copy(read->arena, text).at;
    struct wg_str joined, value;

    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] >= 'A' && text.at[i] <= 'Z')
            return wg_fail(read->err, WG_BAD_SIGNATURE,
                           "\"%s\" is signed, but component names are lower case", name);
    joined = strlen(name) == text.len
                 ? wg_headers_joined(&read->message->headers, name, read->arena)
                 : (struct wg_str){0};
    if (!joined.at)
        return wg_fail(read->err, WG_BAD_SIGNATURE, "\"%s\" is signed but absent", name);
    if (clean_field(read, joined, &value) != WG_OK)
        return read->err->code;
    if (params->count > 0)
        return read_member(read, value, &params->at[0].value, ret_value);
    *ret_value = value;
    return WG_OK;
}

/** A parameter we do not implement changes the value in a way we would not see. */
static enum wg_code check_params(const struct component_read *read, const char *known)
{
    const struct wg_sf_params *params = &read->component->params;

    for (size_t i = 0; i < params->count; i++)
        if (!known || !wg_str_is(params->at[i].name, known))
            return wg_fail(
                read->err, WG_BAD_SIGNATURE,
                "component \"%.*s\" has the parameter \"%.*s\", which is not supported",
                WG_STR_F(read->component->bare.text), WG_STR_F(params->at[i].name));
    return WG_OK;
}

enum wg_code wg_signature_component(const struct wg_message *message,
                                    const struct wg_sf_item *component, struct wg_arena *arena,
                                    struct wg_str *ret_value, struct wg_err *err)
{
    const struct component_read read = {message, component, arena, err};
    const struct wg_str name = component->bare.text;

    if (component->bare.type != WG_SF_STRING || name.len == 0)
        return wg_fail(err, WG_BAD_SIGNATURE, "a component identifier is a quoted name");
    if (name.at[0] != '@')
        return check_params(&read, "key") == WG_OK ? read_field(&read, ret_value) : err->code;
    for (size_t i = 0; i < WG_COUNT(derived_components); i++) {
        const struct derived *derived = &derived_components[i];

        if (wg_str_is(name, derived->name))
            return check_params(&read, derived->param) == WG_OK
                       ? derived->read(&read, ret_value)
                       : err->code;
    }
    return wg_fail(err, WG_BAD_SIGNATURE, "component \"%.*s\" is not one of a request",
                   WG_STR_F(name));
}
