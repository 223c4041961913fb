// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_impl.h"
#include "admin/openapi_json.h"

void wg_admin_openapi(struct wg_admin_request *request)
{
    wg_admin_answer_text(request, 200, wg_str_of(wg_openapi_json, wg_openapi_json_len));
}
