// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "cli/arguments.h"

/** Verbs that speak to the gateway that runs on this machine: the configuration leads to the
 * data folder, which has its address and a token. */

struct cli_client;
/** Prints why not (no gateway runs...). @return NULL then. */
struct cli_client *cli_client_open(const struct cli_arguments *arguments);
/** One that prints nothing, and gives up after timeout_ms. file may be NULL: as usual. */
struct cli_client *cli_client_open_silent(const char *file, int64_t timeout_ms,
                                          struct wg_err *err);
/** What was wrong last. */
const char *cli_client_complaint(const struct cli_client *client);
/** "127.0.0.1:8490" */
const char *cli_client_address(const struct cli_client *client);
struct cli_client *cli_client_close(struct cli_client *client);
/** Asks, waits, and prints what the gateway says when it refuses. body may be NULL; is lent.
 * @return the answer (a new reference), or NULL. */
json_t *cli_client_ask(struct cli_client *client, const char *method, const char *target,
                       const json_t *body);

/** A target with a query is written piece by piece: the first with '?', the others with '&'. */
void cli_add_parameter(struct wg_buf *target, const char *name, const char *value);
/** text as one segment of a path, whatever was typed. */
void cli_add_segment(struct wg_buf *target, const char *text);
/** Foreign text, without what a terminal would obey. */
void cli_print_plain(const char *text);
void cli_print_plain_to(FILE *to, const char *text);
/** One JSON value as text on standard output, with a line feed. */
void cli_print_json(const json_t *json, size_t flags);
/** The text of a member, "" when it is missing. */
const char *cli_text(const json_t *object, const char *member);
