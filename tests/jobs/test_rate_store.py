"""Rates that two services count together in Redis, which is killed and frozen meanwhile."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import ANY

import httpx
import pytest
from conftest import Server, StartServer, free_port, wait_for
from prometheus_client.parser import text_string_to_metric_families

from http_edge.access.rates_store import PATIENCE, PAUSE, RatesStore

QUOTA = 4


class Redis:
    """Debian's Redis, which keeps nothing on the disk.

    Args:
        folder: where its log goes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with (self._folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=self._folder)
        assert wait_for(lambda: self._answers())

    def _answers(self) -> bool:
        ping = subprocess.run(["redis-cli", "-p", str(self.port), "ping"], capture_output=True, check=False, timeout=20)
        return ping.stdout == b"PONG\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(20)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    redis = Redis(tmp_path_factory.mktemp("redis"))
    yield redis
    redis.kill()


@pytest.fixture(scope="module")
def replicas(redis: Redis, start_server: StartServer) -> list[Server]:
    """Two services that count together, one by Redis' client and one by that of Valkey."""
    return [
        start_server(
            UPSCALER_RATE_STORE=f"{scheme}://127.0.0.1:{redis.port}/0",
            UPSCALER_RATE_REQUESTS=f"{QUOTA}/day",
            UPSCALER_TRUSTED_PROXIES="127.0.0.1",
            UPSCALER_JOBS_STORE="",
        )
        for scheme in ("redis", "valkey")
    ]


def send(server: Server, client: str) -> httpx.Response:
    """Send no image, which is counted, and answered with 400 unless the client has sent too many."""
    return httpx.post(f"{server.url}/upscale", headers={"X-Forwarded-For": client}, timeout=60)


def statuses(servers: list[Server], client: str, count: int) -> list[int]:
    """The statuses of so many requests, to each service in turn."""
    return [send(servers[number % len(servers)], client).status_code for number in range(count)]


def state(server: Server) -> tuple[float, float]:
    """Whether the store is up, and how often it has failed."""
    values = {
        sample.name: sample.value
        for family in text_string_to_metric_families(httpx.get(f"{server.url}/metrics", timeout=60).text)
        for sample in family.samples
    }
    return values["upscaler_rate_store_up"], values["upscaler_rate_store_failures_total"]


def is_shared_again(replicas: list[Server], client: str) -> bool:
    """Send requests until both services ask the store again."""
    statuses(replicas, client, 2)
    return all(state(server)[0] == 1 for server in replicas)


def test_never_less_than_nothing_is_counted_in_redis(redis: Redis) -> None:
    """Whoever gives back at the same time, to what is counted in the current window."""
    store = RatesStore(f"redis://127.0.0.1:{redis.port}/0", lambda _: None)
    assert store.take("given", 10, 10, 60).is_shared
    assert not store.take("given", 1, 10, 60).is_taken
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: store.give_back("given", 3, 60, is_shared=True), range(8)))
    assert store.take("given", 10, 10, 60) == (True, (0, 0.0, 10, ANY), True)
    # What is left of a window that is over is not given back.
    store.take("over", 10, 10, 1)
    time.sleep(1.01)
    window = store.give_back("over", 10, 1, is_shared=True)
    assert window is not None
    assert window.previous == 10


def test_replicas_count_together_whatever_becomes_of_the_store(redis: Redis, replicas: list[Server]) -> None:
    assert statuses(replicas, "198.51.100.1", QUOTA + 2) == [400] * QUOTA + [429] * 2
    refused = send(replicas[0], "198.51.100.1")
    assert 0 < int(refused.headers["Retry-After"]) <= 2 * 86_400
    assert [state(server) for server in replicas] == [(1, 0), (1, 0)]

    with redis.frozen():
        start = time.monotonic()
        # Each for itself: never unlimited, and only the first request waits.
        assert statuses(replicas, "198.51.100.2", 2 * QUOTA + 4) == [400] * 2 * QUOTA + [429] * 4
        assert time.monotonic() - start < 2 * PATIENCE + PAUSE
        assert all(up == 0 and failures >= 1 for up, failures in map(state, replicas))
    assert wait_for(lambda: is_shared_again(replicas, "198.51.100.3"), 60, pause=1)
    assert statuses(replicas, "198.51.100.4", QUOTA + 2) == [400] * QUOTA + [429] * 2

    redis.kill()
    assert statuses(replicas, "198.51.100.5", 2 * QUOTA + 4) == [400] * 2 * QUOTA + [429] * 4
    redis.start()
    assert wait_for(lambda: is_shared_again(replicas, "198.51.100.6"), 60, pause=1)
    assert statuses(replicas, "198.51.100.7", QUOTA + 2) == [400] * QUOTA + [429] * 2
    for server in replicas:
        lines = server.logged().splitlines()
        assert sum("the store of rates fails" in line for line in lines) == 2
        assert sum("the store of rates answers again" in line for line in lines) == 2
