"""The examples in `wire/`, which the service and the clients of all languages have to match.

An example has a `request` (`json`, or `fileBase64`: the body's bytes) and its `response`: `json` has the members with
constant values, `varying` the names of the others, `headers` some of its headers; a `json` that is a list has those of
each element. `settings` are the service's environment variables; `busy` means that all request slots are taken.
"""

import base64
import contextlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest
from conftest import ROOT, Server, StartServer, connection, opened, wait_for

EXAMPLES = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "tests" / "wire").glob("*.json"))}


def ask(server: Server, request: dict[str, Any]) -> httpx.Response:
    content = base64.b64decode(request["fileBase64"]) if "fileBase64" in request else None
    return httpx.request(
        request["method"],
        server.url + request["path"],
        headers=request.get("headers"),
        json=request.get("json"),
        content=content,
    )


def objects(answer: Any) -> list[dict[str, Any]]:
    """The elements of a list, or the one object."""
    return answer if isinstance(answer, list) else [answer]


@contextlib.contextmanager
def taken_slot(server: Server) -> Iterator[None]:
    """A client that has announced an image and does not send it."""
    with connection(server, "Content-Length: 1000"):
        assert wait_for(lambda: server.upscale(b"").status_code == 429, 10)
        yield


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(server: Server, start_server: StartServer, name: str) -> None:
    """Each answer equals the example, and conforms to /openapi.json."""
    example = EXAMPLES[name]
    asked, expected = example["request"], example["response"]
    serving = start_server(**example["settings"]) if "settings" in example else server
    with taken_slot(serving) if example.get("busy") else contextlib.nullcontext():
        response = ask(serving, asked)
    assert response.status_code == expected["status"]
    assert response.headers["Content-Type"] == expected["contentType"]
    for header, value in expected.get("headers", {}).items():
        assert response.headers[header] == value
    if response.status_code == 200 and asked["method"] == "POST":
        image = response.content if "json" not in expected else base64.b64decode(response.json()["imageBase64"])
        headers = expected.get("headers", {})
        assert opened(image).size == (int(headers.get("X-Result-Width", 4)), int(headers.get("X-Result-Height", 2)))
    if "json" not in expected:
        return
    answer = response.json()
    for each, members in zip(objects(answer), objects(expected["json"]), strict=True):
        assert {name: each[name] for name in members} == members
        assert set(each) == set(members) | set(expected.get("varying", []))

    document = httpx.get(f"{server.url}/openapi.json").json()
    operation = document["paths"].get(asked["path"], {}).get(asked["method"].lower())
    if operation:
        content = operation["responses"][str(expected["status"])]["content"]
        schema = content[expected["contentType"]]["schema"] | {"components": document["components"]}
        jsonschema.validate(answer, schema)


def test_the_document_lists_what_failures_have() -> None:
    """Its table of statuses has that of every example, and its example of a problem document has their members."""
    document = (ROOT / "docs" / "http-api.md").read_text()
    for name, example in EXAMPLES.items():
        status = example["response"]["status"]
        assert status == 200 or f"\n| {status} |" in document, name
        for member in {name for each in objects(example["response"].get("json", {})) for name in each}:
            assert f"`{member}`" in document or f'"{member}"' in document, (name, member)
