// SPDX-License-Identifier: Apache-2.0
#include "cli/completion_impl.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

/* What may come next on a command line that is being typed. The shells' scripts only pass on
 * what is there and show what comes back, so the table of this very binary answers. */

struct typing {
    char *const *words; /* behind "wavegate"; the last is the one being typed */
    size_t count;
    const struct cli_usage *verb;   /* NULL: none yet */
    const struct cli_usage *option; /* whose value the last word is */
    size_t position;                /* of the last word among those that are no sub-verbs */
    bool is_path_open;              /* a sub-verb may still come */
    bool is_past_options;           /* behind "--" */
    const char *config;
};

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

static struct wg_str name_of(const char *word)
{
    return wg_str_of(word, strcspn(word, "="));
}

static void follow_option(struct typing *typing, size_t *at)
{
    const char *word = typing->words[*at];
    const char *equals = strchr(word, '=');
    const struct cli_usage *option =
        typing->verb ? cli_usage_option(typing->verb, name_of(word)) : NULL;
    const char *value = NULL;

    if (equals) {
        value = equals + 1;
    } else if (option && option->kind != CLI_KIND_NONE) {
        if (*at + 2 == typing->count) {
            typing->option = option;
            return;
        }
        value = typing->words[++*at];
    }
    if (option && value && strcmp(option->name, "--config") == 0)
        typing->config = value;
}

static void follow(struct typing *typing)
{
    typing->is_path_open = true;
    for (size_t i = 0; i + 1 < typing->count; i++) {
        const char *word = typing->words[i];
        const struct cli_usage *child;

        if (!typing->is_past_options && strcmp(word, "--") == 0) {
            typing->is_past_options = true;
        } else if (!typing->is_past_options && is_option(word)) {
            follow_option(typing, &i);
        } else {
            child = typing->is_path_open ? cli_usage_child(typing->verb, word) : NULL;
            typing->is_path_open = child != NULL;
            typing->position += child == NULL;
            typing->verb = child ? child : typing->verb;
        }
    }
}

static void offer_children(const struct typing *typing, const struct cli_usage *verb)
{
    const char *typed = typing->words[typing->count - 1];
    const struct cli_usage *child = NULL;
    size_t skip = verb ? strlen(verb->name) + 1 : 0;

    while ((child = cli_usage_below(verb ? verb->name : "", child)) != NULL)
        completion_offer("", typed, child->name + skip, child->help);
}

/* The value of option or word row; before is "--state=" where both are one word. */
static void offer_values(const struct typing *typing, const struct cli_usage *row,
                         const char *before, const char *typed)
{
    struct wg_str choices = wg_str(row->metavar ? row->metavar : "");
    char choice[64];

    if (row->kind == CLI_KIND_FILE || row->kind == CLI_KIND_FOLDER) {
        printf(":%s\n", row->kind == CLI_KIND_FILE ? "file" : "folder");
        return;
    }
    while (row->kind == CLI_KIND_CHOICE && choices.len > 0) {
        struct wg_str next = wg_str_split(&choices, '|');

        snprintf(choice, sizeof choice, "%.*s", WG_STR_F(next));
        completion_offer(before, typed, choice, "");
    }
    completion_offer_values(row->kind, before, typed, typing->config);
}

static void offer_options(const struct typing *typing, const char *typed)
{
    const struct cli_usage *row = typing->verb;

    while ((row = cli_usage_next_of(row, CLI_ROW_OPTION)) != NULL) {
        bool is_given = false;

        for (size_t i = 0; i + 1 < typing->count; i++)
            is_given |= wg_str_equal(name_of(typing->words[i]), wg_str(row->name));
        if (!is_given || row->occurs == CLI_SOME)
            completion_offer("", typed, row->name, row->help);
    }
    completion_offer("", typed, "--help", "what this verb does and takes");
}

/* "--state=wa": the value completes, and its option stays before it. */
static void offer_joined(const struct typing *typing, const char *typed, const char *equals)
{
    const struct cli_usage *option = cli_usage_option(typing->verb, name_of(typed));
    char before[128];

    snprintf(before, sizeof before, "%.*s", (int)(equals + 1 - typed), typed);
    if (option)
        offer_values(typing, option, before, equals + 1);
}

static void offer_words(const struct typing *typing, const char *typed)
{
    const struct cli_usage *row = typing->verb;
    size_t position = typing->position;

    while ((row = cli_usage_next_of(row, CLI_ROW_WORD)) != NULL) {
        if (row->occurs == CLI_ANY || position-- == 0)
            break;
    }
    if (row && row->kind != CLI_KIND_VERB)
        offer_values(typing, row, "", typed);
}

/* `wavegate help queue suspend`: its words are a path of verbs. */
static void offer_help(const struct typing *typing)
{
    const struct cli_usage *verb = NULL;

    for (size_t i = 1; i + 1 < typing->count; i++) {
        const struct cli_usage *child = cli_usage_child(verb, typing->words[i]);

        if (!child)
            return;
        verb = child;
    }
    offer_children(typing, verb);
}

int completion_words(size_t count, char *const *words)
{
    struct typing typing = {.words = words, .count = count};
    const char *typed = count ? words[count - 1] : "";

    if (count == 0)
        return CLI_GOOD;
    follow(&typing);
    if (typing.option) {
        offer_values(&typing, typing.option, "", typed);
    } else if (typing.verb && !typing.is_past_options && typed[0] == '-') {
        if (strchr(typed, '='))
            offer_joined(&typing, typed, strchr(typed, '='));
        else
            offer_options(&typing, typed);
    } else if (typing.verb && strcmp(typing.verb->name, "help") == 0) {
        offer_help(&typing);
    } else {
        if (typing.is_path_open)
            offer_children(&typing, typing.verb);
        if (typing.verb)
            offer_words(&typing, typed);
    }
    return CLI_GOOD;
}
