// SPDX-License-Identifier: Apache-2.0
#include "unit/store/faulty_vfs.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

struct faulty_vfs faulty;

struct file {
    sqlite3_file base;
    bool is_log;
    _Alignas(8) char real[];
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs vfs;

static int load(const int *code)
{
    return __atomic_load_n(code, __ATOMIC_SEQ_CST);
}

void faulty_vfs_set(int *code, int value)
{
    __atomic_store_n(code, value, __ATOMIC_SEQ_CST);
}

int64_t faulty_vfs_log_syncs(void)
{
    return __atomic_load_n(&faulty.log_syncs, __ATOMIC_SEQ_CST);
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return (sqlite3_file *)(void *)((struct file *)file)->real;
}

#define PASS(name, parameters, ...)                       \
    static int name parameters                            \
    {                                                     \
        sqlite3_file *real = real_of(file);               \
        return real->pMethods->name(real, ##__VA_ARGS__); \
    }
PASS(xRead, (sqlite3_file * file, void *at, int len, sqlite3_int64 from), at, len, from)
PASS(xTruncate, (sqlite3_file * file, sqlite3_int64 size), size)
PASS(xFileSize, (sqlite3_file * file, sqlite3_int64 *size), size)
PASS(xLock, (sqlite3_file * file, int lock), lock)
PASS(xUnlock, (sqlite3_file * file, int lock), lock)
PASS(xCheckReservedLock, (sqlite3_file * file, int *result), result)
PASS(xFileControl, (sqlite3_file * file, int op, void *argument), op, argument)
PASS(xSectorSize, (sqlite3_file * file))
PASS(xDeviceCharacteristics, (sqlite3_file * file))
PASS(xShmMap, (sqlite3_file * file, int page, int size, int extend, void volatile **at), page,
     size, extend, at)
PASS(xShmLock, (sqlite3_file * file, int offset, int n, int flags), offset, n, flags)
PASS(xShmUnmap, (sqlite3_file * file, int flag), flag)

static void xShmBarrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int xClose(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int xWrite(sqlite3_file *file, const void *at, int len, sqlite3_int64 to)
{
    int code = load(&faulty.write_code);

    return code ? code : real_of(file)->pMethods->xWrite(real_of(file), at, len, to);
}

static int xSync(sqlite3_file *file, int flags)
{
    int code = load(&faulty.sync_code);

    if (((struct file *)file)->is_log)
        __atomic_add_fetch(&faulty.log_syncs, 1, __ATOMIC_SEQ_CST);
    return code ? code : real_of(file)->pMethods->xSync(real_of(file), flags);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = xClose,
    .xRead = xRead,
    .xWrite = xWrite,
    .xTruncate = xTruncate,
    .xSync = xSync,
    .xFileSize = xFileSize,
    .xLock = xLock,
    .xUnlock = xUnlock,
    .xCheckReservedLock = xCheckReservedLock,
    .xFileControl = xFileControl,
    .xSectorSize = xSectorSize,
    .xDeviceCharacteristics = xDeviceCharacteristics,
    .xShmMap = xShmMap,
    .xShmLock = xShmLock,
    .xShmBarrier = xShmBarrier,
    .xShmUnmap = xShmUnmap,
};

static int xOpen(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags,
                 int *ret_flags)
{
    int code = flags & SQLITE_OPEN_MAIN_DB ? load(&faulty.open_code) : 0;

    (void)self;
    file->pMethods = NULL;
    if (code)
        return code;
    ((struct file *)file)->is_log = flags & SQLITE_OPEN_WAL;
    code = real_vfs->xOpen(real_vfs, name, real_of(file), flags, ret_flags);
    if (code == SQLITE_OK)
        file->pMethods = &methods;
    return code;
}

void faulty_vfs_install(void)
{
    if (real_vfs)
        return;
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.zName = "faulty";
    vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
    vfs.xOpen = xOpen;
    sqlite3_vfs_register(&vfs, 1);
}
