// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "base/str.h"

/** How verbs talk to the running gateway: its admin API, at the address and with the token that
 * it leaves in its data folder. Blocking; one request at a time. */
struct cli_client;

/** Prints what is wrong and what to do. @return NULL then. */
struct cli_client *cli_client_open(const char *config_file);
struct cli_client *cli_client_close(struct cli_client *client);

/** body is taken over; NULL: none. Prints the error a refusal carries.
 * @return what was answered, a new reference; NULL after a failure. */
json_t *cli_client_ask(struct cli_client *client, const char *method, const char *target,
                       json_t *body);

/** Appends "name=value" to a target that has a "?", percent-encoded; nothing for a value of
 * NULL. */
struct wg_buf;
void cli_query_add(struct wg_buf *target, const char *name, const char *value);
/** A string member; "" when there is none. */
const char *cli_text(const json_t *object, const char *member);
