// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

/** SQLite's file layer with a counter and a switch: what a disk that fails does, at the moment
 * a test wants it. */
struct faulty_vfs {
    int64_t log_syncs; /**< fsyncs of the write-ahead log */
    int sync_code;     /**< SQLite code that fsyncs answer; 0: they work */
    int write_code;    /**< the same for writes; they write nothing then */
    int open_code;     /**< the same for opening a database */
};
extern struct faulty_vfs faulty;

/** Every store opened from now on uses it. */
void faulty_vfs_install(void);
void faulty_vfs_set(int *code, int value);
int64_t faulty_vfs_log_syncs(void);
