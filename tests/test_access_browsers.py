"""What browsers may do: pages of other origins, names of the service, and who may read answers."""

import json
import re
import socket

import httpx
import pytest
from conftest import SAMPLES, Server, StartServer, encoded, photograph

from superscaling.errors import SettingInvalid
from superscaling.settings import read_settings
from superscaling.web_names import read_host, read_origin

PNG = encoded(photograph(8, 8))
APP = "https://app.example.com"
EVIL = "https://evil.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


@pytest.fixture(scope="module")
def named(start_server: StartServer) -> Server:
    """A service behind a proxy, with names, that allows the pages of two origins."""
    return start_server(
        UPSCALER_HOST="0.0.0.0",
        UPSCALER_ALLOW_ORIGINS=f"{APP}, http://localhost:3000",
        UPSCALER_ALLOWED_HOSTS="Upscale.example.com, *.inner.example, pinned.example:8443, plain.example:443",
        UPSCALER_TRUSTED_PROXIES="127.0.0.0/8",
        UPSCALER_MAX_PIXELS="100",
        UPSCALER_MAX_BODY_BYTES="10000",
    )


@pytest.fixture(scope="module")
def public(start_server: StartServer) -> Server:
    """A service that any page may use, on all addresses."""
    return start_server(UPSCALER_HOST="0.0.0.0", UPSCALER_ALLOW_ORIGINS="*")


def post(server: Server, headers: dict[str, str], path: str = "/upscale") -> httpx.Response:
    given = {"Content-Type": "image/png", **headers}
    return httpx.post(f"{server.url}{path}", content=PNG, headers=given, timeout=60)


def own(server: Server) -> str:
    """`Host` and origin of a service, for tables."""
    return f"127.0.0.1:{server.port}"


def code(answer: httpx.Response) -> str:
    assert answer.headers["Content-Type"] == "application/problem+json"
    found: str = answer.json()["code"]
    return found


# Where requests come from


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # a tool
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://upscale.example.com"}, 200),  # a proxy changed the host
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": EVIL}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://OWN"}, 403),
        ({"Sec-Fetch-Site": "something new"}, 403),
        ({"Sec-Fetch-Site": ""}, 403),
        ({"Sec-Fetch-Site": "cross-site, same-origin"}, 403),
        ({"Origin": "http://OWN"}, 200),
        ({"Origin": "https://OWN"}, 200),  # a proxy may have ended TLS
        ({"Origin": EVIL}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://127.0.0.1"}, 403),  # another port
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://localhost:PORT"}, 403),  # another name
        ({"Origin": "http://OWN.evil.example"}, 403),
        ({"Origin": "http://evil.example@OWN"}, 403),
        ({"Origin": "http://OWN/"}, 403),
        ({"Origin": f"http://OWN, {EVIL}"}, 403),
        ({"Origin": "OWN"}, 403),
        ({"Origin": "file://"}, 403),
        ({"Origin": "http://" + "x" * 5000}, 403),
        ({"Origin": "http://[::1"}, 403),
        ({"Origin": EVIL, "X-Forwarded-Host": "evil.example"}, 403),  # of no trusted proxy
        ({"Origin": EVIL, "Host": "localhost"}, 403),
        ({"Origin": "http://localhost", "Host": "localhost"}, 200),
        ({"Origin": "https://localhost", "Host": "LOCALHOST.:443"}, 200),
        ({"Origin": "http://[::1]:7777", "Host": "[0:0::1]:7777"}, 200),
        ({"Origin": "http://[::1]:7777", "Host": "[::2]:7777"}, 403),
    ],
    ids=str,
)
def test_who_may_post_by_default(server: Server, headers: dict[str, str], status: int) -> None:
    filled = {
        name: value.replace("OWN", own(server)).replace("PORT", str(server.port)) for name, value in headers.items()
    }
    answer = post(server, filled)
    assert answer.status_code == status
    assert "Access-Control-Allow-Origin" not in answer.headers
    if status == 403:
        assert code(answer) == "cross_site"
        assert answer.json()["setting"] == "UPSCALER_ALLOW_ORIGINS"
        assert len(answer.content) < 2000


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/upscale"),
        ("POST", "/v1/images/upscale"),
        ("POST", "/jobs"),
        ("DELETE", "/jobs/01jdj0000000000000000000ab"),
        ("POST", "/nothing"),
        ("PUT", "/upscale"),
        ("PATCH", "/upscale"),
        ("PROPFIND", "/upscale"),
    ],
)
def test_all_that_changes_something(server: Server, method: str, path: str) -> None:
    answer = httpx.request(method, f"{server.url}{path}", headers={"Origin": EVIL, "Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, code(answer)) == (403, "cross_site")


@pytest.mark.parametrize("path", ["/", "/docs", "/web/page.js", "/ping", "/models", "/openapi.json", "/metrics"])
def test_links_lead_here_but_nothing_is_embedded(server: Server, path: str) -> None:
    """From other sites: a link is followed, and what a page loads is of no use to it."""
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    for headers in (followed, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Origin": EVIL}):
        answer = httpx.get(f"{server.url}{path}", headers=headers)
        assert answer.status_code == 200
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_it_is_refused_before_its_body(server: Server) -> None:
    """And the connection is closed: the body that is still to come is nobody's request."""
    head = (
        f"POST /upscale HTTP/1.1\r\nHost: {own(server)}\r\nOrigin: {EVIL}\r\nContent-Type: image/png\r\n"
        "Content-Length: 10000000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(head.encode())
        answer = client.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"\r\nConnection: close\r\n" in answer


def test_a_form_of_another_site(server: Server) -> None:
    """As browsers send it, without asking first."""
    headers = {"Origin": EVIL, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    form = {"image": ("face.jpg", (SAMPLES / "face.jpg").read_bytes(), "image/jpeg")}
    for path in ("/upscale", "/jobs"):
        answer = httpx.post(f"{server.url}{path}", files=form, headers=headers)
        assert (answer.status_code, code(answer)) == (403, "cross_site")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": APP, "Sec-Fetch-Site": "cross-site"}, 200),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Origin": "http://localhost:3001"}, 403),
        ({"Origin": "http://app.example.com"}, 403),
        ({"Origin": f"{APP}:8443"}, 403),
        ({"Origin": f"{APP}.evil.example"}, 403),
        ({"Origin": "https://evilapp.example.com"}, 403),
        # What the trusted proxy says of the client's request.
        ({"Origin": "https://OWN", "X-Forwarded-Proto": "https"}, 200),
        ({"Origin": "https://OWN", "X-Forwarded-Proto": "HTTPS, http"}, 200),
        ({"Origin": "http://OWN", "X-Forwarded-Proto": "https"}, 403),
        # The client may have written this.
        ({"Origin": "https://upscale.example.com", "X-Forwarded-Host": "upscale.example.com"}, 403),
        ({"Origin": "http://OWN", "X-Forwarded-Host": "upscale.example.com"}, 200),
    ],
    ids=str,
)
def test_allowed_origins_and_proxies(named: Server, headers: dict[str, str], status: int) -> None:
    filled = {name: value.replace("OWN", own(named)) for name, value in headers.items()}
    assert post(named, filled).status_code == status


# Who may read answers


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/models", {}, 200),
        ("GET", "/", {}, 200),
        ("GET", "/web/page.js", {}, 200),
        ("GET", "/nothing", {}, 404),
        ("GET", "/upscale", {}, 405),
        ("GET", "/estimate?width=1000&height=1000", {}, 422),
        ("GET", "/jobs/01jdj0000000000000000000ab", {}, 404),
        ("GET", "/ping", {"Host": "evil.example"}, 421),
        ("POST", "/upscale", {"Content-Type": "application/json"}, 400),
        ("POST", "/upscale", {"Content-Type": "image/png"}, 413),
        ("POST", "/upscale", {"Content-Type": "text/plain"}, 415),
    ],
    ids=str,
)
def test_pages_read_answers_and_failures(
    named: Server, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    body = None if method == "GET" else b"x" * (20_000 if status == 413 else 1)
    for origin, is_allowed in ((APP, True), (EVIL, False), (None, False)):
        sent = headers if origin is None else {**headers, "Origin": origin}
        answer = httpx.request(method, f"{named.url}{path}", headers=sent, content=body)
        assert answer.status_code == (403 if origin == EVIL and method == "POST" else status)
        assert "Origin" in answer.headers["Vary"]
        assert answer.headers.get("Access-Control-Allow-Origin") == (APP if is_allowed else None)
        assert answer.headers["Cross-Origin-Resource-Policy"] == ("cross-origin" if is_allowed else "same-origin")
        assert "Access-Control-Allow-Credentials" not in answer.headers
        exposed = answer.headers.get("Access-Control-Expose-Headers", "").split(", ")
        assert (
            {"X-Request-ID", "X-Upscaler-Model", "Retry-After", "RateLimit", "Location"} <= set(exposed)
        ) is is_allowed


def test_every_header_of_ours_is_exposed(named: Server, server: Server) -> None:
    """A page that may read an answer may read all of it."""
    known = {"access-control-expose-headers", "access-control-allow-origin", "cross-origin-resource-policy"}
    known |= {"content-length", "content-type", "cache-control", "vary", "connection", "date", "server"}
    known |= {"x-content-type-options"}
    picture = httpx.post(f"{named.url}/upscale", content=PNG, headers={"Content-Type": "image/png", "Origin": APP})
    job = httpx.post(f"{named.url}/jobs", content=PNG, headers={"Content-Type": "image/png", "Origin": APP})
    assert (picture.status_code, job.status_code) == (200, 202)
    for answer in (picture, job):
        exposed = {each.lower() for each in answer.headers["Access-Control-Expose-Headers"].split(", ")}
        assert {name.lower() for name in answer.headers} - known <= exposed


@pytest.mark.parametrize("path", ["/upscale", "/jobs", "/jobs/01jdj0000000000000000000ab", "/models", "/nothing"])
def test_browsers_ask_first(named: Server, path: str) -> None:
    answer = httpx.options(f"{named.url}{path}", headers={"Origin": APP, **PREFLIGHT})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert "Origin" in answer.headers["Vary"]
    assert {"GET", "POST", "DELETE"} <= set(answer.headers["Access-Control-Allow-Methods"].split(", "))
    allowed = {each.lower() for each in answer.headers["Access-Control-Allow-Headers"].split(", ")}
    assert {
        "authorization",
        "x-api-key",
        "content-type",
        "idempotency-key",
        "prefer",
        "range",
        "x-request-id",
    } <= allowed
    assert int(answer.headers["Access-Control-Max-Age"]) > 0
    assert "Access-Control-Allow-Private-Network" not in answer.headers
    private = {"Access-Control-Request-Private-Network": "true"}
    answer = httpx.options(f"{named.url}{path}", headers={"Origin": APP, **PREFLIGHT, **private})
    assert answer.headers["Access-Control-Allow-Private-Network"] == "true"
    answer = httpx.options(f"{named.url}{path}", headers={"Origin": EVIL, **PREFLIGHT, **private})
    assert (answer.status_code, code(answer)) == (403, "cross_site")
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def test_a_question_that_is_none(named: Server) -> None:
    """OPTIONS by a tool."""
    answer = httpx.options(f"{named.url}/upscale")
    assert answer.status_code == 200
    assert set(answer.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}


@pytest.mark.parametrize("origin", [APP, EVIL, "null"])
def test_all_origins(public: Server, origin: str) -> None:
    """Any page, also one that hides its origin; the answer is the same for all, and a cache may keep it for all."""
    answer = post(public, {"Origin": origin, "Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    answers = [
        answer,
        httpx.get(f"{public.url}/models"),
        httpx.options(public.url, headers={"Origin": origin, **PREFLIGHT}),
    ]
    for each in answers:
        assert each.headers["Access-Control-Allow-Origin"] == "*"
        assert each.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Access-Control-Allow-Credentials" not in each.headers
        assert "Origin" not in each.headers.get("Vary", "")


# Names of the service

ALWAYS = [
    "127.0.0.1",
    "127.0.0.1:1",
    "10.1.2.3",
    "[::1]",
    "[2001:DB8::1]:7777",
    "[::ffff:10.0.0.1]",
    "127.0.0.1.",
    "localhost",
    "LocalHost.:7777",
    "app.localhost",
]
NEVER = [
    "evil.example",
    "evil.example:7777",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "notlocalhost",
    "local",
    "127.1",
    "2130706433",
    "0x7f000001",
    "[::1",
    "::1",
    "[fe80::1%25eth0]",
    "[127.0.0.1]",
    "a..b",
    ".",
    "-",
    "user@localhost",
    "localhost/",
    "localhost localhost",
    "localhost:0",
    "localhost:70000",
    "localhost:port",
    "localhost, evil.example",
    "l\xf6calhost",
    "x" * 300,
    "",
]


def reached(server: Server, host: str, **headers: str) -> int:
    """Ask for the service by a name; returns the status."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(f"GET /ping HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{lines}\r\n".encode("latin-1"))
        head, _, body = client.makefile("rb").read().partition(b"\r\n\r\n")
    status = int(head.split()[1])
    if status == 421:
        assert json.loads(body)["code"] == "host_not_served"
    return status


@pytest.mark.parametrize("host", ALWAYS)
def test_addresses_and_localhost_are_served(server: Server, named: Server, host: str) -> None:
    assert (reached(server, host), reached(named, host)) == (200, 200)


@pytest.mark.parametrize("host", NEVER)
def test_other_names_are_not(server: Server, named: Server, host: str) -> None:
    """By a service that only this machine can reach, and by one that has names."""
    for each in (server, named):
        assert reached(each, host) in ({421} if re.fullmatch(r"[\w.*-]+(:\d+)?", host, re.ASCII) else {400, 421})


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("upscale.example.com", 200),
        ("UPSCALE.example.com.", 200),
        ("upscale.example.com:7777", 200),
        ("example.com", 421),
        ("a.upscale.example.com", 421),
        ("a.inner.example", 200),
        ("a.b.inner.example:80", 200),
        ("inner.example", 421),
        ("ainner.example", 421),
        ("a.inner.example.evil.example", 421),
        ("pinned.example:8443", 200),
        ("pinned.example", 421),
        ("pinned.example:443", 421),
        ("plain.example", 200),
        ("plain.example:443", 200),
        ("plain.example:80", 421),
    ],
)
def test_names_of_the_service(named: Server, host: str, status: int) -> None:
    assert reached(named, host) == status
    # Even a trusted proxy may pass on what the client wrote into other headers.
    assert reached(named, "evil.example", X_Forwarded_Host=host) == 421
    assert reached(named, host, X_Forwarded_Host="evil.example") == status


def test_the_refusal_names_the_setting(server: Server) -> None:
    answer = httpx.get(f"{server.url}/ping", headers={"Host": "evil.example", "X-Forwarded-Host": "localhost"})
    assert (answer.status_code, code(answer)) == (421, "host_not_served")
    assert answer.json()["setting"] == "UPSCALER_ALLOWED_HOSTS"
    assert "evil.example" in answer.json()["detail"]


def test_without_names_a_service_on_all_addresses_has_any(public: Server) -> None:
    """As in a container, whose name it does not know."""
    assert reached(public, "upscaler.example.com") == 200


def test_without_a_host(server: Server) -> None:
    """HTTP/1.0 needs none; browsers send one."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(b"GET /ping HTTP/1.0\r\n\r\n")
        assert b" 200 " in client.makefile("rb").readline()


# What operators write


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("UPSCALER_ALLOW_ORIGINS", "HTTPS://App.Example.com:443/, http://[0:0::1]:80", (APP, "http://[::1]")),
        ("UPSCALER_ALLOW_ORIGINS", "http://a:8080,chrome-extension://abc", ("http://a:8080", "chrome-extension://abc")),
        ("UPSCALER_ALLOW_ORIGINS", "*", ("*",)),
        ("UPSCALER_ALLOW_ORIGINS", "", ()),
        ("UPSCALER_ALLOWED_HOSTS", "A.example:80, *.b.example, *", ("a.example:80", "*.b.example", "*")),
    ],
)
def test_settings(variable: str, value: str, expected: tuple[str, ...]) -> None:
    field = variable.removeprefix("UPSCALER_").lower()
    assert getattr(read_settings({variable: value}), field) == expected


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("UPSCALER_ALLOW_ORIGINS", "app.example.com", "must be an origin such as https://app.example.com"),
        ("UPSCALER_ALLOW_ORIGINS", "null", "must be an origin"),
        ("UPSCALER_ALLOW_ORIGINS", f"{APP}/path", "without a path"),
        ("UPSCALER_ALLOW_ORIGINS", f"{APP}//", "without a path"),
        ("UPSCALER_ALLOW_ORIGINS", f"{APP}?x", "must be a name"),
        ("UPSCALER_ALLOW_ORIGINS", "https://user@app.example.com", "must be a name"),
        ("UPSCALER_ALLOW_ORIGINS", "https://*.example.com", "must be a name"),
        ("UPSCALER_ALLOW_ORIGINS", "https://b\xfccher.example", "in ASCII"),
        ("UPSCALER_ALLOW_ORIGINS", "https://a:0", "must have a port from 1 to 65535"),
        ("UPSCALER_ALLOW_ORIGINS", "https://", "must be an origin"),
        ("UPSCALER_ALLOW_ORIGINS", f"{APP},{APP}:443", "names https://app.example.com more than once"),
        ("UPSCALER_ALLOW_ORIGINS", f"*,{APP}", "names all origins (*), and others beside them"),
        ("UPSCALER_ALLOWED_HOSTS", "https://upscale.example.com", "is no host"),
        ("UPSCALER_ALLOWED_HOSTS", "a.*.example", "must be a name"),
        ("UPSCALER_ALLOWED_HOSTS", "::1", "IPv6 in brackets"),
        ("UPSCALER_ALLOWED_HOSTS", "127.1", "an address in its usual form"),
        ("UPSCALER_ALLOWED_HOSTS", "a:99999", "must have a port from 1 to 65535"),
    ],
)
def test_bad_settings_stop_the_start(variable: str, value: str, message: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        read_settings({variable: value})
    assert message in str(caught.value)
    assert variable in str(caught.value)


@pytest.mark.parametrize(
    "text", ["a" * 64, "x." * 126 + "toolong", "a.-b", "b-.a", "a b", "\u212aelvin.example", "[::g]", "[]"]
)
def test_what_is_no_host(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must "):
        read_host(text)
    with pytest.raises(ValueError, match=r"^must "):
        read_origin(f"https://{text}")
