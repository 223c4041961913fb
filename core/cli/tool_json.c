// SPDX-License-Identifier: Apache-2.0
/* canonicalize, parse-json, parse-field: text in, its one canonical text out. */
#include "cli/tool_impl.h"
#include "wire/json.h"
#include "wire/sf.h"

enum wg_code tool_canonicalize(struct tool_call *call)
{
    json_t *json;
    enum wg_code code;

    if (wg_json_parse(call->input, &json, call->err) != WG_OK)
        return call->err->code;
    code = wg_jcs_write(json, call->out, call->err);
    json_decref(json);
    return code;
}

enum wg_code tool_parse_json(struct tool_call *call)
{
    json_t *json;

    if (wg_json_parse(call->input, &json, call->err) != WG_OK)
        return call->err->code;
    json_decref(json);
    return WG_OK;
}

enum wg_code tool_parse_field(struct tool_call *call)
{
    struct wg_str type = tool_value_of(call, "type");
    struct wg_sf_members members;
    struct wg_sf_item item;

    if (wg_str_is(type, "item"))
        return wg_sf_parse_item(call->input, call->arena, &item, call->err) == WG_OK
                   ? wg_sf_write_item(&item, call->out, call->err)
                   : call->err->code;
    if (wg_str_is(type, "list"))
        return wg_sf_parse_list(call->input, call->arena, &members, call->err) == WG_OK
                   ? wg_sf_write_list(&members, call->out, call->err)
                   : call->err->code;
    if (wg_str_is(type, "dictionary"))
        return wg_sf_parse_dictionary(call->input, call->arena, &members, call->err) == WG_OK
                   ? wg_sf_write_dictionary(&members, call->out, call->err)
                   : call->err->code;
    return tool_misuse(call, "'type' is item, list or dictionary");
}
