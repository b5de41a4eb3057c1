"""Admission: what is being worked on, how long that will take, and whether one more picture can be finished in time."""

import contextlib
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from errors import QueueFull
from super_resolution.work import Work

# What decoding, encoding and the other threads' share of the processor add to the network's own time.
MARGIN = 1.15


@dataclass(eq=False)
class Entry:
    """An admitted picture.

    `pixels`: of its frames, which are in memory until it is answered; `area`: px that the network is to be shown.
    """

    work: Work
    pixels: int
    area: int

    @property
    def area_left(self) -> float:
        """What of `area` is not done yet, in px."""
        return self.area * (1 - self.work.tiles_done / self.work.tiles) if self.work.tiles else self.area


@dataclass(frozen=True)
class Load:
    """What an entry means for the others: seconds of network time `left`, seconds `until` its deadline, its pixels."""

    left: float
    until: float
    pixels: int


class Backlog:
    """The pictures that are admitted and not answered yet.

    Requests take turns in the lane tile by tile, each with one place, so that all of them together advance at the
    same pace (processor sharing): one with `l` seconds left ends after the sum of `min(l, other's left)` over all. One
    more is admitted if by that rule nobody misses a deadline that could be met without it, and if the pixels in
    memory stay within the limit; so what is admitted is finished, and what can't be is refused before it costs much.

    Args:
        most_pixels: of all admitted pictures together. (One picture alone may have more.)
        seconds_for: estimates the network's seconds for an area in px.
    """

    def __init__(self, most_pixels: int, seconds_for: Callable[[float], float]) -> None:
        self._most_pixels = most_pixels
        self._seconds_for = seconds_for
        self._lock = threading.Lock()
        self._entries: list[Entry] = []

    @contextlib.contextmanager
    def admitted(self, work: Work, pixels: int, area: int) -> Iterator[Entry]:
        """Admit a picture for the time inside.

        Args:
            work: the request's.
            pixels: of the picture, all frames together.
            area: px that the network is to be shown of it, as far as the file's header tells; may be corrected on
                the entry.

        Raises:
            QueueFull: it can't be admitted now; says when it could be.
        """
        entry = Entry(work, pixels, area)
        with self._lock:
            seconds = self._wait(entry)
            if seconds > 0:
                raise self._full(pixels, seconds)
            self._entries.append(entry)
        try:
            yield entry
        finally:
            with self._lock:
                self._entries.remove(entry)

    def seconds_left(self, entry: Entry) -> float:
        """Estimate the seconds until an admitted picture is done."""
        return self._load(entry).left + self.seconds_beside(entry)

    def seconds_beside(self, entry: Entry) -> float:
        """Of the seconds until a picture is done, admitted or not yet: those that others take."""
        with self._lock:
            own = self._load(entry)
            others = [self._load(each) for each in self._entries if each is not entry]
            return sum(min(own.left, other.left) for other in others)

    def seconds_until_one_ends(self) -> float:
        """Estimate the seconds until the first of the admitted pictures is done; 0 where there is none."""
        with self._lock:
            lefts = [self._load(entry).left for entry in self._entries]
            return len(lefts) * min(lefts, default=0)

    def would_admit(self, entry: Entry) -> bool:
        """Whether `admitted` would let such a picture in now."""
        with self._lock:
            return self._wait(entry) == 0

    @property
    def requests(self) -> int:
        """How many pictures are admitted."""
        return len(self._entries)

    @property
    def seconds(self) -> float:
        """Estimated seconds until all admitted pictures are done."""
        with self._lock:
            return sum(self._load(entry).left for entry in self._entries)

    @property
    def pixels(self) -> int:
        """Of all admitted pictures together, in px."""
        with self._lock:
            return sum(entry.pixels for entry in self._entries)

    def _load(self, entry: Entry) -> Load:
        return Load(self._seconds_for(entry.area_left) * MARGIN, entry.work.seconds_until_deadline, entry.pixels)

    def _wait(self, entry: Entry) -> float:
        """Seconds until the picture can be admitted: 0, or until one of the others is done."""
        newcomer = self._load(entry)
        others = sorted((self._load(each) for each in self._entries), key=lambda load: load.left)
        elapsed = 0.0
        while others:
            if self._fits(newcomer, others):
                break
            first = others[0].left  # by then each of the others has done as much
            step = first * len(others)
            elapsed += max(step, 0.001)
            others = [Load(each.left - first, each.until - step, each.pixels) for each in others[1:]]
        return elapsed

    def _fits(self, newcomer: Load, others: list[Load]) -> bool:
        if sum(each.pixels for each in others) + newcomer.pixels > self._most_pixels:
            return False
        together = [newcomer, *others]
        for load in together:
            end = sum(min(load.left, each.left) for each in together)
            without = end - min(load.left, newcomer.left)
            # Who is late anyway is no reason to refuse others.
            if end > load.until and (load is newcomer or without <= load.until):
                return False
        return True

    def _full(self, pixels: int, seconds: float) -> QueueFull:
        held = sum(entry.pixels for entry in self._entries)
        if held + pixels > self._most_pixels:
            return QueueFull(
                f"{held} px are being worked on; with this picture's {pixels} px they would be more than"
                f" {self._most_pixels}: come back later, or raise UPSCALER_QUEUE_PIXELS",
                limit=self._most_pixels,
                actual=held + pixels,
                setting="UPSCALER_QUEUE_PIXELS",
                retry_after=math.ceil(seconds),
            )
        return QueueFull(
            f"{held} px are being worked on; with this picture's {pixels} px not all could be finished in time: come"
            " back later, or run more of this service",
            retry_after=math.ceil(seconds),
        )
