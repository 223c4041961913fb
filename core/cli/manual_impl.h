// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/usage.h"

/** What the files that write manual pages (mdoc) share. */

enum { MANUAL_LIMIT_BYTES = 1024 * 1024 };

/** Writes man1, man5 and man7 with all pages below the folder. @return the exit status. */
int manual_write(const char *folder);

/** Text as lines of the page, whatever it begins with; `code` and **stress** are marked. */
void manual_add_text(struct wg_buf *page, const char *text, size_t len);
/** One argument of a macro. */
void manual_add_word(struct wg_buf *page, const char *word);
/** Literal lines. */
void manual_add_literal(struct wg_buf *page, const char *text, size_t len);
/** .Dd, .Dt, .Os, and the name with its line. */
void manual_begin(struct wg_buf *page, const char *name, const char *section, const char *help);
/** Markdown as our own references use it (headings, paragraphs, lists, code, tables), as the
 * body of a page. */
void manual_add_markdown(struct wg_buf *page, struct wg_str markdown);
