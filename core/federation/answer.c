// SPDX-License-Identifier: Apache-2.0
#include "federation/answer.h"

void wg_answer_error_body(const char *sw_code, struct wg_str message, struct wg_buf *out)
{
    wg_buf_addf(out, "{\"error\":{\"code\":\"%s\",\"message\":\"", sw_code);
    wg_buf_add_json(out, message);
    wg_buf_addf(out, "\"}}");
}

void wg_answer_http_error(int status, const char *reason, struct wg_buf *out)
{
    enum wg_code code = status == 413                    ? WG_TOO_LARGE
                        : status >= 500 && status != 505 ? WG_INTERNAL
                                                         : WG_INVALID;

    wg_answer_error_body(wg_code_answer(code), wg_str(reason), out);
}
