// SPDX-License-Identifier: Apache-2.0
#include "policy/list_source_impl.h"

static bool is_blank(const struct wg_list_job *job)
{
    for (size_t i = 0; i < job->len; i++) {
        if (!job->body[i] || !strchr(" \t\r\n", job->body[i]))
            return false;
    }
    return true;
}

static enum wg_code read_answer(struct wg_list_job *job, const struct wg_list_options *options)
{
    struct wg_str text = wg_str_of(job->body, job->len);
    struct wg_list_source *source = job->source;

    /* A server that breaks often answers 200 and nothing; an empty list can say "[]" or "#". */
    if (is_blank(job))
        return wg_fail(&job->err, WG_BAD_ANSWER, "%s: the answer is empty", source->shown);
    if (wg_list_parse(text, options, &job->list, &job->err) != WG_OK)
        return job->err.code;
    if (source->folder)
        job->keep_code =
            wg_list_keep_write(source->folder, source->where, text, &job->kept, &job->keep_err);
    return WG_OK;
}

static void *run(void *owner)
{
    struct wg_list_job *job = owner;
    struct wg_list_source *source = job->source;
    struct wg_list_options options = wg_list_source_load_options(source, job->previous);

    if (job->kind == WG_LIST_JOB_FILE)
        job->code = wg_list_load(source->where, &options, &job->list, &job->err);
    else if (job->kind == WG_LIST_JOB_ANSWER)
        job->code = read_answer(job, &options);
    else if (source->folder)
        job->keep_code = wg_list_keep_touch(source->folder, source->where,
                                            job->kept.checked_at_s, &job->keep_err);
    return NULL;
}

static void on_done(void *owner)
{
    struct wg_list_job *job = owner;
    struct wg_list_source *source = job->source;

    pthread_join(job->thread, NULL);
    source->job = NULL;
    if (job->code != WG_OK) {
        wg_list_source_fail(source, &job->err);
    } else {
        source->kept = job->kept;
        if (job->keep_code != WG_OK)
            wg_while(&job->keep_err, "keeping %s on disk", source->shown);
        wg_list_source_succeed(source, job->list,
                               job->keep_code != WG_OK ? job->keep_err.text : "");
    }
    wg_list_unref(job->previous);
    wg_free(job->body);
    wg_free(job);
}

static void *run_and_tell(void *owner)
{
    struct wg_list_job *job = owner;

    run(job);
    wg_loop_post(job->source->options.loop, on_done, job);
    return NULL;
}

void wg_list_job_start(struct wg_list_source *source, enum wg_list_job_kind kind, char *body,
                       size_t len, const struct wg_list_kept *kept)
{
    /* Longer than any job: only there so that the loop does not end before the job's post. */
    static const int64_t long_ms = (int64_t)24 * 3600 * 1000;
    struct wg_list_job *job = wg_new(struct wg_list_job);
    struct wg_err err;

    job->source = source;
    job->kind = kind;
    job->body = body;
    job->len = len;
    job->kept = *kept;
    job->previous = wg_list_source_current(source);
    if (pthread_create(&job->thread, NULL, run_and_tell, job) != 0) {
        wg_list_unref(job->previous);
        wg_free(body);
        wg_free(job);
        wg_fail(&err, WG_FULL, "%s: no thread to read it with", source->shown);
        wg_list_source_fail(source, &err);
        return;
    }
    source->job = job;
    wg_timer_start(source->timer, long_ms);
}
