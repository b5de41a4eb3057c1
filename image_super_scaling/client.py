"""The client for programs without an event loop."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from os import PathLike
from types import TracebackType
from typing import Self, Unpack

from image_super_scaling.async_client import AsyncUpscaleClient
from image_super_scaling.blocking import entered, run
from image_super_scaling.events import Event
from image_super_scaling.jobs import JobsClient
from image_super_scaling.messages import Estimate, Model, Result
from image_super_scaling.options import EstimateOptions, Options, StreamOptions
from image_super_scaling.settings import ClientSettings
from image_super_scaling.transport import ThreadTransport


class UpscaleClient:
    """A client of one service. It pools connections and may be used by many threads: create one per service.

        with UpscaleClient("http://localhost:7777") as client:
            client.upscale("in.jpg", scale=3).save("out.jpg")

    What it does, repeats and raises, `AsyncUpscaleClient` says, which has the same methods.

    Args:
        url: the address of the service, http or https, perhaps with a path, such as http://localhost:7777.
        settings: see `ClientSettings`.

    Raises:
        ValueError: the address or a setting is invalid.
    """

    def __init__(self, url: str, **settings: Unpack[ClientSettings]) -> None:
        self._client = AsyncUpscaleClient(url, transport=ThreadTransport, **settings)
        self.jobs = JobsClient(self._client.jobs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        run(self._client.close())

    def ping(self) -> bool:
        """Ask whether the service is running; it answers even when it is busy."""
        return run(self._client.ping())

    def models(self) -> list[Model]:
        """List the models that the service has loaded, the default first."""
        return run(self._client.models())

    def estimate(self, width: int, height: int, **options: Unpack[EstimateOptions]) -> Estimate:
        """Ask how long an image of this size, in px, would take now."""
        return run(self._client.estimate(width, height, **options))

    def upscale(
        self,
        image: bytes | str | PathLike[str] | None,
        *,
        listener: Callable[[Event], None] | None = None,
        **options: Unpack[Options],
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
        return run(self._client.upscale(image, listener=listener, **options))

    def stream(
        self, image: bytes | str | PathLike[str] | None, **options: Unpack[StreamOptions]
    ) -> AbstractContextManager[Iterator[Event | Result]]:
        """Enlarge an image as a stream; inside the block, iterate over its events. The last one is the result.

        Leaving the block earlier ends the work at the service. Errors are those of `upscale`; one that comes after the
        first event is not repeated.
        """
        return entered(self._client.stream(image, **options))
