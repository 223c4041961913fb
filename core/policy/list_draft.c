// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/map.h"
#include "base/utf8.h"
#include "policy/list_impl.h"
#include "policy/policy_impl.h"

enum { REASON_HEAD = 2, FIRST_REASON_SLOTS = 256, SHOWN = 80, GIVE_BACK_BYTES = 1 << 22 };

struct wg_str *wg_list_row_column(struct wg_list_row *row, struct wg_str name)
{
    const struct {
        const char *name;
        struct wg_str *column;
    } names[] = {
        {"entry", &row->entry},
        {"domain", &row->entry},
        {"name", &row->entry},
        {"host", &row->entry},
        {"server", &row->entry},
        {"reason", &row->reason},
        {"comment", &row->reason},
        {"public_comment", &row->reason},
        {"severity", &row->severity},
        {"expires", &row->expires},
        {"expires_at", &row->expires},
        {"reject_media", &row->rejects_media},
        {"reject_reports", &row->rejects_reports},
    };

    for (size_t i = 0; i < WG_COUNT(names); i++) {
        if (wg_str_equal_nocase(name, wg_str(names[i].name)))
            return names[i].column;
    }
    return NULL;
}

void wg_list_draft_give_back(struct wg_list_draft *draft, const char *at)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t text = (uintptr_t)draft->source_text, begin, end;

    if (!draft->source_text || (uintptr_t)at - text < draft->given_back + GIVE_BACK_BYTES)
        return;
    /* Only pages that are wholly ours: others hold the heap's own notes. */
    begin = (text + draft->given_back + page - 1) / page * page;
    end = (uintptr_t)at / page * page;
    draft->given_back = end - text;
    madvise((void *)begin, end - begin, MADV_DONTNEED);
}

static uint16_t reason_len(const struct wg_list *list, uint32_t at)
{
    uint16_t len;

    memcpy(&len, list->reasons + at, sizeof len);
    return len;
}

/* The slot where reason stands, or would. */
static uint32_t *reason_slot(const struct wg_list_draft *draft, struct wg_str reason)
{
    const struct wg_list *list = draft->list;
    size_t mask = draft->reason_slot_count - 1;

    for (size_t i = wg_hash(reason.at, reason.len) & mask;; i = (i + 1) & mask) {
        uint32_t at = draft->reason_slots[i];

        if (!at || wg_str_equal(reason, wg_str_of(list->reasons + at + REASON_HEAD,
                                                  reason_len(list, at))))
            return &draft->reason_slots[i];
    }
}

static bool grow_reason_slots(struct wg_list_draft *draft)
{
    uint32_t *old = draft->reason_slots;
    size_t old_count = draft->reason_slot_count;
    size_t count = old_count ? old_count * 2 : FIRST_REASON_SLOTS;
    uint32_t *slots = wg_try_alloc(count * sizeof *slots);

    if (!slots)
        return false;
    draft->reason_slots = slots;
    draft->reason_slot_count = count;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i])
            *reason_slot(draft, wg_str_of(draft->list->reasons + old[i] + REASON_HEAD,
                                          reason_len(draft->list, old[i]))) = old[i];
    }
    wg_free(old);
    return true;
}

/* Lists repeat their reasons: each is kept once. */
static enum wg_code intern_reason(struct wg_list_draft *draft, struct wg_str reason,
                                  uint32_t *ret_at, struct wg_err *err)
{
    struct wg_list *list = draft->list;
    uint16_t len = (uint16_t)reason.len;
    uint32_t *slot;

    if (draft->reason_count * 2 >= draft->reason_slot_count && !grow_reason_slots(draft))
        return wg_fail(err, WG_FULL, "no memory for the reasons of a list");
    slot = reason_slot(draft, reason);
    if (!*slot) {
        char *at = list->reasons + list->reason_bytes;

        *slot = (uint32_t)list->reason_bytes;
        memcpy(at, &len, sizeof len);
        memcpy(at + REASON_HEAD, reason.at, reason.len);
        at[REASON_HEAD + reason.len] = '\0';
        list->reason_bytes += REASON_HEAD + reason.len + 1u;
        draft->reason_count++;
    }
    *ret_at = *slot;
    return WG_OK;
}

/* One line of text: control bytes would break whatever it is printed into. */
static enum wg_code take_reason(struct wg_list_draft *draft, struct wg_str reason,
                                uint32_t *ret_at, struct wg_err *err)
{
    char clean[WG_LIST_REASON_LIMIT];
    size_t len = 0;

    for (size_t i = 0, width; i < reason.len; i += width) {
        bool is_blank = (unsigned char)reason.at[i] <= ' ' || reason.at[i] == 0x7f;

        width = wg_utf8_width(reason.at + i, reason.len - i);
        if (!width)
            return wg_fail(err, WG_INVALID, "the reason is not UTF-8; save the list as UTF-8");
        if (is_blank && len == 0)
            continue;
        if (len + width > sizeof clean)
            break;
        memcpy(clean + len, is_blank ? " " : reason.at + i, width);
        len += width;
    }
    while (len && clean[len - 1] == ' ')
        len--;
    return len ? intern_reason(draft, wg_str_of(clean, len), ret_at, err) : WG_OK;
}

static enum wg_code take_severity(struct wg_list_draft *draft, struct wg_str severity,
                                  uint32_t *ret_severity, struct wg_err *err)
{
    char word[WG_LIST_SEVERITY_LIMIT + 1];
    uint32_t i;

    severity = wg_str_trim(severity);
    if (severity.len == 0)
        return WG_OK;
    for (i = 0; i < severity.len && i < WG_LIST_SEVERITY_LIMIT; i++) {
        char byte = severity.at[i];

        word[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
        if ((word[i] < 'a' || word[i] > 'z') && (word[i] < '0' || word[i] > '9') &&
            word[i] != '_' && word[i] != '-')
            break;
    }
    if (i < severity.len)
        return wg_fail(err, WG_INVALID,
                       "severity is one word of at most %d letters, such as suspend",
                       WG_LIST_SEVERITY_LIMIT);
    word[i] = '\0';
    for (i = 0; i < draft->severity_count; i++) {
        if (strcmp(draft->list->severities[i], word) == 0)
            break;
    }
    if (i == WG_LIST_SEVERITIES)
        return wg_fail(err, WG_INVALID, "more than %d different severities in one list",
                       WG_LIST_SEVERITIES);
    if (i == draft->severity_count)
        memcpy(draft->list->severities[draft->severity_count++], word, sizeof word);
    *ret_severity = i + 1;
    return WG_OK;
}

static enum wg_code take_expiry(struct wg_str text, uint32_t *ret_expires_at_s,
                                struct wg_err *err)
{
    uint64_t unix_s;
    int64_t moment;

    text = wg_str_trim(text);
    if (text.len == 0 || wg_str_is(text, "0"))
        return WG_OK;
    if (wg_str_to_uint(text, INT64_MAX, &unix_s))
        moment = (int64_t)unix_s;
    else if (wg_units_time(text, &moment, err) != WG_OK)
        return wg_while(err, "when it expires");
    if (moment < 1)
        moment = 1; /* long over, while 0 would be never */
    *ret_expires_at_s = moment > UINT32_MAX ? 0 : (uint32_t)moment;
    return WG_OK;
}

static enum wg_code take_yes(struct wg_str text, const char *column, bool *ret_is_yes,
                             struct wg_err *err)
{
    static const char *const words[] = {"", "false", "no", "0", "true", "yes", "1"};

    text = wg_str_trim(text);
    for (size_t i = 0; i < WG_COUNT(words); i++) {
        if (wg_str_equal_nocase(text, wg_str(words[i]))) {
            *ret_is_yes = i > 3;
            return WG_OK;
        }
    }
    return wg_fail(err, WG_INVALID, "%s is true or false", column);
}

enum wg_code wg_list_draft_broken(struct wg_list_draft *draft, uint32_t line,
                                  struct wg_err *err)
{
    struct wg_list *list = draft->list;

    wg_while(err, "%s:%" PRIu32, list->source, line);
    if (!draft->options->skips_broken || err->code != WG_INVALID)
        return err->code;
    if (list->broken++ == 0)
        list->first_broken = wg_strdup(wg_str(err->text));
    return WG_OK;
}

/* What the columns beside the entry say. */
static enum wg_code take_columns(struct wg_list_draft *draft, const struct wg_list_row *row,
                                 struct wg_list_entry *entry, struct wg_err *err)
{
    uint32_t reason = 0, severity = 0, expires_at_s = 0;
    bool rejects_media = false, rejects_reports = false;

    if (take_reason(draft, row->reason, &reason, err) != WG_OK ||
        take_severity(draft, row->severity, &severity, err) != WG_OK ||
        take_expiry(row->expires, &expires_at_s, err) != WG_OK ||
        take_yes(row->rejects_media, "reject_media", &rejects_media, err) != WG_OK ||
        take_yes(row->rejects_reports, "reject_reports", &rejects_reports, err) != WG_OK)
        return err->code;
    entry->reason = reason;
    entry->severity = severity & 127u;
    entry->expires_at_s = expires_at_s;
    entry->rejects_media = rejects_media;
    entry->rejects_reports = rejects_reports;
    return WG_OK;
}

static enum wg_code add(struct wg_list_draft *draft, const struct wg_list_row *row,
                        struct wg_err *err)
{
    struct wg_list *list = draft->list;
    struct wg_str text = wg_str_trim(row->entry);
    struct wg_list_entry entry = {.text = (uint32_t)list->text_bytes, .line = row->line};
    enum wg_list_kind kind;
    size_t len;

    if (list->count == draft->entry_capacity)
        return wg_fail(err, WG_TOO_LARGE, "more than %d entries", WG_LIST_ENTRY_LIMIT);
    if (wg_list_form(text, list->texts + list->text_bytes, &len, &kind, err) != WG_OK) {
        if (text.len)
            wg_while(err, "'%.*s'", text.len > SHOWN ? SHOWN : (int)text.len, text.at);
        return err->code;
    }
    if (kind == WG_LIST_GLOB && list->by_kind[kind] == WG_LIST_GLOB_LIMIT)
        return wg_fail(err, WG_TOO_LARGE,
                       "more than %d patterns; *.example and plain names are not limited",
                       WG_LIST_GLOB_LIMIT);
    if (take_columns(draft, row, &entry, err) != WG_OK)
        return err->code;
    entry.kind = (unsigned)kind & 7u;
    entry.len = (uint16_t)len;
    list->text_bytes += len + 1;
    list->entries[list->count++] = entry;
    list->by_kind[kind]++;
    return WG_OK;
}

enum wg_code wg_list_draft_add(struct wg_list_draft *draft, const struct wg_list_row *row,
                               struct wg_err *err)
{
    if (add(draft, row, err) == WG_OK)
        return WG_OK;
    return wg_list_draft_broken(draft, row->line, err);
}
