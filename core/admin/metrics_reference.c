// SPDX-License-Identifier: Apache-2.0
#include "admin/metrics_impl.h"

static const char introduction[] =
    "<!-- Made from core/base/metrics.def: change it there; the text, in "
    "core/admin/metrics_reference.c. -->\n"
    "# Metrics\n"
    "\n"
    "`GET /metrics` on the admin listener answers in the text format of Prometheus, to a token "
    "with role `read`:\n"
    "\n"
    "```sh\n"
    "wavegate token create --role read --comment prometheus > /etc/prometheus/wavegate.token\n"
    "```\n"
    "\n"
    "[`examples/prometheus/`](../examples/prometheus) has a scrape configuration and alert "
    "rules,\n"
    "[`examples/grafana/wavegate.json`](../examples/grafana/wavegate.json) a dashboard.\n"
    "\n"
    "Units are seconds and bytes. Counters begin at 0 when the process starts. A family with "
    "few series\n"
    "shows all of them from the start; of the others those appear that have happened. "
    "Histograms have the\n"
    "buckets 10, 25, 50, 100, 250, 500 µs, 1, 2.5, 5 … 500 ms, 1, 2.5, 5, 10 and 30 s.\n"
    "\n"
    "What a stage, a hook or a whole exchange took is time by the clock: what it waited for (a "
    "descriptor,\n"
    "the instance, an fsync, an answer to `wavegate.http`) is in it. "
    "`wavegate_hook_running_seconds` is the\n"
    "part in which Lua ran. A request of an instance to another one behind the same gateway "
    "counts once, as\n"
    "`outbound`; its stages count in the walk they belong to.\n"
    "\n"
    "No name that a stranger chooses becomes a label: `peer` is a peer that has proved who it "
    "is or that\n"
    "something was sent to, `metrics.peers` of them at a time, the busiest; `_other` is the "
    "sum "
    "of all\n"
    "others. A peer that is given a series begins at 0, one that loses it is counted with the "
    "others from\n"
    "then on, so no counter goes back. What waits in the queue is asked of the store for each "
    "scrape, for a\n"
    "second at most; past it the figures of the scrape before are shown.\n"
    "\n"
    "Recording takes no lock: a counter costs about 10 ns of CPU, a histogram and a "
    "reading of the\n"
    "clock about 30 ns each; one event through all its stages about 1.5 µs.\n";

static void write_labels(const struct wg_metric_family *family, struct wg_buf *out)
{
    for (size_t i = 0; i < WG_METRIC_LABELS && family->labels[i] != WG_LABEL_NONE; i++)
        wg_buf_addf(out, "%s`%s`", i ? ", " : "", wg_metric_label(family->labels[i])->name);
}

static void write_families(struct wg_buf *out)
{
    wg_buf_addf(out,
                "\n## Families\n\n| family | type | labels | tells |\n|---|---|---|---|\n");
    for (unsigned i = 0; i < WG_METRICS; i++) {
        const struct wg_metric_family *family = wg_metric_family((enum wg_metric)i);

        wg_buf_addf(out, "| `%s` | %s | ", family->name, wg_metrics_type(family));
        write_labels(family, out);
        wg_buf_addf(out, " | %s |\n", family->help);
    }
}

static void write_values(enum wg_label id, struct wg_buf *out)
{
    const struct wg_metric_label *label = wg_metric_label(id);

    if (id == WG_LABEL_LOOP || label->places == 0)
        return;
    for (unsigned i = 0; i < label->places; i++) {
        char value[WG_METRIC_VALUE];

        wg_buf_addf(out, "%s`%s`", i ? " " : "", wg_metric_value(id, i, value));
    }
}

void wg_metrics_reference(struct wg_buf *out)
{
    wg_buf_addf(out, "%s", introduction);
    write_families(out);
    wg_buf_addf(out, "\n## Labels\n\nA name with more than one meaning stands here once for "
                     "each.\n\n| label | values | means |\n|---|---|---|\n");
    for (unsigned i = WG_LABEL_NONE + 1; i < WG_LABELS; i++) {
        const struct wg_metric_label *label = wg_metric_label((enum wg_label)i);

        wg_buf_addf(out, "| `%s` | ", label->name);
        write_values((enum wg_label)i, out);
        wg_buf_addf(out, " | %s |\n", label->help);
    }
}
