// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/config_argument.h"
#include "cli/policy_impl.h"
#include "policy/question.h"
#include "policy/trial.h"
#include "wire/json.h"

enum { INPUT_LIMIT_BYTES = 1024 * 1024 };

struct eval {
    struct policy_arguments arguments;
    struct wg_arena arena;
    struct wg_config *config; /**< NULL: none was asked for */
    struct wg_config bare;
    struct wg_config_instance instance;
    enum wg_hook hook;
    struct wg_event event;
    struct wg_question question;
    struct wg_decision decision;
    struct wg_trace trace;
};

/* ---- what is asked ---- */

static enum wg_code read_stdin(struct wg_buf *out, struct wg_err *err)
{
    size_t got;

    do {
        char *room = wg_buf_room(out, 4096);

        if (!room)
            return wg_buf_status(out, err);
        got = fread(room, 1, 4096, stdin);
        out->len += got;
    } while (got > 0);
    return ferror(stdin) ? wg_fail(err, WG_IO, "standard input: %s", strerror(errno)) : WG_OK;
}

static enum wg_code read_input(struct eval *eval, struct wg_err *err)
{
    const char *input = eval->arguments.input;
    struct wg_buf text;
    json_t *json = NULL;
    enum wg_code code;

    wg_buf_init(&text, INPUT_LIMIT_BYTES);
    code = strcmp(input, "-") == 0 ? read_stdin(&text, err) : wg_file_read(input, &text, err);
    if (code == WG_OK) {
        code = wg_json_parse(wg_buf_str(&text), &json, err);
        if (code == WG_OK)
            code = wg_question_read(json, eval->hook, eval->instance.server_name,
                                    wg_clock_wall_s(wg_clock_system()), &eval->arena,
                                    &eval->event, &eval->question, err);
        if (code != WG_OK)
            wg_while(err, "%s", input);
    }
    json_decref(json);
    wg_buf_done(&text);
    return code;
}

static enum wg_code choose_instance(struct eval *eval, struct wg_err *err)
{
    const char *server = eval->arguments.server;
    size_t i = 0;

    if (!eval->config) {
        policy_bare_config(&eval->arena, NULL, &eval->bare);
        policy_bare_instance(eval->arguments.policy, &eval->instance);
        if (server)
            eval->instance.server_name = server;
        return WG_OK;
    }
    while (server && i < eval->config->instance_count &&
           strcmp(eval->config->instances[i].server_name, server) != 0)
        i++;
    if (i == eval->config->instance_count)
        return wg_fail(err, WG_CONFIG, "%s has no instance '%s'", eval->config->file, server);
    eval->instance = eval->config->instances[i];
    if (eval->arguments.policy)
        eval->instance.policy = eval->arguments.policy;
    return WG_OK;
}

/* ---- asking ---- */

static enum wg_code ask(struct eval *eval, bool is_exact, struct wg_decision *ret_decision,
                        struct wg_trace *ret_trace, struct wg_err *err)
{
    struct wg_trial_options options = {.config = eval->config ? eval->config : &eval->bare,
                                       .instance = &eval->instance,
                                       .clock = wg_clock_system(),
                                       .has_http = true,
                                       .is_exact = is_exact};
    struct wg_trial *trial;

    if (wg_trial_new(&options, &trial, err) != WG_OK)
        return err->code;
    *ret_trace = (struct wg_trace){.arena = &eval->arena};
    eval->question.trace = ret_trace;
    wg_trial_ask(trial, &eval->question, &eval->arena, ret_decision);
    wg_trial_free(trial);
    return WG_OK;
}

/* Counting single instructions takes time of its own, so what was decided and how long it took
 * come from a first run, and the instructions from a second one on a host as fresh. A policy
 * that asks somebody else is not made to do so twice: its instructions are to the hundred. */
static enum wg_code ask_both(struct eval *eval, struct wg_err *err)
{
    struct wg_decision exact_decision;
    struct wg_trace exact;

    if (ask(eval, false, &eval->decision, &eval->trace, err) != WG_OK)
        return err->code;
    if (eval->trace.has_waited || eval->decision.failure != WG_OK)
        return WG_OK;
    if (ask(eval, true, &exact_decision, &exact, err) != WG_OK)
        return err->code;
    if (exact.count != eval->trace.count || exact_decision.failure != WG_OK)
        return WG_OK;
    eval->decision.instructions = exact_decision.instructions;
    for (size_t i = 0; i < exact.count; i++)
        eval->trace.steps[i].instructions = exact.steps[i].instructions;
    return WG_OK;
}

/* ---- output ---- */

static void set_text(json_t *object, const char *name, struct wg_str text)
{
    if (text.at)
        json_object_set_new(object, name, policy_json_text(text));
}

static void set_number(json_t *object, const char *name, int64_t value)
{
    if (value >= 0)
        json_object_set_new(object, name, json_integer(value));
}

static json_t *step_json(const struct wg_trace_step *step)
{
    json_t *row = json_object();

    set_text(row, "policy", step->policy);
    set_text(row, "file", step->file);
    set_number(row, "line", step->line);
    set_text(row, "answer", wg_str(step->answer));
    set_text(row, "text", step->text);
    set_text(row, "said_file", step->said_file);
    if (step->said_file.at)
        set_number(row, "said_line", step->said_line);
    set_number(row, "instructions", step->instructions);
    set_number(row, "microseconds", step->running_us);
    return row;
}

static json_t *limit_json(const struct wg_decision *decision)
{
    json_t *limit = json_object();

    set_number(limit, "events", decision->limit.events);
    set_number(limit, "bytes", decision->limit.bytes);
    set_number(limit, "not_before", decision->limit.not_before_s);
    return limit;
}

static json_t *labels_json(const struct wg_decision *decision)
{
    json_t *labels = json_object();

    for (size_t i = 0; i < decision->labels.count; i++)
        json_object_set_new(labels, decision->labels.at[i].name.at,
                            policy_json_text(decision->labels.at[i].value));
    return labels;
}

static void print_json(const struct eval *eval)
{
    const struct wg_decision *decision = &eval->decision;
    json_t *all = json_object();
    json_t *asked = json_array();

    set_text(all, "hook", wg_str(wg_hook_name(eval->hook)));
    set_text(all, "server", eval->question.server);
    set_text(all, "verdict", wg_str(wg_verdict_name(decision->verdict)));
    if (decision->code != WG_OK)
        set_text(all, "code", wg_str(wg_code_answer(decision->code)));
    set_text(all, "reason", decision->reason);
    if (decision->verdict == WG_VERDICT_DEFER)
        set_number(all, "seconds", decision->defer_s);
    json_object_set_new(all, "limit", limit_json(decision));
    json_object_set_new(all, "labels", labels_json(decision));
    set_text(all, "policy", decision->policy);
    set_text(all, "file", decision->file);
    set_number(all, "line", decision->file.at ? decision->line : -1);
    if (decision->failure != WG_OK)
        json_object_set_new(all, "failure",
                            json_pack("{s:s, s:o}", "class", wg_code_name(decision->failure),
                                      "text", policy_json_text(decision->failure_text)));
    for (size_t i = 0; i < eval->trace.count; i++)
        json_array_append_new(asked, step_json(&eval->trace.steps[i]));
    json_object_set_new(all, "asked", asked);
    set_number(all, "instructions", decision->instructions);
    set_number(all, "microseconds", decision->running_us);
    set_number(all, "peak_bytes", eval->trace.peak_bytes);
    set_number(all, "call_bytes", eval->trace.call_bytes);
    policy_print_json(all);
}

static void print_limits(const struct wg_decision *decision)
{
    if (decision->limit.events >= 0)
        printf("  limit   events = %lld\n", (long long)decision->limit.events);
    if (decision->limit.bytes >= 0)
        printf("  limit   bytes = %lld\n", (long long)decision->limit.bytes);
    if (decision->limit.not_before_s >= 0)
        printf("  limit   not_before = %lld\n", (long long)decision->limit.not_before_s);
    for (size_t i = 0; i < decision->labels.count; i++)
        printf("  label   %.*s = %.*s\n", WG_STR_F(decision->labels.at[i].name),
               WG_STR_F(decision->labels.at[i].value));
}

static void print_steps(const struct wg_trace *trace)
{
    printf("asked\n");
    for (size_t i = 0; i < trace->count; i++) {
        const struct wg_trace_step *step = &trace->steps[i];

        printf("  %zu  %.*s, %.*s:%d\n       %s", i + 1, WG_STR_F(step->policy),
               WG_STR_F(step->file), step->line, step->answer);
        if (step->said_file.at)
            printf(" at %.*s:%d", WG_STR_F(step->said_file), step->said_line);
        if (step->text.at)
            printf(": %.*s", WG_STR_F(step->text));
        printf("\n       %lld instructions, %lld us\n", (long long)step->instructions,
               (long long)step->running_us);
    }
    if (trace->count == 0)
        printf("  nobody: this hook has no handlers\n");
}

static void print_text(const struct eval *eval)
{
    const struct wg_decision *decision = &eval->decision;

    printf("%s, asked for %.*s: %s\n", wg_hook_name(eval->hook),
           WG_STR_F(eval->question.server), wg_verdict_name(decision->verdict));
    if (decision->code != WG_OK)
        printf("  code    %s\n", wg_code_answer(decision->code));
    if (decision->verdict == WG_VERDICT_DEFER)
        printf("  seconds %lld\n", (long long)decision->defer_s);
    if (decision->reason.at)
        printf("  reason  %.*s\n", WG_STR_F(decision->reason));
    print_limits(decision);
    if (decision->failure != WG_OK)
        printf("  failure %s: %.*s\n", wg_code_name(decision->failure),
               WG_STR_F(decision->failure_text));
    if (decision->file.at)
        printf("  by      %.*s, %.*s:%d\n", WG_STR_F(decision->policy),
               WG_STR_F(decision->file), decision->line);
    else
        printf("  by      the hook's default\n");
    print_steps(&eval->trace);
    printf("cost\n  %lld instructions, %lld us, %lld bytes at most (%lld of them by this "
           "call)\n",
           (long long)decision->instructions, (long long)decision->running_us,
           (long long)eval->trace.peak_bytes, (long long)eval->trace.call_bytes);
}

/* ---- the verb ---- */

static bool check_arguments(struct eval *eval)
{
    const struct policy_arguments *arguments = &eval->arguments;
    const char *hooks[WG_HOOK_COUNT + 1] = {NULL};
    const char *near;

    if (wg_hook_parse(wg_str(arguments->hook), &eval->hook))
        return true;
    for (int hook = 0; hook < WG_HOOK_COUNT; hook++)
        hooks[hook] = wg_hook_name((enum wg_hook)hook);
    near = wg_str_nearest(wg_str(arguments->hook), hooks);
    fprintf(stderr, "wavegate policy eval: unknown hook '%s'%s%s%s\n", arguments->hook,
            near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
    return false;
}

static enum wg_code run(struct eval *eval, struct wg_err *err)
{
    if (!eval->arguments.policy && !eval->arguments.config)
        eval->arguments.config = cli_config_file();
    if (eval->arguments.config && wg_config_load(eval->arguments.config, &eval->config,
                                                 cli_print_problem, NULL, err) != WG_OK)
        return wg_fail(err, WG_CONFIG, "%s is not usable", eval->arguments.config);
    if (choose_instance(eval, err) != WG_OK || read_input(eval, err) != WG_OK ||
        ask_both(eval, err) != WG_OK)
        return err->code;
    if (eval->arguments.is_json)
        print_json(eval);
    else
        print_text(eval);
    return WG_OK;
}

int policy_eval(const struct cli_arguments *arguments)
{
    struct eval eval = {.config = NULL};
    struct wg_err err;
    int status = CLI_USAGE;

    wg_arena_init(&eval.arena);
    policy_arguments_take(arguments, &eval.arguments);
    if (check_arguments(&eval)) {
        status = CLI_REFUSED;
        if (run(&eval, &err) != WG_OK)
            fprintf(stderr, "wavegate policy eval: %s\n", err.text);
        else if (eval.decision.failure == WG_OK)
            status = CLI_GOOD;
    }
    wg_event_done(&eval.event);
    wg_config_free(eval.config);
    wg_arena_done(&eval.arena);
    return status;
}
