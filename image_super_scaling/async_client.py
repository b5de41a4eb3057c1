"""The client for asyncio. With a transport that blocks it is what `UpscaleClient` runs."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, Unpack

import httpx

from image_super_scaling.async_jobs import AsyncJobsClient
from image_super_scaling.errors import NotTheService
from image_super_scaling.events import Event
from image_super_scaling.json_objects import as_object, flag
from image_super_scaling.messages import Estimate, Model, Result
from image_super_scaling.options import EstimateOptions, Options, StreamOptions, as_query
from image_super_scaling.requests import Requests
from image_super_scaling.results import EVENTS, plain_result, results_of
from image_super_scaling.settings import ClientSettings, Settings
from image_super_scaling.transport import BYTES, JSON, Ask, AsyncioTransport, Transport

Value = TypeVar("Value")
IMAGE = "image/*"
Image = bytes | str | PathLike[str] | None


class AsyncUpscaleClient:
    """A client of one service. It pools connections: create one per service, and close it, best by `async with`.

        async with AsyncUpscaleClient("http://localhost:7777") as client:
            (await client.upscale("in.jpg", scale=3)).save("out.jpg")

    Requests are repeated after 429 (busy, or a rate is reached) and 503 (inference failed, or the service is stopping).
    The client waits as long as Retry-After says, otherwise 1, 2, 4, … s. Nothing else is repeated, but requests about
    jobs also after a broken connection.

    Args:
        url: the address of the service, http or https, perhaps with a path, such as http://localhost:7777.
        transport: None: one for asyncio.
        settings: see `ClientSettings`.

    Raises:
        ValueError: the address or a setting is invalid.
    """

    def __init__(
        self,
        url: str,
        *,
        transport: Callable[[Settings], Transport] = AsyncioTransport,
        **settings: Unpack[ClientSettings],
    ) -> None:
        checked = Settings(url, **settings)
        self._requests = Requests(transport(checked), checked)
        self.jobs = AsyncJobsClient(self._requests)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._requests.transport.close()

    async def ping(self) -> bool:
        """Ask whether the service is running; it answers even when it is busy."""
        answer, _ = await self._requests.document(Ask("GET", "/ping", headers={"Accept": JSON}))
        return _read(lambda: flag(as_object(answer), "success"), "the answer is not that of a ping")

    async def models(self) -> list[Model]:
        """List the models that the service has loaded, the default first."""
        try:
            answer, _ = await self._requests.document(Ask("GET", "/models", headers={"Accept": JSON}))
        except NotTheService as exc:
            raise NotTheService("the answer is not a list of models", status=200) from exc

        def models() -> list[Model]:
            if not isinstance(answer, list):
                raise ValueError("it is not a list")
            return [Model.read(each) for each in answer]

        return _read(models, "the answer is not a list of models")

    async def estimate(self, width: int, height: int, **options: Unpack[EstimateOptions]) -> Estimate:
        """Ask how long an image of this size, in px, would take now."""
        query = {"width": str(width), "height": str(height), **as_query(options, EstimateOptions)}
        answer, _ = await self._requests.document(Ask("GET", "/estimate", query, {"Accept": JSON}))
        return _read(lambda: Estimate.read(answer), "the answer is not an estimate")

    async def upscale(
        self, image: Image, *, listener: Callable[[Event], None] | None = None, **options: Unpack[Options]
    ) -> Result:
        """Enlarge an image.

        Args:
            image: the content of the file, or its path; None: `image_url` says where it is.
            listener: hears of progress. The image then goes as a stream, which may take an hour rather than 90 s.
            options: see `Options`; none: twice as wide and high, in the format of the file.

        Raises:
            UpscaleError: the service refuses, or there was no answer, or one that can't be used.
            OSError: the file can't be read.
            TypeError: an option is unknown.
        """
        query = as_query(options, Options)
        if listener is None:
            return await self._plain(await self._ask(image, query, IMAGE))
        ask = await self._ask(image, query, EVENTS)

        async def follow() -> Result:
            async with self._requests.opened(ask) as response, self._events(response) as events:
                async for event in events:
                    if isinstance(event, Result):
                        return event
                    listener(event)
            raise AssertionError("a stream ends with a result, or raises")

        return await self._requests.attempt(follow)

    @contextlib.asynccontextmanager
    async def stream(
        self, image: Image, **options: Unpack[StreamOptions]
    ) -> AsyncIterator[AsyncIterator[Event | Result]]:
        """Enlarge an image as a stream; inside, iterate over its events. The last one is the result.

        Leaving the block earlier ends the work at the service. Errors are those of `upscale`; one that comes after the
        first event is not repeated.
        """
        ask = await self._ask(image, as_query(options, StreamOptions), EVENTS)
        async with contextlib.AsyncExitStack() as stack:

            async def begin() -> httpx.Response:
                return await stack.enter_async_context(self._requests.opened(ask))

            response = await self._requests.attempt(begin)
            yield await stack.enter_async_context(self._events(response))

    async def _ask(self, image: Image, query: dict[str, str], accept: str) -> Ask:
        if isinstance(image, str | PathLike):
            image = await self._requests.transport.call(Path(image).read_bytes)
        return Ask("POST", "/upscale", query, {"Content-Type": BYTES, "Accept": accept}, image or b"")

    def _events(self, response: httpx.Response) -> AbstractAsyncContextManager[AsyncIterator[Event | Result]]:
        most = self._requests.settings.max_answer_bytes
        return contextlib.aclosing(results_of(response, self._requests.transport.pieces(response), most))

    async def _plain(self, ask: Ask) -> Result:
        async def once() -> Result:
            async with self._requests.opened(ask) as response:
                image = await self._requests.read(response, self._requests.settings.max_answer_bytes)
            return plain_result(response, image)

        return await self._requests.attempt(once)


def _read(read: Callable[[], Value], otherwise: str) -> Value:
    try:
        return read()
    except ValueError as exc:
        raise NotTheService(otherwise, status=200) from exc
