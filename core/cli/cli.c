// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"

static const struct cli_verb verbs[] = {
    {"serve", "--config FILE", "run the gateway", cli_serve},
    {"check", "--config FILE", "say what is wrong with a configuration and its policies",
     cli_check},
    {"config", "reference", "print every setting, as Markdown", cli_config},
    {"keygen", "--out FILE", "make a signing key", cli_keygen},
    {"token", "VERB ...", "make, list and revoke tokens of the running gateway", cli_token},
    {"peers", "[NAME]", "other servers: seen when, how much, what went wrong", cli_peers},
    {"doctor", "[PEER]",
     "why does federation with that server not work; or is the gateway well", cli_doctor},
    {"audit", "[FILTER ...]", "what was refused, taken and changed: `wavegate audit verify`",
     cli_audit},
    {"policy", "VERB ...", "check, test and try policies: `wavegate policy help`", cli_policy},
    {"queue", "VERB ...", "what waits for delivery, and what to do about it: `wavegate queue`",
     cli_queue},
    {"tool", "VERB ...", "the protocol's pieces, one by one: `wavegate tool help`", cli_tool},
};

static void print_usage(FILE *to)
{
    fprintf(to, "wavegate " WAVEGATE_VERSION ": a scriptable federation gateway\n\n");
    for (size_t i = 0; i < WG_COUNT(verbs); i++)
        fprintf(to, "  wavegate %-8s %-16s %s\n", verbs[i].name, verbs[i].usage, verbs[i].help);
    fprintf(to, "\nExit status: 0 good, 1 refused or failed, 2 wrong usage.\n");
}

static int unknown(const char *name)
{
    const char *names[WG_COUNT(verbs) + 1] = {NULL};
    const char *nearest;

    for (size_t i = 0; i < WG_COUNT(verbs); i++)
        names[i] = verbs[i].name;
    nearest = wg_str_nearest(wg_str(name), names);
    fprintf(stderr, "wavegate: there is no verb '%s'", name);
    if (nearest)
        fprintf(stderr, ", did you mean '%s'?", nearest);
    fprintf(stderr, "\n`wavegate help` lists them all.\n");
    return CLI_USAGE;
}

int cli_main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return CLI_GOOD;
    }
    if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0) {
        printf("wavegate " WAVEGATE_VERSION "\n");
        return CLI_GOOD;
    }
    for (size_t i = 0; i < WG_COUNT(verbs); i++) {
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    }
    return unknown(argv[1]);
}
