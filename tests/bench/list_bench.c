// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "policy/list.h"

/* What a list of a million entries costs: the CPU time to load it from a file, the most memory
 * the process ever had, and the CPU time of a lookup:
 *
 *   build/<preset>/tests/unit/policy/list_bench [ENTRIES]
 *
 * Each case is a process of its own, so that none pays for another. Not a test: figures depend
 * on the machine. */

enum { LOOKUPS = 2 * 1000 * 1000, NAMES = 1 << 16 };

struct sample {
    const char *what, *ending, *begin, *end;
    void (*write)(struct wg_buf *out, unsigned i);
    void (*ask)(char *out, size_t size, unsigned i);
};

static unsigned scatter(unsigned i)
{
    return i * 2654435761u;
}

static void name_of(char *out, size_t size, unsigned i)
{
    snprintf(out, size, "node-%07u.example.net", i);
}

static void write_name(struct wg_buf *out, unsigned i)
{
    char name[64];

    name_of(name, sizeof name, i);
    wg_buf_addf(out, "%s\n", name);
}

static void write_suffix(struct wg_buf *out, unsigned i)
{
    wg_buf_addf(out, "*.u%u.example.org  reason %u\n", i, i % 1000);
}

static void ask_below(char *out, size_t size, unsigned i)
{
    snprintf(out, size, "www.blog.u%u.example.org", i);
}

static void write_row(struct wg_buf *out, unsigned i)
{
    char name[64];

    name_of(name, sizeof name, i);
    wg_buf_addf(out, "%s,suspend,False,False,\"spam %u\",False\n", name, i % 5000);
}

static void write_string(struct wg_buf *out, unsigned i)
{
    char name[64];

    name_of(name, sizeof name, i);
    wg_buf_addf(out, "%s\"%s\"\n", i ? "," : "", name);
}

static void write_object(struct wg_buf *out, unsigned i)
{
    char name[64];

    name_of(name, sizeof name, i);
    wg_buf_addf(out, "%s{\"domain\":\"%s\",\"severity\":\"silence\"}\n", i ? "," : "", name);
}

static void write_block(struct wg_buf *out, unsigned i)
{
    unsigned at = scatter(i);

    wg_buf_addf(out, "%u.%u.%u.0/24\n", at >> 24, at >> 16 & 255, at >> 8 & 255);
}

static void ask_address(char *out, size_t size, unsigned i)
{
    unsigned at = scatter(i);

    snprintf(out, size, "%u.%u.%u.7", at >> 24, at >> 16 & 255, at >> 8 & 255);
}

static const struct sample samples[] = {
    {"text, names", ".txt", "", "", write_name, name_of},
    {"text, suffixes with reasons", ".txt", "", "", write_suffix, ask_below},
    {"text, blocks of addresses", ".txt", "", "", write_block, ask_address},
    {"CSV as Mastodon exports it", ".csv",
     "#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\n", "",
     write_row, name_of},
    {"JSON, strings", ".json", "[", "]", write_string, name_of},
    {"JSON, objects", ".json", "[", "]", write_object, name_of},
};

static double cpu_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void write_file(const struct sample *sample, unsigned entries, const char *path)
{
    FILE *file = fopen(path, "w");
    struct wg_buf out;

    if (!file)
        abort();
    wg_buf_init(&out, 4096);
    fputs(sample->begin, file);
    for (unsigned i = 0; i < entries; i++) {
        wg_buf_clear(&out);
        sample->write(&out, i);
        fwrite(out.at, 1, out.len, file);
    }
    fputs(sample->end, file);
    fclose(file);
    wg_buf_done(&out);
}

/* @return nanoseconds; the names are made before, and asked in an order no cache foresees. */
static double time_lookups(struct wg_list *list, const struct sample *sample, unsigned entries,
                           unsigned *ret_hits)
{
    static char names[NAMES][64];
    struct wg_list_match match;
    unsigned hits = 0;
    double began;

    for (unsigned i = 0; i < NAMES; i++)
        sample->ask(names[i], sizeof names[i], scatter(i) % (entries * 2));
    began = cpu_s();
    for (unsigned i = 0; i < LOOKUPS; i++)
        hits += wg_list_find(list, wg_str(names[i % NAMES]), 1, &match);
    *ret_hits = hits;
    return (cpu_s() - began) * 1e9 / LOOKUPS;
}

static void measure(const struct sample *sample, unsigned entries, const char *path)
{
    struct wg_list_options options = {.format = WG_LIST_AUTO};
    struct wg_list *list;
    struct wg_list_info info;
    struct rusage usage;
    struct wg_err err;
    unsigned hits;
    double took_s, lookup_ns, began = cpu_s();

    if (wg_list_load(path, &options, &list, &err) != WG_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    took_s = cpu_s() - began;
    getrusage(RUSAGE_SELF, &usage);
    wg_list_info(list, &info);
    lookup_ns = time_lookups(list, sample, entries, &hits);
    printf("%-28s %8u entries  %5.2f s CPU  %5.1f MB kept  %5.1f MB at most  %4.0f ns a lookup "
           "(%u%% found)\n",
           sample->what, info.count, took_s, (double)info.memory_bytes / 1e6,
           (double)usage.ru_maxrss * 1024 / 1e6, lookup_ns, hits / (LOOKUPS / 100));
    wg_list_unref(list);
}

int main(int argc, char **argv)
{
    unsigned entries = argc > 1 ? (unsigned)atoi(argv[1]) : 1000000;

    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        char path[64];
        int status;

        snprintf(path, sizeof path, "/tmp/list_bench-%d%s", (int)getpid(), samples[i].ending);
        write_file(&samples[i], entries, path);
        fflush(stdout);
        if (fork() == 0) {
            measure(&samples[i], entries, path);
            fflush(stdout);
            _exit(0);
        }
        wait(&status);
        unlink(path);
        if (status != 0)
            return 1;
    }
    return 0;
}
