"""Prometheus' own tool reads the rules and the dashboard's expressions."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboard.json"
CASES = ROOT / "tests" / "operations" / "alerts_test.yaml"


def promtool(*arguments: str | Path) -> str:
    result = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_the_rules_are_valid() -> None:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    assert f"{len(group['rules'])} rules found" in promtool("check", "rules", RULES)


def test_alerts_fire_when_they_should(tmp_path: Path) -> None:
    for file in (RULES, CASES):
        shutil.copy(file, tmp_path)
    assert "SUCCESS" in promtool("test", "rules", tmp_path / CASES.name)


def test_a_rule_that_never_fires_is_noticed(tmp_path: Path) -> None:
    (tmp_path / RULES.name).write_text(RULES.read_text().replace("> 0.05", "> 0.5"))
    shutil.copy(CASES, tmp_path)
    with pytest.raises(AssertionError, match="UpscalerErrors"):
        promtool("test", "rules", tmp_path / CASES.name)


def test_expressions_of_the_dashboard_are_valid(tmp_path: Path) -> None:
    expressions = [
        target["expr"] for panel in json.loads(DASHBOARD.read_text())["panels"] for target in panel.get("targets", [])
    ]
    assert len(expressions) > 30
    rules = [
        # Grafana replaces its variables before it asks.
        {"record": f"dashboard:{number}", "expr": each.replace("$__rate_interval", "5m").replace("$job", ".+")}
        for number, each in enumerate(expressions)
    ]
    file = tmp_path / "dashboard.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", file)
