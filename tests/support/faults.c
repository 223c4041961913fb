// SPDX-License-Identifier: Apache-2.0
/* Loaded before the C library (LD_PRELOAD) into a gateway under test: a wall clock that can be
 * stepped, time that can be made to pass, and a disk whose fsync can fail. The test holds the
 * levers in a file that both map; tests/e2e/faults/levers.py writes it. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct levers {
    _Atomic int64_t clock_step_s;
    _Atomic int32_t fsync_errno;  /**< 0: it works */
    _Atomic int32_t fsync_failed; /**< how many have */
    _Atomic int32_t is_loaded;
    _Atomic int64_t passed_ms; /**< on every clock, beside the time that passes by itself */
};

enum { LONGEST_WAIT_MS = 10 };

static struct levers idle;
static struct levers *levers = &idle;
static int (*real_clock_gettime)(clockid_t id, struct timespec *now);
static int (*real_cond_timedwait)(pthread_cond_t *condition, pthread_mutex_t *lock,
                                  const struct timespec *until);
static int (*real_epoll_wait)(int fd, struct epoll_event *events, int limit, int timeout_ms);
static int (*real_fsync)(int fd);
static int (*real_fdatasync)(int fd);

static void find(const char *name, void *ret_function)
{
    *(void **)ret_function = dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void load(void)
{
    const char *path = getenv("WAVEGATE_FAULTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = fd < 0 ? MAP_FAILED
                       : mmap(NULL, sizeof *levers, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (fd >= 0)
        close(fd);
    if (map == MAP_FAILED)
        return;
    levers = map;
    levers->is_loaded = 1;
}

static void pass(struct timespec *now, int64_t ms)
{
    int64_t ns = now->tv_nsec + ms % 1000 * 1000000;

    now->tv_sec += ms / 1000 + ns / 1000000000 - (ns < 0);
    now->tv_nsec = ns % 1000000000 + (ns < 0 ? 1000000000 : 0);
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    int result;

    if (!real_clock_gettime)
        find("clock_gettime", &real_clock_gettime);
    result = real_clock_gettime(id, now);
    if (result != 0)
        return result;
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
        pass(now, levers->clock_step_s * 1000 + levers->passed_ms);
    else if (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE)
        pass(now, levers->passed_ms);
    return 0;
}

/* Whoever waits for a time that has been made to pass must look at the clock again; libuv waits
 * on when it is woken too early. */
int epoll_wait(int fd, struct epoll_event *events, int limit, int timeout_ms)
{
    if (!real_epoll_wait)
        find("epoll_wait", &real_epoll_wait);
    if (timeout_ms > LONGEST_WAIT_MS)
        timeout_ms = LONGEST_WAIT_MS;
    return real_epoll_wait(fd, events, limit, timeout_ms);
}

/* The same for a thread that waits: whoever is woken without cause looks whether it has one.
 * All conditions with a deadline here go by the monotonic clock. */
int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict lock,
                           const struct timespec *restrict until)
{
    struct timespec soon;
    int result;

    (void)until;
    if (!real_cond_timedwait)
        find("pthread_cond_timedwait", &real_cond_timedwait);
    if (!real_clock_gettime)
        find("clock_gettime", &real_clock_gettime);
    real_clock_gettime(CLOCK_MONOTONIC, &soon);
    pass(&soon, LONGEST_WAIT_MS);
    result = real_cond_timedwait(condition, lock, &soon);
    return result == ETIMEDOUT ? 0 : result;
}

time_t time(time_t *ret_now)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (ret_now)
        *ret_now = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict ret_now, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *ret_now = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

static int fails(void)
{
    int code = levers->fsync_errno;

    if (code) {
        levers->fsync_failed++;
        errno = code;
    }
    return code;
}

int fsync(int fd)
{
    if (!real_fsync)
        find("fsync", &real_fsync);
    return fails() ? -1 : real_fsync(fd);
}

int fdatasync(int fd)
{
    if (!real_fdatasync)
        find("fdatasync", &real_fdatasync);
    return fails() ? -1 : real_fdatasync(fd);
}
