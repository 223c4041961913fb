// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "config/config.h"

/** A folder with a configuration and the files it names, gone with scratch_done(). */
struct scratch {
    char folder[64];
    char file[128];
    struct wg_config *config;
    struct wg_err err;
    struct wg_buf problems; /**< one a line, folder as "~" */
};

/** An instance with all that it must have; `%s` of a test's text becomes it. */
#define INSTANCE_FIELDS                                                                  \
    "upstream = 'http://127.0.0.1:9001', certificate = 'a.pem', private_key = 'a.key', " \
    "signing_key = 'a.key', policy = 'main.lua',"
#define INSTANCES "instances = { ['a.example.test'] = { " INSTANCE_FIELDS " } },"

static inline void scratch_write(struct scratch *scratch, const char *name, const char *text,
                                 size_t len)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", scratch->folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static inline void scratch_init(struct scratch *scratch)
{
    static const char *const files[] = {"a.pem", "a.key", "main.lua", "ca.pem"};

    *scratch = (struct scratch){.folder = "/tmp/wavegate-config-XXXXXX"};
    assert_non_null(mkdtemp(scratch->folder));
    snprintf(scratch->file, sizeof scratch->file, "%s/config.lua", scratch->folder);
    wg_buf_init(&scratch->problems, 256 * 1024);
    for (size_t i = 0; i < WG_COUNT(files); i++)
        scratch_write(scratch, files[i], "", 0);
}

static inline int scratch_remove(const char *path, const struct stat *info, int type,
                                 struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static inline void scratch_done(struct scratch *scratch)
{
    wg_buf_done(&scratch->problems);
    scratch->config = wg_config_free(scratch->config);
    nftw(scratch->folder, scratch_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void scratch_on_problem(void *owner, const char *text)
{
    struct scratch *scratch = owner;
    size_t len = strlen(scratch->folder);
    const char *hit;

    for (; (hit = strstr(text, scratch->folder)); text = hit + len) {
        wg_buf_add(&scratch->problems, text, (size_t)(hit - text));
        wg_buf_addc(&scratch->problems, '~');
    }
    wg_buf_addf(&scratch->problems, "%s\n", text);
}

static inline enum wg_code scratch_load_bytes(struct scratch *scratch, const char *text,
                                              size_t len)
{
    scratch->config = wg_config_free(scratch->config);
    wg_buf_clear(&scratch->problems);
    scratch_write(scratch, "config.lua", text, len);
    return wg_config_load(scratch->file, &scratch->config, scratch_on_problem, scratch,
                          &scratch->err);
}

static inline enum wg_code scratch_load(struct scratch *scratch, const char *text)
{
    return scratch_load_bytes(scratch, text, strlen(text));
}
