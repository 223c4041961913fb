// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/** What the command line understands, declared once in usage.def. Arguments are read, help is
 * printed, and completions and manual pages are made by this table alone. */

enum { CLI_GOOD = 0, CLI_REFUSED = 1, CLI_USAGE = 2 };
enum { CLI_CHILDREN_LIMIT = 64 }; /**< verbs on one level, options of one verb */

struct cli_arguments;
/** @return the exit status. */
typedef int (*cli_run)(const struct cli_arguments *arguments);

enum cli_row {
    CLI_ROW_GROUP,   /**< a verb that wants a sub-verb */
    CLI_ROW_VERB,    /**< a verb, which may have sub-verbs as well */
    CLI_ROW_SUB,     /**< "queue list" */
    CLI_ROW_OPTION,  /**< these belong to the verb above them */
    CLI_ROW_WORD,    /**< an argument that is no option */
    CLI_ROW_TEXT,    /**< a paragraph for the manual page and `wavegate help VERB` */
    CLI_ROW_EXAMPLE, /**< name is a whole command */
};

/** What a value is: how it is checked and completed. */
enum cli_kind {
    CLI_KIND_NONE, /**< a flag */
    CLI_KIND_TEXT, /**< anything */
    CLI_KIND_FILE,
    CLI_KIND_FOLDER,
    CLI_KIND_NUMBER,   /**< a whole number */
    CLI_KIND_DURATION, /**< "90s", "2h": cli_duration() */
    CLI_KIND_MOMENT,   /**< a span before now, a date, Unix seconds: cli_moment() */
    CLI_KIND_CHOICE,   /**< one of metavar, split at '|' */
    CLI_KIND_PEER,     /**< a peer's server name */
    CLI_KIND_SERVER,   /**< an instance's server name */
    CLI_KIND_ROOM,
    CLI_KIND_EVENT,
    CLI_KIND_TOKEN, /**< a token's id */
    CLI_KIND_HOOK,
    CLI_KIND_CODE, /**< SW_... */
    CLI_KIND_VERB, /**< a verb of this program */
};

enum cli_occurs {
    CLI_MAY,    /**< once or not at all */
    CLI_MUST,   /**< once */
    CLI_ANY,    /**< as often as wanted */
    CLI_SOME,   /**< once or more */
    CLI_INSTEAD /**< given, nothing else of the verb is wanted */
};

struct cli_usage {
    enum cli_row row;
    const char *name; /**< "queue list", "--peer", "EVENT_ID", a command */
    enum cli_kind kind;
    enum cli_occurs occurs;
    const char *metavar; /**< "NAME", "waiting|held|dead" */
    const char *help;    /**< one line, or the paragraph */
    cli_run run;         /**< of GROUP and VERB */
};

/** Ends with a row without a name. */
extern const struct cli_usage cli_usage[];

bool cli_usage_is_verb(const struct cli_usage *row); /**< GROUP, VERB or SUB */
/** The row of that whole path, "queue list"; NULL when there is none. */
const struct cli_usage *cli_usage_find(const char *path);
/** Walks the rows of a verb: begin with the verb itself. @return NULL past its last. */
const struct cli_usage *cli_usage_next(const struct cli_usage *row);
/** The same, rows of one sort only. */
const struct cli_usage *cli_usage_next_of(const struct cli_usage *row, enum cli_row sort);
/** Walks the verbs right below path ("": the verbs themselves): begin with NULL. */
const struct cli_usage *cli_usage_below(const char *path, const struct cli_usage *row);
/** The option "--peer" of that verb, NULL when it has none. */
const struct cli_usage *cli_usage_option(const struct cli_usage *verb, struct wg_str name);
/** The verb called name right below that one (NULL: at the top); NULL when there is none. */
const struct cli_usage *cli_usage_child(const struct cli_usage *verb, const char *name);
/** The nearest name to what was written that names a verb below, NULL when none is near. */
const char *cli_usage_nearest_child(const struct cli_usage *verb, const char *written);

/* ---- help.c ---- */

/** "wavegate queue show EVENT_ID [--json] ...", further lines indented. */
void cli_usage_write_synopsis(const struct cli_usage *verb, struct wg_buf *text);
/** All there is to say of a verb; of all verbs when it is NULL. */
void cli_usage_write_help(const struct cli_usage *verb, struct wg_buf *text);
void cli_usage_print_help(const struct cli_usage *verb, bool is_error);
/** Says what is wrong, and how to call that verb, on standard error. @return CLI_USAGE */
int cli_misuse(const struct cli_usage *verb, const char *format, ...) WG_PRINTF(2, 3);
/** The same for a word that names no verb below that one (NULL: at the top). */
int cli_misuse_unknown(const struct cli_usage *verb, const char *written);
