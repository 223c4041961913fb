// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "admin/metrics_impl.h"

/* The process under the names that Prometheus' own libraries use. */

static double cpu_s(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* Fields of /proc/self/statm, in pages: size, resident. */
static int64_t memory_bytes(unsigned field)
{
    long long pages[2] = {0, 0};
    FILE *file = fopen("/proc/self/statm", "re");

    if (!file)
        return 0;
    if (fscanf(file, "%lld %lld", &pages[0], &pages[1]) != 2)
        pages[0] = pages[1] = 0;
    (void)fclose(file);
    return (int64_t)pages[field] * sysconf(_SC_PAGESIZE);
}

/* Less the one that counts. */
static int64_t open_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *entry;
    int64_t count = -1;

    if (!folder)
        return 0;
    while ((entry = readdir(folder)))
        count += entry->d_name[0] != '.';
    (void)closedir(folder);
    return count;
}

static double max_fds(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : 0;
}

/* Field 22 of /proc/self/stat counts clock ticks since boot; the name in field 2 may hold
 * anything, so fields are counted from its last parenthesis. */
static double start_s(void)
{
    char text[1024] = "";
    FILE *file = fopen("/proc/self/stat", "re");
    struct timespec since_boot, now;
    char *at;

    if (!file)
        return 0;
    if (!fgets(text, sizeof text, file))
        text[0] = '\0';
    (void)fclose(file);
    at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    if (!at)
        return 0;
    clock_gettime(CLOCK_BOOTTIME, &since_boot);
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec - (double)since_boot.tv_sec +
           (double)strtoull(at, NULL, 10) / (double)sysconf(_SC_CLK_TCK);
}

double wg_metrics_process(enum wg_metric metric)
{
    switch (metric) {
    case WG_METRIC_CPU:
        return cpu_s();
    case WG_METRIC_RESIDENT:
        return (double)memory_bytes(1);
    case WG_METRIC_VIRTUAL:
        return (double)memory_bytes(0);
    case WG_METRIC_OPEN_FDS:
        return (double)open_fds();
    case WG_METRIC_MAX_FDS:
        return max_fds();
    default:
        return start_s();
    }
}

void wg_metrics_read_process(struct wg_metrics_page *page)
{
    wg_metrics_add(page, wg_metrics_process(page->metric), NULL, NULL);
}
