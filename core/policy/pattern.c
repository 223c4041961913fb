// SPDX-License-Identifier: Apache-2.0
#include "policy/pattern.h"

#include <ctype.h>

enum { ESCAPE = '%' };

static const char *match(struct wg_pattern *m, const char *s, const char *p);

static const char *pattern_end(const struct wg_pattern *m)
{
    return m->pattern.at + m->pattern.len;
}

static const char *text_end(const struct wg_pattern *m)
{
    return m->text.at + m->text.len;
}

static const char *malformed(struct wg_pattern *m, const char *text)
{
    if (m->failure == WG_PATTERN_FINE) {
        m->failure = WG_PATTERN_MALFORMED;
        m->failure_text = text;
    }
    return NULL;
}

/* @return false when the matcher has to stop */
static bool pay(struct wg_pattern *m, int64_t steps)
{
    m->steps_left -= steps;
    if (m->steps_left < 0 && m->failure == WG_PATTERN_FINE)
        m->failure = WG_PATTERN_OUT_OF_STEPS;
    return m->failure == WG_PATTERN_FINE;
}

/* The end of the set that begins behind '[' at p; NULL when it never ends. */
static const char *end_of_set(struct wg_pattern *m, const char *p)
{
    const char *end = pattern_end(m);

    if (p < end && *p == '^')
        p++;
    do { /* the first character may be ']' */
        if (p >= end)
            return malformed(m, "malformed pattern (missing ']')");
        if (*p++ == ESCAPE) {
            if (p >= end)
                return malformed(m, "malformed pattern (missing ']')");
            p++;
        }
    } while (p >= end || *p != ']');
    return p + 1;
}

/* The end of the single-character class at p. */
static const char *end_of_class(struct wg_pattern *m, const char *p)
{
    if (*p == ESCAPE) {
        if (p + 1 >= pattern_end(m))
            return malformed(m, "malformed pattern (ends with '%')");
        return p + 2;
    }
    return *p == '[' ? end_of_set(m, p + 1) : p + 1;
}

static bool is_in_class(int c, int letter)
{
    bool answer;

    switch (tolower(letter)) {
    case 'a':
        answer = isalpha(c);
        break;
    case 'c':
        answer = iscntrl(c);
        break;
    case 'd':
        answer = isdigit(c);
        break;
    case 'g':
        answer = isgraph(c);
        break;
    case 'l':
        answer = islower(c);
        break;
    case 'p':
        answer = ispunct(c);
        break;
    case 's':
        answer = isspace(c);
        break;
    case 'u':
        answer = isupper(c);
        break;
    case 'w':
        answer = isalnum(c);
        break;
    case 'x':
        answer = isxdigit(c);
        break;
    default:
        return letter == c;
    }
    return isupper(letter) ? !answer : answer;
}

/* p stands at '[', end behind the ']'. */
static bool is_in_set(int c, const char *p, const char *end)
{
    bool sense = true;
    const char *last = end - 1;

    if (*++p == '^') {
        sense = false;
        p++;
    }
    for (; p < last; p++) {
        if (*p == ESCAPE) {
            p++;
            if (is_in_class(c, (unsigned char)*p))
                return sense;
        } else if (p + 2 < last && p[1] == '-') {
            if ((unsigned char)p[0] <= c && c <= (unsigned char)p[2])
                return sense;
            p += 2;
        } else if ((unsigned char)*p == c) {
            return sense;
        }
    }
    return !sense;
}

static bool is_single(struct wg_pattern *m, const char *s, const char *p, const char *end)
{
    int c;

    if (s >= text_end(m))
        return false;
    c = (unsigned char)*s;
    switch (*p) {
    case '.':
        return true;
    case ESCAPE:
        return is_in_class(c, (unsigned char)p[1]);
    case '[':
        pay(m, (end - p) / 4);
        return is_in_set(c, p, end);
    default:
        return (unsigned char)*p == c;
    }
}

static const char *match_balance(struct wg_pattern *m, const char *s, const char *p)
{
    int open, close, depth = 1;

    if (p + 1 >= pattern_end(m))
        return malformed(m, "malformed pattern (missing arguments to '%b')");
    open = p[0];
    close = p[1];
    if (s >= text_end(m) || *s != open)
        return NULL;
    while (++s < text_end(m)) {
        if (!pay(m, 1))
            return NULL;
        if (*s == close) {
            if (--depth == 0)
                return s + 1;
        } else if (*s == open) {
            depth++;
        }
    }
    return NULL;
}

/* As many as possible, then fewer. */
static const char *match_longest(struct wg_pattern *m, const char *s, const char *p,
                                 const char *end)
{
    ptrdiff_t count = 0;

    while (is_single(m, s + count, p, end)) {
        if (!pay(m, 1))
            return NULL;
        count++;
    }
    for (; count >= 0; count--) {
        const char *rest = match(m, s + count, end + 1);

        if (rest || m->failure)
            return rest;
    }
    return NULL;
}

/* As few as possible, then more. */
static const char *match_shortest(struct wg_pattern *m, const char *s, const char *p,
                                  const char *end)
{
    for (;;) {
        const char *rest = match(m, s, end + 1);

        if (rest || m->failure)
            return rest;
        if (!is_single(m, s, p, end) || !pay(m, 1))
            return NULL;
        s++;
    }
}

static const char *open_capture(struct wg_pattern *m, const char *s, const char *p,
                                ptrdiff_t len)
{
    const char *rest;

    if (m->capture_count >= WG_PATTERN_CAPTURES)
        return malformed(m, "too many captures");
    m->captures[m->capture_count].at = s;
    m->captures[m->capture_count].len = len;
    m->capture_count++;
    rest = match(m, s, p);
    if (!rest)
        m->capture_count--;
    return rest;
}

static const char *close_capture(struct wg_pattern *m, const char *s, const char *p)
{
    const char *rest;

    for (int i = m->capture_count - 1; i >= 0; i--) {
        if (m->captures[i].len != WG_CAPTURE_OPEN)
            continue;
        m->captures[i].len = s - m->captures[i].at;
        rest = match(m, s, p);
        if (!rest)
            m->captures[i].len = WG_CAPTURE_OPEN;
        return rest;
    }
    return malformed(m, "invalid pattern capture");
}

/* What an earlier capture matched, again; digit is its number. */
static const char *match_capture(struct wg_pattern *m, const char *s, int digit)
{
    int i = digit - '1';
    ptrdiff_t len;

    if (i < 0 || i >= m->capture_count || m->captures[i].len == WG_CAPTURE_OPEN)
        return malformed(m, "invalid capture index in pattern");
    len = m->captures[i].len;
    if (len == WG_CAPTURE_POSITION)
        return NULL;
    if (!pay(m, 1 + len / 16) || text_end(m) - s < len ||
        memcmp(m->captures[i].at, s, (size_t)len) != 0)
        return NULL;
    return s + len;
}

/* %f[set]: the place where the set begins to hold. */
static bool is_frontier(struct wg_pattern *m, const char *s, const char *p, const char *end)
{
    int before = s == m->text.at ? '\0' : (unsigned char)s[-1];
    int here = s < text_end(m) ? (unsigned char)*s : '\0';

    pay(m, (end - p) / 2);
    return !is_in_set(before, p, end) && is_in_set(here, p, end);
}

/* A single character with what may follow it. @return true to go on at *s and *p in the same
 * loop */
static bool match_item(struct wg_pattern *m, const char **s, const char **p, const char **ret)
{
    const char *end = end_of_class(m, *p);
    char suffix;

    *ret = NULL;
    if (!end)
        return false;
    suffix = end < pattern_end(m) ? *end : '\0';
    if (suffix == '*') {
        *ret = match_longest(m, *s, *p, end);
        return false;
    }
    if (suffix == '-') {
        *ret = match_shortest(m, *s, *p, end);
        return false;
    }
    if (!is_single(m, *s, *p, end)) {
        if (suffix != '?')
            return false;
        *p = end + 1;
        return true;
    }
    if (suffix == '+') {
        *ret = match_longest(m, *s + 1, *p, end);
        return false;
    }
    if (suffix == '?') {
        *ret = match(m, *s + 1, end + 1);
        if (*ret || m->failure)
            return false;
        *p = end + 1;
        return true;
    }
    ++*s;
    *p = end;
    return true;
}

/* The escapes that are no classes. @return true when it was one; then *ret is the answer, or
 * NULL and *is_done false: go on at *s and *p. */
static bool match_escape(struct wg_pattern *m, const char **s, const char **p, bool *is_done,
                         const char **ret)
{
    const char *at = *p + 1;

    *is_done = true;
    *ret = NULL;
    if (at >= pattern_end(m))
        return false;
    if (*at == 'b') {
        const char *rest = match_balance(m, *s, at + 1);

        if (rest) {
            *s = rest;
            *p = at + 3;
            *is_done = false;
        }
        return true;
    }
    if (*at == 'f') {
        const char *end;

        if (at + 1 >= pattern_end(m) || at[1] != '[') {
            malformed(m, "missing '[' after '%f' in pattern");
            return true;
        }
        end = end_of_set(m, at + 2);
        if (end && is_frontier(m, *s, at + 1, end)) {
            *p = end;
            *is_done = false;
        }
        return true;
    }
    if (*at >= '0' && *at <= '9') {
        const char *rest = match_capture(m, *s, (unsigned char)*at);

        if (rest) {
            *s = rest;
            *p = at + 1;
            *is_done = false;
        }
        return true;
    }
    return false;
}

/* What the pattern from p on matches at s. */
static const char *match_from(struct wg_pattern *m, const char *s, const char *p)
{
    const char *answer;
    bool is_done;

    while (p < pattern_end(m)) {
        if (!pay(m, 1))
            return NULL;
        if (*p == '(') {
            bool is_position = p + 1 < pattern_end(m) && p[1] == ')';

            return is_position ? open_capture(m, s, p + 2, WG_CAPTURE_POSITION)
                               : open_capture(m, s, p + 1, WG_CAPTURE_OPEN);
        }
        if (*p == ')')
            return close_capture(m, s, p + 1);
        if (*p == '$' && p + 1 == pattern_end(m))
            return s == text_end(m) ? s : NULL;
        if (*p == ESCAPE && match_escape(m, &s, &p, &is_done, &answer)) {
            if (is_done)
                return answer;
            continue;
        }
        if (!match_item(m, &s, &p, &answer))
            return answer;
    }
    return s;
}

static const char *match(struct wg_pattern *m, const char *s, const char *p)
{
    const char *answer;

    if (m->depth >= WG_PATTERN_DEPTH)
        return malformed(m, "pattern too complex");
    m->depth++;
    answer = match_from(m, s, p);
    m->depth--;
    return m->failure ? NULL : answer;
}

const char *wg_pattern_match(struct wg_pattern *m, const char *at)
{
    m->capture_count = 0;
    m->depth = 0;
    return match(m, at, m->pattern.at);
}

bool wg_pattern_is_plain(struct wg_str pattern)
{
    for (size_t i = 0; i < pattern.len; i++)
        if (strchr("^$*+?.([%-", pattern.at[i]) && pattern.at[i])
            return false;
    return true;
}
