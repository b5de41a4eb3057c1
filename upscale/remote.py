"""Enlarge through a running service, as a stream of events."""

import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from message_protocol import BYTES, EVENTS, JSON, ModelOutput, ModelsOutput, UpscaleOutput
from upscale.answers import MAX_DOCUMENT, follow, read_events, refusal
from upscale.connection import Service
from upscale.console import Progress
from upscale.errors import Busy, Failed, FatalError

HEADERS = {"Content-Type": BYTES, "Accept": EVENTS}
MAX_PAUSE = 300.0  # s before the next attempt


class Remote:
    """Enlarges through the service at `url`.

    Args:
        url: the base address, without `/upscale`.
        retries: how often to ask a busy service again.
        say: prints a line about each retry.
        key: an API key of the service, if it needs one.

    Raises:
        UsageError: `url` is not the address of a service.
    """

    def __init__(self, url: str, retries: int, say: Callable[[str], None], key: str | None = None) -> None:
        self._service = Service(url, key)
        self._retries = retries
        self._say = say

    def get_ready(self) -> None:
        """Nothing is to be done: whether the service is there, the first request finds out."""

    def enlarge(self, image: bytes, options: Mapping[str, str], progress: Progress) -> UpscaleOutput:
        """Enlarge one image file.

        Args:
            image: the file.
            options: what is asked for, as in the query of a request.
            progress: learns of every tile.

        Raises:
            Failed: this image was rejected, or the connection broke.
            FatalError: there is no such service at the address, or it does not know an option or the model.
        """
        for attempt in range(1, self._retries + 2):
            try:
                return self._ask(image, options, progress)
            except Busy as busy:
                if busy.seconds is not None and busy.seconds > MAX_PAUSE:  # an earlier attempt would fail
                    asked = f"it asks for a wait of {busy.seconds:.0f} s, and {MAX_PAUSE:.0f} s are the most"
                    raise Failed(f"{busy} ({asked})") from busy
                if attempt > self._retries:
                    tried = f" (tried {attempt} times)" if attempt > 1 else ""
                    raise Failed(f"{busy}{tried}") from busy
                seconds = pause_after(busy, attempt)
                self._say(f"{busy}: trying again in {seconds:.0f} s ({attempt} of {self._retries})")
                time.sleep(seconds)
        raise AssertionError("unreachable")

    def models(self) -> list[ModelOutput]:
        """Ask which models the service has loaded; the default is the first.

        Raises:
            Failed: the connection broke.
            FatalError: there is no such service at the address, or it has no list of models.
        """
        url = self._service.url
        with self._service.ask("GET", "/models", {"Accept": JSON}) as response:
            if response.status != 200:
                raise FatalError(f"{url}: {refusal(response)}")
            try:
                return ModelsOutput.model_validate_json(response.read(MAX_DOCUMENT)).root
            except ValueError as exc:  # pydantic's
                raise FatalError(f"{url}: the answer is not a list of models") from exc

    def _ask(self, image: bytes, options: Mapping[str, str], progress: Progress) -> UpscaleOutput:
        query = f"?{urlencode(options)}" if options else ""
        with self._service.ask("POST", f"/upscale{query}", HEADERS, image) as response:
            if response.status != 200 or response.headers.get_content_type() != EVENTS:
                raise self._service.refusal(response)
            return follow(read_events(response), progress)


def pause_after(busy: Busy, attempt: int) -> float:
    """Return the seconds to wait after attempt 1, 2, …: as the service asks, or else twice as long each time."""
    return min(2.0 ** min(attempt - 1, 10) if busy.seconds is None else busy.seconds, MAX_PAUSE)
