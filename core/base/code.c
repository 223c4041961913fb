// SPDX-License-Identifier: Apache-2.0
#include "base/code.h"

#include <string.h>

static const struct row {
    const char *name;
    const char *words;
    bool can_retry;
    int status;
    const char *answer;
} rows[] = {
#define X(name, words, retry, status, code) {#name, words, retry, status, code},
    WG_CODES(X)
#undef X
};

enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

static const struct row *row_of(enum wg_code code)
{
    return &rows[(unsigned)code < ROW_COUNT ? code : WG_INTERNAL];
}

const char *wg_code_name(enum wg_code code)
{
    return row_of(code)->name;
}

const char *wg_code_words(enum wg_code code)
{
    return row_of(code)->words;
}

const char *wg_code_answer(enum wg_code code)
{
    const struct row *row = row_of(code);

    return row->answer[0] ? row->answer : rows[WG_INTERNAL].answer;
}

int wg_code_status(enum wg_code code)
{
    return row_of(code)->status;
}

bool wg_code_can_retry(enum wg_code code)
{
    return row_of(code)->can_retry;
}

bool wg_code_from_answer(const char *sw_code, enum wg_code *ret_code)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].answer[0] && strcmp(rows[i].answer, sw_code) == 0) {
            *ret_code = (enum wg_code)i;
            return true;
        }
    }
    return false;
}
