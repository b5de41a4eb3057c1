"""The description, the routes and the examples agree."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from conftest import ROOT, Server
from openapi_spec_validator import validate

EXAMPLES = sorted((ROOT / "tests" / "wire").glob("*.json"))


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    loaded: dict[str, Any] = httpx.get(f"{server.url}/openapi.json").json()
    return loaded


def test_it_is_valid(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"] == "3.1.0"


def test_it_has_every_route(document: dict[str, Any]) -> None:
    routes = set(re.findall(r'@app\.(get|post)\("([^"]+)"\)', (ROOT / "flask_app.py").read_text()))
    assert {(method, path) for path, item in document["paths"].items() for method in item} == routes


def test_it_has_every_status(document: dict[str, Any]) -> None:
    """Those of the table in README.md."""
    readme = (ROOT / "README.md").read_text()
    documented = {int(status) for status in re.findall(r"^\| (\d{3}) \|", readme, re.MULTILINE)}
    described = {int(status) for status in document["paths"]["/upscale"]["post"]["responses"]}
    assert documented - {404, 405} == described - {200}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples(server: Server, document: dict[str, Any], path: Path) -> None:
    """Each is answered as it says, and as the description says."""
    example = json.loads(path.read_text())
    asked, expected = example["request"], example["response"]
    response = httpx.request(
        asked["method"], server.url + asked["path"], headers=asked.get("headers"), json=asked.get("json")
    )
    assert response.status_code == expected["status"]
    assert response.headers["Content-Type"] == expected["contentType"]
    answer = response.json()
    for name, value in expected["json"].items():
        assert answer[name] == value
    assert set(answer) == set(expected["json"]) | set(expected.get("varying", []))

    operation = document["paths"].get(asked["path"], {}).get(asked["method"].lower())
    if operation:
        content = operation["responses"][str(expected["status"])]["content"]
        schema = content[expected["contentType"]]["schema"] | {"components": document["components"]}
        jsonschema.validate(answer, schema)
