"""/openapi.json and the routes agree."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from conftest import ROOT, Server

from superscaling.errors import ClientGone, ServiceError
from superscaling.version import __version__


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    loaded: dict[str, Any] = httpx.get(f"{server.url}/openapi.json").json()
    return loaded


def test_it_is_valid(document: dict[str, Any]) -> None:
    from openapi_spec_validator import validate  # late, as it loads jsonschema

    validate(document)
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == __version__


def test_it_has_every_route(document: dict[str, Any]) -> None:
    found = re.findall(r'@app\.(get|post|delete)\("([^"]+)"\)', (ROOT / "flask_app.py").read_text())
    routes = {(method, re.sub("<(.*?)>", r"{\1}", path)) for method, path in found}
    assert {(method, path) for path, item in document["paths"].items() for method in item} == routes


def test_summaries_are_those_of_the_routes(document: dict[str, Any]) -> None:
    assert document["paths"]["/upscale"]["post"]["summary"] == "Enlarge one image"
    assert all(operation["summary"] for item in document["paths"].values() for operation in item.values())


def test_a_form_may_call_the_image_a_file(document: dict[str, Any]) -> None:
    """One of the two parts, and any of the options."""
    import jsonschema  # late: it takes a second, for which all processes of a run would wait

    form = document["paths"]["/upscale"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert {"image", "file", "format", "scale", "width", "height", "fit", "model"} <= set(form["properties"])
    jsonschema.validate({"image": "…", "model": "x"}, form)
    jsonschema.validate({"file": "…"}, form)
    for parts in ({"model": "x"}, {"image": "…", "file": "…"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(parts, form)


def test_every_code_of_an_error_is_documented() -> None:
    table = (ROOT / "docs" / "http-api.md").read_text().partition("| status | `code` |")[2]
    codes = {kind.code for kind in kinds_of(ServiceError) if kind is not ClientGone}
    assert {code for code in codes if f"`{code}`" not in table} == {"unprocessable", "unavailable", "no_result"}, (
        "never raised"
    )


def kinds_of(kind: type[ServiceError]) -> Iterator[type[ServiceError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from kinds_of(each)


def test_it_has_every_status(document: dict[str, Any]) -> None:
    """Those of the table in docs/http-api.md."""
    text = (ROOT / "docs" / "http-api.md").read_text()
    documented = {int(status) for status in re.findall(r"^\| (\d{3}) \|", text, re.MULTILINE)}
    operations = [each for item in document["paths"].values() for each in item.values()]
    described = {int(status) for each in operations for status in each["responses"]}
    assert documented - {405} == {status for status in described if status >= 400}


@pytest.mark.parametrize(
    ("headers", "methods", "status"),
    [
        ({"Host": "rebound.example"}, ("get", "post", "delete"), 421),
        ({"Sec-Fetch-Site": "cross-site"}, ("post", "delete"), 403),
    ],
)
def test_who_is_refused_is_told_so_everywhere(
    server: Server, document: dict[str, Any], headers: dict[str, str], methods: tuple[str, ...], status: int
) -> None:
    for path, item in document["paths"].items():
        for method in item.keys() & set(methods):
            answer = httpx.request(method, server.url + path.format(job_id="0" * 26), headers=headers)
            assert answer.status_code == status, path
            assert "application/problem+json" in item[method]["responses"][str(status)]["content"]


def test_rates_are_told_wherever_they_are_counted(document: dict[str, Any]) -> None:
    """Where images are sent, and results converted."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for status in operation["responses"].keys() & {"200", "202", "429"}:
                told = {"RateLimit", "RateLimit-Policy"} <= set(operation["responses"][status].get("headers", {}))
                assert told == (method == "post" or path.endswith("/result")), (path, status)


def test_what_is_said_of_jobs(document: dict[str, Any]) -> None:
    paths = document["paths"]
    post, upscale = paths["/jobs"]["post"], paths["/upscale"]["post"]
    assert post["responses"]["404"]["description"] == "The service takes no jobs"
    assert "tiles" not in str(post), "which are refused"
    assert "tiles" not in document["components"]["schemas"]["JobInput"]["properties"]
    assert "owner" not in upscale["responses"]["403"]["description"], "a preference is ignored instead"
    assert "Preference-Applied" in upscale["responses"]["202"]["headers"]
    assert "406" in paths["/jobs/{job_id}"]["get"]["responses"]
    assert "Content-Disposition" in paths["/jobs/archive"]["get"]["responses"]["200"]["headers"]
    result = paths["/jobs/{job_id}/result"]["get"]
    names = {"If-Match", "If-None-Match", "If-Range", "Range", "format", "quality", "metadata"}
    assert names <= {each["name"] for each in result["parameters"]}
    assert {"400", "422", "503", "504"} <= result["responses"].keys()
    for status, header in (("200", "X-Upscaler-Model"), ("206", "Content-Range"), ("416", "Content-Range")):
        assert header in result["responses"][status]["headers"]
    assert "412" in result["responses"]


def test_the_documented_webhook_is_described(document: dict[str, Any]) -> None:
    import jsonschema  # late: it takes a second, for which all processes of a run would wait

    described = document["webhooks"]["job"]["post"]
    schema = described["requestBody"]["content"]["application/json"]["schema"]
    section = (ROOT / "docs" / "http-api.md").read_text().partition("### Webhooks\n")[2]
    example = json.loads(section.partition("```json\n")[2].partition("```")[0])
    whole = {**schema, "components": document["components"]}
    jsonschema.validate(example, whole)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(example | {"type": "job.running"}, whole)
    for header in described["parameters"]:
        assert f"| `{header['name']}` |" in section


def test_what_images_need_is_one_group(document: dict[str, Any]) -> None:
    tags = {path: tag for path, item in document["paths"].items() for each in item.values() for tag in each["tags"]}
    assert {path for path, tag in tags.items() if tag == "Images"} == {
        "/upscale",
        "/v1/images/upscale",
        "/estimate",
        "/models",
    }
