"""What one request's work may do between tiles, and what it learns there."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from superscaling.errors import ClientGone, DeadlinePassed
from superscaling.geometry import Box


class Work:
    """One request's work: its deadline, whether anybody still waits for it, and where its time went.

    The upscaler calls `checkpoint` before and `tile_done` after each tile. A plain request, a
    streamed one and a queued job differ only in their `Work`.

    Args:
        timeout: seconds from now that the work may take.
        timeout_setting: the environment variable that raises `timeout`.
        is_client_gone: whether the client has hung up; asked between tiles, so it has to be cheap.
    """

    def __init__(self, timeout: float, timeout_setting: str, is_client_gone: Callable[[], bool]) -> None:
        self.timeout = timeout
        self.timeout_setting = timeout_setting
        self.seconds: dict[str, float] = defaultdict(float)
        self.tiles = self.tiles_done = 0
        self._deadline = time.monotonic() + timeout
        self._is_client_gone = is_client_gone

    @property
    def seconds_until_deadline(self) -> float:
        """What is left of the timeout; negative once it has passed."""
        return self._deadline - time.monotonic()

    def checkpoint(self) -> None:
        """Go on, or raise.

        Raises:
            ClientGone: nobody waits for the answer any more.
            DeadlinePassed: the time is over.
        """
        if self._is_client_gone():
            raise ClientGone("the client hung up")
        if time.monotonic() > self._deadline:
            raise DeadlinePassed(
                f"the picture was not finished within {self.timeout:g} s ({self.tiles_done} of {self.tiles} tiles were"
                f" done); send a smaller one, come back when the service is less busy, or raise {self.timeout_setting}",
                limit=self.timeout,
                setting=self.timeout_setting,
            )

    def expect(self, tiles: int) -> None:
        """Learn how many tiles there will be: those of all frames, and of all passes that a frame needs."""
        self.tiles = tiles

    def begin_pass(self, frame: int | None) -> None:
        """Learn what the tiles to come show: the frame of this index (from 0), or nothing fit to be looked at."""

    def tile_done(self, box: Box, pixels: NDArray[np.uint8 | np.uint16]) -> None:
        """Learn that a tile is done: what the network made of it, at `box` of the pass that it belongs to."""
        self.tiles_done += 1

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Add the time spent inside to `seconds[name]`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start


class Aside(Work):
    """What is done beside a request's own work: it ends when that does, and its time is not the request's."""

    def __init__(self, work: Work) -> None:
        super().__init__(work.timeout, work.timeout_setting, is_client_gone=lambda: False)
        self._work = work

    def checkpoint(self) -> None:
        """See `Work.checkpoint`; it is the request's."""
        self._work.checkpoint()
