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
from superscaling.scheduling.round_robin import RemainingWork, after, is_in_time, seconds_until, seconds_until_one_ends

# What decoding, encoding and the other threads' share of the processor add to the network's own time.
MARGIN = 1.15


@dataclass(eq=False)
class AdmittedPicture:
    """An admitted picture.

    `pixels`: of its frames, which are in memory until it is answered, or a multiple of them where they take more of it;
    `cost`: what the network is to be shown.
    """

    work: Work
    pixels: int
    cost: Cost


class Admission:
    """The pictures that are admitted and not answered yet.

    Requests take turns; `round_robin` tells who is done when. One more is admitted if by its rule nobody
    misses a deadline that could be met without it, and if the pixels in memory stay within the limit; so what is
    admitted is finished, and what can't be is refused before it costs much.

    Args:
        max_pixels: of all admitted pictures together. (One picture alone may have more.)
        seconds_for: estimates the network's seconds for an area in px.
    """

    def __init__(self, max_pixels: int, seconds_for: Callable[[float], float]) -> None:
        self._max_pixels = max_pixels
        self._seconds_for = seconds_for
        self._lock = threading.Lock()
        self._pictures: list[AdmittedPicture] = []

    @contextlib.contextmanager
    def admitted(self, work: Work, pixels: int, cost: Cost) -> Iterator[AdmittedPicture]:
        """Admit a picture for the time inside.

        Args:
            work: the request's.
            pixels: of the picture, all frames together.
            cost: what the network is to be shown of it, as far as the file's header tells; see `correct`.

        Raises:
            QueueFull: it can't be admitted now; says when it could be.
        """
        picture = AdmittedPicture(work, pixels, cost)
        with self._lock:
            self._check(picture)
            self._pictures.append(picture)
        try:
            yield picture
        finally:
            with self._lock:
                self._pictures.remove(picture)

    def correct(self, picture: AdmittedPicture, cost: Cost) -> None:
        """Learn what the network is really to be shown of an admitted picture, before its first tile.

        Raises:
            QueueFull: it is more than was thought, and can't be admitted now; nothing has changed.
        """
        with self._lock:
            if cost.area > picture.cost.area:
                self._check(AdmittedPicture(picture.work, picture.pixels, cost), instead_of=picture)
            picture.cost = cost

    def seconds_left(self, picture: AdmittedPicture) -> float:
        """Estimate the seconds until an admitted picture is done."""
        own = self._remaining_work(picture)
        return own.turns * own.seconds + self.seconds_beside(picture)

    def seconds_beside(self, picture: AdmittedPicture) -> float:
        """Of the seconds until a picture is done, admitted or not yet: those that others take."""
        with self._lock:
            return seconds_until(self._remaining_work(picture).turns, self._others(picture))

    def seconds_until_one_ends(self) -> float:
        """Estimate the seconds until the first of the admitted pictures is done; 0 where there is none."""
        with self._lock:
            return seconds_until_one_ends([self._remaining_work(picture) for picture in self._pictures])

    def would_admit(self, picture: AdmittedPicture) -> bool:
        """Whether `admitted` would let such a picture in now."""
        with self._lock:
            return not self._in_the_way(picture, self._others(picture))

    @property
    def requests(self) -> int:
        """How many pictures are admitted."""
        return len(self._pictures)

    @property
    def seconds(self) -> float:
        """Estimated seconds until all admitted pictures are done."""
        with self._lock:
            return sum(each.turns * each.seconds for each in map(self._remaining_work, self._pictures))

    @property
    def pixels(self) -> int:
        """Of all admitted pictures together, in px."""
        with self._lock:
            return sum(picture.pixels for picture in self._pictures)

    def _remaining_work(self, picture: AdmittedPicture) -> RemainingWork:
        work, cost = picture.work, picture.cost
        seconds = self._seconds_for(cost.area / cost.tiles) * MARGIN if cost.tiles else 0.0
        return RemainingWork(cost.tiles - work.tiles_done, seconds, work.seconds_until_deadline, picture.pixels)

    def _others(self, picture: AdmittedPicture) -> list[RemainingWork]:
        """The admitted pictures but this one, in the order in which they will be done."""
        return sorted(
            (self._remaining_work(each) for each in self._pictures if each is not picture), key=lambda each: each.turns
        )

    def _check(self, newcomer: AdmittedPicture, instead_of: AdmittedPicture | None = None) -> None:
        others = self._others(instead_of or newcomer)
        if count := self._in_the_way(newcomer, others):
            raise self._full(newcomer, others, seconds_until(others[count - 1].turns, others))

    def _in_the_way(self, picture: AdmittedPicture, others: list[RemainingWork]) -> int:
        """How many of the others, which are in the order of `_others`, have to be done before the picture fits in."""
        newcomer = self._remaining_work(picture)
        # Whoever fits in fits in later, too, when less is left.
        return bisect_left(range(len(others)), True, key=lambda count: self._fits(newcomer, after(count, others)))

    def _fits(self, newcomer: RemainingWork, others: Sequence[RemainingWork]) -> bool:
        if not others:
            return True
        pixels = sum(each.pixels for each in others) + newcomer.pixels
        return pixels <= self._max_pixels and is_in_time(newcomer, others)

    def _full(self, newcomer: AdmittedPicture, others: Sequence[RemainingWork], seconds: float) -> QueueFull:
        pixels, held = newcomer.pixels, sum(each.pixels for each in others)
        if held + pixels > self._max_pixels:
            return QueueFull(
                f"{held} px are being worked on; with this picture's {pixels} px they would be more than"
                f" {self._max_pixels}: come back later, or raise UPSCALER_QUEUE_PIXELS",
                limit=self._max_pixels,
                actual=held + pixels,
                setting="UPSCALER_QUEUE_PIXELS",
                retry_after=max(1, math.ceil(seconds)),
            )
        return QueueFull(
            f"{held} px are being worked on; with this picture's {pixels} px not all could be finished in time: come"
            " back later, or run more of this service",
            retry_after=max(1, math.ceil(seconds)),
        )
