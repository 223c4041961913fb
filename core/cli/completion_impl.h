// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/usage.h"

/** What the files of `wavegate completion` share. */

/** Prints what may stand for the last of words, the one being typed; one candidate a line, with
 * a tab and its help. ":file" and ":folder" say that the shell knows best. @return the exit
 * status */
int completion_words(size_t count, char *const *words);
/** Prints before and candidate when the candidate begins with what was typed. */
void completion_offer(const char *before, const char *typed, const char *candidate,
                      const char *help);
/** Offers values of that kind. The running gateway is asked for those that only it knows, with
 * a short deadline, and without a word when there is none. config may be NULL. */
void completion_offer_values(enum cli_kind kind, const char *before, const char *typed,
                             const char *config);
/** The script for "bash", "zsh" or "fish". */
const char *completion_script(const char *shell);
