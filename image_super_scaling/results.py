"""Turn answers of `/upscale` into results: of plain requests, and of streams."""

import contextlib
import re
from collections.abc import AsyncGenerator

import httpx

from image_super_scaling.answers import failure_of
from image_super_scaling.errors import Broken, Malformed, NotTheService
from image_super_scaling.events import READERS, Accepted, Event, Notes, image_in, read_events
from image_super_scaling.json_objects import Object
from image_super_scaling.messages import Result
from superscaling.format_name import FormatName
from superscaling.recognition.formats import sniff

EVENTS = "text/event-stream"
ENDED_EARLY = "the connection ended before the result came"


def plain_result(response: httpx.Response, image: bytes) -> Result:
    """The result of a plain request.

    Raises:
        NotTheService: it is no image.
    """
    found = sniff(image)
    if not isinstance(found, FormatName):
        raise _another(response, "an image")
    return Result(image, found, *sides_of(response), notes_of(response))


def sides_of(response: httpx.Response) -> tuple[int | None, int | None]:
    """Width and height of a result in px, as its headers say."""
    values = [response.headers.get(name, "") for name in ("X-Result-Width", "X-Result-Height")]
    width, height = (int(value) if re.fullmatch("[0-9]{1,10}", value) else None for value in values)
    return width, height


def notes_of(response: httpx.Response) -> tuple[str, ...]:
    """What could not be kept, as a header says."""
    notes = response.headers.get("X-Upscaler-Notes", "")
    return tuple(notes.split("; ")) if notes else ()


async def results_of(
    response: httpx.Response, pieces: AsyncGenerator[bytes, None], max_bytes: int
) -> AsyncGenerator[Event | Result, None]:
    """The events of a stream; the last one is the result.

    Args:
        response: the answer.
        pieces: of its body.
        max_bytes: of the result.

    Raises:
        UpscaleError: the service says that there is a problem.
        Broken: the stream ended without a result.
        Malformed: an event is.
        NotTheService: it is no stream of events.
    """
    if media_type_of(response) != EVENTS:
        raise _another(response, "a stream of events")
    ending = _Ending()
    try:
        async with contextlib.aclosing(pieces), contextlib.aclosing(read_events(pieces, max_bytes)) as events:
            async for name, data in events:
                event = ending.read(name, data)
                if event is not None:
                    yield event
                if isinstance(event, Result):
                    return
    except Broken as exc:
        if isinstance(exc.__cause__, httpx.RemoteProtocolError):
            raise Broken(ENDED_EARLY) from exc
        raise
    raise Broken(ENDED_EARLY)


def media_type_of(response: httpx.Response) -> str:
    """The media type of a body, without parameters."""
    media_type: str = response.headers.get("Content-Type", "of no type").partition(";")[0].strip()
    return media_type


def _another(response: httpx.Response, expected: str) -> NotTheService:
    media_type, status = media_type_of(response), response.status_code
    return NotTheService(
        f"the answer is {media_type}, not {expected}: is this an image super-scaling service?", status=status
    )


class _Ending:
    """Keeps what the last event of a stream does not say."""

    def __init__(self) -> None:
        self._accepted: Accepted | None = None
        self._notes: tuple[str, ...] = ()

    def read(self, name: str, data: Object) -> Event | Result | None:
        """Read an event; None: it is unknown.

        Raises:
            UpscaleError: it is a problem, or malformed.
        """
        if name == "problem":
            raise failure_of(data)
        try:
            if name == "result":
                return self._result(image_in(data))
            event = READERS[name](data) if name in READERS else None
        except ValueError as exc:
            raise Malformed(f"the service sent an invalid event: {exc}", status=200) from exc
        if isinstance(event, Accepted):
            self._accepted = event
        elif isinstance(event, Notes):
            self._notes = event.notes
        return event

    def _result(self, image: bytes) -> Result:
        if self._accepted is None:
            raise ValueError("a result before it was accepted")
        name, accepted = FormatName(self._accepted.format), self._accepted
        if sniff(image) is not name:
            raise Malformed(f"the service sent a result that is not a {name}", status=200)
        return Result(image, name, accepted.width, accepted.height, self._notes)
