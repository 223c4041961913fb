// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <stdio.h>

#include "base/macros.h"
#include "base/str.h"

enum { NAMES_LIMIT = 32 };

static const struct cli_option *find(const struct cli_option *options, struct wg_str name)
{
    for (; options->name; options++) {
        if (wg_str_is(name, options->name))
            return options;
    }
    return NULL;
}

static bool refuse(const char *verb, struct wg_str name, const struct cli_option *options)
{
    const char *names[NAMES_LIMIT + 1] = {NULL};
    const char *nearest;

    for (size_t i = 0; i < NAMES_LIMIT && options[i].name; i++)
        names[i] = options[i].name;
    nearest = wg_str_nearest(name, names);
    fprintf(stderr, "wavegate %s: there is no option '%.*s'%s%s\n", verb, WG_STR_F(name),
            nearest ? ", did you mean " : "", nearest ? nearest : "");
    return false;
}

bool cli_options_read(int argc, char **argv, const struct cli_option *options,
                      struct cli_words *ret_words)
{
    ret_words->count = 0;
    for (int i = 1; i < argc; i++) {
        struct wg_str rest = wg_str(argv[i]);
        struct wg_str name = wg_str_split(&rest, '=');
        const struct cli_option *option;

        if (argv[i][0] != '-') {
            if (ret_words->count == CLI_WORDS_LIMIT) {
                fprintf(stderr, "wavegate %s: too many words\n", argv[0]);
                return false;
            }
            ret_words->at[ret_words->count++] = argv[i];
            continue;
        }
        option = find(options, name);
        if (!option)
            return refuse(argv[0], name, options);
        if (!option->value) {
            *option->flag = true;
        } else if (rest.at) {
            *option->value = rest.at;
        } else if (i + 1 < argc) {
            *option->value = argv[++i];
        } else {
            fprintf(stderr, "wavegate %s: %s needs a value\n", argv[0], option->name);
            return false;
        }
    }
    return true;
}

bool cli_duration(const char *option, const char *text, int64_t *ret_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"", 1000},       {"ms", 1},          {"s", 1000},
                 {"m", 60 * 1000}, {"h", 3600 * 1000}, {"d", 86400 * 1000}};
    struct wg_str rest = wg_str(text);
    size_t digits = 0;
    uint64_t count;

    while (digits < rest.len && rest.at[digits] >= '0' && rest.at[digits] <= '9')
        digits++;
    for (size_t i = 0; i < WG_COUNT(units); i++) {
        if (strcmp(rest.at + digits, units[i].unit) == 0 &&
            wg_str_to_uint(wg_str_of(rest.at, digits), INT32_MAX, &count)) {
            *ret_ms = (int64_t)count * units[i].ms;
            return true;
        }
    }
    fprintf(stderr, "%s: '%s' is not a duration: write 90s, 15m, 2h or 7d\n", option, text);
    return false;
}
