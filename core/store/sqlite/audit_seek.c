// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/audit_seek.h"

enum { SLICE_BITS = 10 }; /* as in the indexes */

/* Both directions of one index; every row behind ?2. */
#define SEEK(column)                                                                   \
    "SELECT n FROM sw_audit WHERE " column " = ?1 AND n < ?2 ORDER BY n DESC LIMIT 1", \
        "SELECT n FROM sw_audit WHERE " column " = ?1 AND n > ?2 ORDER BY n LIMIT 1"
/* The same of slice ?3. */
#define SEEK_SLICE(column)                                                         \
    "SELECT n FROM sw_audit WHERE n >> 10 = ?3 AND " column " = ?1 AND n < ?2"     \
    " ORDER BY n DESC LIMIT 1",                                                    \
        "SELECT n FROM sw_audit WHERE n >> 10 = ?3 AND " column " = ?1 AND n > ?2" \
        " ORDER BY n LIMIT 1"

static const char *const of_kind[] = {SEEK(WG_AUDIT_KIND)};

static void add(struct wg_audit_seek *seek, bool is_sliced, struct wg_str value,
                const char *down, const char *up)
{
    if (!value.len)
        return;
    seek->filters[seek->count].down = down;
    seek->filters[seek->count].up = up;
    seek->filters[seek->count].is_sliced = is_sliced;
    seek->filters[seek->count++].value = value;
}

/* The kind behind that one in the order of texts: one step of the index, however many rows are
 * of each. @return false: there is none. */
static bool next_kind(struct wg_audit_seek *seek, struct wg_arena *arena, struct wg_str *kind)
{
    sqlite3_stmt *row = wg_db_query(seek->db,
                                    "SELECT " WG_AUDIT_KIND " AS kind FROM sw_audit"
                                    " WHERE " WG_AUDIT_KIND " > ?1 ORDER BY kind LIMIT 1",
                                    "t", *kind);

    if (!wg_db_row(seek->db, row))
        return false;
    *kind = wg_db_copy(arena, row, 0);
    wg_db_end(row);
    return true;
}

static bool fits(const struct wg_audit_search *search, struct wg_str kind)
{
    struct wg_str rest = kind, action = wg_str_split(&rest, '\n');
    struct wg_str verdict = wg_str_split(&rest, '\n');

    return wg_audit_action_fits(search->action, action) &&
           (!search->verdict.len || wg_str_equal(search->verdict, verdict)) &&
           (!search->code.len || wg_str_equal(search->code, rest));
}

/* Which kinds there are of those that are looked for. @return false when they are too many to
 * be followed one by one. */
static bool list_kinds(struct wg_audit_seek *seek, struct wg_arena *arena,
                       const struct wg_audit_search *search)
{
    struct wg_str kind = WG_STR("");

    while (next_kind(seek, arena, &kind)) {
        if (!fits(search, kind))
            continue;
        if (seek->kind_count == WG_AUDIT_SEEK_KINDS)
            return false;
        seek->heads[seek->kind_count] = seek->is_up ? -1 : INT64_MAX;
        seek->kinds[seek->kind_count++] = kind;
    }
    return true;
}

static void find_slices(struct wg_audit_seek *seek)
{
    sqlite3_stmt *row = wg_db_query(seek->db,
                                    "SELECT (SELECT min(n) FROM sw_audit),"
                                    " (SELECT max(n) FROM sw_audit)",
                                    "");

    if (!wg_db_row(seek->db, row))
        return;
    seek->first = wg_db_int(row, 0) >> SLICE_BITS;
    seek->last = wg_db_int(row, 1) >> SLICE_BITS;
    wg_db_end(row);
}

bool wg_audit_seek_start(struct wg_audit_seek *seek, struct wg_db *db, struct wg_arena *arena,
                         const struct wg_audit_search *search)
{
    *seek = (struct wg_audit_seek){.db = db, .is_up = search->is_oldest_first};
    /* The rarest first, as a rule: fewer rounds. */
    add(seek, true, search->event_id, SEEK_SLICE("event"));
    add(seek, false, search->request_id, SEEK("request"));
    add(seek, true, search->room_id, SEEK_SLICE("room"));
    add(seek, true, search->peer, SEEK_SLICE("peer"));
    if (search->action.len || search->verdict.len || search->code.len)
        seek->has_kinds = list_kinds(seek, arena, search);
    find_slices(seek);
    return seek->count || seek->has_kinds;
}

static bool is_behind(const struct wg_audit_seek *seek, int64_t a, int64_t b)
{
    return seek->is_up ? a > b : a < b;
}

/* The first row behind *number. */
static enum wg_audit_found step(struct wg_audit_seek *seek, const char *sql,
                                struct wg_str value, int64_t *number)
{
    sqlite3_stmt *row = wg_db_query(seek->db, sql, "ti", value, *number);

    if (!wg_db_row(seek->db, row))
        return WG_AUDIT_NO_MORE;
    *number = wg_db_int(row, 0);
    wg_db_end(row);
    return WG_AUDIT_FOUND;
}

/* The same, slice by slice; paused, *number is where nothing was found so far. */
static enum wg_audit_found step_slices(struct wg_audit_seek *seek, struct wg_db_budget *budget,
                                       const char *sql, struct wg_str value, int64_t *number)
{
    int64_t slice = *number >> SLICE_BITS;

    if (slice > seek->last)
        slice = seek->is_up ? slice : seek->last;
    if (slice < seek->first)
        slice = seek->is_up ? seek->first : slice;
    while (slice >= seek->first && slice <= seek->last) {
        sqlite3_stmt *row = wg_db_query(seek->db, sql, "tii", value, *number, slice);

        if (wg_db_row(seek->db, row)) {
            *number = wg_db_int(row, 0);
            wg_db_end(row);
            return WG_AUDIT_FOUND;
        }
        if (wg_db_budget_is_spent(budget)) {
            *number = seek->is_up ? ((slice + 1) << SLICE_BITS) - 1 : slice << SLICE_BITS;
            return WG_AUDIT_PAUSED;
        }
        slice += seek->is_up ? 1 : -1;
    }
    return WG_AUDIT_NO_MORE;
}

/* The nearest head behind *number; a head that stands behind it already need not be asked. */
static enum wg_audit_found step_kinds(struct wg_audit_seek *seek, int64_t *number)
{
    int64_t nearest = INT64_MIN;

    for (size_t i = 0; i < seek->kind_count; i++) {
        int64_t *head = &seek->heads[i];

        if (*head != INT64_MIN && !is_behind(seek, *head, *number)) {
            *head = *number;
            if (step(seek, of_kind[seek->is_up], seek->kinds[i], head) == WG_AUDIT_NO_MORE)
                *head = INT64_MIN;
        }
        if (*head != INT64_MIN && (nearest == INT64_MIN || is_behind(seek, nearest, *head)))
            nearest = *head;
    }
    if (nearest == INT64_MIN)
        return WG_AUDIT_NO_MORE;
    *number = nearest;
    return WG_AUDIT_FOUND;
}

static enum wg_audit_found step_filter(struct wg_audit_seek *seek, struct wg_db_budget *budget,
                                       size_t i, int64_t *number)
{
    const char *sql = seek->is_up ? seek->filters[i].up : seek->filters[i].down;

    if (i == seek->count)
        return step_kinds(seek, number);
    if (seek->filters[i].is_sliced)
        return step_slices(seek, budget, sql, seek->filters[i].value, number);
    return step(seek, sql, seek->filters[i].value, number);
}

enum wg_audit_found wg_audit_seek_next(struct wg_audit_seek *seek, struct wg_db_budget *budget,
                                       int64_t *number)
{
    size_t all = seek->count + seek->has_kinds, agreed = 0;
    int64_t candidate = INT64_MIN;

    for (size_t i = 0; agreed < all; i = (i + 1) % all) {
        int64_t next = *number; /* every row that is looked for is behind it */
        enum wg_audit_found found = step_filter(seek, budget, i, &next);

        if (found != WG_AUDIT_FOUND) {
            *number = next;
            return found;
        }
        agreed = next == candidate ? agreed + 1 : 1;
        candidate = next;
        *number =
            seek->is_up ? candidate - 1 : candidate + 1; /* the candidate itself will do */
        if (agreed < all && wg_db_budget_is_spent(budget))
            return WG_AUDIT_PAUSED;
    }
    *number = candidate;
    return WG_AUDIT_FOUND;
}
