// SPDX-License-Identifier: Apache-2.0
#include "policy/list_impl.h"

/* One entry a line: "spam.example  sends spam", "spam.example # sends spam". */

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* "0.0.0.0 ads.example": the address would be the entry and the name its reason. */
static bool is_hosts_line(const struct wg_list_row *row)
{
    static const char *const nowhere[] = {"0.0.0.0", "127.0.0.1", "::", "::1"};

    for (size_t i = 0; i < WG_COUNT(nowhere); i++) {
        if (wg_str_is(row->entry, nowhere[i]))
            return row->reason.len && row->reason.at[0] != '#';
    }
    return false;
}

static enum wg_code read_line(struct wg_list_draft *draft, struct wg_str line, uint32_t number,
                              struct wg_err *err)
{
    struct wg_list_row row = {.entry = line, .line = number};

    row.entry.len = 0;
    while (row.entry.len < line.len && !is_space(line.at[row.entry.len]))
        row.entry.len++;
    row.reason = wg_str_trim(wg_str_of(line.at + row.entry.len, line.len - row.entry.len));
    if (is_hosts_line(&row)) {
        wg_fail(err, WG_INVALID, "a line of a hosts file; write the name alone");
        return wg_list_draft_broken(draft, number, err);
    }
    if (row.reason.len && row.reason.at[0] == '#')
        row.reason = wg_str_of(row.reason.at + 1, row.reason.len - 1);
    return wg_list_draft_add(draft, &row, err);
}

enum wg_code wg_list_read_text(struct wg_list_draft *draft, struct wg_str text,
                               struct wg_err *err)
{
    uint32_t number = 0;

    while (text.at) {
        struct wg_str line = wg_str_split(&text, '\n');

        number++;
        wg_list_draft_give_back(draft, line.at);
        if (line.len && line.at[line.len - 1] == '\r')
            line.len--;
        line = wg_str_trim(line);
        if (line.len && line.at[0] != '#' && read_line(draft, line, number, err) != WG_OK)
            return err->code;
    }
    return WG_OK;
}
