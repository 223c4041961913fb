// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "config/load_impl.h"

enum { READ_LIMIT_BYTES = 4096 };

static struct wg_str read_small(const char *folder, const char *name,
                                char text[READ_LIMIT_BYTES])
{
    char path[PATH_MAX];
    int path_len = snprintf(path, sizeof path, "%s/%s", folder, name);
    bool is_whole = path_len > 0 && (size_t)path_len < sizeof path;
    int fd = is_whole ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t len = fd < 0 ? -1 : read(fd, text, READ_LIMIT_BYTES);

    if (fd >= 0)
        close(fd);
    return len > 0 ? wg_str_of(text, (size_t)len) : (struct wg_str){NULL, 0};
}

/* "150000 100000\n" is two CPUs; 0 for none ("max 100000", "-1"). */
static int quota_of(struct wg_str quota, struct wg_str period)
{
    uint64_t used, whole;

    if (!wg_str_to_uint(quota, INT_MAX, &used) || !wg_str_to_uint(period, INT_MAX, &whole) ||
        used == 0 || whole == 0)
        return 0;
    return (int)((used + whole - 1) / whole);
}

static struct wg_str first_line(struct wg_str text)
{
    return wg_str_of(text.at, wg_str_find(text, '\n'));
}

static int quota_in(const char *folder, bool is_v2)
{
    char a[READ_LIMIT_BYTES], b[READ_LIMIT_BYTES];
    struct wg_str quota, period;

    quota = first_line(read_small(folder, is_v2 ? "cpu.max" : "cpu.cfs_quota_us", a));
    if (is_v2) {
        struct wg_str rest = quota;

        quota = wg_str_split(&rest, ' ');
        return quota_of(quota, rest);
    }
    period = first_line(read_small(folder, "cpu.cfs_period_us", b));
    return quota_of(quota, period);
}

/* The tightest of a group and all above it: a parent's quota holds for its children. */
static int tightest(const char *root, struct wg_str group, bool is_v2)
{
    int least = 0;

    for (;;) {
        char folder[PATH_MAX];
        int quota;

        snprintf(folder, sizeof folder, "%s%.*s", root, WG_STR_F(group));
        quota = quota_in(folder, is_v2);
        if (quota && (!least || quota < least))
            least = quota;
        if (group.len == 0)
            return least;
        while (group.len && group.at[group.len - 1] != '/')
            group.len--;
        if (group.len)
            group.len--;
    }
}

static bool has_cpu(struct wg_str controllers)
{
    while (controllers.at) {
        if (wg_str_is(wg_str_split(&controllers, ','), "cpu"))
            return true;
    }
    return false;
}

int wg_cpus_quota(const char *cgroup_root, struct wg_str self)
{
    int least = 0;

    /* Lines "id:controllers:group"; version 2 is the one without controllers. */
    while (self.at) {
        struct wg_str group = wg_str_split(&self, '\n');
        struct wg_str id = wg_str_split(&group, ':');
        struct wg_str controllers = wg_str_split(&group, ':');
        char root[PATH_MAX];
        int quota = 0;

        if (!group.at || !id.len || group.len >= PATH_MAX / 2)
            continue;
        snprintf(root, sizeof root, "%s/cpu", cgroup_root);
        if (controllers.len == 0)
            quota = tightest(cgroup_root, group, true);
        else if (has_cpu(controllers))
            quota = tightest(root, group, false);
        if (quota && (!least || quota < least))
            least = quota;
    }
    return least;
}

int wg_cpus_usable(void)
{
    char self[READ_LIMIT_BYTES];
    cpu_set_t set;
    int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    int quota;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        cpus = CPU_COUNT(&set);
    quota = wg_cpus_quota("/sys/fs/cgroup", read_small("/proc/self", "cgroup", self));
    if (quota && quota < cpus)
        cpus = quota;
    return cpus < 1 ? 1 : cpus;
}
