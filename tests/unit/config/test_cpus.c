// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"

#include "config/load_impl.h"

static void put(struct scratch *scratch, const char *folder, const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", scratch->folder, folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s%s%s", folder, folder[0] ? "/" : "", name);
    scratch_write(scratch, path, text, strlen(text));
}

static void the_tightest_quota_of_a_group_and_its_parents_counts(void **state)
{
    static const struct {
        const char *why, *self;
        int quota;
    } cases[] = {
        {"its own", "0::/half\n", 1},
        {"rounded up", "0::/two\n", 2},
        {"none of its own: the parent's", "0::/two/free\n", 2},
        {"the parent is tighter", "0::/two/ten\n", 2},
        {"itself tighter than the parent", "0::/two/one\n", 1},
        {"none anywhere", "0::/free\n", 0},
        {"a group that cannot be seen", "0::/elsewhere/x\n", 0},
        {"the root", "0::/\n", 0},
        {"version 1", "12:cpuset:/x\n4:cpu,cpuacct:/three\n", 3},
        {"version 1 without a quota", "4:cpu,cpuacct:/\n", 0},
        {"not such a file", "nonsense", 0},
        {"an empty file", "", 0},
    };
    struct scratch scratch;

    (void)state;
    scratch_init(&scratch);
    put(&scratch, "half", "cpu.max", "50000 100000\n");
    put(&scratch, "two", "cpu.max", "150000 100000\n");
    put(&scratch, "two/free", "cpu.max", "max 100000\n");
    put(&scratch, "two/ten", "cpu.max", "1000000 100000\n");
    put(&scratch, "two/one", "cpu.max", "100000 100000\n");
    put(&scratch, "free", "cpu.max", "max 100000\n");
    put(&scratch, "cpu", "cpu.cfs_quota_us", "-1\n");
    put(&scratch, "cpu/three", "cpu.cfs_quota_us", "250000\n");
    put(&scratch, "cpu/three", "cpu.cfs_period_us", "100000\n");
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        int quota = wg_cpus_quota(scratch.folder, wg_str(cases[i].self));

        if (quota != cases[i].quota)
            fail_msg("%s: %d, not %d", cases[i].why, quota, cases[i].quota);
    }
    scratch_done(&scratch);
}

static void at_least_one_cpu_is_usable(void **state)
{
    (void)state;
    assert_in_range(wg_cpus_usable(), 1, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tightest_quota_of_a_group_and_its_parents_counts),
        cmocka_unit_test(at_least_one_cpu_is_usable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
