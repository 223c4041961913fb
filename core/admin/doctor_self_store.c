// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "admin/doctor_impl.h"
#include "store/document.h"
#include "store/queue.h"

/* The gateway itself: store, disk, audit, queue, and what the system allows it. */

enum {
    STUCK_MS = 10 * 60 * 1000,
    AUDIT_MS =
        6 * 1000, /* a long chain is verified in part; `wavegate audit verify` does all */
    PAGES_MAX = 20,
    FILES_FEW = 4096,
};

static const char *bytes_text(struct doctor *doctor, int64_t bytes)
{
    static const struct {
        int64_t unit;
        const char *name;
    } units[] = {{INT64_C(1) << 30, "GiB"}, {INT64_C(1) << 20, "MiB"}, {1024, "KiB"}};

    for (size_t i = 0; i < WG_COUNT(units); i++) {
        if (bytes >= units[i].unit)
            return wg_arena_format(doctor->request->arena, "%.1f %s",
                                   (double)bytes / (double)units[i].unit, units[i].name);
    }
    return wg_arena_format(doctor->request->arena, "%" PRId64 " bytes", bytes);
}

/* ---- store ---- */

static void on_document(void *owner, const struct wg_err *err,
                        const struct wg_document *document)
{
    struct doctor *doctor = owner;
    struct wg_store_figures figures;

    (void)document;
    wg_store_read_figures(doctor->request->gateway->store, &figures);
    if (err->code != WG_OK && err->code != WG_NOT_FOUND) {
        doctor_see(doctor, "it cannot be read: %s", err->text);
        doctor_advise(doctor, "look at the disk of the data folder; a damaged file is put back "
                              "from a backup while the gateway is stopped");
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    if (!figures.is_writable) {
        doctor_see(doctor, "the last write failed; %" PRId64 " have since the start",
                   figures.failures);
        doctor_advise(doctor, "the log says why (disk full, read-only, damaged); nothing is "
                              "promised to anybody until a write goes well");
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    doctor_see(doctor, "reads and writes go well; the last commit took %" PRId64 " us",
               figures.commit_us_last);
    doctor_detail(doctor, "failures", json_integer(figures.failures));
    doctor_end(doctor, DOCTOR_OK);
}

void doctor_self_store(struct doctor *doctor)
{
    wg_store_document_get(doctor->request->gateway->store, doctor->request->worker->loop,
                          WG_STR("doctor"), WG_STR("looks"), on_document, doctor);
}

/* ---- disk and the queue's bounds ---- */

static bool judge_bounds(struct doctor *doctor, const struct wg_store_figures *figures)
{
    const struct wg_config_queue *queue = &doctor->request->gateway->config->queue;
    int64_t rows = figures->deliveries + figures->held + figures->dead;

    if (rows < queue->rows && figures->body_bytes < queue->bytes)
        return true;
    doctor_see(doctor, "the queue is full: %" PRId64 " of %" PRId64 " rows, %s of %s", rows,
               queue->rows, bytes_text(doctor, figures->body_bytes),
               bytes_text(doctor, queue->bytes));
    doctor_advise(doctor,
                  "nothing more is accepted: see what waits with `wavegate queue shape`, "
                  "drop what nobody needs (`wavegate queue drop`), or raise queue.rows "
                  "and queue.bytes");
    doctor_end(doctor, DOCTOR_FAILED);
    return false;
}

void doctor_self_disk(struct doctor *doctor)
{
    const struct wg_config *config = doctor->request->gateway->config;
    struct wg_store_figures figures;
    struct statvfs info;
    int64_t free_bytes, all_bytes;

    wg_store_read_figures(doctor->request->gateway->store, &figures);
    if (!judge_bounds(doctor, &figures))
        return;
    if (statvfs(config->data, &info) != 0) {
        doctor_see(doctor, "%s: %s", config->data, strerror(errno));
        doctor_advise(doctor, "the data folder must be there, and on a disk");
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    free_bytes = (int64_t)info.f_bavail * (int64_t)info.f_frsize;
    all_bytes = (int64_t)info.f_blocks * (int64_t)info.f_frsize;
    doctor_see(doctor, "%s free of %s at %s", bytes_text(doctor, free_bytes),
               bytes_text(doctor, all_bytes), config->data);
    doctor_detail(doctor, "free_bytes", json_integer(free_bytes));
    if (free_bytes < config->queue.free_disk_bytes) {
        doctor_advise(doctor,
                      "less than queue.free_disk (%s): nothing more is accepted. Make "
                      "room, or lower that setting",
                      bytes_text(doctor, config->queue.free_disk_bytes));
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    if (info.f_files > 0 && info.f_favail == 0) {
        doctor_advise(doctor, "there are no inodes left there: remove small files");
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    if (free_bytes / 4 < config->queue.free_disk_bytes || free_bytes < all_bytes / 20)
        doctor_advise(doctor, "make room: below %s nothing is accepted",
                      bytes_text(doctor, config->queue.free_disk_bytes));
    doctor_end(doctor, DOCTOR_OK);
}

/* ---- audit ---- */

static void verify_on(struct doctor *doctor, struct wg_str cursor);

static void on_checked(void *owner, const struct wg_err *err,
                       const struct wg_audit_check *check)
{
    struct doctor *doctor = owner;
    int64_t now_ms = wg_clock_mono_ms(doctor->request->gateway->clock);
    bool is_long = now_ms - doctor->step_started_ms > AUDIT_MS || doctor->is_stopping;

    if (!check) {
        doctor_see(doctor, "it cannot be read: %s", err->text);
        doctor_advise(doctor, "look at the disk of the data folder");
        doctor_end(doctor, DOCTOR_FAILED);
    } else if (check->is_broken) {
        doctor_see(doctor, "the chain is broken: %.*s", WG_STR_F(check->finding));
        doctor_advise(doctor, "somebody has changed the audit, or the disk has: keep a copy of "
                              "the data folder, and compare with a backup");
        doctor_end(doctor, DOCTOR_FAILED);
    } else if (!check->is_end && !is_long) {
        verify_on(doctor, check->next_cursor);
    } else {
        doctor_see(
            doctor,
            "%" PRId64 " row%s from number %" PRId64 " on %s, %" PRId64 " signed checkpoint%s",
            check->rows, check->rows == 1 ? "" : "s", check->first,
            check->is_end ? "are as they were written" : "verified in the time there was",
            check->checkpoints, check->checkpoints == 1 ? "" : "s");
        if (!check->is_end)
            doctor_advise(doctor, "`wavegate audit verify` walks the whole chain");
        doctor_end(doctor, DOCTOR_OK);
    }
}

static void verify_on(struct doctor *doctor, struct wg_str cursor)
{
    wg_store_audit_verify(doctor->request->gateway->store, doctor->request->worker->loop,
                          cursor, on_checked, doctor);
}

void doctor_self_audit(struct doctor *doctor)
{
    verify_on(doctor, (struct wg_str){NULL, 0});
}

/* ---- queue ---- */

struct queue {
    struct doctor *doctor;
    struct doctor_findings stuck, suspended;
    size_t pages;
    int64_t waiting;
};

static void note_destination(struct queue *queue, const struct wg_destination_state *state)
{
    struct wg_str name = state->destination.name;
    const char *kind = state->destination.is_outbound ? "" : "instance ";

    queue->waiting += state->deliveries;
    if (state->is_suspended)
        doctor_find(&queue->suspended, "%s%.*s (%.*s), %" PRId64 " waiting", kind,
                    WG_STR_F(name), WG_STR_F(state->suspended_reason), state->deliveries);
    else if (state->deliveries && state->oldest_age_ms > STUCK_MS)
        doctor_find(&queue->stuck, "%s%.*s: %" PRId64 ", the oldest for %s", kind,
                    WG_STR_F(name), state->deliveries,
                    doctor_span(queue->doctor, state->oldest_age_ms / 1000));
}

static void judge_queue(struct queue *queue)
{
    struct doctor *doctor = queue->doctor;

    doctor_detail(doctor, "waiting", json_integer(queue->waiting));
    doctor_detail(doctor, "stuck", json_integer((json_int_t)queue->stuck.count));
    if (queue->stuck.count) {
        doctor_see(doctor, "stuck: %s", doctor_findings_text(doctor, &queue->stuck));
        doctor_advise(doctor,
                      "`wavegate doctor PEER` says why for a peer; for an instance look "
                      "at the check of instances. `wavegate queue list` shows the last "
                      "error of each");
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    if (queue->suspended.count) {
        doctor_see(doctor, "suspended by an operator: %s",
                   doctor_findings_text(doctor, &queue->suspended));
        doctor_advise(doctor, "when the reason is gone: `wavegate queue resume`");
    } else {
        doctor_see(doctor, "%" PRId64 " waiting, none for more than 10 min", queue->waiting);
    }
    doctor_end(doctor, DOCTOR_OK);
}

static void ask_destinations(struct queue *queue, struct wg_str cursor);

static void on_destinations(void *owner, const struct wg_err *err,
                            const struct wg_destination_page *page)
{
    struct queue *queue = owner;

    if (!page) {
        doctor_see(queue->doctor, "the store does not answer: %s", err->text);
        doctor_advise(queue->doctor, "see the log and the disk of the data folder");
        doctor_end(queue->doctor, DOCTOR_FAILED);
        return;
    }
    for (size_t i = 0; i < page->count; i++)
        note_destination(queue, &page->states[i]);
    if (page->next_cursor.at && ++queue->pages < PAGES_MAX && !queue->doctor->is_late &&
        !queue->doctor->is_stopping)
        ask_destinations(queue, page->next_cursor);
    else
        judge_queue(queue);
}

static void ask_destinations(struct queue *queue, struct wg_str cursor)
{
    const struct wg_admin_request *request = queue->doctor->request;

    wg_store_destinations(request->gateway->store, request->worker->loop, cursor,
                          WG_QUEUE_PAGE_MAX, on_destinations, queue);
}

void doctor_self_queue(struct doctor *doctor)
{
    struct queue *queue = wg_arena_new(doctor->request->arena, struct queue);

    queue->doctor = doctor;
    ask_destinations(queue, (struct wg_str){NULL, 0});
}

/* ---- what the system allows ---- */

static int64_t open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int64_t count = 0;

    if (!folder)
        return -1;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 3; /* ".", "..", and the folder itself */
}

void doctor_self_limits(struct doctor *doctor)
{
    const struct wg_gateway *gateway = doctor->request->gateway;
    int64_t used = open_files(), most;
    struct rlimit limit;

    if (used < 0 && (errno == EMFILE || errno == ENFILE)) {
        doctor_see(doctor, "no file can be opened any more: %s", strerror(errno));
        doctor_advise(doctor, "connections are refused: raise the limit (LimitNOFILE= of the "
                              "service, ulimit -n)");
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || used < 0) {
        doctor_see(doctor, "the system does not say how many files may be open");
        doctor_end(doctor, DOCTOR_SKIPPED);
        return;
    }
    most = limit.rlim_cur == RLIM_INFINITY ? INT64_MAX : (int64_t)limit.rlim_cur;
    doctor_see(doctor,
               "%u worker%s; %" PRId64 " of %" PRId64 " files open (each connection is "
               "one)",
               gateway->worker_count, gateway->worker_count == 1 ? "" : "s", used, most);
    doctor_detail(doctor, "files_open", json_integer(used));
    doctor_detail(doctor, "files_limit", json_integer(most));
    if (used > most - most / 10) {
        doctor_advise(doctor, "connections are refused when none is left: raise the limit "
                              "(LimitNOFILE= of the service, ulimit -n)");
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    if (most < FILES_FEW)
        doctor_advise(doctor,
                      "that is few for a busy gateway: raise the limit (LimitNOFILE= of "
                      "the service, ulimit -n)");
    doctor_end(doctor, DOCTOR_OK);
}
