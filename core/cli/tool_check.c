// SPDX-License-Identifier: Apache-2.0
/* check-name, check-address. */
#include "cli/tool_impl.h"
#include "wire/address.h"
#include "wire/name.h"

enum { DEFAULT_PORT = 443 };

enum wg_code tool_check_name(struct tool_call *call)
{
    struct wg_str host;
    uint16_t port;

    if (wg_server_name_check(call->input, tool_has(call, "allow-ip-literal"), call->err) !=
        WG_OK)
        return call->err->code;
    wg_server_name_split(call->input, DEFAULT_PORT, &host, &port);
    wg_buf_addf(call->out, "%.*s %u\n", WG_STR_F(host), (unsigned)port);
    return wg_buf_status(call->out, call->err);
}

enum wg_code tool_check_address(struct tool_call *call)
{
    struct wg_ip ip;
    enum wg_code code;

    if (wg_ip_parse(call->input, &ip, call->err) != WG_OK)
        return call->err->code;
    code = wg_ip_guard(&ip, NULL, 0, call->err);
    wg_buf_addf(call->out, "%s %s\n", wg_ip_class_name(wg_ip_classify(&ip)),
                code == WG_OK ? "allowed" : "refused");
    return code;
}
