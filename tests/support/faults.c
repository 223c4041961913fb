// SPDX-License-Identifier: Apache-2.0
/* Loaded before the C library (LD_PRELOAD) into a gateway under test: a wall clock that can be
 * stepped and a disk whose fsync can fail. The test holds the levers in a file that both map;
 * tests/e2e/faults/levers.py writes it. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct levers {
    _Atomic int64_t clock_step_s;
    _Atomic int32_t fsync_errno;  /**< 0: it works */
    _Atomic int32_t fsync_failed; /**< how many have */
    _Atomic int32_t is_loaded;
};

static struct levers idle;
static struct levers *levers = &idle;
static int (*real_clock_gettime)(clockid_t id, struct timespec *now);
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

int clock_gettime(clockid_t id, struct timespec *now)
{
    int result;

    if (!real_clock_gettime)
        find("clock_gettime", &real_clock_gettime);
    result = real_clock_gettime(id, now);
    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        now->tv_sec += levers->clock_step_s;
    return result;
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
