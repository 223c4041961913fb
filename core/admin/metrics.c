// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_impl.h"

#include <inttypes.h>

/* /metrics in the text format of Prometheus: what the gateway knows of itself without asking
 * anyone. Each family is declared once in the table below. */

enum { TEXT_LIMIT_BYTES = 8 * 1024 * 1024 };

struct page {
    struct wg_admin_request *request;
    struct wg_buf text;
    const char *name; /**< of the family under way */
    bool wants_gauges;
    enum { LIST_ENTRIES, LIST_AGE, LIST_FAILING, LIST_LOOKUPS, LIST_HITS } list;
};

/* A label's value: backslash, quote and line feed are escaped, nothing else (exposition
 * format). */
static void add_label(struct page *page, const char *name, const char *value,
                      const char *before)
{
    wg_buf_addf(&page->text, "%s%s=\"", before, name);
    for (; *value; value++) {
        if (*value == '\n')
            wg_buf_addf(&page->text, "\\n");
        else if (*value == '"' || *value == '\\')
            wg_buf_addf(&page->text, "\\%c", *value);
        else
            wg_buf_addc(&page->text, *value);
    }
    wg_buf_addc(&page->text, '"');
}

static void add(struct page *page, const char *label, const char *value, double number)
{
    wg_buf_addf(&page->text, "%s", page->name);
    if (label) {
        add_label(page, label, value, "{");
        wg_buf_addc(&page->text, '}');
    }
    wg_buf_addf(&page->text, " %.17g\n", number);
}

static struct wg_store_figures figures_of(const struct page *page)
{
    struct wg_store_figures figures;

    wg_store_read_figures(page->request->gateway->store, &figures);
    return figures;
}

static void build_info(struct page *page)
{
    add(page, "version", WAVEGATE_VERSION, 1);
}

static void policy_generation(struct page *page)
{
    const struct wg_gateway *gateway = page->request->gateway;

    for (size_t i = 0; i < gateway->instance_count; i++) {
        struct wg_policy_edition newest;

        if (wg_policy_generations(gateway->policy, i, &newest, 1))
            add(page, "server", gateway->config->instances[i].server_name,
                (double)newest.number);
    }
}

static void policy_load_failed(struct page *page)
{
    const struct wg_gateway *gateway = page->request->gateway;

    for (size_t i = 0; i < gateway->instance_count; i++)
        add(page, "server", gateway->config->instances[i].server_name,
            wg_policy_last_failure(gateway->policy, i) != NULL);
}

static void on_figure(void *owner, const struct wg_policy_figure *figure)
{
    struct page *page = owner;

    if (figure->is_gauge != page->wants_gauges)
        return;
    wg_buf_addf(&page->text, "%s", page->name);
    add_label(page, "policy", figure->policy, "{");
    add_label(page, "name", figure->name, ",");
    wg_buf_addf(&page->text, "} %.17g\n", figure->value);
}

static void policy_counters(struct page *page)
{
    page->wants_gauges = false;
    wg_policy_each_figure(page->request->gateway->policy, on_figure, page);
}

static void policy_gauges(struct page *page)
{
    page->wants_gauges = true;
    wg_policy_each_figure(page->request->gateway->policy, on_figure, page);
}

static void on_list(void *owner, const struct wg_policy_list *list)
{
    struct page *page = owner;
    const double values[] = {
        [LIST_ENTRIES] = (double)list->entries, [LIST_AGE] = (double)list->age_s,
        [LIST_FAILING] = list->is_failing,      [LIST_LOOKUPS] = (double)list->lookups,
        [LIST_HITS] = (double)list->hits,
    };

    if (page->list == LIST_AGE && list->age_s < 0)
        return;
    wg_buf_addf(&page->text, "%s", page->name);
    add_label(page, "server", list->server_name, "{");
    add_label(page, "list", list->where, ",");
    wg_buf_addf(&page->text, "} %.17g\n", values[page->list]);
}

static void each_list(struct page *page)
{
    wg_policy_each_list(page->request->gateway->policy, on_list, page);
}

static void list_entries(struct page *page)
{
    page->list = LIST_ENTRIES;
    each_list(page);
}

static void list_age(struct page *page)
{
    page->list = LIST_AGE;
    each_list(page);
}

static void list_failing(struct page *page)
{
    page->list = LIST_FAILING;
    each_list(page);
}

static void list_lookups(struct page *page)
{
    page->list = LIST_LOOKUPS;
    each_list(page);
}

static void list_hits(struct page *page)
{
    page->list = LIST_HITS;
    each_list(page);
}

static void queue_deliveries(struct page *page)
{
    struct wg_store_figures figures = figures_of(page);

    add(page, "state", "waiting", (double)figures.deliveries);
    add(page, "state", "held", (double)figures.held);
    add(page, "state", "dead", (double)figures.dead);
}

static void queue_bytes(struct page *page)
{
    add(page, NULL, NULL, (double)figures_of(page).body_bytes);
}

static void store_commits(struct page *page)
{
    add(page, NULL, NULL, (double)figures_of(page).commits);
}

static void store_failures(struct page *page)
{
    add(page, NULL, NULL, (double)figures_of(page).failures);
}

static void store_free_disk(struct page *page)
{
    add(page, NULL, NULL, (double)figures_of(page).free_disk_bytes);
}

static void audit_rows(struct page *page)
{
    add(page, NULL, NULL, (double)figures_of(page).audit_rows);
}

static const struct {
    const char *name, *type, *help;
    void (*write)(struct page *page);
} families[] = {
    {"wavegate_build_info", "gauge", "The running version.", build_info},
    {"wavegate_policy_generation", "gauge", "The policy generation that decides.",
     policy_generation},
    {"wavegate_policy_load_failed", "gauge",
     "1 when the last load of the policies failed; the generation before it decides.",
     policy_load_failed},
    {"wavegate_policy_counter_total", "counter", "Counters that policies keep.",
     policy_counters},
    {"wavegate_policy_gauge", "gauge", "Gauges that policies keep.", policy_gauges},
    {"wavegate_list_entries", "gauge", "Entries of a list in use.", list_entries},
    {"wavegate_list_age_seconds", "gauge",
     "Since a fetched list was last known to be what its source says.", list_age},
    {"wavegate_list_fetch_failing", "gauge",
     "1 when the last fetch failed; the last good copy is in force.", list_failing},
    {"wavegate_list_lookups_total", "counter", "Names looked up in a list.", list_lookups},
    {"wavegate_list_hits_total", "counter", "Names found in a list.", list_hits},
    {"wavegate_queue_deliveries", "gauge", "Deliveries, by state.", queue_deliveries},
    {"wavegate_queue_bytes", "gauge", "Bytes of stored events.", queue_bytes},
    {"wavegate_store_commits_total", "counter", "Groups committed since the start.",
     store_commits},
    {"wavegate_store_failures_total", "counter", "Groups that could not be committed.",
     store_failures},
    {"wavegate_store_free_disk_bytes", "gauge", "Free bytes where the store is.",
     store_free_disk},
    {"wavegate_audit_rows", "gauge", "Rows of the audit.", audit_rows},
};

void wg_admin_metrics(struct wg_admin_request *request)
{
    struct page page = {.request = request};
    struct wg_err err;

    wg_buf_init(&page.text, TEXT_LIMIT_BYTES);
    for (size_t i = 0; i < WG_COUNT(families); i++) {
        page.name = families[i].name;
        wg_buf_addf(&page.text, "# HELP %s %s\n# TYPE %s %s\n", page.name, families[i].help,
                    page.name, families[i].type);
        families[i].write(&page);
    }
    if (wg_buf_status(&page.text, &err) == WG_OK) {
        wg_admin_header(request, "content-type",
                        WG_STR("text/plain; version=0.0.4; charset=utf-8"));
        wg_admin_answer_text(request, 200, wg_buf_str(&page.text));
    } else {
        wg_admin_fail_err(request, &err);
    }
    wg_buf_done(&page.text);
}
