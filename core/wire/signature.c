// SPDX-License-Identifier: Apache-2.0
/* Reading and verifying, RFC 9421 4 and 3.2; the base is in section 2.5. */
#include "wire/signature.h"

enum { SIGNATURES_LIMIT = 16, COMPONENTS_LIMIT = 64, BASE_LIMIT_BYTES = 256 * 1024 };

static enum wg_code parse_field(const struct wg_message *message, const char *name,
                                const char *words, struct wg_arena *arena,
                                struct wg_sf_members *ret_members, struct wg_err *err)
{
    struct wg_str field = wg_headers_joined(&message->headers, name, arena);

    if (!field.at) {
        *ret_members = (struct wg_sf_members){0};
        return WG_OK;
    }
    if (wg_sf_parse_dictionary(field, arena, ret_members, err) != WG_OK)
        return wg_while(err, "%s", words);
    return WG_OK;
}

static enum wg_code wrong_type(struct wg_err *err, struct wg_str label, const char *name,
                               const char *type)
{
    return wg_fail(err, WG_INVALID, "Signature-Input: %s of '%.*s' is not %s", name,
                   WG_STR_F(label), type);
}

static enum wg_code read_strings(struct wg_signature *signature, struct wg_err *err)
{
    const struct {
        const char *name;
        struct wg_str *to;
    } strings[] = {{"keyid", &signature->keyid},
                   {"alg", &signature->alg},
                   {"nonce", &signature->nonce},
                   {"tag", &signature->tag}};

    for (size_t i = 0; i < WG_COUNT(strings); i++) {
        const struct wg_sf_bare *bare =
            wg_sf_param_get(&signature->input.params, strings[i].name);

        if (bare && bare->type != WG_SF_STRING)
            return wrong_type(err, signature->label, strings[i].name, "a string");
        if (bare)
            *strings[i].to = bare->text;
    }
    return WG_OK;
}

static enum wg_code read_times(struct wg_signature *signature, struct wg_err *err)
{
    const struct wg_sf_bare *created = wg_sf_param_get(&signature->input.params, "created");
    const struct wg_sf_bare *expires = wg_sf_param_get(&signature->input.params, "expires");

    if (created && created->type != WG_SF_INTEGER)
        return wrong_type(err, signature->label, "created", "a whole number");
    if (expires && expires->type != WG_SF_INTEGER)
        return wrong_type(err, signature->label, "expires", "a whole number");
    if ((signature->has_created = created != NULL))
        signature->created_s = created->integer;
    if ((signature->has_expires = expires != NULL))
        signature->expires_s = expires->integer;
    return WG_OK;
}

static enum wg_code read_signature(const struct wg_sf_item *input,
                                   const struct wg_sf_members *values,
                                   struct wg_signature *signature, struct wg_err *err)
{
    signature->label = input->key;
    signature->input = *input;
    if (input->bare.type != WG_SF_INNER_LIST)
        return wg_fail(err, WG_INVALID, "Signature-Input: '%.*s' is not a list of components",
                       WG_STR_F(input->key));
    for (size_t i = 0; i < input->item_count; i++)
        if (input->items[i].bare.type != WG_SF_STRING)
            return wg_fail(err, WG_INVALID,
                           "Signature-Input: a component of '%.*s' is not a string",
                           WG_STR_F(input->key));
    for (size_t i = 0; i < values->count; i++) {
        if (!wg_str_equal(values->at[i].key, input->key))
            continue;
        if (values->at[i].bare.type != WG_SF_BYTES)
            return wg_fail(err, WG_INVALID, "Signature: '%.*s' is not a byte sequence",
                           WG_STR_F(input->key));
        signature->bytes = values->at[i].bare.text;
    }
    return read_strings(signature, err) == WG_OK ? read_times(signature, err) : err->code;
}

enum wg_code wg_signatures_read(const struct wg_message *message, struct wg_arena *arena,
                                struct wg_signature **ret_signatures, size_t *ret_count,
                                struct wg_err *err)
{
    struct wg_sf_members inputs, values;
    struct wg_signature *signatures;

    if (parse_field(message, "signature-input", "Signature-Input", arena, &inputs, err) !=
            WG_OK ||
        parse_field(message, "signature", "Signature", arena, &values, err) != WG_OK)
        return err->code;
    if (inputs.count > SIGNATURES_LIMIT)
        return wg_fail(err, WG_INVALID,
                       "Signature-Input has %zu signatures, at most %d are read", inputs.count,
                       SIGNATURES_LIMIT);
    signatures = wg_arena_alloc(arena, inputs.count * sizeof *signatures);
    for (size_t i = 0; i < inputs.count; i++)
        if (read_signature(&inputs.at[i], &values, &signatures[i], err) != WG_OK)
            return err->code;
    *ret_signatures = signatures;
    *ret_count = inputs.count;
    return WG_OK;
}

/* Writes `"name";param: value`. Identifiers are compared as serialised, and each takes one
 * parameter at most, so order cannot hide a repetition. */
static enum wg_code write_line(const struct wg_message *message, const struct wg_sf_item *input,
                               size_t i, struct wg_arena *arena, struct wg_str *identifiers,
                               struct wg_buf *out, struct wg_err *err)
{
    struct wg_sf_item component = input->items[i];
    size_t start = out->len;
    struct wg_str value;

    if (wg_signature_component(message, &component, arena, &value, err) != WG_OK)
        return err->code;
    component.key = (struct wg_str){0};
    if (wg_sf_write_item(&component, out, err) != WG_OK)
        return err->code;
    identifiers[i] = wg_arena_copy(arena, wg_str_of(out->at + start, out->len - start));
    for (size_t before = 0; before < i; before++)
        if (wg_str_equal(identifiers[before], identifiers[i]))
            return wg_fail(err, WG_BAD_SIGNATURE, "component %.*s is signed twice",
                           WG_STR_F(identifiers[i]));
    wg_buf_adds(out, WG_STR(": "));
    wg_buf_adds(out, value);
    wg_buf_addc(out, '\n');
    return wg_buf_status(out, err);
}

enum wg_code wg_signature_base(const struct wg_message *message, const struct wg_sf_item *input,
                               struct wg_arena *arena, struct wg_buf *out, struct wg_err *err)
{
    struct wg_str identifiers[COMPONENTS_LIMIT];

    if (input->bare.type != WG_SF_INNER_LIST)
        return wg_fail(err, WG_BAD_SIGNATURE, "the signature covers no list of components");
    if (input->item_count > COMPONENTS_LIMIT)
        return wg_fail(err, WG_BAD_SIGNATURE, "%zu components are signed, at most %d may be",
                       input->item_count, COMPONENTS_LIMIT);
    for (size_t i = 0; i < input->item_count; i++)
        if (write_line(message, input, i, arena, identifiers, out, err) != WG_OK)
            return err->code;
    wg_buf_adds(out, WG_STR("\"@signature-params\": "));
    return wg_sf_write_item(input, out, err);
}

enum wg_code wg_signature_verify(const struct wg_message *message,
                                 const struct wg_signature *signature,
                                 const struct wg_public_key *key, struct wg_arena *arena,
                                 struct wg_err *err)
{
    struct wg_buf base;
    bool is_good;

    if (!signature->bytes.at)
        return wg_fail(err, WG_BAD_SIGNATURE, "Signature has nothing labelled '%.*s'",
                       WG_STR_F(signature->label));
    if (signature->alg.at && !wg_str_is(signature->alg, "ed25519"))
        return wg_fail(err, WG_BAD_SIGNATURE, "alg is \"%.*s\"; only \"ed25519\" is supported",
                       WG_STR_F(signature->alg));
    if (signature->bytes.len != WG_SIGNATURE_BYTES)
        return wg_fail(err, WG_BAD_SIGNATURE, "an Ed25519 signature has 64 bytes, this one %zu",
                       signature->bytes.len);
    wg_buf_init(&base, BASE_LIMIT_BYTES);
    if (wg_signature_base(message, &signature->input, arena, &base, err) != WG_OK) {
        wg_buf_done(&base);
        return err->code;
    }
    is_good = wg_verify(key, wg_buf_str(&base), signature->bytes);
    wg_buf_done(&base);
    if (!is_good)
        return wg_fail(err, WG_BAD_SIGNATURE,
                       "the signature '%.*s' does not verify with key %s",
                       WG_STR_F(signature->label), key->kid);
    return WG_OK;
}
