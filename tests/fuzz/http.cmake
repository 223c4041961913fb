# SPDX-License-Identifier: Apache-2.0
wavegate_fuzz(http_request wg_http)
wavegate_fuzz(http_response wg_http)
