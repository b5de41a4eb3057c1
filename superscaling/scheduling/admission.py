"""Admission: what is being worked on, how long that will take, and whether one more picture can be finished in time."""

import contextlib
import math
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from superscaling.errors import QueueFull
from superscaling.geometry import Cost
from superscaling.scheduling.deadline import Work
from superscaling.scheduling.round_robin import Load, after, is_in_time, seconds_until, seconds_until_one_ends

# What decoding, encoding and the other threads' share of the processor add to the network's own time.
MARGIN = 1.15


@dataclass(eq=False)
class Entry:
    """An admitted picture.

    `pixels`: of its frames, which are in memory until it is answered, or a multiple of them where they take more of it;
    `cost`: what the network is to be shown.
    """

    work: Work
    pixels: int
    cost: Cost


class Backlog:
    """The pictures that are admitted and not answered yet.

    Requests take turns in the lane; `round_robin` tells who is done when. One more is admitted if by its rule nobody
    misses a deadline that could be met without it, and if the pixels in memory stay within the limit; so what is
    admitted is finished, and what can't be is refused before it costs much.

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
    def admitted(self, work: Work, pixels: int, cost: Cost) -> Iterator[Entry]:
        """Admit a picture for the time inside.

        Args:
            work: the request's.
            pixels: of the picture, all frames together.
            cost: what the network is to be shown of it, as far as the file's header tells; see `correct`.

        Raises:
            QueueFull: it can't be admitted now; says when it could be.
        """
        entry = Entry(work, pixels, cost)
        with self._lock:
            self._check(entry)
            self._entries.append(entry)
        try:
            yield entry
        finally:
            with self._lock:
                self._entries.remove(entry)

    def correct(self, entry: Entry, cost: Cost) -> None:
        """Learn what the network is really to be shown of an admitted picture, before its first tile.

        Raises:
            QueueFull: it is more than was thought, and can't be admitted now; nothing has changed.
        """
        with self._lock:
            if cost.area > entry.cost.area:
                self._check(Entry(entry.work, entry.pixels, cost), instead_of=entry)
            entry.cost = cost

    def seconds_left(self, entry: Entry) -> float:
        """Estimate the seconds until an admitted picture is done."""
        own = self._load(entry)
        return own.turns * own.seconds + self.seconds_beside(entry)

    def seconds_beside(self, entry: Entry) -> float:
        """Of the seconds until a picture is done, admitted or not yet: those that others take."""
        with self._lock:
            return seconds_until(self._load(entry).turns, self._others(entry))

    def seconds_until_one_ends(self) -> float:
        """Estimate the seconds until the first of the admitted pictures is done; 0 where there is none."""
        with self._lock:
            return seconds_until_one_ends([self._load(entry) for entry in self._entries])

    def would_admit(self, entry: Entry) -> bool:
        """Whether `admitted` would let such a picture in now."""
        with self._lock:
            return not self._in_the_way(entry, self._others(entry))

    @property
    def requests(self) -> int:
        """How many pictures are admitted."""
        return len(self._entries)

    @property
    def seconds(self) -> float:
        """Estimated seconds until all admitted pictures are done."""
        with self._lock:
            return sum(load.turns * load.seconds for load in map(self._load, self._entries))

    @property
    def pixels(self) -> int:
        """Of all admitted pictures together, in px."""
        with self._lock:
            return sum(entry.pixels for entry in self._entries)

    def _load(self, entry: Entry) -> Load:
        work, cost = entry.work, entry.cost
        seconds = self._seconds_for(cost.area / cost.tiles) * MARGIN if cost.tiles else 0.0
        return Load(cost.tiles - work.tiles_done, seconds, work.seconds_until_deadline, entry.pixels)

    def _others(self, entry: Entry) -> list[Load]:
        """The admitted pictures but this one, in the order in which they will be done."""
        return sorted((self._load(each) for each in self._entries if each is not entry), key=lambda load: load.turns)

    def _check(self, newcomer: Entry, instead_of: Entry | None = None) -> None:
        others = self._others(instead_of or newcomer)
        if count := self._in_the_way(newcomer, others):
            raise self._full(newcomer, others, seconds_until(others[count - 1].turns, others))

    def _in_the_way(self, entry: Entry, others: list[Load]) -> int:
        """How many of the others, which are in the order of `_others`, have to be done before the picture fits in."""
        newcomer = self._load(entry)
        # Whoever fits in fits in later, too, when less is left.
        return bisect_left(range(len(others)), True, key=lambda count: self._fits(newcomer, after(count, others)))

    def _fits(self, newcomer: Load, others: Sequence[Load]) -> bool:
        if not others:
            return True
        pixels = sum(each.pixels for each in others) + newcomer.pixels
        return pixels <= self._most_pixels and is_in_time(newcomer, others)

    def _full(self, newcomer: Entry, others: Sequence[Load], seconds: float) -> QueueFull:
        pixels, held = newcomer.pixels, sum(each.pixels for each in others)
        if held + pixels > self._most_pixels:
            return QueueFull(
                f"{held} px are being worked on; with this picture's {pixels} px they would be more than"
                f" {self._most_pixels}: come back later, or raise UPSCALER_QUEUE_PIXELS",
                limit=self._most_pixels,
                actual=held + pixels,
                setting="UPSCALER_QUEUE_PIXELS",
                retry_after=max(1, math.ceil(seconds)),
            )
        return QueueFull(
            f"{held} px are being worked on; with this picture's {pixels} px not all could be finished in time: come"
            " back later, or run more of this service",
            retry_after=max(1, math.ceil(seconds)),
        )
