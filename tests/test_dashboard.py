"""The Grafana dashboard and the alerts ask for metrics, with labels, that the service has."""

import json
import re

import httpx
import pytest
import yaml
from conftest import ROOT, StartServer, encoded, photograph
from prometheus_client.parser import text_string_to_metric_families

from docs_pictures import helm_schema

# Prometheus adds these itself.
ADDED = {"job", "instance", "le"}
SELECTOR = re.compile(r"\b((?:upscaler|process)_\w+)(?:\{([^}]*)\})?")


@pytest.fixture(scope="module")
def exposed(shared_server: StartServer) -> dict[str, set[str]]:
    """The labels of each sample's name, once there was an answer, a failure, and a request for a job."""
    server = shared_server()
    assert server.upscale(encoded(photograph(8, 8))).status_code == 200
    assert server.upscale(b"no image").status_code == 415
    assert httpx.post(f"{server.url}/jobs", content=b"no image").status_code == 415
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(httpx.get(f"{server.url}/metrics").text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def panels() -> list[str]:
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "dashboard.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


def alerts() -> list[str]:
    (group,) = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text())["groups"]
    return [rule["expr"] for rule in group["rules"]]


def test_expressions_ask_for_what_there_is(exposed: dict[str, set[str]]) -> None:
    for expression in panels() + alerts():
        selectors = SELECTOR.findall(expression)
        assert selectors, expression
        labels = set()
        for name, matchers in selectors:
            assert name in exposed, expression
            labels |= exposed[name]
            assert set(re.findall(r"(\w+)\s*[=!]", matchers)) <= exposed[name] | ADDED, expression
        for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
            assert {each.strip() for each in grouped.split(",")} <= labels | ADDED, expression


def test_the_dashboard_has_every_metric_of_the_service(exposed: dict[str, set[str]]) -> None:
    shown = {name for expression in panels() for name, _ in SELECTOR.findall(expression)}
    aggregated = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}
    missing = {
        name
        for name in exposed
        if name.startswith("upscaler_")
        and not name.endswith("_created")
        and re.sub(r"_(bucket|sum|count)$", "", name) not in aggregated
    }
    assert missing == set()


def test_the_schema_of_the_chart_is_generated() -> None:
    assert helm_schema.SCHEMA.read_text() == helm_schema.describe(), "run `make helm-schema`"
