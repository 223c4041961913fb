// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "cli/usage.h"
#include "wire/key.h"
#include "wire/message.h"

/** `wavegate tool`: the wire's pieces one by one, by the very code the server runs. A verb is
 * one pure function of a call; where its bytes come from (standard input, a line of --batch) is
 * not its business. */

enum {
    TOOL_OPTIONS_LIMIT = 8, /**< that a verb may have */
    TOOL_VALUES_LIMIT = 32, /**< given in one call */
    TOOL_INPUT_LIMIT_BYTES = 16 * 1024 * 1024,
    /** Canonical JSON may be longer than what was read: 1e20 has 21 digits. */
    TOOL_OUTPUT_LIMIT_BYTES = 8 * TOOL_INPUT_LIMIT_BYTES,
};

enum tool_option_kind {
    TOOL_NEEDED,   /**< a value that must be given */
    TOOL_OPTIONAL, /**< a value */
    TOOL_MANY,     /**< a value, once or more */
    TOOL_FLAG,     /**< no value */
};

struct tool_option {
    const char *name; /**< "key-file"; NULL ends a list */
    enum tool_option_kind kind;
};

struct tool_value {
    const char *name;
    struct wg_str value;
};

/** One call of a verb. Lives for that call; everything it needs is in arena. */
struct tool_call {
    struct wg_str input; /**< standard input, or the argument of a verb that takes one */
    struct tool_value values[TOOL_VALUES_LIMIT];
    size_t value_count;
    struct wg_arena *arena;
    struct wg_buf *out;
    struct wg_err *err;
    bool is_misused; /**< the failure is one of usage: exit status 2 */
};

struct tool_verb {
    const struct cli_usage *usage;
    const char *argument; /**< "NAME": taken instead of standard input; else NULL */
    struct tool_option options[TOOL_OPTIONS_LIMIT];
    enum wg_code (*run)(struct tool_call *call);
};

/** Fails with a mistake of usage. */
enum wg_code tool_misuse(struct tool_call *call, const char *format, ...) WG_PRINTF(2, 3);
/** The option of that name ("public_key" is "public-key"), or a failure with the nearest name.
 */
WG_MUST_USE enum wg_code tool_find_option(struct tool_call *call, const struct tool_verb *verb,
                                          struct wg_str name,
                                          const struct tool_option **ret_option);
WG_MUST_USE enum wg_code tool_add_value(struct tool_call *call,
                                        const struct tool_option *option, struct wg_str value);
/** Runs the verb, once it is sure that nothing needed is missing. */
WG_MUST_USE enum wg_code tool_run(struct tool_call *call, const struct tool_verb *verb);
/** Lines of JSON in, one each out. @return the exit status. */
int tool_batch(const struct tool_verb *verb);

/** The value given, absent when none was. */
struct wg_str tool_value_of(const struct tool_call *call, const char *name);
bool tool_has(const struct tool_call *call, const char *name);
/** Walks the values of a TOOL_MANY option: start with *cursor = 0. */
bool tool_next_value(const struct tool_call *call, const char *name, size_t *cursor,
                     struct wg_str *ret_value);
/** A time in Unix seconds; the system's clock when not given. */
WG_MUST_USE enum wg_code tool_time(struct tool_call *call, const char *name, int64_t *ret_s);
/** The key of --key-file; end it with wg_secret_key_done(). */
WG_MUST_USE enum wg_code tool_secret_key(struct tool_call *call, struct wg_secret_key *ret_key);
/** KEYID=ed25519:BASE64. */
WG_MUST_USE enum wg_code tool_public_key(struct tool_call *call, struct wg_str text,
                                         struct wg_str *ret_keyid,
                                         struct wg_public_key *ret_key);
/** Are all values of --key keys: asked first, so that a mistake shows whatever the input is. */
WG_MUST_USE enum wg_code tool_check_keys(struct tool_call *call);
/** The input as an HTTP/1.1 request, with the scheme of --scheme. */
WG_MUST_USE enum wg_code tool_request(struct tool_call *call, struct wg_message *ret_message);

enum wg_code tool_canonicalize(struct tool_call *call);
enum wg_code tool_parse_json(struct tool_call *call);
enum wg_code tool_parse_field(struct tool_call *call);
enum wg_code tool_signature_base(struct tool_call *call);
enum wg_code tool_sign_request(struct tool_call *call);
enum wg_code tool_verify_request(struct tool_call *call);
enum wg_code tool_verify(struct tool_call *call);
enum wg_code tool_sign_event(struct tool_call *call);
enum wg_code tool_verify_event(struct tool_call *call);
enum wg_code tool_check_name(struct tool_call *call);
enum wg_code tool_check_address(struct tool_call *call);
