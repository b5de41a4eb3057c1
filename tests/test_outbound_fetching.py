"""Fetching images: servers that misbehave, names that lie, connections to nothing but what was checked."""

import contextlib
import datetime
import ipaddress
import random
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import free_port
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hostile_server import ALL, BAD, CHUNKED, GOOD, HEAD, LARGE, PICTURE, SLOW, HostileServer, chunked, redirect

from outbound import fetching
from outbound.fetching import STEP, ImageFetcher
from outbound.hosts import HostList
from outbound.names import MAX_ADDRESSES, Lookups
from outbound.outlet import Outlet
from outbound.patience import Patience
from superscaling.errors import ClientGone, MalformedMessage, UrlNotFetched
from superscaling.pictures import sniff

PRIVATE = ("127.0.0.2/32",)
NO_WAIT = 0.2
BITS = [b"\r\n", b"\0", b"\xff", b":", b";", b" ", b"-1", b"f" * 20, b"", b"\r\n\r\n", b"=?utf-8?q?=ff?=", b"\n\t"]


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with HostileServer(ALL).running() as server:
        yield server


@pytest.fixture
def told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures need not wait for the end of a step."""
    monkeypatch.setattr(Patience, "sleep_until", lambda self, seconds: None)


class Names:
    """What names are looked up as. `asked`: each of them, each time."""

    def __init__(self) -> None:
        self.known = dict[str, list[list[str]]]()
        self.asked = list[str]()

    def look_up(self, name: str, *_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        self.asked.append(name)
        if name not in self.known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answers = self.known[name]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names.look_up)
    return names


def fetcher(*hosts: str, private: tuple[str, ...] = PRIVATE, seconds: float = 60) -> ImageFetcher:
    outlet = Outlet(HostList("url_hosts", hosts or ("*",)), private)
    return ImageFetcher(outlet, 200_000, seconds, lambda head: sniff(head) is not None)


def reason(caplog: pytest.LogCaptureFixture) -> str:
    (text,) = [vars(each)["reason"] for each in caplog.records if each.name == "outbound"]
    return str(text)


@pytest.mark.parametrize("path", GOOD)
def test_good_answers(server: HostileServer, path: str) -> None:
    assert fetcher().fetch(server.url(path), "id") == PICTURE


@pytest.mark.parametrize("path", BAD)
@pytest.mark.usefixtures("told_at_once")
def test_bad_answers(server: HostileServer, path: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UrlNotFetched) as caught:
        fetcher().fetch(server.url(path), "id")
    assert BAD[path][1] in reason(caplog)
    assert (caught.value.setting, caught.value.limit, caught.value.__cause__) == (None, None, None)
    assert "127.0.0.2" not in caught.value.detail


@pytest.mark.parametrize("path", SLOW)
def test_slow_answers_end_with_the_time(server: HostileServer, path: str, caplog: pytest.LogCaptureFixture) -> None:
    begun = time.monotonic()
    with pytest.raises(UrlNotFetched):
        fetcher(seconds=0.5).fetch(server.url(path), "id")
    assert "took longer than" in reason(caplog)
    assert 0.5 <= time.monotonic() - begun < 20


def test_a_failure_is_told_at_the_end_of_a_step(server: HostileServer) -> None:
    begun = time.monotonic()
    with pytest.raises(UrlNotFetched):
        fetcher(seconds=0.5).fetch("http://10.0.0.1/", "id")
    assert time.monotonic() - begun >= 0.5


def test_all_failures_are_told_alike(server: HostileServer, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    told = list[object]()
    monkeypatch.setattr(Patience, "sleep_until", lambda self, seconds: told.append(seconds))
    names.known["good.test"] = [["127.0.0.2"]]
    urls = ("/page", "/not-found", "http://10.0.0.1/", "http://gone.test/", f"http://good.test:{free_port()}/")
    for url in urls:
        with pytest.raises(UrlNotFetched) as caught:
            fetcher().fetch(server.url(url) if url.startswith("/") else url, "id", failed=lambda: told.append("failed"))
        told.append(caught.value.detail)
    assert told == ["failed", STEP, told[2]] * len(urls)


@pytest.mark.parametrize(
    "url",
    ["ftp://a/", "a.test", "http://a:b@a.test/", "http://a..test/", "http://127.2/", "http://a:65536/", "x" * 100_000],
    ids=range(7),
)
def test_what_is_no_address_is_told_at_once(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """That says nothing of the network."""
    monkeypatch.setattr(Patience, "sleep_until", lambda self, seconds: pytest.fail("it waits"))
    with pytest.raises(MalformedMessage, match="imageUrl must be a plain address"):
        fetcher().fetch(url, "id")


def test_nothing_is_fetched_if_no_host_is_allowed(server: HostileServer) -> None:
    off = ImageFetcher(Outlet(HostList("url_hosts", ()), PRIVATE), 1, 60, bool)
    with pytest.raises(UrlNotFetched) as caught:  # at once: that is no secret
        off.fetch(server.url("/picture.png"), "id")
    assert caught.value.setting == "url_hosts"


@pytest.mark.usefixtures("told_at_once")
@pytest.mark.parametrize(
    ("addresses", "why"),
    [
        (["127.0.0.1"], "not public"),
        (["127.0.0.2", "127.0.0.1"], "not public"),
        (["127.0.0.2", "10.0.0.1"], "not public"),
        (["::ffff:127.0.0.2"], "not public"),
        (["::1"], "not public"),
        (["fe80::1%lo"], "not public"),
        (["0.0.0.0"], "not public"),
        (["169.254.169.254"], "not public"),
        ([f"127.1.0.{number}" for number in range(MAX_ADDRESSES + 1)], "65 addresses"),
        ([], "0 addresses"),
    ],
)
def test_each_address_of_a_name_must_be_allowed(
    server: HostileServer, names: Names, caplog: pytest.LogCaptureFixture, addresses: list[str], why: str
) -> None:
    names.known["picture.test"] = [addresses]
    before = server.reached.total()
    with pytest.raises(UrlNotFetched):
        fetcher().fetch(server.url("/picture.png", "picture.test"), "id")
    assert why in reason(caplog)
    assert server.reached.total() == before


@pytest.mark.usefixtures("told_at_once")
def test_a_name_is_looked_up_once(server: HostileServer, names: Names) -> None:
    """A second answer, to an address that is not allowed, is never asked for: what was checked is connected to."""
    names.known["rebind.test"] = [["127.0.0.2"], ["127.0.0.1"]]
    before = server.reached["127.0.0.1"]
    assert fetcher().fetch(server.url("/picture.png", "rebind.test"), "id") == PICTURE
    assert names.asked == ["rebind.test"]
    with pytest.raises(UrlNotFetched):  # now it is the other one
        fetcher().fetch(server.url("/picture.png", "rebind.test"), "id")
    assert server.reached["127.0.0.1"] == before


@pytest.mark.usefixtures("told_at_once")
def test_a_redirect_is_checked_from_the_top(names: Names, caplog: pytest.LogCaptureFixture) -> None:
    names.known |= {"ours.test": [["127.0.0.2"]], "theirs.test": [["127.0.0.1"]]}
    paths = dict(ALL)
    with HostileServer(paths).running() as server:
        paths["/to-theirs"] = redirect(server.url("/picture.png", "theirs.test"))
        paths["/to-another-port"] = redirect("http://ours.test:1234/")
        hosts = (f"ours.test:{server.port}", f"theirs.test:{server.port}")
        for path, why, at in (
            ("/to-theirs", "not public", f"theirs.test:{server.port}"),
            ("/to-another-port", "not allowed", "ours.test:1234"),
        ):
            caplog.clear()
            with pytest.raises(UrlNotFetched):
                fetcher(*hosts).fetch(server.url(path, "ours.test"), "id")
            assert why in reason(caplog)
            assert [vars(each)["host"] for each in caplog.records] == [at]
        assert set(server.reached) == {"127.0.0.2"}


@pytest.mark.usefixtures("told_at_once")
@pytest.mark.parametrize(
    "url",
    ["http://gone.test/", "http://127.0.0.3:{port}/picture.png", "http://ours.test:{port}/", "http://ours.test/"],
)
def test_hosts_that_are_not_allowed(server: HostileServer, names: Names, url: str) -> None:
    names.known["ours.test"] = [["127.0.0.2"]]
    with pytest.raises(UrlNotFetched):
        fetcher("127.0.0.2", "allowed.test").fetch(url.format(port=server.port), "id")
    assert names.asked == [], "what is not allowed is not looked up either"


def test_another_address_is_tried_if_one_does_not_answer(names: Names) -> None:
    with HostileServer(ALL).running() as server, socket.create_server(("127.0.0.4", 0)) as probe:
        names.known["two.test"] = [["127.0.0.3", "127.0.0.2"]]
        port = probe.getsockname()[1]
        with pytest.raises(UrlNotFetched):
            fetcher(private=("127.0.0.0/8",), seconds=0.5).fetch(f"http://two.test:{port}/", "id")
        assert fetcher(private=("127.0.0.0/8",)).fetch(server.url("/picture.png", "two.test"), "id") == PICTURE


def test_the_request_has_nothing_of_ours(server: HostileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cookies, no credentials of a .netrc, and no proxy."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert fetcher().fetch(server.url("/picture.png?a=b%20c&d[]=%e2%82%ac"), "id") == PICTURE
    assert server.heads[-1] == (
        "GET /picture.png?a=b%20c&d[]=%e2%82%ac HTTP/1.1\r\n"
        f"Host: 127.0.0.2:{server.port}\r\n"
        "User-Agent: image-super-scaling-service\r\n"
        "Connection: close\r\n"
        "Accept: image/*, */*;q=0.1\r\n"
        "Accept-Encoding: identity\r\n\r\n"
    )


def test_the_log_has_no_secret_of_an_address(server: HostileServer, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UrlNotFetched):
        fetcher(seconds=NO_WAIT).fetch(server.url("/not-found?signature=secret"), "the-id")
    (record,) = [vars(each) for each in caplog.records if each.name == "outbound"]
    assert (record["request_id"], record["host"]) == ("the-id", f"127.0.0.2:{server.port}")
    assert "secret" not in str(record)


def test_the_log_is_safe_from_what_a_server_sends(caplog: pytest.LogCaptureFixture) -> None:
    status = b"HTTP/1.1 \x1b[2J" + b"x" * 60_000 + b"\r\n\r\n"
    paths = {"/": lambda _, connection: connection.sendall(status)}
    with HostileServer(paths).running() as server, pytest.raises(UrlNotFetched):
        fetcher(seconds=NO_WAIT).fetch(server.url("/"), "id")
    assert "\\x1b[2J" in reason(caplog)
    assert reason(caplog).isprintable()
    assert len(reason(caplog)) < 1000


def test_a_client_that_hangs_up_ends_it(server: HostileServer) -> None:
    gone = threading.Event()
    threading.Timer(0.1, gone.set).start()
    with pytest.raises(ClientGone):
        fetcher().fetch(server.url("/silent"), "id", gone.is_set)
    with pytest.raises(ClientGone):  # also while it waits to tell a failure
        fetcher().fetch("http://10.0.0.1/", "id", lambda: True)


def test_a_slow_resolver_takes_no_more_than_its_places(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    going_on = threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        going_on.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    outlet = Outlet(HostList("url_hosts", ["*"]))
    outlet._lookups = Lookups(2)
    slow = ImageFetcher(outlet, 1, NO_WAIT, bool)
    for _ in range(4):
        with pytest.raises(UrlNotFetched):
            slow.fetch("http://slow.test/", "id")
    assert [thread.name for thread in threading.enumerate()].count("lookup") == 2
    reasons = [vars(each)["reason"] for each in caplog.records]
    assert ["too many names" in each for each in reasons] == [False, False, True, True]
    going_on.set()


def certificate(path: Path, *names: str) -> ssl.SSLContext:
    """A self-signed certificate for some names, in a file, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    begin = datetime.datetime(2020, 1, 1)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=36_500))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
                    for name in names
                ]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.mark.usefixtures("told_at_once")
def test_tls_goes_by_the_name(
    names: Names, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    context = certificate(tmp_path / "pem", "good.test", "127.0.0.2")
    names.known |= {"good.test": [["127.0.0.2"]], "other.test": [["127.0.0.2"]]}
    paths = dict(ALL)
    with HostileServer(paths, context).running() as server:
        paths["/to-http"] = redirect("http://good.test/")
        url = server.url("/picture.png", "good.test", "https")
        with pytest.raises(UrlNotFetched):  # by nobody who is trusted
            fetcher().fetch(url, "id")
        assert "CERTIFICATE_VERIFY_FAILED" in reason(caplog)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "pem"))
        assert fetcher().fetch(url, "id") == PICTURE
        assert fetcher().fetch(server.url("/redirect", "127.0.0.2", "https"), "id") == PICTURE
        for bad, why in (
            (server.url("/picture.png", "other.test", "https"), "Hostname mismatch"),
            (server.url("/to-http", "good.test", "https"), "from https to http"),
            (server.url("/no-length", "good.test", "https"), "EOF"),  # cut off by somebody else, for all that is known
        ):
            caplog.clear()
            with pytest.raises(UrlNotFetched):
                fetcher().fetch(bad, "id")
            assert why in reason(caplog)


def test_a_server_that_does_not_speak_tls(server: HostileServer, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.2", 0)) as listener:
        begun = time.monotonic()
        with pytest.raises(UrlNotFetched):  # nobody accepts, so the handshake never ends
            fetcher(seconds=0.5).fetch(f"https://127.0.0.2:{listener.getsockname()[1]}/", "id")
        assert time.monotonic() - begun < 20
    assert reason(caplog)


def test_a_client_that_hangs_up_ends_a_handshake() -> None:
    gone = threading.Event()
    with socket.create_server(("127.0.0.2", 0)) as listener:
        threading.Timer(0.1, gone.set).start()
        with pytest.raises(ClientGone):
            fetcher(seconds=60).fetch(f"https://127.0.0.2:{listener.getsockname()[1]}/", "id", gone.is_set)


def test_a_client_that_hangs_up_ends_a_connecting() -> None:
    """A backlog that is full lets nobody in, as an address does that drops all packets."""
    gone = threading.Event()
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.2", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        threading.Timer(0.1, gone.set).start()
        with pytest.raises(ClientGone):
            fetcher(seconds=60).fetch(f"http://127.0.0.2:{listener.getsockname()[1]}/", "id", gone.is_set)


def test_a_large_image_may_take_longer_than_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "STEP", 0.5)

    def slowly(server: HostileServer, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + LARGE[:2000])
        server.end.wait(0.6)
        connection.sendall(LARGE[2000:])

    with HostileServer({"/large": slowly}).running() as server:
        assert fetcher().fetch(server.url("/large"), "id") == LARGE


@pytest.mark.usefixtures("told_at_once")
def test_damaged_answers_never_fail_otherwise() -> None:
    """Each is an image or a refusal, whatever `http.client` makes of it."""
    chance = random.Random(23)
    starts = [
        CHUNKED + chunked(PICTURE[:100], PICTURE[100:]) + b"0\r\nX: y\r\n\r\n",
        HEAD + b"Content-Length: %d\r\nContent-Type: image/png\r\n\r\n" % len(PICTURE) + PICTURE,
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:1/a\r\n\r\n",
    ]
    answer = b""
    outcomes = Counter[str]()
    with HostileServer({"/": lambda _, connection: connection.sendall(answer)}).running() as server:
        for _ in range(400):
            data = bytearray(chance.choice(starts))
            for _ in range(chance.randint(1, 5)):
                place = chance.randrange(len(data) + 1 if chance.random() < 0.3 else 120)
                data[place : place + chance.randint(0, 3)] = chance.choice(BITS)
            answer = bytes(data)
            try:
                fetcher(f"127.0.0.2:{server.port}").fetch(server.url("/"), "id")
                outcomes["image"] += 1
            except UrlNotFetched:
                outcomes["refused"] += 1
    assert outcomes["image"] > 20
    assert outcomes["refused"] > 20
