// SPDX-License-Identifier: Apache-2.0
#include "admin/metrics_impl.h"

/* /metrics in the text format of Prometheus (version 0.0.4): the families of base/metrics.def
 * in their order. What is recorded is written here; what is read, in metrics_read.c and its
 * like. */

enum {
    TEXT_LIMIT_BYTES = 8 * 1024 * 1024,
    /* A counter with few series shows all of them from the start, at 0, so that a first
     * increase can be seen; one with many shows those that have happened. */
    SERIES_FROM_START = 64,
};

static bool is_histogram(const struct wg_metrics_page *page)
{
    return page->family->kind == WG_METRIC_KIND_HISTOGRAM;
}

/* A label's value: backslash, quote and line feed are escaped, nothing else (exposition
 * format). */
static void add_label(struct wg_buf *text, const char *before, const char *name,
                      const char *value)
{
    wg_buf_addf(text, "%s%s=\"", before, name);
    for (; *value; value++) {
        if (*value == '\n')
            wg_buf_addf(text, "\\n");
        else if (*value == '"' || *value == '\\')
            wg_buf_addf(text, "\\%c", *value);
        else
            wg_buf_addc(text, *value);
    }
    wg_buf_addc(text, '"');
}

void wg_metrics_add(struct wg_metrics_page *page, double number, const char *a, const char *b)
{
    const char *values[] = {a, b};
    struct wg_buf *text = &page->text;
    bool has_any = false;

    wg_buf_addf(text, "%s", page->family->name);
    for (size_t i = 0; i < WG_COUNT(values) && values[i]; i++) {
        add_label(text, has_any ? "," : "{", wg_metric_label(page->family->labels[i])->name,
                  values[i]);
        has_any = true;
    }
    wg_buf_addf(text, "%s %.17g\n", has_any ? "}" : "", number);
}

/* ---- what was recorded ---- */

/* name, its labels at this index, and le for a bucket. */
static void add_name(struct wg_metrics_page *page, size_t index, const char *ending,
                     const char *le)
{
    unsigned places[WG_METRIC_LABELS];
    size_t count = 0;

    while (count < WG_METRIC_LABELS && page->family->labels[count] != WG_LABEL_NONE)
        count++;
    for (size_t i = count; i-- > 0;) {
        unsigned size = wg_metric_label(page->family->labels[i])->places;

        places[i] = (unsigned)(index % size);
        index /= size;
    }
    wg_buf_addf(&page->text, "%s%s", page->family->name, ending);
    for (size_t i = 0; i < count; i++) {
        enum wg_label label = page->family->labels[i];
        char value[WG_METRIC_VALUE];

        add_label(&page->text, i ? "," : "{", wg_metric_label(label)->name,
                  wg_metric_value(label, places[i], value));
    }
    if (le)
        add_label(&page->text, count ? "," : "{", "le", le);
    wg_buf_addf(&page->text, "%s ", count || le ? "}" : "");
}

static void add_histogram(struct wg_metrics_page *page, size_t index, const int64_t *cells)
{
    int64_t sum = 0;
    char le[32];

    for (size_t i = 0; i < WG_METRIC_BUCKETS; i++) {
        sum += cells[i];
        snprintf(le, sizeof le, "%g", (double)wg_metric_bounds_ns[i] / 1e9);
        add_name(page, index, "_bucket", le);
        wg_buf_addf(&page->text, "%lld\n", (long long)sum);
    }
    sum += cells[WG_METRIC_BUCKETS];
    add_name(page, index, "_bucket", "+Inf");
    wg_buf_addf(&page->text, "%lld\n", (long long)sum);
    add_name(page, index, "_sum", NULL);
    wg_buf_addf(&page->text, "%.9f\n", (double)cells[WG_METRIC_BUCKETS + 1] / 1e9);
    add_name(page, index, "_count", NULL);
    wg_buf_addf(&page->text, "%lld\n", (long long)sum);
}

static bool has_any(const int64_t *cells, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (cells[i])
            return true;
    }
    return false;
}

static void write_recorded(struct wg_metrics_page *page)
{
    size_t size = is_histogram(page) ? WG_METRIC_HISTOGRAM_CELLS : 1;
    size_t count = wg_metric_cell_count(page->metric) / size;
    bool is_sparse = count > (is_histogram(page) ? 1 : SERIES_FROM_START);
    int64_t *cells = wg_alloc(count * size * sizeof *cells);

    wg_metric_read(page->metric, cells);
    for (size_t i = 0; i < count; i++) {
        if (is_sparse && !has_any(cells + i * size, size))
            continue;
        if (is_histogram(page)) {
            add_histogram(page, i, cells + i * size);
        } else {
            add_name(page, i, "", NULL);
            wg_buf_addf(&page->text, "%lld\n", (long long)cells[i]);
        }
    }
    wg_free(cells);
}

/* ---- the page ---- */

const char *wg_metrics_type(const struct wg_metric_family *family)
{
    static const char *const names[] = {
        [WG_METRIC_KIND_COUNTER] = "counter",     [WG_METRIC_KIND_LEVEL] = "gauge",
        [WG_METRIC_KIND_HISTOGRAM] = "histogram", [WG_METRIC_KIND_READ_COUNTER] = "counter",
        [WG_METRIC_KIND_READ_GAUGE] = "gauge",
    };

    return names[family->kind];
}

static void write_family(struct wg_metrics_page *page)
{
    wg_buf_addf(&page->text, "# HELP %s %s\n# TYPE %s %s\n", page->family->name,
                page->family->help, page->family->name, wg_metrics_type(page->family));
    if (wg_metric_cell_count(page->metric))
        write_recorded(page);
    else
        wg_metrics_read(page);
}

static void write_page(void *owner)
{
    struct wg_admin_request *request = owner;
    struct wg_metrics_page page = {.gateway = request->gateway, .queue = request->admin->queue};
    struct wg_err err;

    wg_buf_init(&page.text, TEXT_LIMIT_BYTES);
    for (unsigned i = 0; i < WG_METRICS; i++) {
        page.metric = (enum wg_metric)i;
        page.family = wg_metric_family(page.metric);
        write_family(&page);
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

void wg_admin_metrics(struct wg_admin_request *request)
{
    wg_metrics_ask_queue(request->admin, write_page, request);
}
