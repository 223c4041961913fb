// SPDX-License-Identifier: Apache-2.0
#include "http/answer_impl.h"

#include <stdio.h>
#include <time.h>

#include "http/rules_impl.h"

void wg_http_date_write(int64_t wall_s, char ret_text[WG_HTTP_DATE_TEXT])
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t time = (time_t)wall_s;
    struct tm tm;

    gmtime_r(&time, &tm);
    snprintf(ret_text, WG_HTTP_DATE_TEXT, "%s, %02u %s %04u %02u:%02u:%02u GMT",
             days[tm.tm_wday], (unsigned)tm.tm_mday % 100, months[tm.tm_mon],
             (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
             (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

const char *wg_http_status_words(int status)
{
    static const struct {
        int status;
        const char *words;
    } rows[] = {
        {100, "Continue"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {407, "Proxy Authentication Required"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };

    for (size_t i = 0; i < WG_COUNT(rows); i++)
        if (rows[i].status == status)
            return rows[i].words;
    return "";
}

bool wg_http_status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

static bool is_ours(struct wg_str name)
{
    static const char *const names[] = {"connection", "content-length",    "date",
                                        "keep-alive", "transfer-encoding", "upgrade"};

    for (size_t i = 0; i < WG_COUNT(names); i++)
        if (wg_str_equal_nocase(name, wg_str(names[i])))
            return true;
    return false;
}

void wg_http_answer_head(struct wg_buf *out, const struct wg_http_answer *answer,
                         enum wg_http_ending ending, bool is_last, const char *date)
{
    wg_buf_addf(out, "HTTP/1.1 %03d %s\r\nDate: %s\r\n", answer->status,
                wg_http_status_words(answer->status), date);
    for (size_t i = 0; i < answer->header_count; i++) {
        const struct wg_header *header = &answer->headers[i];

        /* Values come from scripts and upstreams; a line break would be a second answer. */
        if (is_ours(header->name) || !wg_http_is_token(header->name) ||
            !wg_http_is_value(header->value))
            continue;
        wg_buf_adds(out, header->name);
        wg_buf_adds(out, WG_STR(": "));
        wg_buf_adds(out, header->value);
        wg_buf_adds(out, WG_STR("\r\n"));
    }
    if (wg_http_status_has_body(answer->status) && ending == WG_HTTP_BY_LENGTH)
        wg_buf_addf(out, "Content-Length: %zu\r\n", answer->body.len);
    if (wg_http_status_has_body(answer->status) && ending == WG_HTTP_BY_CHUNKS)
        wg_buf_adds(out, WG_STR("Transfer-Encoding: chunked\r\n"));
    if (is_last)
        wg_buf_adds(out, WG_STR("Connection: close\r\n"));
    wg_buf_adds(out, WG_STR("\r\n"));
}
