"""How many requests of a kind are held at a time: each keeps a thread, or memory, for as long as its client likes."""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator

from superscaling.errors import ClientGone, TooManyRequests

# Streams of jobs' events that are sent at a time.
MAX_WATCHERS = 64
# Results of jobs, and archives of them, that are sent at a time.
MAX_DOWNLOADS = 32
# Requests for jobs whose bodies arrive at a time.
MAX_UPLOADS = 8
# Requests whose images are fetched from elsewhere at a time.
MAX_FETCHES = 8
# Requests whose fetches have failed, which wait until they are told so.
MAX_FAILED_FETCHES = 32
# Requests that want their image rather than an error, and wait for a slot before they are read.
MAX_PATIENT = 32
# Images of those that got none, which are read without a slot and sent back, at a time.
MAX_RETURNED = 1
# Seconds that such a request waits for a slot, and then once more for a slot or one of these places. A reader of comics
# gives a page up after 30 s, in which it has to be enlarged, too.
PATIENCE = 10.0
# Seconds between two looks at whether a client still waits for its place.
LOOK_SECONDS = 0.5


class Places:
    """A limited number of places, of which so many are `taken`.

    Args:
        count: of places.
        refusal: makes the error for whoever finds none.
    """

    def __init__(self, count: int, refusal: Callable[[], TooManyRequests]) -> None:
        self._count = count
        self._refusal = refusal
        self._freed = threading.Condition()
        self.taken = 0

    def beside(self, count: int) -> "Places":
        """Places for those that find none of these. Whoever finds none of them either is told so of these."""
        places = Places(count, self._refusal)
        places._freed = self._freed  # so that both can be waited for at once
        return places

    def take(
        self,
        seconds: float = 0.0,
        is_client_gone: Callable[[], bool] = lambda: False,
        otherwise: "Places | None" = None,
    ) -> "Places":
        """Take a place.

        Args:
            seconds: to wait for one.
            is_client_gone: whether it is not needed any more.
            otherwise: places `beside` these, of which one will do if there is none here.

        Returns:
            Where the place is: these, or `otherwise`.

        Raises:
            TooManyRequests: all are taken.
            ClientGone: the client has disconnected while it waited.
        """
        end = time.monotonic() + seconds
        choices = (self,) if otherwise is None else (self, otherwise)
        with self._freed:
            while not self._freed.wait_for(lambda: any(each._has_room for each in choices), min(seconds, LOOK_SECONDS)):
                if is_client_gone():
                    raise ClientGone("the client disconnected while it waited for a slot")
                if (seconds := end - time.monotonic()) <= 0:
                    raise self._refusal()
            found = next(each for each in choices if each._has_room)
            found.taken += 1
        return found

    def give_back(self) -> None:
        """Give a place back."""
        with self._freed:
            self.taken -= 1
            self._freed.notify_all()  # those who wait may want different places

    @property
    def _has_room(self) -> bool:
        return self.taken < self._count

    @contextlib.contextmanager
    def held(self, others: "Places | None" = None) -> Iterator[Callable[[], None]]:
        """Hold a place. Yields a function that exchanges it for one of `others`, unless all of those are taken.

        Raises:
            TooManyRequests: as `take`.
        """
        self.take()
        holder = self

        def exchange() -> None:
            nonlocal holder
            if others is not None:
                with contextlib.suppress(TooManyRequests):
                    others.take()
                    holder.give_back()
                    holder = others

        try:
            yield exchange
        finally:
            holder.give_back()


def request_slots(count: int, seconds_until_free: Callable[[], float]) -> Places:
    """Places for upscale requests. `seconds_until_free` estimates the seconds until one is given back."""
    return Places(
        count,
        lambda: TooManyRequests(
            f"all request slots are taken ({count}): try again later",
            limit=count,
            setting="max_requests",
            retry_after=max(1, math.ceil(seconds_until_free())),
        ),
    )


def places_to_send(count: int, what: str, way_out: str) -> Places:
    """Places for what is sent for long.

    Args:
        count: of places.
        what: is sent, in words and in the plural.
        way_out: what a client can do that finds none, as an imperative.
    """
    return Places(
        count,
        lambda: TooManyRequests(f"{count} {what} are being sent at the moment: {way_out}", limit=count, retry_after=5),
    )


def places_to_fetch(count: int) -> Places:
    """Places for images that are fetched from elsewhere."""
    return Places(
        count,
        lambda: TooManyRequests(
            f"{count} images are being fetched at the moment: send the image itself, or try again later",
            limit=count,
            retry_after=5,
        ),
    )
