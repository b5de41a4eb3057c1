"""Send requests, again if that helps."""

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import httpx

from image_super_scaling.answers import MAX_ERROR, refused
from image_super_scaling.errors import Broken, Busy, Malformed, NotTheService, Unavailable, Unreachable, UpscaleError
from image_super_scaling.json_objects import parse
from image_super_scaling.settings import Retry, Settings
from image_super_scaling.transport import Ask, Transport

Value = TypeVar("Value")
MAX_DOCUMENT = 1 << 22  # bytes of a JSON document; a thousand jobs have some 300 kB
# What a proxy says which waits in vain for a service that is being restarted.
BETWEEN = (502, 504)
SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 30.0  # s between two questions, whatever the service says


class Requests:
    """Sends requests to one service.

    Args:
        transport: sends single ones.
        settings: how often, and for how long.
    """

    def __init__(self, transport: Transport, settings: Settings) -> None:
        self.transport = transport
        self.settings = settings
        self._was_there = False

    @contextlib.asynccontextmanager
    async def opened(self, ask: Ask, *accepted: int) -> AsyncIterator[httpx.Response]:
        """Send a request once; inside, the body of its answer can be read.

        Args:
            ask: the request.
            accepted: the statuses of success; none: 200.

        Raises:
            UpscaleError: there was no answer, or one with another status.
        """
        async with self.transport.open(ask) as response:
            if response.status_code not in (accepted or (200,)):
                raise refused(response, await self._beginning(response))
            yield response

    async def read(self, response: httpx.Response, most: int) -> bytes:
        """Read a body.

        Raises:
            Malformed: it has more than `most` bytes.
        """
        pieces, size = [], 0
        async with contextlib.aclosing(self.transport.pieces(response)) as body:
            async for piece in body:
                size += len(piece)
                if size > most:
                    raise Malformed(f"the answer has more than {most} bytes", status=response.status_code)
                pieces.append(piece)
        return b"".join(pieces)

    async def document(
        self, ask: Ask, *accepted: int, repeatable: bool = False, patience: float = 0.0
    ) -> tuple[Any, httpx.Response]:
        """Send a request, again if that helps, and parse its answer.

        Raises:
            NotTheService: it is no JSON.
        """

        async def once() -> tuple[Any, httpx.Response]:
            async with self.opened(ask, *accepted) as response:
                body = await self.read(response, MAX_DOCUMENT)
            return body, response

        body, response = await self.attempt(once, repeatable=repeatable, patience=patience)
        try:
            return parse(body), response
        except ValueError as exc:
            raise NotTheService(f"the answer is not JSON: {exc}", status=response.status_code) from exc

    async def attempt(
        self,
        work: Callable[[], Awaitable[Value]],
        *,
        repeatable: bool = False,
        patience: float = 0.0,
        reached: Callable[[], int] = lambda: 0,
    ) -> Value:
        """Do work, again if that helps.

        Args:
            work: one attempt.
            repeatable: whether it does no harm to repeat it after a broken connection.
            patience: for how many s to go on, whatever the number of attempts.
            reached: how far it has come; attempts are counted anew once one has come further.
        """
        start, tried, before = time.monotonic(), 0, reached()
        while True:
            try:
                value = await work()
            except UpscaleError as error:
                self._was_there |= not isinstance(error, Unreachable)
                if reached() > before:
                    start, tried, before = time.monotonic(), 0, reached()
                seconds = self._pause(error, tried, repeatable, time.monotonic() - start, patience)
                if seconds is None:
                    raise
                tried += 1
                self.settings.on_retry(Retry(error, seconds, tried))
                await self.transport.sleep(seconds)
            else:
                self._was_there = True
                return value

    def _pause(
        self, error: UpscaleError, tried: int, repeatable: bool, elapsed: float, patience: float
    ) -> float | None:
        """The seconds until the next attempt; None: there should be none."""
        asked, backoff = error.retry_after, 2.0 ** min(tried, 10)
        is_counted = tried < self.settings.retries
        if isinstance(error, Busy | Unavailable):
            # An earlier attempt than the service asks for would fail.
            if is_counted and (asked is None or asked <= self.settings.longest_wait):
                return min(backoff, self.settings.longest_wait) if asked is None else asked
            return bounded(backoff if asked is None else asked) if elapsed < patience else None
        if repeatable and (isinstance(error, Unreachable | Broken) or error.status in BETWEEN):
            is_waited_for = self._was_there and elapsed < max(patience, self.settings.absence)
            return bounded(backoff) if is_counted or is_waited_for else None
        return None

    async def _beginning(self, response: httpx.Response) -> bytes:
        """As much of an error answer as is of interest."""
        beginning = b""
        async with contextlib.aclosing(self.transport.pieces(response)) as body:
            async for piece in body:
                beginning += piece
                if len(beginning) > MAX_ERROR:
                    break
        return beginning[:MAX_ERROR]


def bounded(seconds: float) -> float:
    """A pause between two questions: what the service asks for, within bounds."""
    return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, seconds))
