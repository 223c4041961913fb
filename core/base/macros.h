// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

#define WG_MUST_USE __attribute__((warn_unused_result))
#define WG_PRINTF(format_at, arguments_at) \
    __attribute__((format(printf, format_at, arguments_at)))
#define WG_COLD __attribute__((cold))
#define WG_NORETURN _Noreturn

#define WG_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** The struct that holds member at pointer. */
#define WG_CONTAINER(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/** A bug of ours, not of the input: stops in debug and sanitizer builds; in a release build it
 * is logged and the expression is false, so that the caller can take its safe path: if
 * (!WG_CHECK(x->peer)) return wg_fail(err, WG_INTERNAL, "no peer"); */
#define WG_CHECK(condition) \
    ((condition) ? 1 : (wg_check_failed(#condition, __FILE__, __LINE__), 0))

void wg_check_failed(const char *condition, const char *file, int line) WG_COLD;

/** State is lost or memory is out: logs and stops the process. */
WG_NORETURN void wg_panic(const char *format, ...) WG_PRINTF(1, 2) WG_COLD;
