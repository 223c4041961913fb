# SPDX-License-Identifier: Apache-2.0
"""The examples for Prometheus and Grafana: they parse, every alert is tried both ways, and each family they name
is one that the gateway has."""
import json
import os
import re
import shutil
import subprocess

import harness
import pytest
from metrics_kit import read

ROOT = os.path.realpath(os.path.join(harness.HERE, "..", ".."))
PROMETHEUS = os.path.join(ROOT, "examples", "prometheus")
DASHBOARD = os.path.join(ROOT, "examples", "grafana", "wavegate.json")
FAMILY = re.compile(r"\b((?:wavegate|process)_[a-z_]+)\b")


def promtool(*arguments, cwd=PROMETHEUS):
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60,
                          check=False, cwd=cwd)


def text_of(*parts):
    with open(os.path.join(*parts), encoding="utf-8") as file:
        return file.read()


def families():
    """What the reference declares, with the series that a histogram has."""
    names = set()
    for name, kind in re.findall(r"^\| `([a-z_]+)` \| (\w+) \|", text_of(ROOT, "docs", "metrics.md"), re.M):
        names |= {name} if kind != "histogram" else {f"{name}_{end}" for end in ("bucket", "sum", "count")}
    assert len(names) > 60
    return names


def alerts():
    """Name and the lines of each rule."""
    parts = re.split(r"^ +- alert: (\w+)$", text_of(PROMETHEUS, "wavegate.rules.yml"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


@pytest.fixture(scope="module")
def dashboard():
    return json.loads(text_of(DASHBOARD))


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions(dashboard):
    return [target["expr"] for panel in panels(dashboard) for target in panel["targets"]] + \
        [annotation["expr"] for annotation in dashboard["annotations"]["list"]]


def test_promtool_finds_nothing_wrong_with_the_rules():
    done = promtool("check", "rules", "wavegate.rules.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(alerts())} rules found" in done.stdout


def test_every_alert_fires_when_it_must_and_only_then():
    done = promtool("test", "rules", "wavegate.test.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    names = re.findall(r"^  - name: (\w+)( stays quiet)?$", text_of(PROMETHEUS, "wavegate.test.yml"), re.M)
    assert {name for name, quiet in names if not quiet} == set(alerts())
    assert {name for name, quiet in names if quiet} == set(alerts())


@pytest.mark.parametrize("name", sorted(alerts()))
def test_an_alert_says_how_bad_it_is_what_it_is_and_where_to_read_on(name):
    rule = alerts()[name]
    assert re.search(r"severity: (critical|warning)\b", rule)
    assert re.search(r'summary: "[^"]+"', rule)
    documents = re.findall(r"docs/\w+\.md", re.search(r'description: "([^"]+)"', rule).group(1))
    assert documents
    for document in documents:
        assert os.path.exists(os.path.join(ROOT, document)), document


def test_the_scrape_configuration_is_one(tmp_path):
    for name in ("prometheus.yml", "wavegate.rules.yml"):
        shutil.copy(os.path.join(PROMETHEUS, name), tmp_path)
    (tmp_path / "wavegate.token").write_text("wgt_x", encoding="ascii")
    done = promtool("check", "config", "prometheus.yml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_and_dashboard_name_families_that_exist(dashboard):
    known = families()
    for text in [text_of(PROMETHEUS, "wavegate.rules.yml"), text_of(PROMETHEUS, "wavegate.test.yml"),
                 *expressions(dashboard), dashboard["templating"]["list"][1]["query"]["query"]]:
        assert set(FAMILY.findall(text)) - known == set()


def whole(names):
    return {re.sub("_(bucket|sum|count)$", "", name) for name in names}


def test_what_the_gateway_counts_for_itself_is_on_the_dashboard(dashboard):
    left_out = {"wavegate_build_info", "process_virtual_memory_bytes",
                # Of an operator's own policies and lists: for a panel of his.
                "wavegate_policy_counter_total", "wavegate_policy_gauge", "wavegate_list_entries",
                "wavegate_list_fetch_failing", "wavegate_list_lookups_total", "wavegate_list_hits_total",
                # Have an alert, or say no more than another that is shown.
                "wavegate_store_writable", "wavegate_certificate_expiry_timestamp_seconds",
                "wavegate_policy_reload_duration_seconds", "wavegate_http_unreadable_total",
                "wavegate_exchanges_in_progress", "wavegate_limiter_evictions_total"}
    shown = set(FAMILY.findall("\n".join(expressions(dashboard))))
    assert whole(families()) - whole(shown) == left_out


def test_prometheus_reads_every_expression_of_the_dashboard(dashboard, tmp_path):
    lines = ["groups:", "  - name: dashboard", "    rules:"]
    for number, expression in enumerate(expressions(dashboard)):
        expression = expression.replace("$__rate_interval", "5m").replace("$instance", ".+")
        lines += [f"      - record: panel:{number}", f"        expr: {json.dumps(expression)}"]
    (tmp_path / "dashboard.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = promtool("check", "rules", "dashboard.yml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_panels_have_names_units_and_a_place_of_their_own(dashboard):
    taken = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    for panel in panels(dashboard):
        assert panel["title"] and panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]


def test_labels_that_expressions_choose_by_are_ones_the_gateway_writes(town, operator, dashboard):
    """Values of closed labels: a word that no series ever has would be a panel that stays empty."""
    words = set(re.findall(r"`([a-z0-9_]+)`", text_of(ROOT, "docs", "metrics.md").split("## Labels")[1]))
    words |= set(re.findall(r"SW_[A-Z_]+", text_of(ROOT, "docs", "metrics.md")))
    chosen = "\n".join([*expressions(dashboard), text_of(PROMETHEUS, "wavegate.rules.yml")])
    for label, _, values in re.findall(r'\b(\w+)(=~|!=|=)"([^"$.]*)"', chosen):
        if label != "job":
            assert set(values.split("|")) <= words, (label, values)
    assert read(operator).types
