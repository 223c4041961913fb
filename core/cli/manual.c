// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/manual_impl.h"
#include "config/config.h"

/* The manual pages: one for the program, one for each verb with its sub-verbs, one for the
 * configuration, one that leads to the documentation of policies. */

enum { PATH_LIMIT = 4096 };

/* ---- a verb ---- */

static void add_option(struct wg_buf *page, const struct cli_usage *row, const char *macro)
{
    wg_buf_addf(page, "%s Fl", macro);
    manual_add_word(page, row->name + 1); /* Fl writes the first dash */
    if (row->metavar) {
        wg_buf_addf(page, " Ar");
        manual_add_word(page, row->metavar);
    }
    wg_buf_addc(page, '\n');
}

static bool is_needed(const struct cli_usage *row)
{
    return row->occurs == CLI_MUST || row->occurs == CLI_SOME;
}

static void add_synopsis(struct wg_buf *page, const struct cli_usage *verb)
{
    const struct cli_usage *row = verb;

    wg_buf_addf(page, ".Nm wavegate\n.Cm %s\n", verb->name);
    while ((row = cli_usage_next_of(row, CLI_ROW_OPTION)) != NULL) {
        if (is_needed(row)) {
            wg_buf_addf(page, ".Fl");
            manual_add_word(page, row->name + 1);
            if (row->metavar) {
                wg_buf_addf(page, " Ar");
                manual_add_word(page, row->metavar);
            }
            wg_buf_addc(page, '\n');
        } else {
            add_option(page, row, ".Op");
        }
    }
    row = verb;
    while ((row = cli_usage_next_of(row, CLI_ROW_WORD)) != NULL)
        wg_buf_addf(page,
                    row->occurs == CLI_MUST  ? ".Ar %s\n"
                    : row->occurs == CLI_ANY ? ".Op Ar %s ...\n"
                                             : ".Op Ar %s\n",
                    row->name);
}

static void add_parameters(struct wg_buf *page, const struct cli_usage *verb)
{
    const struct cli_usage *row = verb;

    if (!cli_usage_next_of(verb, CLI_ROW_WORD) && !cli_usage_next_of(verb, CLI_ROW_OPTION))
        return;
    wg_buf_addf(page, ".Bl -tag -width Ds\n");
    while ((row = cli_usage_next_of(row, CLI_ROW_WORD)) != NULL) {
        wg_buf_addf(page, ".It Ar %s\n", row->name);
        manual_add_text(page, row->help, strlen(row->help));
    }
    row = verb;
    while ((row = cli_usage_next_of(row, CLI_ROW_OPTION)) != NULL) {
        add_option(page, row, ".It");
        manual_add_text(page, row->help, strlen(row->help));
    }
    wg_buf_addf(page, ".El\n");
}

static void add_texts(struct wg_buf *page, const struct cli_usage *verb)
{
    const struct cli_usage *row = verb;

    while ((row = cli_usage_next_of(row, CLI_ROW_TEXT)) != NULL) {
        manual_add_text(page, row->help, strlen(row->help));
        if (cli_usage_next_of(row, CLI_ROW_TEXT))
            wg_buf_addf(page, ".Pp\n");
    }
}

static bool is_of(const struct cli_usage *row, const struct cli_usage *verb)
{
    size_t len = strlen(verb->name);

    return cli_usage_is_verb(row) && strncmp(row->name, verb->name, len) == 0 &&
           (row->name[len] == '\0' || row->name[len] == ' ');
}

/* Calls add for the verb, when it can be called itself, and each of its sub-verbs. */
static void each(struct wg_buf *page, const struct cli_usage *verb,
                 void (*add)(struct wg_buf *page, const struct cli_usage *verb))
{
    for (const struct cli_usage *row = verb; row->name; row++) {
        if (is_of(row, verb) && row->row != CLI_ROW_GROUP)
            add(page, row);
    }
}

static void add_section(struct wg_buf *page, const struct cli_usage *verb)
{
    bool is_sub = verb->row == CLI_ROW_SUB;

    if (is_sub) {
        wg_buf_addf(page, ".Ss wavegate %s\n", verb->name);
        manual_add_text(page, verb->help, strlen(verb->help));
        if (cli_usage_next_of(verb, CLI_ROW_TEXT)) {
            wg_buf_addf(page, ".Pp\n");
            add_texts(page, verb);
        }
    }
    add_parameters(page, verb);
}

static void add_examples_of(struct wg_buf *page, const struct cli_usage *verb)
{
    const struct cli_usage *row = verb;

    while ((row = cli_usage_next_of(row, CLI_ROW_EXAMPLE)) != NULL) {
        wg_buf_addf(page, ".Pp\n");
        manual_add_text(page, row->help, strlen(row->help));
        manual_add_literal(page, row->name, strlen(row->name));
    }
}

static bool has_examples(const struct cli_usage *verb)
{
    for (const struct cli_usage *row = verb; row->name; row++) {
        if (is_of(row, verb) && cli_usage_next_of(row, CLI_ROW_EXAMPLE))
            return true;
    }
    return false;
}

/* ---- what all pages end with ---- */

static void add_environment(struct wg_buf *page)
{
    wg_buf_addf(page, ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev WAVEGATE_CONFIG\n"
                      "The configuration where\n.Fl -config\nis not given.\n.El\n"
                      ".Sh FILES\n.Bl -tag -width Ds\n.It Pa wavegate.lua\n"
                      "The configuration where neither says otherwise, in the current folder.\n"
                      ".It Pa data/admin.address , Pa data/admin.token\n"
                      "Below the folder of the setting\n.Cm data :\n"
                      "where the running gateway is reached, and with what; written by\n"
                      ".Ic wavegate serve .\n.El\n");
}

static void add_exit_status(struct wg_buf *page)
{
    wg_buf_addf(page, ".Sh EXIT STATUS\n.Bl -tag -width Ds\n.It 0\nGood.\n.It 1\n"
                      "Refused, or failed; the reason is on standard error.\n.It 2\n"
                      "Wrong usage.\n.El\n");
}

static void add_see_also(struct wg_buf *page, const char *name)
{
    static const char *const others[] = {"wavegate 1", "wavegate.conf 5", "wavegate-policy 7"};
    bool is_first = true;

    wg_buf_addf(page, ".Sh SEE ALSO\n");
    for (size_t i = 0; i < WG_COUNT(others); i++) {
        if (strcmp(others[i], name) == 0)
            continue;
        wg_buf_addf(page, "%s.Xr %s", is_first ? "" : " ,\n", others[i]);
        is_first = false;
    }
    wg_buf_addc(page, '\n');
}

/* ---- pages ---- */

static void write_verb(struct wg_buf *page, const struct cli_usage *verb)
{
    char name[64];

    snprintf(name, sizeof name, "wavegate-%s", verb->name);
    manual_begin(page, name, "1", verb->help);
    wg_buf_addf(page, ".Sh SYNOPSIS\n");
    each(page, verb, add_synopsis);
    wg_buf_addf(page, ".Sh DESCRIPTION\n");
    if (cli_usage_next_of(verb, CLI_ROW_TEXT))
        add_texts(page, verb);
    else
        wg_buf_addf(page, "See each of them below; all understand\n.Fl -help .\n");
    each(page, verb, add_section);
    add_environment(page);
    add_exit_status(page);
    if (has_examples(verb)) {
        wg_buf_addf(page, ".Sh EXAMPLES\n");
        wg_buf_addf(page, "As a shell reads them:\n");
        each(page, verb, add_examples_of);
    }
    add_see_also(page, "");
}

static void write_program(struct wg_buf *page, const struct cli_usage *unused)
{
    const struct cli_usage *verb = NULL;

    (void)unused;
    manual_begin(page, "wavegate", "1", "a scriptable federation gateway");
    wg_buf_addf(page,
                ".Sh SYNOPSIS\n.Nm wavegate\n.Ar verb\n.Op Ar argument ...\n"
                ".Sh DESCRIPTION\n"
                "A gateway between several chat servers and the servers they federate "
                "with:\nsigned events in over TLS, policies in Lua decide, a durable queue "
                "delivers.\nEach verb has a page of its own.\n.Bl -tag -width Ds\n");
    while ((verb = cli_usage_below("", verb)) != NULL) {
        wg_buf_addf(page, ".It Xr wavegate-%s 1\n", verb->name);
        manual_add_text(page, verb->help, strlen(verb->help));
    }
    wg_buf_addf(page, ".El\n");
    add_environment(page);
    add_exit_status(page);
    wg_buf_addf(page, ".Sh EXAMPLES\nWhat is wrong with a configuration, and then serve with "
                      "it:\n");
    manual_add_literal(page, "wavegate check && wavegate serve",
                       strlen("wavegate check && wavegate serve"));
    add_see_also(page, "wavegate 1");
}

static void write_configuration(struct wg_buf *page, const struct cli_usage *unused)
{
    struct wg_buf markdown;

    (void)unused;
    wg_buf_init(&markdown, MANUAL_LIMIT_BYTES);
    wg_config_reference(&markdown);
    manual_begin(page, "wavegate.conf", "5", "the configuration of Wavegate, wavegate.lua");
    wg_buf_addf(page, ".Sh DESCRIPTION\n");
    manual_add_markdown(page, wg_buf_str(&markdown));
    add_see_also(page, "wavegate.conf 5");
    wg_buf_done(&markdown);
}

static void write_policy(struct wg_buf *page, const struct cli_usage *unused)
{
    (void)unused;
    manual_begin(page, "wavegate-policy", "7", "policies of Wavegate, written in Lua");
    wg_buf_addf(
        page,
        ".Sh DESCRIPTION\nAn instance's policy is a Lua file, named in its settings\n"
        ".Pq see Xr wavegate.conf 5 .\nIt loads ready-made policies and adds handlers of its "
        "own:\n.Bd -literal -offset indent\n"
        "local wavegate = require \"wavegate\"\n\nwavegate.use(\"standard\")\n"
        "wavegate.on(\"event\", function(event)\n"
        "  if event.type == \"swp.room.poll\" then\n"
        "    return wavegate.deny { reason = \"no polls here\" }\n"
        "  end\nend)\n.Ed\n.Pp\n"
        "Handlers are asked in the order of the file; the first that returns a verdict other "
        "than\nnothing decides.\nPolicies run in a sandbox, with bounds on instructions, time "
        "and memory, and are exchanged\nwhile the gateway runs.\n.Pp\nThe reference of hooks, "
        "verdicts and modules is\n.Pa docs/policy.md ,\ninstalled with the program's "
        "documentation; annotations for editors are in\n.Pa lua/meta .\n.Sh EXAMPLES\n"
        "What is wrong with a policy, and do its tests pass:\n");
    manual_add_literal(page,
                       "wavegate policy check policies/main.lua\nwavegate policy test policies",
                       strlen("wavegate policy check policies/main.lua\n"
                              "wavegate policy test policies"));
    wg_buf_addf(page, ".Sh SEE ALSO\n.Xr wavegate 1 ,\n.Xr wavegate-policy 1 ,\n"
                      ".Xr wavegate.conf 5\n");
}

static bool make_folder(const char *path)
{
    if (mkdir(path, 0755) == 0 || errno == EEXIST)
        return true;
    fprintf(stderr, "wavegate help: %s: %s\n", path, strerror(errno));
    return false;
}

static bool save(const char *folder, const char *name, const char *section,
                 void (*write)(struct wg_buf *page, const struct cli_usage *verb),
                 const struct cli_usage *verb)
{
    char path[PATH_LIMIT];
    struct wg_buf page;
    struct wg_err err;
    FILE *file;
    bool is_good = false;

    wg_buf_init(&page, MANUAL_LIMIT_BYTES);
    write(&page, verb);
    snprintf(path, sizeof path, "%s/man%s/%s.%s", folder, section, name, section);
    file = wg_buf_status(&page, &err) == WG_OK ? fopen(path, "we") : NULL;
    if (file) {
        is_good = fwrite(page.at, 1, page.len, file) == page.len;
        is_good = fclose(file) == 0 && is_good;
    }
    if (!is_good)
        fprintf(stderr, "wavegate help: writing %s: %s\n", path, strerror(errno));
    wg_buf_done(&page);
    return is_good;
}

int manual_write(const char *folder)
{
    static const char *const sections[] = {"1", "5", "7"};
    const struct cli_usage *verb = NULL;
    char path[PATH_LIMIT];
    bool is_good = make_folder(folder);

    for (size_t i = 0; is_good && i < WG_COUNT(sections); i++) {
        snprintf(path, sizeof path, "%s/man%s", folder, sections[i]);
        is_good = make_folder(path);
    }
    is_good = is_good && save(folder, "wavegate", "1", write_program, NULL) &&
              save(folder, "wavegate.conf", "5", write_configuration, NULL) &&
              save(folder, "wavegate-policy", "7", write_policy, NULL);
    while (is_good && (verb = cli_usage_below("", verb)) != NULL) {
        snprintf(path, sizeof path, "wavegate-%s", verb->name);
        is_good = save(folder, path, "1", write_verb, verb);
    }
    return is_good ? CLI_GOOD : CLI_REFUSED;
}
