"""The examples in `wire/`, which the service and the clients of all languages have to match.

An example has a `request` (`json`, or `fileBase64`: the body's bytes) and its `response`: `json` has the members with
constant values, `varying` the names of the others, `headers` some of its headers; a `json` that is a list has those of
each element. `settings` are the service's environment variables; `busy` means that all request slots are taken.
Those in `wire/jobs/` may have steps `before`: requests, or the status that a job is to reach; the id of the last
answered job stands for `{id}`. A `photograph`, in px, is enlarged until the example ends. Their `headers` are regular
expressions, and so are `files` of an archive; `varying` holds for objects within objects, too; `events` are all of a
stream.
"""

import base64
import contextlib
import functools
import io
import json
import re
import zipfile
from typing import Any

import httpx
import pytest
from conftest import ROOT, Server, StartServer, encoded, opened, photograph, taken_slot, wait_for

EXAMPLES = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "tests" / "wire").glob("*.json"))}

OF_JOBS = {
    path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "tests" / "wire" / "jobs").glob("*.json"))
}


def ask(server: Server, request: dict[str, Any]) -> httpx.Response:
    content = base64.b64decode(request["fileBase64"]) if "fileBase64" in request else None
    if "photograph" in request:
        content = encoded(photograph(*request["photograph"]), "JPEG")
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


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(server: Server, shared_server: StartServer, name: str) -> None:
    """Each answer equals the example, and conforms to /openapi.json."""
    example = EXAMPLES[name]
    asked, expected = example["request"], example["response"]
    serving = shared_server(**example["settings"]) if "settings" in example else server
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
    check_json(server, asked, expected, response)


@pytest.mark.parametrize("name", OF_JOBS)
def test_examples_of_jobs(server: Server, shared_server: StartServer, name: str) -> None:
    """The same, after the steps before them."""
    example = OF_JOBS[name]
    asked, expected = example["request"], example["response"]
    serving = shared_server(**example["settings"]) if "settings" in example else server
    long_job = {}
    job_id = ""

    def has_reached(state: str) -> bool:
        return bool(httpx.get(f"{serving.url}/jobs/{job_id}").json()["status"] == state)

    for step in example.get("before", []):
        if isinstance(step, str):
            assert wait_for(functools.partial(has_reached, step), 60)
            continue
        answer = ask(serving, {**step, "path": step["path"].format(id=job_id)})
        assert answer.is_success, answer.text
        job_id = answer.json()["id"] if answer.content else job_id
        if "photograph" in step:
            long_job = {"method": "DELETE", "path": f"/jobs/{job_id}", "headers": step["headers"]}
    response = ask(serving, {**asked, "path": asked["path"].format(id=job_id)})
    if long_job:
        assert ask(serving, long_job).status_code == 204
    assert (response.status_code, response.headers.get("Content-Type")) == (
        expected["status"],
        expected.get("contentType"),
    )
    for header, value in expected.get("headers", {}).items():
        assert re.fullmatch(value, response.headers[header])
    if "files" in expected:
        names = zipfile.ZipFile(io.BytesIO(response.content)).namelist()
        assert all(re.fullmatch(*pair) for pair in zip(expected["files"], names, strict=True))
    if "events" in expected:
        lines = [text.split("\n") for text in response.text.removesuffix("\n\n").split("\n\n")]
        for (name_of, data), event in zip(lines, expected["events"], strict=True):
            assert name_of == f"event: {event['event']}"
            check_members(json.loads(data.removeprefix("data: ")), event["data"], set(expected["varying"]))
    check_json(serving, asked, expected, response)


def check_json(server: Server, asked: dict[str, Any], expected: dict[str, Any], response: httpx.Response) -> None:
    """An answer has the members of the example, and conforms to /openapi.json."""
    import jsonschema  # late: it takes a second, for which all processes of a run would wait

    if "json" not in expected:
        return
    answer = response.json()
    varying = set(expected.get("varying", []))
    assert varying <= check_members(objects(answer), objects(expected["json"]), varying)

    document = httpx.get(f"{server.url}/openapi.json").json()
    path = re.sub("0{26}", "{job_id}", asked["path"].partition("?")[0].replace("{id}", "{job_id}"))
    operation = document["paths"].get(path, {}).get(asked["method"].lower())
    if operation:
        content = operation["responses"][str(expected["status"])]["content"]
        schema = content[expected["contentType"]]["schema"] | {"components": document["components"]}
        jsonschema.validate(answer, schema)


def check_members(answer: Any, expected: Any, varying: set[str]) -> set[str]:
    """All members but the varying ones are those of the example. Returns the names of the varying ones."""
    if isinstance(expected, dict):
        assert set(answer) - varying == set(expected)
        inner = (check_members(answer[name], value, varying) for name, value in expected.items())
        return (set(answer) & varying).union(*inner)
    if isinstance(expected, list):
        pairs = zip(answer, expected, strict=True)
        return set[str]().union(*(check_members(*pair, varying) for pair in pairs))
    assert answer == expected
    return set()


def test_the_document_lists_what_failures_have() -> None:
    """Its table of statuses has that of every example, and its example of a problem document has their members."""
    document = (ROOT / "docs" / "http-api.md").read_text()
    for name, example in (EXAMPLES | OF_JOBS).items():
        status = example["response"]["status"]
        assert status < 300 or f"\n| {status} |" in document, name
        for member in {name for each in objects(example["response"].get("json", {})) for name in each}:
            assert f"`{member}`" in document or f'"{member}"' in document, (name, member)
