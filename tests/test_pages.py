"""What the service sends to browsers. tests/page tests what a browser does with it."""

import hashlib
import re

import httpx
import pytest
from conftest import ROOT, SAMPLES, Server

from http_edge.pages import OFFERED, WEB

FILES = sorted(
    path.relative_to(WEB / "static").as_posix() for path in (WEB / "static").rglob("*.*") if path.suffix != ".md"
)


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_and_their_policy(server: Server, path: str) -> None:
    response = httpx.get(f"{server.url}{path}", headers={"Accept": "*/*"})
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    again = httpx.get(f"{server.url}{path}", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_what_a_page_names_is_there(server: Server, path: str) -> None:
    """Nothing is loaded from other servers, and the page has no inline scripts or styles."""
    page = httpx.get(f"{server.url}{path}").text
    names = re.findall(r'(?:src|href)="([^"#]+)"', page)
    assert len(names) >= 6
    for name in names:
        assert "://" not in name
        assert not name.startswith("/"), "the page may live below a path of a proxy"
        assert httpx.get(f"{server.url}/{name}").status_code == 200
    assert not re.search(r"<style|style=|<script>|\son\w+=|javascript:", page)


@pytest.mark.parametrize("name", FILES)
def test_files(server: Server, name: str) -> None:
    response = httpx.get(f"{server.url}/web/{name}")
    assert response.content == (WEB / "static" / name).read_bytes()
    assert response.headers["Cache-Control"] == "no-cache"
    again = httpx.get(f"{server.url}/web/{name}", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304
    if not name.startswith("vendor/") and name.endswith((".js", ".css")):
        assert "://" not in response.text, "it works offline"


def test_samples(server: Server) -> None:
    page = httpx.get(server.url).text
    for name, title in OFFERED.items():
        assert f"samples/{name}" in page
        assert title in page
        assert httpx.get(f"{server.url}/samples/{name}").content == (SAMPLES / name).read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "/samples/README.md",
        "/samples/../settings.py",
        "/web/../templates/index.html",
        "/web/nothing.js",
        "/web/",
        "/web/vendor/README.md",
        "/web/vendor",
    ],
)
def test_nothing_else_is_served(server: Server, path: str) -> None:
    response = httpx.get(f"{server.url}{path.replace('..', '%2e%2e')}")
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"


def test_the_files_of_others_are_as_they_came() -> None:
    """Vendored files match their checksums and come with their licences."""
    vendor = WEB / "static" / "vendor"
    rows = re.findall(r"^\| `([^`]+)` \| .* \| `([0-9a-f]{64})` \|$", (vendor / "README.md").read_text(), re.MULTILINE)
    assert {name for name, _ in rows} == {
        path.relative_to(vendor).as_posix() for path in vendor.rglob("*") if path.suffix in (".js", ".css")
    }
    for name, digest in rows:
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest
        assert (vendor / name).with_name("LICENSE").is_file()
        assert name.partition("/")[0] in (ROOT / "NOTICE").read_text()
