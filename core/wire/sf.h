// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/** Structured fields (RFC 9651, which obsoletes RFC 8941 and adds Date and Display String): parse
 * to a tree in an arena, serialise to canonical text. Parameters and members keep the order
 * received; a name that comes twice keeps its first place and its last value. */
enum wg_sf_type {
    WG_SF_INTEGER,
    WG_SF_DECIMAL,
    WG_SF_STRING,
    WG_SF_TOKEN,
    WG_SF_BYTES,
    WG_SF_BOOLEAN,
    WG_SF_DATE,
    WG_SF_DISPLAY_STRING,
    WG_SF_INNER_LIST,
};

struct wg_sf_bare {
    enum wg_sf_type type;
    int64_t integer;    /**< INTEGER, DATE; DECIMAL in thousandths */
    bool boolean;       /**< BOOLEAN */
    struct wg_str text; /**< STRING, TOKEN, BYTES (decoded), DISPLAY_STRING (UTF-8) */
};

struct wg_sf_param {
    struct wg_str name;
    struct wg_sf_bare value;
};

struct wg_sf_params {
    struct wg_sf_param *at;
    size_t count;
    size_t capacity;
};

/** An item, or an inner list (then bare.type is WG_SF_INNER_LIST and items has its members);
 * params belong to the whole. In a dictionary key is the member's name, else absent. */
struct wg_sf_item {
    struct wg_str key;
    struct wg_sf_bare bare;
    struct wg_sf_item *items;
    size_t item_count;
    struct wg_sf_params params;
};

/** A list or dictionary. */
struct wg_sf_members {
    struct wg_sf_item *at;
    size_t count;
    size_t capacity;
};

/** text: the field value, several lines joined with ", ". @return WG_OK, or WG_INVALID with the
 * reason and the offset. Results live in arena; text may go. */
WG_MUST_USE enum wg_code wg_sf_parse_item(struct wg_str text, struct wg_arena *arena,
                                          struct wg_sf_item *ret_item, struct wg_err *err);
WG_MUST_USE enum wg_code wg_sf_parse_list(struct wg_str text, struct wg_arena *arena,
                                          struct wg_sf_members *ret_list, struct wg_err *err);
WG_MUST_USE enum wg_code wg_sf_parse_dictionary(struct wg_str text, struct wg_arena *arena,
                                                struct wg_sf_members *ret_dictionary,
                                                struct wg_err *err);

/** @return WG_OK, or WG_INVALID for a value the grammar cannot carry. */
WG_MUST_USE enum wg_code wg_sf_write_item(const struct wg_sf_item *item, struct wg_buf *out,
                                          struct wg_err *err);
WG_MUST_USE enum wg_code wg_sf_write_list(const struct wg_sf_members *list, struct wg_buf *out,
                                          struct wg_err *err);
WG_MUST_USE enum wg_code wg_sf_write_dictionary(const struct wg_sf_members *dictionary,
                                                struct wg_buf *out, struct wg_err *err);
/** ";name=value" for each. */
WG_MUST_USE enum wg_code wg_sf_write_params(const struct wg_sf_params *params, struct wg_buf *out,
                                            struct wg_err *err);

/** NULL when there is none. */
const struct wg_sf_item *wg_sf_member(const struct wg_sf_members *dictionary, const char *key);
const struct wg_sf_bare *wg_sf_param_get(const struct wg_sf_params *params, const char *name);
void wg_sf_param_add(struct wg_sf_params *params, struct wg_arena *arena, struct wg_str name,
                     struct wg_sf_bare value);
