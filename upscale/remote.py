"""Enlarge through a running service, as a stream of events."""

from collections.abc import Callable, Mapping
from typing import cast

from image_super_scaling import Accepted, Event, Model, Options, Progress, Result, Retry, UpscaleError
from upscale.answers import SILENCE, client_of, meaning_of
from upscale.console import Progress as Bar
from upscale.errors import Busy, Failed

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
        self._url = url
        self._retries = retries
        self._say = say
        self._tried = 0
        self._client = client_of(
            url,
            {
                "api_key": key,
                "timeout": SILENCE,
                "retries": retries,
                "longest_wait": MAX_PAUSE,
                "on_retry": self._again,
            },
        )

    def get_ready(self) -> None:
        """Nothing is to be done: whether the service is there, the first request finds out."""

    def enlarge(self, image: bytes, options: Mapping[str, str], progress: Bar) -> Result:
        """Enlarge one image file.

        Args:
            image: the file.
            options: what is asked for, as in the query of a request.
            progress: learns of every tile.

        Raises:
            Failed: this image was rejected, or the connection broke.
            FatalError: there is no such service at the address, or it does not know an option or the model.
        """

        def listener(event: Event) -> None:
            if isinstance(event, Accepted):
                progress.expect(event.tiles)
            elif isinstance(event, Progress):
                progress.expect(event.total)
                progress.reach(event.done)

        self._tried = 0
        try:
            return self._client.upscale(image, listener=listener, **cast(Options, dict(options)))
        except UpscaleError as error:
            raise self._meaning(error) from error

    def models(self) -> list[Model]:
        """Ask which models the service has loaded; the default is the first.

        Raises:
            Failed: the connection broke.
            FatalError: there is no such service at the address, or it has no list of models.
        """
        try:
            return self._client.models()
        except UpscaleError as error:
            raise self._meaning(error) from error

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _again(self, retry: Retry) -> None:
        self._tried = retry.attempt
        busy = meaning_of(retry.error, self._url)
        self._say(f"{busy}: trying again in {retry.seconds:.0f} s ({retry.attempt} of {self._retries})")

    def _meaning(self, error: UpscaleError) -> Exception:
        meaning = meaning_of(error, self._url)
        if not isinstance(meaning, Busy):
            return meaning
        if meaning.seconds is not None and meaning.seconds > MAX_PAUSE:  # an earlier attempt would fail
            return Failed(
                f"{meaning} (it asks for a wait of {meaning.seconds:.0f} s, and {MAX_PAUSE:.0f} s are the most)"
            )
        return Failed(f"{meaning} (tried {self._tried + 1} times)" if self._tried else str(meaning))
