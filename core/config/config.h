// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "wire/address.h"

/** The configuration: one Lua file that returns one table, checked field by field (docs/
 * configuration.md). Everything is declared once in config/settings.def, from which the parser,
 * the checks and the reference come.
 *
 * The file runs in an empty environment: string (without dump), table (without move), math,
 * utf8, ipairs and the like, and `env(name [, default])`, which reads an environment variable
 * (one that is not set and has no default is an error). Ten million instructions, 64 MiB, text
 * only. Relative paths are taken from the folder of the file; "~" is not expanded.
 *
 * Owner: wg_config_load()'s caller; read-only afterwards, so any thread may read. */

enum wg_default_mode { WG_MODE_OPEN, WG_MODE_INVITE_ONLY, WG_MODE_CLOSED };
enum wg_on_error { WG_ON_ERROR_DENY, WG_ON_ERROR_DEFER, WG_ON_ERROR_ALLOW };

/** NULL-terminated. */
typedef const char *const *wg_names;

struct wg_config_federation {
    enum wg_default_mode default_mode; /**< invite_only */
    wg_names allowed_peers; /**< server names, or "*.example.com": every name below it */
    wg_names denied_peers;
    int64_t max_foreign_participants_per_room; /**< 0: no bound */
    int64_t max_backfill_events_per_request;   /**< 100; at most 1000 */
    int64_t hide_history_before_s;             /**< Unix time; 0: nothing hidden */
};

struct wg_config_instance {
    const char *server_name;
    const char *upstream;            /**< "http://127.0.0.1:9001"; http or https, no path */
    const char *upstream_token_file; /**< bearer token sent upstream; NULL: none */
    int64_t upstream_timeout_ms;     /**< 10 s */
    const char *certificate, *private_key; /**< PEM files */
    const char *signing_key;
    const char *policy; /**< the instance's policy file */
    enum wg_on_error on_error;
    struct wg_config_federation federation;
};

struct wg_config_budget { /**< policy = { instructions = ..., ... }, for every instance */
    int64_t instructions; /**< 1,000,000 a call */
    int64_t running_ms;   /**< 50 */
    int64_t waiting_ms;   /**< 1000, waiting included */
    int64_t memory_bytes; /**< 64 MiB a state */
};

struct wg_config_limits { /**< limits = { ... } */
    int64_t header_bytes, body_bytes;
    int64_t head_timeout_ms, body_timeout_ms, idle_timeout_ms;
    int64_t connections_per_address;
    int64_t drain_timeout_ms; /**< SIGTERM: 30 s, then connections are closed */
};

struct wg_config_queue { /**< queue = { ... } */
    const char *retry;   /**< schedule as text; NULL: full jitter */
    int64_t expiry_ms;   /**< 5 days */
    const struct wg_config_span {
        const char *name;
        int64_t ms;
    } * expiry_by_type; /**< ends with name == NULL */
    int64_t rows, bytes, free_disk_bytes;
    int64_t under_way;      /**< deliveries at once, of all workers */
    int64_t under_way_peer; /**< to one destination */
    int64_t seen_keep_ms, dead_keep_ms;
};

enum wg_audit_trace { WG_AUDIT_TRACE_ALL, WG_AUDIT_TRACE_REFUSED, WG_AUDIT_TRACE_NONE };

struct wg_config_audit { /**< audit = { ... } */
    int64_t keep_ms, keep_bytes;
    enum wg_audit_trace trace;
};

struct wg_config {
    const char *file;   /**< as given */
    const char *folder; /**< absolute; relative paths below were taken from here */
    wg_names ingress_listen, egress_listen, admin_listen;
    const char *data;
    int workers;               /**< "auto" became a number >= 1 */
    const char *trust_anchors; /**< "system" or a file */
    const struct wg_config_resolve {
        const char *name, *address;
    } * resolve; /**< ends with name == NULL */
    const struct wg_cidr *allow_addresses;
    size_t allow_address_count;
    bool allow_ip_literals; /**< peers.allow_ip_literals: IP literals as server names; false */
    struct wg_config_budget budget;
    struct wg_config_limits limits;
    struct wg_config_queue queue;
    struct wg_config_audit audit;
    int64_t metrics_peers;
    enum wg_log_level log_level;   /**< log = { level = "info", format = "json" } */
    enum wg_log_format log_format; /**< "auto": human on a terminal, else json */
    /** Folders that `wavegate.use` and `require` search, in order: those of the setting (unless
     * given, policies/ and lua/ beside the file), then those that come with Wavegate: the
     * source tree's when this program runs from a build tree, else of share/wavegate beside its
     * bin/, else of the prefix it was built for. They need not exist. */
    wg_names policy_path;
    struct wg_config_instance *instances;
    size_t instance_count;
};

/** @return WG_OK, or WG_CONFIG: "config.lua:12: unknown field 'ingres', did you mean
 * 'ingress'?" All errors of the file are reported, one line each, through on_problem; err has
 * the first. Files that are named (keys, certificates, policies) are checked for existence and
 * readability here, for content by their users. */
WG_MUST_USE enum wg_code wg_config_load(const char *file, struct wg_config **ret_config,
                                        void (*on_problem)(void *owner, const char *text),
                                        void *owner, struct wg_err *err);
struct wg_config *wg_config_free(struct wg_config *config);
/** The folders with Lua that come with Wavegate: of the source tree when this program runs from
 * a build tree, else share/wavegate beside its bin/ or where it was configured to be installed.
 */
enum { WG_SHIPPED_FOLDERS = 2 };
void wg_path_shipped(struct wg_arena *arena, const char *ret_folders[WG_SHIPPED_FOLDERS]);
/** The budget of policies where the configuration says nothing. */
struct wg_config_budget wg_config_budget_standard(void);
/** The reference of all settings, as Markdown, from settings.def. */
struct wg_buf;
void wg_config_reference(struct wg_buf *out);
