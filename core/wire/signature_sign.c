// SPDX-License-Identifier: Apache-2.0
/* Signing a message, RFC 9421 3.1 and 4. */
#include <sodium.h>

#include "base/id.h"
#include "wire/signature.h"

enum {
    NONCE_BYTES = 18,
    NONCE_TEXT = 25, /**< base64url of 18 bytes and NUL */
    BASE_LIMIT_BYTES = 256 * 1024,
    FIELD_LIMIT_BYTES = 64 * 1024,
};

static enum wg_code add_component(struct wg_sf_item *input, struct wg_str text,
                                  struct wg_arena *arena, struct wg_err *err)
{
    struct wg_sf_item *item = &input->items[input->item_count];

    if (text.len > 0 && text.at[0] == '"') {
        if (wg_sf_parse_item(text, arena, item, err) != WG_OK)
            return wg_while(err, "component to sign");
    } else {
        item->bare = (struct wg_sf_bare){.type = WG_SF_STRING, .text = text};
    }
    input->item_count++;
    return WG_OK;
}

static enum wg_code choose_components(const struct wg_message *message,
                                      const struct wg_sign_options *options,
                                      struct wg_arena *arena, struct wg_sf_item *input,
                                      struct wg_err *err)
{
    struct wg_str needed[5] = {WG_STR("@method"), WG_STR("@authority"), WG_STR("@path")};
    const struct wg_str *components = options->components;
    size_t count = options->component_count;

    if (!components) {
        components = needed;
        count = 3;
        if (message->query.at)
            needed[count++] = WG_STR("@query");
        if (message->body.len > 0)
            needed[count++] = WG_STR("content-digest");
    }
    input->items = wg_arena_alloc(arena, (count + 1) * sizeof *input->items);
    for (size_t i = 0; i < count; i++)
        if (add_component(input, components[i], arena, err) != WG_OK)
            return err->code;
    return WG_OK;
}

static void add_text_param(struct wg_sf_item *input, struct wg_arena *arena, const char *name,
                           struct wg_str text)
{
    const struct wg_sf_bare value = {.type = WG_SF_STRING, .text = text};

    if (text.at)
        wg_sf_param_add(&input->params, arena, wg_str(name), value);
}

static struct wg_str make_nonce(struct wg_arena *arena)
{
    unsigned char bytes[NONCE_BYTES];
    char text[NONCE_TEXT];

    wg_random(bytes, sizeof bytes);
    sodium_bin2base64(text, sizeof text, bytes, sizeof bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return wg_arena_copy(arena, wg_str(text));
}

static void add_params(const struct wg_sign_options *options, struct wg_arena *arena,
                       struct wg_sf_item *input)
{
    const struct wg_sf_bare created = {.type = WG_SF_INTEGER, .integer = options->created_s};

    wg_sf_param_add(&input->params, arena, WG_STR("created"), created);
    add_text_param(input, arena, "keyid", options->keyid);
    add_text_param(input, arena, "alg", WG_STR("ed25519"));
    add_text_param(input, arena, "nonce",
                   options->nonce.at ? options->nonce : make_nonce(arena));
    add_text_param(input, arena, "tag",
                   options->tag.at ? options->tag : WG_STR(WG_TAG_FEDERATION));
}

/** A field of one member, "label=...". */
static enum wg_code member_text(struct wg_str label, struct wg_sf_item value,
                                struct wg_arena *arena, struct wg_str *ret_text,
                                struct wg_err *err)
{
    struct wg_sf_members field = {.at = &value, .count = 1};
    struct wg_buf out;
    enum wg_code code;

    value.key = label;
    wg_buf_init(&out, FIELD_LIMIT_BYTES);
    code = wg_sf_write_dictionary(&field, &out, err);
    if (code == WG_OK)
        *ret_text = wg_arena_copy(arena, wg_buf_str(&out));
    wg_buf_done(&out);
    return code;
}

/** Takes an earlier member of that label out, so that ours is the only one; other members stay
 * as they are, and so does a field without it, to the byte. */
static enum wg_code drop_label(struct wg_headers *headers, const char *name,
                               struct wg_str label, struct wg_arena *arena, struct wg_err *err)
{
    struct wg_str field = wg_headers_joined(headers, name, arena);
    struct wg_sf_members members;
    size_t kept = 0;
    struct wg_buf out;
    enum wg_code code;

    if (!field.at)
        return WG_OK;
    if (wg_sf_parse_dictionary(field, arena, &members, err) != WG_OK)
        return wg_while(err, "%s", name);
    for (size_t i = 0; i < members.count; i++)
        if (!wg_str_equal(members.at[i].key, label))
            members.at[kept++] = members.at[i];
    if (kept == members.count)
        return WG_OK;
    members.count = kept;
    wg_buf_init(&out, FIELD_LIMIT_BYTES);
    code = wg_sf_write_dictionary(&members, &out, err);
    if (code == WG_OK) {
        wg_headers_remove(headers, name);
        if (kept > 0)
            wg_headers_add(headers, arena, wg_str(name),
                           wg_arena_copy(arena, wg_buf_str(&out)));
    }
    wg_buf_done(&out);
    return code;
}

static enum wg_code sign_base(const struct wg_message *message, const struct wg_sf_item *input,
                              const struct wg_secret_key *key, struct wg_arena *arena,
                              struct wg_sf_item *ret_value, struct wg_err *err)
{
    uint8_t *bytes = wg_arena_alloc(arena, WG_SIGNATURE_BYTES);
    struct wg_buf base;
    enum wg_code code;

    wg_buf_init(&base, BASE_LIMIT_BYTES);
    code = wg_signature_base(message, input, arena, &base, err);
    if (code == WG_OK)
        wg_sign(key, wg_buf_str(&base), bytes);
    wg_buf_done(&base);
    *ret_value = (struct wg_sf_item){
        .bare = {.type = WG_SF_BYTES, .text = wg_str_of(bytes, WG_SIGNATURE_BYTES)}};
    return code;
}

enum wg_code wg_message_sign(struct wg_message *message, const struct wg_sign_options *options,
                             const struct wg_secret_key *key, struct wg_arena *arena,
                             struct wg_err *err)
{
    struct wg_str label = options->label.at ? options->label : WG_STR("sw");
    struct wg_sf_item input = {.bare = {.type = WG_SF_INNER_LIST}}, value;
    struct wg_str input_text, value_text;

    if (message->body.len > 0 && wg_headers_count(&message->headers, "content-digest") == 0)
        wg_headers_add(&message->headers, arena, WG_STR("content-digest"),
                       wg_digest_make(message->body, arena));
    if (choose_components(message, options, arena, &input, err) != WG_OK ||
        drop_label(&message->headers, "signature-input", label, arena, err) != WG_OK ||
        drop_label(&message->headers, "signature", label, arena, err) != WG_OK)
        return err->code;
    add_params(options, arena, &input);
    if (sign_base(message, &input, key, arena, &value, err) != WG_OK ||
        member_text(label, input, arena, &input_text, err) != WG_OK ||
        member_text(label, value, arena, &value_text, err) != WG_OK)
        return err->code;
    wg_headers_add(&message->headers, arena, WG_STR("signature-input"), input_text);
    wg_headers_add(&message->headers, arena, WG_STR("signature"), value_text);
    return WG_OK;
}
