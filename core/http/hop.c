// SPDX-License-Identifier: Apache-2.0
#include "http/hop.h"

#include "http/rules_impl.h"

static bool is_hop_by_hop(const struct wg_headers *headers, struct wg_str name)
{
    static const char *const names[] = {"connection", "keep-alive", "proxy-connection",
                                        "te",         "trailer",    "transfer-encoding",
                                        "upgrade"};

    for (size_t i = 0; i < WG_COUNT(names); i++)
        if (wg_str_equal_nocase(name, wg_str(names[i])))
            return true;
    for (size_t i = 0; i < headers->count; i++) {
        struct wg_str rest = headers->at[i].value;

        if (!wg_str_is(headers->at[i].name, "connection"))
            continue;
        while (rest.at)
            if (wg_str_equal_nocase(wg_str_trim(wg_str_split(&rest, ',')), name))
                return true;
    }
    return false;
}

void wg_http_remove_hop_by_hop(struct wg_headers *headers)
{
    struct wg_headers all = *headers;
    size_t kept = 0;

    /* Connection is needed until the last field was judged: it goes last. */
    for (size_t i = 0; i < all.count; i++) {
        bool is_connection = wg_str_is(all.at[i].name, "connection");

        if (is_connection || !is_hop_by_hop(&all, all.at[i].name))
            headers->at[kept++] = all.at[i];
    }
    headers->count = kept;
    wg_headers_remove(headers, "connection");
}
