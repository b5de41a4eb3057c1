"""Rates: what is counted and what is refused, by the clock and through a real server."""

import random
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from conftest import Server, StartServer, encoded, opened, photograph
from prometheus_client.parser import text_string_to_metric_families

from http_edge.access.client import Client
from http_edge.access.rates import ClientRates, Rates
from http_edge.access.rates_memory import RatesMemory
from http_edge.access.rates_store import RatesStore
from superscaling.errors import (
    ClientGone,
    EngineFailed,
    ImageTooLarge,
    QueueFull,
    RateExceeded,
)
from superscaling.settings import read_settings

ME = Client("me")


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def rates_by(clock: Callable[[], float], **settings: str) -> Rates:
    """Rates in memory, by a clock."""
    environ = {f"UPSCALER_{name.upper()}": value for name, value in settings.items()}
    return Rates(read_settings(environ), RatesStore("", lambda _: None, RatesMemory(clock=clock)))


def left_of(rates: ClientRates, policy: str) -> int:
    """What the answer says is left."""
    match = re.search(rf'"{policy}";r=(\d+)', rates.headers()["RateLimit"])
    assert match
    return int(match[1])


def test_requests_are_counted_by_client() -> None:
    rates = rates_by(Clock(), rate_requests="2/minute")
    rates.of(ME).count_request()
    rates.of(ME).count_request()
    with pytest.raises(RateExceeded, match="2 requests per minute are allowed: send it again in ") as refused:
        rates.of(ME).count_request()
    assert (refused.value.limit, refused.value.setting) == (2, "rate_requests")
    rates.of(Client("somebody else")).count_request()


def test_what_is_refused_does_not_count() -> None:
    clock = Clock()
    rates = rates_by(clock, rate_requests="1/second")
    rates.of(ME).count_request()
    for _ in range(100):
        clock.now += 0.01
        with pytest.raises(RateExceeded):
            rates.of(ME).count_request()
    clock.now += 1.01
    rates.of(ME).count_request()


def wait_of(rates: Rates, pixels: int) -> int | None:
    """Take pixels. Returns None, or after how many seconds to ask again."""
    try:
        rates.of(ME).take(pixels)
    except RateExceeded as exc:
        return exc.retry_after
    return None


@pytest.mark.parametrize("seed", range(20))
def test_retry_after_is_true(seed: int) -> None:
    """A second earlier is too early; at that second it is admitted."""
    chance = random.Random(seed)
    quota, period = chance.choice([1, 2, 7, 120, 1_000]), chance.choice(["minute", "hour", "day"])
    clock = Clock()
    rates = rates_by(clock, rate_megapixels=f"{quota}/{period}")
    refusals = 0
    for _ in range(400):
        clock.now += chance.expovariate(3 * quota / {"minute": 60, "hour": 3_600, "day": 86_400}[period])
        pixels = chance.randint(1, quota * 1_000_000)
        wait = wait_of(rates, pixels)
        if wait is None:
            continue
        refusals += 1
        clock.now += wait - 1
        assert wait == 1 or wait_of(rates, pixels) == 1
        clock.now += 1
        assert wait_of(rates, pixels) is None
    assert refusals > 10


@pytest.mark.parametrize("seed", range(5))
def test_no_window_has_twice_the_quota(seed: int) -> None:
    """However requests are timed: at most nearly twice the quota in a period, and for long only the quota."""
    chance = random.Random(seed)
    clock = Clock()
    rates = rates_by(clock, rate_requests="10/minute")
    admitted = list[float]()
    while clock.now < 1_000 + 3_600:
        clock.now += chance.choice([0.01, 0.5, 7, 31])
        try:
            rates.of(ME).count_request()
        except RateExceeded:
            continue
        admitted.append(clock.now)
    assert max(sum(end - 60 < at <= end for at in admitted) for end in admitted) < 20
    assert len(admitted) <= 10 * 61


def test_requests_at_the_same_time() -> None:
    rates = rates_by(time.monotonic, rate_requests="50/day")

    def admitted(_: int) -> bool:
        try:
            rates.of(ME).count_request()
        except RateExceeded:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(admitted, range(200))) == 50


@pytest.mark.parametrize(
    ("failure", "left"),
    [(QueueFull("full"), 4), (EngineFailed("broken"), 4), (MemoryError("a defect"), 4), (ClientGone("gone"), 1)],
)
def test_pixels_of_failures_are_given_back(failure: Exception, left: int) -> None:
    rates = rates_by(Clock(), rate_megapixels="4/hour").of(ME)

    def work() -> None:
        with rates.charged(3_000_000):
            assert left_of(rates, "pixels") == 1_000_000
            raise failure

    with pytest.raises(type(failure)):
        work()
    assert left_of(rates, "pixels") == left * 1_000_000


def test_no_more_is_given_back_than_was_taken() -> None:
    clock = Clock()
    rates = rates_by(clock, rate_megapixels="4/hour").of(ME)
    rates.take(3_000_000)
    clock.now += 3_600  # what was taken is in the window before
    rates.give_back(3_000_000)
    rates.take(1_000_000)
    with pytest.raises(RateExceeded):
        rates.take(1)


def test_an_image_larger_than_the_budget() -> None:
    rates = rates_by(Clock(), rate_megapixels="1/hour").of(ME)
    with pytest.raises(
        ImageTooLarge, match="1,000,001 px, and 1 megapixel per hour is allowed in all: send a smaller image"
    ) as refused:
        rates.take(1_000_001)
    assert (refused.value.limit, refused.value.actual) == (1_000_000, 1_000_001)
    assert (refused.value.setting, refused.value.retry_after) == ("rate_megapixels", None)
    rates.take(1_000_000)


@pytest.mark.parametrize("megapixels", [2.5, 1.001, 0.0])
def test_a_key_has_its_own_budget(megapixels: float) -> None:
    for settings in ({}, {"rate_megapixels": "1/day"}):
        rates = rates_by(Clock(), **settings).of(Client("owner", megapixels_per_hour=megapixels))
        if megapixels:
            rates.take(round(megapixels * 1e6))
        with pytest.raises(RateExceeded if megapixels else ImageTooLarge) as refused:
            rates.take(1)
        assert refused.value.setting is None


def test_a_budget_is_that_of_one_key() -> None:
    """Other keys of its owner share another one, or have theirs."""
    rates = rates_by(Clock(), rate_megapixels="3/hour", rate_requests="3/hour")

    def key(name: str, megapixels: float | None = None) -> ClientRates:
        return rates.of(Client("owner", "owner", name, megapixels))

    key("large", 5.0).take(5_000_000)
    key("small", 1.0).take(1_000_000)
    key("one").take(2_000_000)
    for each in (key("large", 5.0), key("small", 1.0)):
        with pytest.raises(RateExceeded, match="of which 0 px are left"):
            each.take(1)
    with pytest.raises(RateExceeded, match="of which 1,000,000 px are left"):
        key("another").take(1_000_001)
    for name in ("large", "one", "another"):
        key(name).count_request()
    with pytest.raises(RateExceeded, match="3 requests"):
        key("small", 1.0).count_request()


def test_without_settings_there_are_no_rates() -> None:
    rates = rates_by(Clock()).of(ME)
    rates.count_request()
    rates.take(10**12)
    rates.give_back(10**12)
    assert rates.headers() == {}


def test_headers() -> None:
    clock = Clock()
    rates = rates_by(clock, rate_requests="120/minute", rate_megapixels="500/hour").of(ME)
    policies = '"requests";q=120;w=60, "pixels";q=500000000;w=3600;qu="pixels"'
    assert rates.headers() == {"RateLimit-Policy": policies}
    rates.count_request()
    assert rates.headers() == {"RateLimit-Policy": policies, "RateLimit": '"requests";r=119;t=120'}
    clock.now += 30
    rates.take(2_000_000)
    assert rates.headers()["RateLimit"] == '"requests";r=119;t=120, "pixels";r=498000000;t=7200'


@pytest.fixture(scope="module")
def rated(start_server: StartServer) -> Server:
    """A service with rates, behind a proxy on this machine, which is trusted to name any client."""
    return start_server(
        UPSCALER_RATE_REQUESTS="6/hour",
        UPSCALER_RATE_MEGAPIXELS="1/hour",
        UPSCALER_TRUSTED_PROXIES="127.0.0.1",
    )


@pytest.fixture(scope="module")
def small() -> bytes:
    return encoded(photograph(40, 50))  # 2,000 px


def send(server: Server, client: str, image: bytes, path: str = "/upscale", **headers: str) -> httpx.Response:
    headers = {"X-Forwarded-For": client, "Content-Type": "application/octet-stream"} | headers
    return httpx.post(server.url + path, content=image, headers=headers, timeout=60)


def pixels_left(answer: httpx.Response) -> int:
    return int(answer.headers["RateLimit"].split('"pixels";r=')[1].split(";")[0])


def test_requests_of_a_client(rated: Server, small: bytes) -> None:
    for path, status in (("/upscale", 200), ("/v1/images/upscale", 200), ("/jobs", 202)) * 2:
        answer = send(rated, "198.51.100.1", small, path)
        assert answer.status_code == status, answer.text
    assert answer.headers["RateLimit-Policy"] == '"requests";q=6;w=3600, "pixels";q=1000000;w=3600;qu="pixels"'
    assert answer.headers["RateLimit"].startswith('"requests";r=0;t=7')
    assert pixels_left(answer) == 1_000_000 - 6 * 2_000
    refused = send(rated, "198.51.100.1", small)
    assert refused.status_code == 429
    problem = refused.json()
    assert (problem["code"], problem["limit"]) == ("rate_exceeded", 6)
    assert problem["setting"] == "UPSCALER_RATE_REQUESTS"
    # At the end of the hour the count begins to sink.
    assert 3_500 < int(refused.headers["Retry-After"]) <= 3_601
    assert refused.headers["RateLimit"].startswith('"requests";r=0')
    # What sends no image, and whoever sends from elsewhere, is free.
    for path in ("/ping", "/models", "/estimate?width=9&height=9", "/metrics", "/jobs?group=a", "/"):
        answer = httpx.get(rated.url + path, headers={"X-Forwarded-For": "198.51.100.1"})
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers
    assert send(rated, "198.51.100.2", small).status_code == 200


def test_a_refused_request_is_not_read(rated: Server) -> None:
    for _ in range(6):
        send(rated, "198.51.100.3", b"")
    head = (
        "POST /upscale HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 198.51.100.3\r\nContent-Length: 1000000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", rated.port), timeout=20) as client:
        client.sendall(head.encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 429 ")


def test_networks_of_ipv6_are_one_client(rated: Server) -> None:
    statuses = [send(rated, f"2001:db8::{number}", b"").status_code for number in range(1, 8)]
    assert statuses == [400] * 6 + [429]
    assert send(rated, "2001:db8:0:1::1", b"").status_code == 400


def test_who_forges_the_header_is_one_client(start_server: StartServer) -> None:
    server = start_server(UPSCALER_RATE_REQUESTS="2/hour", UPSCALER_JOBS_STORE="")
    assert [send(server, f"198.51.100.{number}", b"").status_code for number in range(4)] == [400, 400, 429, 429]
    lines = [line for line in server.logged().splitlines() if "/upscale" in line]
    assert ['address="127.0.0.1"' in line for line in lines] == [False, False, True, True]
    metrics = {
        sample.name: sample.value
        for family in text_string_to_metric_families(httpx.get(f"{server.url}/metrics").text)
        for sample in family.samples
        if sample.labels in ({}, {"reason": "rate_exceeded"})
    }
    assert metrics["upscaler_rejected_total"] == 2
    assert metrics["upscaler_rate_store_up"] == 1
    assert metrics["upscaler_rate_store_failures_total"] == 0


def test_megapixels_of_a_client(rated: Server) -> None:
    large = encoded(photograph(700, 1000), "JPEG")  # 0.7 of 1 megapixel
    assert pixels_left(send(rated, "198.51.100.4", large, "/jobs", **{"Idempotency-Key": "once"})) == 300_000
    # The same job again costs no pixels, even if as many are not left.
    again = send(rated, "198.51.100.4", large, "/jobs", **{"Idempotency-Key": "once"})
    assert again.status_code == 202
    refused = send(rated, "198.51.100.4", large)
    assert refused.status_code == 429
    problem = refused.json()
    assert (problem["code"], problem["limit"], problem["actual"]) == ("rate_exceeded", 1_000_000, 700_000)
    assert "of which 300,000 px are left" in problem["detail"]
    assert 3_600 < int(refused.headers["Retry-After"]) <= 7_200
    # As a stream, too; as that has not begun, with its own status.
    assert send(rated, "198.51.100.4", large, Accept="text/event-stream").status_code == 429


def test_an_image_larger_than_the_budget_is_refused_for_good(rated: Server) -> None:
    refused = send(rated, "198.51.100.5", encoded(photograph(1000, 1001), "JPEG"))
    assert (refused.status_code, refused.json()["code"]) == (422, "image_too_large")
    assert refused.json()["setting"] == "UPSCALER_RATE_MEGAPIXELS"
    assert "Retry-After" not in refused.headers


def test_all_frames_count_and_failures_do_not(rated: Server, small: bytes) -> None:
    frames = [encoded(photograph(40, 50, seed)) for seed in range(3)]
    first, *others = map(opened, frames)
    animation = encoded(first, "GIF", save_all=True, append_images=others)
    answer = send(rated, "198.51.100.6", animation)
    assert answer.status_code == 200
    assert pixels_left(answer) == 1_000_000 - 6_000
    # Corrupt behind its header: found out after the pixels were charged.
    corrupt = bytearray(encoded(photograph(400, 500)))
    corrupt[2_000:2_100] = bytes(100)
    answer = send(rated, "198.51.100.6", bytes(corrupt))
    assert answer.status_code == 422
    assert pixels_left(answer) == 1_000_000 - 6_000
    streamed = send(rated, "198.51.100.6", small, Accept="text/event-stream")
    assert streamed.status_code == 200
    assert pixels_left(streamed) == 1_000_000 - 8_000
