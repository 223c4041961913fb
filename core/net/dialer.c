// SPDX-License-Identifier: Apache-2.0
#include "net/dialer_impl.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/alloc.h"
#include "net/resolve_impl.h"
#include "net/socket_impl.h"
#include "wire/name.h"

enum { CONNECT_MS = 5000, HANDSHAKE_MS = 10000 };

static void free_resolve_table(const struct wg_resolve_entry *table)
{
    for (const struct wg_resolve_entry *entry = table; entry && entry->name; entry++) {
        wg_free((char *)(uintptr_t)entry->name);
        wg_free((char *)(uintptr_t)entry->address);
    }
    wg_free((void *)(uintptr_t)table);
}

static struct wg_resolve_entry *copy_resolve_table(const struct wg_resolve_entry *table)
{
    struct wg_resolve_entry *copy;
    size_t count = 0;

    while (table && table[count].name)
        count++;
    copy = wg_alloc((count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i].name = wg_strdup(wg_str(table[i].name));
        copy[i].address = wg_strdup(wg_str(table[i].address));
    }
    return copy;
}

static struct wg_cidr *copy_allowed(const struct wg_cidr *allowed, size_t count)
{
    struct wg_cidr *copy = wg_alloc((count + 1) * sizeof *copy);

    if (count)
        memcpy(copy, allowed, count * sizeof *copy);
    return copy;
}

struct wg_dialer *wg_dialer_new(struct wg_loop *loop, const struct wg_dialer_options *options)
{
    struct wg_dialer *dialer = wg_new(struct wg_dialer);

    dialer->loop = loop;
    dialer->options = *options;
    dialer->options.resolve = copy_resolve_table(options->resolve);
    dialer->options.allowed = copy_allowed(options->allowed, options->allowed_count);
    if (!dialer->options.connect_timeout_ms)
        dialer->options.connect_timeout_ms = CONNECT_MS;
    if (!dialer->options.handshake_timeout_ms)
        dialer->options.handshake_timeout_ms = HANDSHAKE_MS;
    wg_link_init(&dialer->dials);
    return dialer;
}

struct wg_dialer *wg_dialer_beside(const struct wg_dialer *dialer,
                                   const struct wg_resolve_entry *resolve)
{
    struct wg_dialer_options options = dialer->options;
    struct wg_dialer *beside;

    if (resolve)
        options.resolve = resolve;
    beside = wg_dialer_new(dialer->loop, &options);
    beside->is_fresh = true;
    return beside;
}

struct wg_dialer *wg_dialer_free(struct wg_dialer *dialer)
{
    if (!dialer)
        return NULL;
    while (!wg_link_is_alone(&dialer->dials)) {
        struct wg_dial *dial = WG_CONTAINER(dialer->dials.next, struct wg_dial, link);

        wg_dial_cancel(dial);
        wg_link_take(&dial->link);
        dial->dialer = NULL;
    }
    free_resolve_table(dialer->options.resolve);
    wg_free((void *)(uintptr_t)dialer->options.allowed);
    wg_free(dialer);
    return NULL;
}

void wg_dial_end(struct wg_dial *dial, struct wg_stream *stream)
{
    wg_link_take(&dial->link);
    wg_later_cancel(&dial->later);
    wg_timer_free(dial->timer);
    wg_resolve_abandon(dial->resolve);
    wg_dial_stop_attempts(dial);
    if (dial->survey)
        dial->survey->on_surveyed(dial->owner, dial->survey->candidates,
                                  dial->is_over ? 0 : dial->survey->count, &dial->err);
    else
        dial->on_dialed(dial->owner, stream, stream ? NULL : &dial->err);
    wg_free(dial->survey);
    wg_free(dial->host);
    wg_free(dial);
}

/* The further an attempt came, the more its failure tells. */
static int weight(enum wg_code code)
{
    static const enum wg_code lightest_first[] = {WG_OK, WG_ADDRESS_REFUSED, WG_TIMEOUT,
                                                  WG_CONNECT_FAILED};

    for (int i = 0; i < (int)WG_COUNT(lightest_first); i++) {
        if (lightest_first[i] == code)
            return i;
    }
    return (int)WG_COUNT(lightest_first);
}

void wg_dial_note(struct wg_dial *dial, const struct wg_err *err)
{
    if (weight(err->code) > weight(dial->err.code))
        dial->err = *err;
}

static void add_candidate(struct wg_dial *dial, const struct wg_ip *ip, uint16_t port)
{
    const struct wg_dialer_options *options = &dial->dialer->options;
    struct wg_dial_survey *survey = dial->survey;
    struct wg_dial_candidate *candidate = &survey->candidates[survey->count];

    if (survey->count == WG_DIAL_ADDRESSES)
        return;
    survey->count++;
    *candidate =
        (struct wg_dial_candidate){.ip = *ip, .port = port, .is_fixed = survey->is_fixed};
    if (dial->is_trusted ||
        wg_ip_guard(ip, options->allowed, options->allowed_count, &candidate->refusal) == WG_OK)
        candidate->refusal.code = WG_OK;
}

/** Adds one address, if the guard lets us. */
static void add_address(struct wg_dial *dial, const struct sockaddr *address, size_t len)
{
    const struct wg_dialer_options *options = &dial->dialer->options;
    char text[WG_IP_TEXT];
    struct wg_err err;
    struct wg_ip ip;
    uint16_t port;

    if (dial->address_count == WG_DIAL_ADDRESSES || !wg_ip_from_sockaddr(address, &ip, &port))
        return;
    if (dial->survey) {
        add_candidate(dial, &ip, port);
        return;
    }
    if (!dial->is_trusted &&
        wg_ip_guard(&ip, options->allowed, options->allowed_count, &err) != WG_OK) {
        wg_ip_write(&ip, text);
        wg_while(&err, "reaching %s at %s", dial->host, text);
        wg_dial_note(dial, &err);
        return;
    }
    memcpy(&dial->addresses[dial->address_count++], address, len);
}

static void add_ip(struct wg_dial *dial, const struct wg_ip *ip, uint16_t port)
{
    struct sockaddr_storage address;

    wg_ip_to_sockaddr(ip, port, &address);
    add_address(dial, (const struct sockaddr *)&address, sizeof address);
}

static void add_found(struct wg_dial *dial, const struct addrinfo *found)
{
    struct sockaddr_storage address = {0};

    memcpy(&address, found->ai_addr, found->ai_addrlen);
    /* The port stands at the same place in both families. */
    ((struct sockaddr_in *)&address)->sin_port = htons(dial->port);
    add_address(dial, (const struct sockaddr *)&address, sizeof address);
}

static const struct addrinfo *next_of(const struct addrinfo *at, int family, bool is_same)
{
    while (at && (at->ai_family == family) != is_same)
        at = at->ai_next;
    return at;
}

/* RFC 8305 4: the resolver's order, but the families take turns, so that one that is broken
 * costs one delay only. */
static void add_in_turn(struct wg_dial *dial, const struct addrinfo *found)
{
    int family = found->ai_family;
    const struct addrinfo *same = found, *other = next_of(found, family, false);

    while (same || other) {
        if (same) {
            add_found(dial, same);
            same = next_of(same->ai_next, family, true);
        }
        if (other) {
            add_found(dial, other);
            other = next_of(other->ai_next, family, false);
        }
    }
}

static void on_resolved(void *owner, int status, const struct addrinfo *found)
{
    struct wg_dial *dial = owner;

    dial->resolve = NULL;
    if (status == 0 && found)
        add_in_turn(dial, found);
    else
        wg_fail(&dial->err, WG_UNRESOLVED, "resolving %s: %s", dial->host,
                status ? uv_strerror(status) : "no address");
    wg_dial_go_on(dial);
}

static void on_resolve_timeout(void *owner)
{
    struct wg_dial *dial = owner;

    wg_fail(&dial->err, WG_TIMEOUT, "resolving %s: no answer within %lld ms", dial->host,
            (long long)dial->dialer->options.connect_timeout_ms);
    wg_dial_end(dial, NULL);
}

static bool is_name_byte(char byte)
{
    return byte > ' ' && byte < 0x7f && !strchr("/\\:%@[]?#", byte);
}

/* Names that an operator wrote may have any form, "instance_1" too, but not that of an address
 * which only the resolver would see ("127.1", "0x7f.1"). */
static enum wg_code operator_name_check(const char *host, struct wg_err *err)
{
    struct in_addr seen;
    size_t len = strlen(host);

    for (size_t i = 0; i < len; i++) {
        if (!is_name_byte(host[i]))
            return wg_fail(err, WG_ADDRESS_REFUSED, "'%s' is no host name", host);
    }
    if (len == 0 || inet_aton(host, &seen))
        return wg_fail(err, WG_ADDRESS_REFUSED,
                       "'%s' is neither a host name nor an address in its usual form; write "
                       "it like 192.0.2.1",
                       host);
    return WG_OK;
}

static enum wg_code name_check(const struct wg_dial *dial, struct wg_err *err)
{
    if (dial->is_trusted)
        return operator_name_check(dial->host, err);
    if (wg_server_name_check(wg_str(dial->host), false, err) != WG_OK) {
        err->code = WG_ADDRESS_REFUSED;
        return err->code;
    }
    if (strchr(dial->host, ':'))
        return wg_fail(err, WG_ADDRESS_REFUSED, "'%s' is no host name", dial->host);
    return WG_OK;
}

static const char *fixed_address(const struct wg_dial *dial)
{
    const struct wg_resolve_entry *entry = dial->dialer->options.resolve;

    while (entry->name && !wg_str_equal_nocase(wg_str(entry->name), wg_str(dial->host)))
        entry++;
    return entry->name ? entry->address : NULL;
}

static void use_fixed(struct wg_dial *dial, const char *fixed)
{
    uint16_t port = dial->port;
    struct wg_err err;
    struct wg_ip ip;

    if (dial->survey)
        dial->survey->is_fixed = true;
    if (wg_ip_parse(wg_str(fixed), &ip, &err) == WG_OK ||
        wg_socket_address_parse(wg_str(fixed), &ip, &port, &err) == WG_OK)
        add_ip(dial, &ip, port);
    else
        wg_fail(&dial->err, WG_UNRESOLVED, "resolving %s by the fixed address: %s", dial->host,
                err.text);
    wg_dial_go_on(dial);
}

static void start(struct wg_dial *dial)
{
    const char *fixed;
    struct wg_err err;
    struct wg_ip ip;

    if (dial->is_pinned) {
        add_ip(dial, &dial->pinned_ip, dial->pinned_port);
        wg_dial_go_on(dial);
    } else if (wg_ip_parse(wg_str(dial->host), &ip, &err) == WG_OK) {
        if (dial->is_trusted)
            add_ip(dial, &ip, dial->port);
        else
            wg_fail(&dial->err, WG_ADDRESS_REFUSED,
                    "'%s' is an IP address; others are reached by name only", dial->host);
        wg_dial_go_on(dial);
    } else if (name_check(dial, &dial->err) != WG_OK) {
        wg_dial_end(dial, NULL);
    } else if ((fixed = fixed_address(dial))) {
        use_fixed(dial, fixed);
    } else {
        dial->timer = wg_timer_new(dial->loop, on_resolve_timeout, dial);
        wg_timer_start(dial->timer, dial->dialer->options.connect_timeout_ms);
        dial->resolve = wg_resolve_start(dial->loop, dial->host, on_resolved, dial);
    }
}

static void on_later(void *owner)
{
    struct wg_dial *dial = owner;

    if (dial->is_over)
        wg_dial_end(dial, NULL);
    else
        start(dial);
}

static struct wg_dial *dial_new(struct wg_dialer *dialer, const struct wg_dial_target *target,
                                void *owner)
{
    struct wg_dial *dial = wg_new(struct wg_dial);
    struct wg_str host = target->host;

    if (host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
        host = wg_str_of(host.at + 1, host.len - 2);
    wg_link_add(&dialer->dials, &dial->link);
    dial->dialer = dialer;
    dial->loop = dialer->loop;
    /* A NUL would hide from the resolver what stands behind it. */
    dial->host = wg_strdup(wg_str_find(host, '\0') < host.len ? WG_STR("") : host);
    dial->port = target->port;
    dial->is_tls = target->is_tls;
    dial->is_trusted = target->is_trusted;
    dial->owner = owner;
    wg_link_init(&dial->attempts);
    wg_later_init(&dial->later, on_later, dial);
    wg_later_add(dial->loop, &dial->later);
    return dial;
}

struct wg_dial *wg_dial(struct wg_dialer *dialer, const struct wg_dial_target *target,
                        void (*on_dialed)(void *owner, struct wg_stream *stream,
                                          const struct wg_err *err),
                        void *owner)
{
    struct wg_dial *dial = dial_new(dialer, target, owner);

    dial->on_dialed = on_dialed;
    return dial;
}

struct wg_dial *wg_dial_address(struct wg_dialer *dialer, const struct wg_dial_target *target,
                                const struct wg_ip *ip, uint16_t port,
                                void (*on_dialed)(void *owner, struct wg_stream *stream,
                                                  const struct wg_err *err),
                                void *owner)
{
    struct wg_dial *dial = wg_dial(dialer, target, on_dialed, owner);

    dial->is_pinned = true;
    dial->pinned_ip = *ip;
    dial->pinned_port = port;
    return dial;
}

struct wg_dial *wg_dial_survey(struct wg_dialer *dialer, const struct wg_dial_target *target,
                               void (*on_surveyed)(void *owner,
                                                   const struct wg_dial_candidate *candidates,
                                                   size_t count, const struct wg_err *err),
                               void *owner)
{
    struct wg_dial *dial = dial_new(dialer, target, owner);

    dial->survey = wg_new(struct wg_dial_survey);
    dial->survey->on_surveyed = on_surveyed;
    return dial;
}

void wg_dial_cancel(struct wg_dial *dial)
{
    if (dial->is_over)
        return;
    dial->is_over = true;
    dial->timer = wg_timer_free(dial->timer);
    dial->resolve = wg_resolve_abandon(dial->resolve);
    wg_dial_stop_attempts(dial);
    wg_fail(&dial->err, WG_CANCELLED, "reaching %s was cancelled", dial->host);
    wg_later_add(dial->loop, &dial->later);
}
