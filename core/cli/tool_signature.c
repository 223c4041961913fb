// SPDX-License-Identifier: Apache-2.0
/* signature-base, sign-request. */
#include "cli/tool_impl.h"
#include "wire/name.h"
#include "wire/signature.h"

static enum wg_code one_line(struct tool_call *call, const struct wg_message *message,
                             struct wg_str text)
{
    struct wg_sf_item component;
    struct wg_str value;
    struct wg_err err;

    if (wg_sf_parse_item(text, call->arena, &component, &err) != WG_OK)
        return tool_misuse(call, "'component' is an identifier like '\"@path\"': %s", err.text);
    if (wg_signature_component(message, &component, call->arena, &value, call->err) != WG_OK ||
        wg_sf_write_item(&component, call->out, call->err) != WG_OK)
        return call->err->code;
    wg_buf_adds(call->out, WG_STR(": "));
    wg_buf_adds(call->out, value);
    return wg_buf_status(call->out, call->err);
}

/** The signature labelled so, or the only one, or the one tagged as the profile wants. */
static enum wg_code choose(struct tool_call *call, const struct wg_message *message,
                           struct wg_str label, struct wg_signature *ret_signature)
{
    struct wg_signature *signatures;
    size_t count;

    if (wg_signatures_read(message, call->arena, &signatures, &count, call->err) != WG_OK)
        return call->err->code;
    for (size_t i = 0; i < count; i++)
        if (label.at ? wg_str_equal(signatures[i].label, label) : count == 1) {
            *ret_signature = signatures[i];
            return WG_OK;
        }
    if (label.at)
        return wg_fail(call->err, WG_BAD_SIGNATURE, "no signature is labelled '%.*s'",
                       WG_STR_F(label));
    return wg_profile_select(message, WG_TAG_FEDERATION, call->arena, ret_signature, call->err);
}

enum wg_code tool_signature_base(struct tool_call *call)
{
    struct wg_str component = tool_value_of(call, "component");
    struct wg_signature signature;
    struct wg_message message;

    if (tool_request(call, &message) != WG_OK)
        return call->err->code;
    if (component.at)
        return one_line(call, &message, component);
    if (choose(call, &message, tool_value_of(call, "label"), &signature) != WG_OK)
        return call->err->code;
    return wg_signature_base(&message, &signature.input, call->arena, call->out, call->err);
}

/** --cover '"@method" "x";key="a"' to one text for each. */
static enum wg_code read_cover(struct tool_call *call, struct wg_sign_options *options)
{
    struct wg_str cover = tool_value_of(call, "cover"), *components;
    struct wg_sf_members list;
    struct wg_err err;
    struct wg_buf text;

    if (!cover.at)
        return WG_OK;
    cover = wg_str(wg_arena_format(call->arena, "(%.*s)", WG_STR_F(cover)));
    if (wg_sf_parse_list(cover, call->arena, &list, &err) != WG_OK)
        return tool_misuse(call, "'cover' is a list like '\"@method\" \"@path\"': %s",
                           err.text);
    if (list.count != 1)
        return tool_misuse(call, "'cover' is a list like '\"@method\" \"@path\"'");
    components = wg_arena_alloc(call->arena, (list.at[0].item_count + 1) * sizeof *components);
    wg_buf_init(&text, cover.len * 2 + 64);
    for (size_t i = 0; i < list.at[0].item_count; i++) {
        wg_buf_clear(&text);
        if (wg_sf_write_item(&list.at[0].items[i], &text, &err) == WG_OK)
            components[i] = wg_arena_copy(call->arena, wg_buf_str(&text));
    }
    wg_buf_done(&text);
    options->components = components;
    options->component_count = list.at[0].item_count;
    return WG_OK;
}

static enum wg_code read_sign_options(struct tool_call *call, const struct wg_secret_key *key,
                                      struct wg_sign_options *ret_options)
{
    struct wg_str server_name = tool_value_of(call, "server-name");
    struct wg_sign_options options = {.label = tool_value_of(call, "label"),
                                      .nonce = tool_value_of(call, "nonce")};
    struct wg_err err;

    if (wg_server_name_check(server_name, true, &err) != WG_OK)
        return tool_misuse(call, "'server-name': %s", err.text);
    options.keyid = wg_str(
        wg_arena_format(call->arena, "%.*s#%s", WG_STR_F(server_name), key->public_key.kid));
    if (tool_time(call, "created", &options.created_s) != WG_OK ||
        read_cover(call, &options) != WG_OK)
        return call->err->code;
    *ret_options = options;
    return WG_OK;
}

static enum wg_code refuse_used_label(struct tool_call *call, const struct wg_message *message,
                                      struct wg_str label)
{
    struct wg_signature *signatures;
    size_t count;

    if (wg_signatures_read(message, call->arena, &signatures, &count, call->err) != WG_OK)
        return call->err->code;
    for (size_t i = 0; i < count; i++)
        if (wg_str_equal(signatures[i].label, label))
            return wg_fail(call->err, WG_EXISTS,
                           "the request has a signature labelled '%.*s' already: give another "
                           "--label",
                           WG_STR_F(label));
    return WG_OK;
}

static const char *written_name(struct wg_str name)
{
    return wg_str_is(name, "signature")         ? "Signature"
           : wg_str_is(name, "signature-input") ? "Signature-Input"
                                                : "Content-Digest";
}

/** The request as it came, with the new fields at the end of its header block. */
static enum wg_code write_signed(struct tool_call *call, const struct wg_message *message,
                                 size_t first_new)
{
    const char *blank = memmem(call->input.at, call->input.len, "\r\n\r\n", 4);
    size_t head;

    if (!blank)
        return wg_fail(call->err, WG_INVALID, "request: its header block does not end");
    head = (size_t)(blank - call->input.at) + 2;
    wg_buf_add(call->out, call->input.at, head);
    for (size_t i = first_new; i < message->headers.count; i++)
        wg_buf_addf(call->out, "%s: %.*s\r\n", written_name(message->headers.at[i].name),
                    WG_STR_F(message->headers.at[i].value));
    wg_buf_add(call->out, call->input.at + head, call->input.len - head);
    return wg_buf_status(call->out, call->err);
}

static enum wg_code sign_with(struct tool_call *call, const struct wg_secret_key *key)
{
    struct wg_sign_options options = {0};
    struct wg_message message;
    size_t first_new;

    if (read_sign_options(call, key, &options) != WG_OK ||
        tool_request(call, &message) != WG_OK)
        return call->err->code;
    if (!options.label.at)
        options.label = WG_STR("sw");
    first_new = message.headers.count;
    if (refuse_used_label(call, &message, options.label) != WG_OK ||
        wg_message_sign(&message, &options, key, call->arena, call->err) != WG_OK)
        return call->err->code;
    return write_signed(call, &message, first_new);
}

enum wg_code tool_sign_request(struct tool_call *call)
{
    struct wg_secret_key key;
    enum wg_code code;

    if (tool_secret_key(call, &key) != WG_OK)
        return call->err->code;
    code = sign_with(call, &key);
    wg_secret_key_done(&key);
    return code;
}
