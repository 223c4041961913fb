// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/log.h"
#include "policy/policy_impl.h"

/** The modules of scripts, one C file each: pushes its table, not yet locked. */
void wg_module_base64(lua_State *L);
void wg_module_hash(lua_State *L);
void wg_module_http(lua_State *L);
void wg_module_json(lua_State *L);
void wg_module_kv(lua_State *L);
void wg_module_limits(lua_State *L);
void wg_module_log(lua_State *L);
void wg_module_metrics(lua_State *L);
void wg_module_net(lua_State *L);
void wg_module_time(lua_State *L);
/** wavegate.memoize(f, options) */
int wg_memoize(lua_State *L);

/** A line of the log: text at index 1, fields (a table or nothing) at index 2. */
int wg_log_line(lua_State *L, enum wg_log_level level);

/** The argument as text; charges for its length. */
struct wg_str wg_check_text(lua_State *L, int index);
/** Seconds from a number or a text such as "5m"; what names the argument. */
double wg_check_seconds(lua_State *L, int index, const char *what);
/** A failure of the world: pushes nil and the text. @return 2 */
int wg_push_failure(lua_State *L, const struct wg_err *err);
/** Raises outside of handlers. @return true in a dry run, where nothing outside may change */
bool wg_check_in_handler(lua_State *L, const char *what);
/** The policy whose handler runs, or whose file is loaded: for log lines and metrics. */
const char *wg_policy_running(lua_State *L);
