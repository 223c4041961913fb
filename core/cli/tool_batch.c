// SPDX-License-Identifier: Apache-2.0
/* --batch: one JSON object a line in, one a line out. No line ends the run. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/tool_impl.h"
#include "wire/json.h"

enum {
    LINE_LIMIT_BYTES = TOOL_INPUT_LIMIT_BYTES / 3 * 4 + 64 * 1024,
    ID_LIMIT_BYTES = 64 * 1024,
};

/** Takes the bytes of "in_b64", or of the verb's argument: "name" for NAME, "ip" for IP. */
static enum wg_code take_input(struct tool_call *call, const struct tool_verb *verb,
                               const char *member, const json_t *value, bool *ret_taken)
{
    struct wg_str text = wg_str_of(json_string_value(value), json_string_length(value));
    unsigned char *bytes;
    size_t len;

    *ret_taken = true;
    if (verb->argument && wg_str_equal_nocase(wg_str(member), wg_str(verb->argument))) {
        call->input = text;
    } else if (strcmp(member, "in_b64") == 0) {
        bytes = wg_arena_alloc(call->arena, text.len / 4 * 3 + 1);
        if (!json_is_string(value) ||
            sodium_base642bin(bytes, text.len / 4 * 3, text.at, text.len, NULL, &len, NULL,
                              sodium_base64_VARIANT_ORIGINAL) != 0)
            return tool_misuse(call, "'in_b64' is not base64 with padding");
        call->input = wg_str_of(bytes, len);
    } else {
        *ret_taken = false;
    }
    return WG_OK;
}

static enum wg_code take_value(struct tool_call *call, const struct tool_option *option,
                               const json_t *value)
{
    if (option->kind == TOOL_FLAG) {
        if (!json_is_boolean(value))
            return tool_misuse(call, "'%s' is true or false", option->name);
        return json_is_true(value) ? tool_add_value(call, option, WG_STR("true")) : WG_OK;
    }
    if (json_is_string(value))
        return tool_add_value(call, option,
                              wg_str_of(json_string_value(value), json_string_length(value)));
    if (json_is_number(value)) {
        double number = json_number_value(value);

        return tool_add_value(call, option,
                              wg_str(wg_arena_format(call->arena, "%.0f", number)));
    }
    return tool_misuse(call, "'%s' is not a string", option->name);
}

static enum wg_code take_member(struct tool_call *call, const struct tool_verb *verb,
                                const char *member, const json_t *value)
{
    const struct tool_option *option;
    enum wg_code code;
    bool is_taken;

    if (strcmp(member, "id") == 0 || json_is_null(value))
        return WG_OK;
    code = take_input(call, verb, member, value, &is_taken);
    if (code != WG_OK || is_taken)
        return code;
    if (tool_find_option(call, verb, wg_str(member), &option) != WG_OK)
        return call->err->code;
    if (option->kind != TOOL_MANY || !json_is_array(value))
        return take_value(call, option, value);
    for (size_t i = 0; i < json_array_size(value); i++)
        if (take_value(call, option, json_array_get(value, i)) != WG_OK)
            return call->err->code;
    return WG_OK;
}

static enum wg_code run_line(struct tool_call *call, const struct tool_verb *verb, json_t *line)
{
    const char *member;
    json_t *value;

    if (!json_is_object(line))
        return tool_misuse(call, "a line of --batch is a JSON object");
    json_object_foreach(line, member, value)
    {
        if (take_member(call, verb, member, value) != WG_OK)
            return call->err->code;
    }
    if (!call->input.at)
        return tool_misuse(call, "'in_b64' is missing");
    return tool_run(call, verb);
}

static void write_base64(struct wg_buf *answer, struct wg_str bytes)
{
    size_t size = sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_ORIGINAL);
    char *room = wg_buf_room(answer, size);

    if (!room)
        return;
    sodium_bin2base64(room, size, (const unsigned char *)bytes.at, bytes.len,
                      sodium_base64_VARIANT_ORIGINAL);
    answer->len += size - 1;
}

static void write_answer(struct wg_buf *answer, const json_t *id, enum wg_code code,
                         const struct wg_buf *out, const struct wg_err *err)
{
    struct wg_buf id_text;
    struct wg_err ignored;

    wg_buf_init(&id_text, ID_LIMIT_BYTES);
    if (!id || wg_jcs_write(id, &id_text, &ignored) != WG_OK) {
        wg_buf_clear(&id_text);
        wg_buf_adds(&id_text, WG_STR("null"));
    }
    wg_buf_addf(answer, "{\"id\":%s,\"ok\":%s,\"%s\":\"", id_text.at,
                code == WG_OK ? "true" : "false", code == WG_OK ? "out_b64" : "reason");
    if (code == WG_OK)
        write_base64(answer, wg_buf_str(out));
    else
        wg_buf_add_json(answer, wg_str(err->text));
    wg_buf_adds(answer, WG_STR("\"}\n"));
    wg_buf_done(&id_text);
}

static void answer_line(const struct tool_verb *verb, struct wg_str text, struct wg_buf *answer)
{
    struct wg_err err = {0};
    struct wg_arena arena;
    struct wg_buf out;
    struct tool_call call = {.arena = &arena, .out = &out, .err = &err};
    json_t *line = NULL;
    enum wg_code code;

    wg_arena_init(&arena);
    wg_buf_init(&out, TOOL_OUTPUT_LIMIT_BYTES);
    if (text.len > LINE_LIMIT_BYTES)
        code = wg_fail(&err, WG_TOO_LARGE, "a line of --batch has at most %d bytes",
                       LINE_LIMIT_BYTES);
    else if ((code = wg_json_parse(text, &line, &err)) != WG_OK)
        wg_while(&err, "line of --batch");
    else
        code = run_line(&call, verb, line);
    write_answer(answer, json_object_get(line, "id"), code, &out, &err);
    json_decref(line);
    wg_buf_done(&out);
    wg_arena_done(&arena);
}

int tool_batch(const struct tool_verb *verb)
{
    size_t capacity = 0;
    char *line = NULL;
    struct wg_buf answer;
    ssize_t len;
    bool is_good = true;

    wg_buf_init(&answer, (size_t)TOOL_OUTPUT_LIMIT_BYTES / 3 * 4 + ID_LIMIT_BYTES + 4096);
    while (is_good && (len = getline(&line, &capacity, stdin)) >= 0) {
        if (len > 0 && line[len - 1] == '\n')
            len--;
        wg_buf_clear(&answer);
        answer_line(verb, wg_str_of(line, (size_t)len), &answer);
        /* Flushed line by line, so that a program can ask and wait for the answer. */
        is_good = fwrite(answer.at, 1, answer.len, stdout) == answer.len && fflush(stdout) == 0;
    }
    wg_buf_done(&answer);
    free(line);
    return is_good ? CLI_GOOD : CLI_REFUSED;
}
