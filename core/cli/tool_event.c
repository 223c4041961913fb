// SPDX-License-Identifier: Apache-2.0
/* sign-event, verify-event. */
#include "cli/tool_impl.h"
#include "wire/event.h"
#include "wire/json.h"
#include "wire/name.h"
#include "wire/signature.h"

enum wg_code tool_sign_event(struct tool_call *call)
{
    struct wg_str server_name = tool_value_of(call, "server-name");
    struct wg_secret_key key;
    struct wg_event event;
    struct wg_err err;
    enum wg_code code;

    if (wg_server_name_check(server_name, true, &err) != WG_OK)
        return tool_misuse(call, "'server-name': %s", err.text);
    if (tool_secret_key(call, &key) != WG_OK)
        return call->err->code;
    code = wg_event_parse(call->input, &event, call->err);
    if (code == WG_OK) {
        code = wg_event_sign(&event, server_name, &key, call->err);
        if (code == WG_OK)
            code = wg_jcs_write(event.json, call->out, call->err);
        wg_event_done(&event);
    }
    wg_secret_key_done(&key);
    return code;
}

/** Tries the keys given for the event's origin. */
static enum wg_code verify_with_keys(struct tool_call *call, const struct wg_event *event)
{
    enum wg_code code = WG_BAD_SIGNATURE;
    struct wg_str text;
    size_t cursor = 0, tried = 0;

    while (code != WG_OK && tool_next_value(call, "key", &cursor, &text)) {
        struct wg_str keyid, server, kid;
        struct wg_public_key key;
        struct wg_err err;

        if (tool_public_key(call, text, &keyid, &key) != WG_OK)
            return call->err->code;
        if (wg_keyid_parse(keyid, &server, &kid, &err) != WG_OK)
            return tool_misuse(call, "%s", err.text);
        if (kid.at && !wg_str_is(kid, key.kid))
            return tool_misuse(call, "the kid of that key is %s, not %.*s", key.kid,
                               WG_STR_F(kid));
        if (!wg_str_equal(server, event->origin))
            continue;
        tried++;
        code = wg_event_verify(event, &key, call->err);
    }
    if (tried == 0)
        return wg_fail(call->err, WG_BAD_SIGNATURE,
                       "no key is given for the event's origin \"%.*s\"",
                       WG_STR_F(event->origin));
    return code;
}

enum wg_code tool_verify_event(struct tool_call *call)
{
    struct wg_event event;
    enum wg_code code;

    if (tool_check_keys(call) != WG_OK ||
        wg_event_parse(call->input, &event, call->err) != WG_OK)
        return call->err->code;
    code = verify_with_keys(call, &event);
    wg_event_done(&event);
    return code;
}
