"""Where rates are counted: bounded memory, and stores that fail; `tests/jobs/test_rate_store.py` has a real Redis."""

import contextlib
import functools
import socket
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import cast

import pytest
from conftest import free_port

from http_edge.access.rates_memory import MAX_COUNTED, RatesMemory
from http_edge.access.rates_store import PATIENCE, RatesStore
from superscaling.errors import SettingInvalid
from superscaling.settings import read_settings

METHODS = ("acquire_sliding_window_entry", "get_sliding_window", "give_back")


def test_any_number_of_addresses_takes_bounded_memory() -> None:
    memory = RatesMemory()
    tracemalloc.start()
    for number in range(MAX_COUNTED + 50_000):
        memory.acquire_sliding_window_entry(
            f"requests/86400/2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::/64", 10, 86_400
        )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(memory) == MAX_COUNTED
    assert peak < 50e6, f"{peak / 1e6:.0f} MB"


def test_who_is_seen_is_not_forgotten() -> None:
    memory = RatesMemory(max_counted=2)
    admitted = [memory.acquire_sliding_window_entry(name, 1, 60) for name in ("often", "once", "often", "new")]
    assert admitted == [True, True, False, True]  # who is refused is seen
    assert [memory.get_sliding_window(name, 60)[2] for name in ("often", "once", "new")] == [1, 0, 1]


@pytest.mark.parametrize(
    "store",
    [
        *(
            "redis",
            "redis://",
            "redis:///0",
            "redis://host:port",
            "redis://host:0",
            "redis://host/a",
            "memory://",
            "s3",
        ),
        *("redis://host:6379/0?socket_timeout=abc", "redis://host#a", "redis://[::1", "redis://host:6379/0/1"),
    ],
)
def test_stores_that_are_none(store: str) -> None:
    with pytest.raises(SettingInvalid, match="UPSCALER_RATE_STORE"):
        read_settings({"UPSCALER_RATE_STORE": store})


def test_never_less_than_nothing_is_counted() -> None:
    """Whoever gives back at the same time."""
    memory = RatesMemory()
    store = RatesStore("", lambda _: None, memory)
    store.take("key", 100, 100, 60)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store.give_back("key", 3, 60, is_shared=False), range(500)))
    assert memory.get_sliding_window("key", 60)[2] == 0


def test_what_was_taken_is_given_back_where_it_was_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not to the store, if that had failed at first; and not to memory, if it fails afterwards."""
    shared, memory = RatesMemory(), RatesMemory()
    is_down = False

    def connected(*_: object) -> RatesMemory:
        return cast("RatesMemory", SimpleNamespace(**{name: functools.partial(asked, name) for name in METHODS}))

    def asked(name: str, *arguments: object) -> object:
        if is_down:
            raise OSError
        return getattr(shared, name)(*arguments)

    monkeypatch.setattr("http_edge.access.rates_store.SharedRates", connected)
    monkeypatch.setattr("http_edge.access.rates_store.PAUSE", 0.0)
    store = RatesStore("redis://store", lambda _: None, memory)

    def counted() -> list[int]:
        return [counts.get_sliding_window("key", 60)[2] for counts in (shared, memory)]

    first = store.take("key", 30, 100, 60)
    is_down = True
    second = store.take("key", 20, 100, 60)
    assert (first.is_shared, second.is_shared, counted()) == (True, False, [30, 20])
    assert store.give_back("key", 30, 60, first.is_shared) is None
    assert counted() == [30, 20]
    is_down = False
    store.give_back("key", 20, 60, second.is_shared)
    assert counted() == [30, 0]
    store.give_back("key", 30, 60, first.is_shared)
    assert counted() == [0, 0]


def test_a_store_that_refuses_connections(caplog: pytest.LogCaptureFixture) -> None:
    told = list[bool]()
    store = RatesStore(f"redis://user:secret@127.0.0.1:{free_port()}/0", told.append)
    answers = [store.take("key", 1, 3, 60)[0] for _ in range(5)]
    assert answers == [True, True, True, False, False]
    assert told == [False]  # it is left alone for a while
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "secret" not in caplog.text


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
def test_a_store_that_is_silent(scheme: str) -> None:
    told = list[bool]()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = RatesStore(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/0", told.append)
        start = time.monotonic()
        answers = [store.take("key", 1, 3, 60)[0] for _ in range(5)]
        assert time.monotonic() - start < PATIENCE + 2
    assert answers == [True, True, True, False, False]
    assert told == [False]


@pytest.mark.parametrize(
    "answer", [b"-NOAUTH Authentication required.\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b":1\r\n" * 9]
)
def test_a_store_that_is_none(answer: bytes) -> None:
    told = list[bool]()

    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.settimeout(PATIENCE)
            with contextlib.suppress(OSError):  # the client has left
                while connection.recv(4096):
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        pool.submit(serve, server)
        store = RatesStore(f"redis://127.0.0.1:{server.getsockname()[1]}/0", told.append)
        assert [store.take("key", 1, 1, 60)[0] for _ in range(3)] == [True, False, False]
    assert told == [False]
