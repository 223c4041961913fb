// SPDX-License-Identifier: Apache-2.0
#include "wire/event.h"

#include <sodium.h>
#include <stdio.h>

#include "base/macros.h"
#include "wire/jcs_impl.h"
#include "wire/name.h"

#define ALGORITHM "ed25519:"

enum {
    TYPE_LIMIT = 255,
    SIGNED_LIMIT_BYTES = 1024 * 1024, /* of Lua's making too; what peers send is far below */
    BASE64_LIMIT_BYTES = 8192,        /* room for the algorithms of others, ML-DSA among them */
    KEY_NAME_TEXT = sizeof ALGORITHM + WG_KID_CHARS,
};

static enum wg_code require_string(const json_t *json, const char *member,
                                   struct wg_str *ret_text, struct wg_err *err)
{
    *ret_text = wg_json_string(json, member);
    if (ret_text->at)
        return WG_OK;
    return wg_fail(err, WG_INVALID, "member '%s' is %s", member,
                   json_object_get(json, member) ? "not a string" : "missing");
}

static enum wg_code type_check(struct wg_str type, struct wg_err *err)
{
    if (type.len == 0 || type.len > TYPE_LIMIT)
        return wg_fail(err, WG_INVALID, "member 'type' must have 1 to %d bytes", TYPE_LIMIT);
    for (size_t i = 0; i < type.len; i++) {
        if (type.at[i] <= ' ' || type.at[i] >= 0x7f)
            return wg_fail(err, WG_INVALID,
                           "member 'type' must be printable ASCII without spaces, such as "
                           "swp.room.message");
    }
    return WG_OK;
}

static enum wg_code read_names(struct wg_event *event, struct wg_err *err)
{
    const json_t *json = event->json;
    struct wg_str local;

    if (require_string(json, "id", &event->id, err) != WG_OK ||
        require_string(json, "type", &event->type, err) != WG_OK ||
        require_string(json, "room_id", &event->room_id, err) != WG_OK ||
        require_string(json, "sender_id", &event->sender, err) != WG_OK ||
        require_string(json, "origin", &event->origin, err) != WG_OK)
        return err->code;
    if (wg_event_id_parse(event->id, &event->uuid, err) != WG_OK)
        return wg_while(err, "member 'id'");
    if (type_check(event->type, err) != WG_OK)
        return err->code;
    if (wg_room_id_check(event->room_id, err) != WG_OK)
        return wg_while(err, "member 'room_id'");
    if (wg_participant_parse(event->sender, &local, &event->sender_server, err) != WG_OK)
        return wg_while(err, "member 'sender_id'");
    if (!wg_str_equal(event->origin, event->sender_server))
        return wg_fail(err, WG_INVALID,
                       "member 'origin' must be the server of 'sender_id', '%.*s'",
                       WG_STR_F(event->sender_server));
    return WG_OK;
}

static enum wg_code measure_content(struct wg_event *event, struct wg_err *err)
{
    struct wg_buf canonical;
    enum wg_code code;

    wg_buf_init(&canonical, WG_CONTENT_LIMIT_BYTES);
    code = wg_jcs_write(event->content, &canonical, err);
    if (code == WG_TOO_LARGE)
        wg_fail(err, WG_TOO_LARGE,
                "member 'content' is over the limit of %d bytes in canonical form; send it in "
                "parts or by reference",
                WG_CONTENT_LIMIT_BYTES);
    else if (code != WG_OK)
        wg_while(err, "member 'content'");
    event->content_bytes = canonical.len;
    wg_buf_done(&canonical);
    return code;
}

/* Only what concerns another may name another: a join that did would bring one and count as the
 * other. */
static struct wg_str read_participant(const struct wg_event *event)
{
    struct wg_str named = wg_json_string(event->content, "participant_id");
    bool is_leave = wg_str_is(event->membership, "leave");
    struct wg_str nobody = {NULL, 0};
    struct wg_str local, server;
    struct wg_err ignored;

    if (!is_leave && !wg_str_is(event->membership, "ban") && !wg_event_is_invite(event))
        return event->sender;
    if (named.at && wg_participant_parse(named, &local, &server, &ignored) == WG_OK)
        return named;
    return is_leave ? event->sender : nobody;
}

static enum wg_code read_content(struct wg_event *event, struct wg_err *err)
{
    event->content = json_object_get(event->json, "content");
    if (!json_is_object(event->content))
        return wg_fail(err, WG_INVALID, "member 'content' is %s",
                       event->content ? "not an object" : "missing");
    if (wg_str_is(event->type, "swp.room.member")) {
        event->membership = wg_json_string(event->content, "membership");
        event->participant = read_participant(event);
    }
    return measure_content(event, err);
}

/** Standard base64 with its padding; other algorithms than ours may have any length. */
static bool is_base64(const json_t *value)
{
    uint8_t bytes[BASE64_LIMIT_BYTES];
    size_t len;

    return json_is_string(value) && json_string_length(value) > 0 &&
           sodium_base642bin(bytes, sizeof bytes, json_string_value(value),
                             json_string_length(value), NULL, &len, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0;
}

static enum wg_code signatures_check(const struct wg_event *event, struct wg_err *err)
{
    json_t *signatures = json_object_get(event->json, "signatures"), *of_server, *text;
    const char *server, *key_name;

    if (signatures && !json_is_object(signatures))
        return wg_fail(err, WG_INVALID, "member 'signatures' is not an object");
    json_object_foreach(signatures, server, of_server)
    {
        if (!json_is_object(of_server))
            return wg_fail(err, WG_INVALID,
                           "member 'signatures': '%s' is not an object of key names", server);
        json_object_foreach(of_server, key_name, text)
        {
            if (!is_base64(text))
                return wg_fail(err, WG_INVALID,
                               "member 'signatures': '%s' of '%s' is not base64 text", key_name,
                               server);
        }
    }
    return WG_OK;
}

static enum wg_code read_members(struct wg_event *event, struct wg_err *err)
{
    if (!json_is_object(event->json))
        return wg_fail(err, WG_INVALID, "an event is a JSON object");
    if (read_names(event, err) != WG_OK)
        return err->code;
    if (!wg_json_integer(event->json, "origin_ts", &event->origin_ts) || event->origin_ts < 0)
        return wg_fail(err, WG_INVALID,
                       "member 'origin_ts' must be a whole number of seconds since 1970");
    if (signatures_check(event, err) != WG_OK)
        return err->code;
    return read_content(event, err);
}

enum wg_code wg_event_from_json(json_t *json, struct wg_event *ret_event, struct wg_err *err)
{
    struct wg_event event = {.json = json};

    if (read_members(&event, err) != WG_OK)
        return err->code;
    json_incref(json);
    *ret_event = event;
    return WG_OK;
}

enum wg_code wg_event_parse(struct wg_str text, struct wg_event *ret_event, struct wg_err *err)
{
    enum wg_code code;
    json_t *json;

    if (wg_json_parse(text, &json, err) != WG_OK)
        return err->code;
    code = wg_event_from_json(json, ret_event, err);
    json_decref(json);
    return code;
}

void wg_event_done(struct wg_event *event)
{
    json_decref(event->json);
    *event = (struct wg_event){.json = NULL};
}

bool wg_event_is_invite(const struct wg_event *event)
{
    return wg_str_is(event->membership, "invite");
}

enum wg_code wg_event_signed_bytes(const struct wg_event *event, struct wg_buf *out,
                                   struct wg_err *err)
{
    static const char *const unsigned_members[] = {"signatures", "unsigned", NULL};

    return wg_jcs_write_without(event->json, unsigned_members, out, err);
}

static json_t *signatures_of(const struct wg_event *event, struct wg_str server)
{
    return json_object_getn(json_object_get(event->json, "signatures"), server.at, server.len);
}

size_t wg_event_signature_kids(const struct wg_event *event, struct wg_str *ret_kids,
                               size_t limit)
{
    const size_t skip = sizeof ALGORITHM - 1;
    const char *key_name;
    json_t *text;
    size_t count = 0;

    json_object_foreach(signatures_of(event, event->origin), key_name, text)
    {
        if (strncmp(key_name, ALGORITHM, skip) != 0)
            continue;
        if (count < limit)
            ret_kids[count] = wg_str(key_name + skip);
        count++;
    }
    return count;
}

static void write_key_name(const struct wg_public_key *key, char ret_name[KEY_NAME_TEXT])
{
    snprintf(ret_name, KEY_NAME_TEXT, ALGORITHM "%s", key->kid);
}

static enum wg_code find_signature(const struct wg_event *event, const char *key_name,
                                   uint8_t ret_signature[WG_SIGNATURE_BYTES],
                                   struct wg_err *err)
{
    struct wg_str text = wg_json_string(signatures_of(event, event->origin), key_name);
    size_t len;

    if (!text.at)
        return wg_fail(err, WG_BAD_SIGNATURE,
                       "the event carries no signature of '%.*s' under '%s'",
                       WG_STR_F(event->origin), key_name);
    if (sodium_base642bin(ret_signature, WG_SIGNATURE_BYTES, text.at, text.len, NULL, &len,
                          NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
        len != WG_SIGNATURE_BYTES)
        return wg_fail(err, WG_BAD_SIGNATURE,
                       "the event's signature under '%s' is not the base64 of %d bytes",
                       key_name, WG_SIGNATURE_BYTES);
    return WG_OK;
}

enum wg_code wg_event_verify(const struct wg_event *event, const struct wg_public_key *key,
                             struct wg_err *err)
{
    uint8_t signature[WG_SIGNATURE_BYTES];
    char key_name[KEY_NAME_TEXT];
    struct wg_buf bytes;
    enum wg_code code;

    write_key_name(key, key_name);
    if (find_signature(event, key_name, signature, err) != WG_OK)
        return err->code;
    wg_buf_init(&bytes, SIGNED_LIMIT_BYTES);
    code = wg_event_signed_bytes(event, &bytes, err);
    if (code == WG_OK &&
        !wg_verify(key, wg_buf_str(&bytes), wg_str_of(signature, sizeof signature)))
        code = wg_fail(err, WG_BAD_SIGNATURE,
                       "the event's signature of '%.*s' under '%s' does not fit the event; it "
                       "must cover the RFC 8785 form without 'signatures' and 'unsigned'",
                       WG_STR_F(event->origin), key_name);
    wg_buf_done(&bytes);
    return code;
}

/** The member's object, made when missing; NULL when there is no memory. */
static json_t *object_in(json_t *parent, const char *member)
{
    json_t *object = json_object_get(parent, member);

    if (object)
        return object;
    object = json_object();
    return json_object_set_new(parent, member, object) == 0 ? object : NULL;
}

enum wg_code wg_event_sign(struct wg_event *event, struct wg_str server_name,
                           const struct wg_secret_key *key, struct wg_err *err)
{
    char text[sodium_base64_ENCODED_LEN(WG_SIGNATURE_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    uint8_t signature[WG_SIGNATURE_BYTES];
    char key_name[KEY_NAME_TEXT];
    json_t *of_server;
    struct wg_buf bytes;
    enum wg_code code;

    if (!wg_str_equal(event->origin, server_name))
        return wg_fail(err, WG_INVALID, "'%.*s' cannot sign an event whose origin is '%.*s'",
                       WG_STR_F(server_name), WG_STR_F(event->origin));
    wg_buf_init(&bytes, SIGNED_LIMIT_BYTES);
    code = wg_event_signed_bytes(event, &bytes, err);
    if (code == WG_OK) {
        wg_sign(key, wg_buf_str(&bytes), signature);
        sodium_bin2base64(text, sizeof text, signature, sizeof signature,
                          sodium_base64_VARIANT_ORIGINAL);
        write_key_name(&key->public_key, key_name);
        /* origin is the text of a jansson string: NUL-terminated. */
        of_server = object_in(object_in(event->json, "signatures"), event->origin.at);
        if (json_object_set_new(of_server, key_name, json_string(text)) != 0)
            code = wg_fail(err, WG_INTERNAL, "no memory for a signature");
    }
    wg_buf_done(&bytes);
    return code;
}
