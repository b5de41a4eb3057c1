"""Send single requests by httpx, waiting in the thread or in asyncio's event loop."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import httpx

from image_super_scaling.errors import Broken, Unreachable
from image_super_scaling.settings import Settings
from superscaling.version import __version__

Value = TypeVar("Value")
JSON, BYTES = "application/json", "application/octet-stream"
PIECE = 1 << 18  # bytes of a file that are sent at a time


@dataclass(frozen=True)
class Ask:
    """A request. A `body` that is a path is sent piece by piece."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Path | None = None


class Transport(Protocol):
    """Sends requests and waits: `ThreadTransport` never lets the event loop run, so that it needs none."""

    def open(self, ask: Ask) -> AbstractAsyncContextManager[httpx.Response]:
        """Send a request; inside, the body of its answer can be read.

        Raises:
            Unreachable: nobody answers at the address.
            Broken: the connection broke or is silent.
            OSError: a file can't be read.
        """

    def pieces(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Read the body of an answer. Raises `Broken`."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def call(self, function: Callable[[], Value]) -> Value:
        """Call a function that reads from a disk."""

    async def close(self) -> None:
        """Close all connections."""


class ThreadTransport:
    """Blocks the thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http = httpx.Client(**_options(settings))

    @contextlib.asynccontextmanager
    async def open(self, ask: Ask) -> AsyncIterator[httpx.Response]:
        """Send a request, as `Transport` says."""
        body = _pieces_of(ask.body) if isinstance(ask.body, Path) else ask.body
        request = self._http.build_request(**_request(self._settings, ask), content=body)
        with _translated(self._settings):
            response = self._http.send(request, stream=True)
        with contextlib.closing(response):
            yield response

    async def pieces(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Read the body of an answer."""
        with _translated(self._settings):
            for piece in response.iter_bytes():
                yield piece

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    async def call(self, function: Callable[[], Value]) -> Value:
        """Call a function that reads from a disk."""
        return function()

    async def close(self) -> None:
        """Close all connections."""
        self._http.close()


class AsyncioTransport:
    """Lets the event loop run."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http = httpx.AsyncClient(**_options(settings))

    @contextlib.asynccontextmanager
    async def open(self, ask: Ask) -> AsyncIterator[httpx.Response]:
        """Send a request, as `Transport` says."""
        body = _awaited(_pieces_of(ask.body)) if isinstance(ask.body, Path) else ask.body
        request = self._http.build_request(**_request(self._settings, ask), content=body)
        with _translated(self._settings):
            response = await self._http.send(request, stream=True)
        async with contextlib.aclosing(response):
            yield response

    async def pieces(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Read the body of an answer."""
        with _translated(self._settings):
            async for piece in response.aiter_bytes():
                yield piece

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def call(self, function: Callable[[], Value]) -> Value:
        """Call a function that reads from a disk."""
        return await asyncio.to_thread(function)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()


def _options(settings: Settings) -> dict[str, Any]:
    """Of httpx's clients, which have the same."""
    key = {} if settings.api_key is None else {"Authorization": f"Bearer {settings.api_key}"}
    return {
        "headers": {"User-Agent": f"image-super-scaling/{__version__}", "Accept-Encoding": "identity", **key},
        "timeout": httpx.Timeout(settings.timeout, connect=settings.connect_timeout),
        # Redirects would take the key elsewhere, and so would a proxy or a .netrc that somebody else has set.
        "follow_redirects": False,
        "trust_env": False,
        # The certificates that the system trusts, also those of a company; httpx's own are Mozilla's only.
        "verify": ssl.create_default_context(),
    }


def _request(settings: Settings, ask: Ask) -> dict[str, Any]:
    length = {"Content-Length": str(ask.body.stat().st_size)} if isinstance(ask.body, Path) else {}
    url = httpx.URL(settings.url + ask.path, params=ask.query) if ask.query else settings.url + ask.path
    return {"method": ask.method, "url": url, "headers": {**ask.headers, **length}}


def _pieces_of(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            yield piece


async def _awaited(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece


@contextlib.contextmanager
def _translated(settings: Settings) -> Iterator[None]:
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
        raise Unreachable(f"no service at {settings.url}: {_reason(exc)}") from exc
    except httpx.TimeoutException as exc:
        raise Broken(f"no data from {settings.url} for {settings.timeout:.0f} s") from exc
    except httpx.RequestError as exc:
        raise Broken(f"the connection to {settings.url} broke: {_reason(exc)}") from exc


def _reason(exc: BaseException) -> str:
    """What the operating system says, if it said something; httpx wraps that several times."""
    inner: BaseException | None = exc
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        inner = inner.__cause__ or inner.__context__
    return str(exc) or ("timed out" if isinstance(exc, httpx.TimeoutException) else type(exc).__name__)
