"""Alert rules, dashboard and runbook: tried by Prometheus' own tool, and held to the metrics that there are."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.wsgi import get_wsgi_application
from prometheus_client import REGISTRY, Metric

from portal.serving.health import Broker
from portal.serving.state_metrics import State
from portal.serving.threads import Pages
from portal.web import page_metrics
from tokens.storage import metrics
from tokens.storage.batcher import Batcher
from tokens.storage.pool_metrics import Pool

ROOT = Path(__file__).resolve().parent.parent.parent
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = [rule for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
REGISTERED = (page_metrics, metrics)  # in the registry once imported
NAME = re.compile(r"\bkeydesk_\w+")
PARTS = ("", "_total", "_count", "_sum", "_bucket", "_info")  # a metric is asked for by its parts


def test_promtool_accepts_the_rules_and_their_tests() -> None:
    promtool = subprocess.run(
        [".ci/deb", "promtool", "promtool"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    command = [promtool, "test", "rules", PROMETHEUS / "alerts.test.yml"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested_and_has_its_entry_in_the_runbook() -> None:
    tested = (PROMETHEUS / "alerts.test.yml").read_text()
    headings = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert headings == [rule["alert"] for rule in RULES]
    for rule in RULES:
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert f"alertname: {rule['alert']}\n        exp_alerts:\n" in tested


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("where", ["rules", "dashboard"])
def test_every_metric_that_is_asked_for_exists(where: str) -> None:
    expressions = _in_rules() if where == "rules" else _in_dashboard()
    asked = {name for expression in expressions for name in NAME.findall(expression)}
    there = {f"{family.name}{part}" for family in families() for part in PARTS}
    sometimes = {"keydesk_background_age_seconds", "keydesk_log_verification_intact"}  # once there was something
    assert asked - there - sometimes == set()


@pytest.mark.django_db(transaction=True)
def test_every_metric_has_a_panel_and_an_alert_or_a_reason_for_none() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    reasons = [
        line.split("|")[1] for line in runbook.partition("# Figures without an alert")[2].splitlines() if "|" in line
    ]
    excused = {name for cell in reasons for name in NAME.findall(cell)}
    shown = {name for expression in _in_dashboard() for name in NAME.findall(expression)}
    watched = {name for expression in _in_rules() for name in NAME.findall(expression)}
    ours = [family.name for family in families() if family.name.startswith("keydesk_")]
    assert len(ours) > 20
    for name in ours:
        parts = {f"{name}{part}" for part in PARTS}
        assert parts & shown, f"{name} is on no panel"
        assert bool(parts & watched) != (name in excused), f"{name} has neither an alert nor a reason, or both"
    assert excused <= set(ours)


def families() -> list[Metric]:
    """Return all metrics of a web process, whose pool has one kind of work."""
    pool = Pool([Batcher([], name="issue")])
    return [*REGISTRY.collect(), *State(Broker(), Pages(get_wsgi_application(), threads=1)).collect(), *pool.collect()]


def _in_rules() -> list[str]:
    return [rule["expr"] for rule in RULES]


def _in_dashboard() -> list[str]:
    dashboard: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana" / "keydesk.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
