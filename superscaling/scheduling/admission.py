"""Admission control: whether one more picture can be finished in time beside those in progress."""

import contextlib
import math
import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from superscaling.errors import EstimateOverDeadline, QueueFull, ServiceError
from superscaling.geometry import Cost
from superscaling.pictures import Size
from superscaling.scheduling.deadline import Deadline
from superscaling.scheduling.round_robin import RemainingWork, after, is_in_time, seconds_until, seconds_until_one_ends
from superscaling.scheduling.timings import Timings
from superscaling.size_choice import DEFAULT_SCALE

# Decoding, encoding and the other threads' share of the processor, relative to the network's own time; beside a job,
# the ninth that its turns add to those of requests (`fair_lock.PATIENCE`).
MARGIN = 1.15
# Seconds for which a measured speed is good enough to reject pictures: each measurement costs others their turns.
SPEED_HOLDS = 5.0
# What would take so large a share of its time is worth a measurement before it is let in: small pictures teach nothing
# about the speed of large tiles, and the machine may be busier than when it was measured.
DOUBTFUL_SHARE = 1 / 4
# A result has usually so many times the pixels of its picture.
USUAL_AREA = DEFAULT_SCALE**2


class Pace(Protocol):
    """How fast a network is on this machine."""

    def seconds_for(self, cost: Cost) -> float:
        """Estimated seconds of inference; 0 while the speed is unknown."""

    def measure_speed(self, deadline: Deadline, max_age: float = 0.0) -> None:
        """Measure the speed anew, unless it was measured within so many seconds."""


@dataclass(frozen=True)
class Cheaper:
    """A smaller result that takes less time: of `scale` times the picture's sides, for `share` of the cost."""

    scale: int
    share: float


@dataclass(frozen=True)
class Demand:
    """What a picture asks for.

    `sizes`: height and width of each frame in px; `cost`: what the network is to be shown; `pace`: of that network;
    `memory`: how many times the usual memory the encoder of the result's format takes; `result_pixels`: of all frames
    of the result, or of the largest frame before it is reduced to its result, if it has more; `cheaper`: what to ask
    for if there is no time for that; `encoding_seconds`: that writing the result takes afterwards, where it is known.
    """

    sizes: Sequence[Size]
    cost: Cost
    pace: Pace
    memory: int = 1
    result_pixels: int = 0
    cheaper: Cheaper | None = None
    encoding_seconds: float = 0.0

    @property
    def input_pixels(self) -> int:
        """Pixels of all frames."""
        return sum(height * width for height, width in self.sizes)

    @property
    def pixels(self) -> int:
        """Input pixels that take as much memory as this picture with its result.

        A result of four times the pixels counts as the picture itself.
        """
        return max(self.input_pixels, -(-self.result_pixels // USUAL_AREA))

    @property
    def weighted_pixels(self) -> int:
        """Pixels multiplied by `memory`."""
        return self.pixels * self.memory

    def exceeds(self, other: "Demand") -> bool:
        """Whether it asks for more of anything than another demand."""
        amounts = (
            (each.cost.turns, each.cost.work, each.weighted_pixels, each.encoding_seconds) for each in (self, other)
        )
        return any(one > less for one, less in zip(*amounts, strict=True))

    def __str__(self) -> str:
        """How large the picture is, for people, as what follows "this image"."""
        return (
            f"has {self.pixels} px" if self.pixels == self.input_pixels else f"counts as {self.pixels} px by its result"
        )


@dataclass(eq=False)
class AdmittedPicture:
    """A picture in progress."""

    demand: Demand
    deadline: Deadline
    timings: Timings


class Admission:
    """The pictures that are admitted and not answered yet.

    One more is admitted if nobody misses a deadline because of it, by the arithmetic of `round_robin`, and if the
    pixels in memory stay within the limit. So what is admitted gets finished, and the rest is rejected while it is
    cheap.

    Args:
        max_pixels: limit of the weighted pixels of all pictures together. A picture alone may have more.
    """

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._lock = threading.Lock()
        self._pictures: list[AdmittedPicture] = []

    @contextlib.contextmanager
    def admitted(self, demand: Demand, deadline: Deadline, timings: Timings) -> Iterator[AdmittedPicture]:
        """Admit a picture for the time inside.

        Args:
            demand: as far as the file's header tells; `correct` replaces it.
            deadline, timings: of the request.

        Raises:
            EstimateOverDeadline: the network needs longer than the request may take.
            QueueFull: there is no room now; says when there will be.
        """
        picture = AdmittedPicture(demand, deadline, timings)
        self._check_estimate(picture)
        with self._lock:
            self._check_room(picture, self._others(picture))
            self._pictures.append(picture)
        try:
            yield picture
        finally:
            with self._lock:
                self._pictures.remove(picture)

    def correct(self, picture: AdmittedPicture, demand: Demand) -> None:
        """Replace what an admitted picture demands, before its first tile.

        Raises:
            EstimateOverDeadline, QueueFull: it demands more than expected, and too much; nothing has changed.
        """
        corrected, before = replace(picture, demand=demand), picture.demand
        self._check_estimate(corrected)
        with self._lock:
            if demand.exceeds(before):
                self._check_room(corrected, self._others(picture))
            picture.demand = demand

    def would_admit(self, demand: Demand, timeout: float, patience: Deadline | None = None) -> bool:
        """Whether `admitted` would let such a picture in now.

        Args:
            demand: of the picture.
            timeout: seconds until its deadline.
            patience: how long this may wait for a turn to measure the speed; as long as the picture by default.
        """
        picture = AdmittedPicture(demand, Deadline(timeout), Timings())
        try:
            self._check_estimate(picture, patience)
            with self._lock:
                self._check_room(picture, self._others(picture))
        except ServiceError:  # `admitted` would raise it, too, or measuring the speed took too long
            return False
        return True

    def seconds_left(self, picture: AdmittedPicture) -> float:
        """Estimated seconds until an admitted picture is done."""
        own = _remaining_work(picture)
        with self._lock:
            return own.turns * own.seconds + seconds_until(own.turns, self._others(picture))

    def seconds_beside(self, cost: Cost) -> float:
        """Estimated seconds that the images in progress would add to the time of a new one."""
        with self._lock:
            return seconds_until(cost.turns, self._others(None))

    def seconds_until_one_ends(self) -> float:
        """Estimated seconds until the first of the admitted pictures is done; 0 if there is none."""
        with self._lock:
            return seconds_until_one_ends(self._others(None))

    @property
    def requests(self) -> int:
        """Number of admitted pictures."""
        return len(self._pictures)

    @property
    def seconds(self) -> float:
        """Estimated seconds until all admitted pictures are done."""
        with self._lock:
            return sum(each.turns * each.seconds for each in self._others(None))

    @property
    def weighted_pixels(self) -> int:
        """Weighted pixels of all admitted pictures together; what the limit applies to."""
        with self._lock:
            return sum(picture.demand.weighted_pixels for picture in self._pictures)

    def _others(self, picture: AdmittedPicture | None) -> list[RemainingWork]:
        """All admitted pictures except `picture`, in the order in which they will be done."""
        works = (_remaining_work(each) for each in self._pictures if each is not picture)
        return sorted(works, key=lambda each: each.turns)

    def _check_estimate(self, picture: AdmittedPicture, patience: Deadline | None = None) -> None:
        """Reject what takes too long even alone; `patience` replaces the deadline for measuring the speed."""
        cost, pace, limit = picture.demand.cost, picture.demand.pace, picture.deadline.seconds
        encoding = picture.demand.encoding_seconds
        doubtful = limit if patience else DOUBTFUL_SHARE * limit  # a mere question costs others nothing unless it must
        if pace.seconds_for(cost) + encoding > doubtful:
            # The known speed may be from a busier time, or from a quieter one. The request counts this as waiting.
            with picture.timings.span("queue"):
                pace.measure_speed(patience or picture.deadline, SPEED_HOLDS)
        if (seconds := pace.seconds_for(cost) + encoding) > limit:
            (height, width), *others = picture.demand.sizes
            frames = f" in {len(others) + 1} frames" if others else ""
            raise EstimateOverDeadline(
                f"{width} x {height} px{frames} would take about {seconds:.0f} s on this machine;"
                f" a request may take {limit:g} s: {_way_out(picture, seconds)}",
                limit=limit,
                actual=round(seconds, 1),
                setting=picture.deadline.setting,
            )

    def _check_room(self, picture: AdmittedPicture, others: Sequence[RemainingWork]) -> None:
        """Reject a picture that doesn't fit beside the others, which are sorted by turns."""
        newcomer = _remaining_work(picture)
        # A picture that fits now also fits later, when less is left of the others.
        count = bisect_left(range(len(others)), True, key=lambda count: self._fits(newcomer, after(count, others)))
        if not count:
            return
        retry_after = max(1, math.ceil(seconds_until(others[count - 1].turns, others)))
        demand = picture.demand
        way_out = "send it again later, or as a job" if picture.deadline.may_be_job else "send it again later"
        if (total := sum(each.pixels for each in others) + demand.weighted_pixels) > self._max_pixels:
            weight = f", counted {demand.memory} times as its format takes more memory" if demand.memory > 1 else ""
            raise QueueFull(
                f"this image {demand}{weight}; together with the images in progress that makes"
                f" {total} px, and at most {self._max_pixels} are worked on at a time: {way_out}",
                limit=self._max_pixels,
                actual=total,
                setting="queue_pixels",
                retry_after=retry_after,
            )
        raise QueueFull(
            f"this image {demand}; with the images in progress, not all could be finished in time: {way_out}",
            retry_after=retry_after,
        )

    def _fits(self, newcomer: RemainingWork, others: Sequence[RemainingWork]) -> bool:
        if not others:
            return True
        pixels = sum(each.pixels for each in others) + newcomer.pixels
        return pixels <= self._max_pixels and is_in_time(newcomer, others)


def _way_out(picture: AdmittedPicture, seconds: float) -> str:
    """What can be done about a picture that takes so many seconds, which is too long: only what would help."""
    cheaper, deadline = picture.demand.cheaper, picture.deadline
    ways = ["send a smaller image"]
    if seconds - picture.demand.encoding_seconds <= deadline.seconds:
        ways.append("ask for a format that is written faster")
    if cheaper is not None and (less := seconds * cheaper.share) <= deadline.seconds:
        ways.append(f"ask for scale={cheaper.scale}, which would take about {less:.0f} s")
    if seconds <= deadline.stream_seconds:
        ways.append("ask for a stream, which may take longer")
    if deadline.may_be_job:
        ways.append("send it as a job, which may take any time")
    *first, last = ways
    return f"{', '.join(first)}, or {last}" if first else last


def _remaining_work(picture: AdmittedPicture) -> RemainingWork:
    demand, cost = picture.demand, picture.demand.cost
    if not cost.tiles:
        return RemainingWork(0, 0.0, picture.deadline.seconds_left, demand.weighted_pixels)
    seconds = demand.pace.seconds_for(cost) / cost.turns * MARGIN
    tiles = cost.tiles - picture.timings.tiles_done
    turns = math.ceil(tiles * cost.turns / cost.tiles)  # the tile in progress counts as not begun
    seconds_left = picture.deadline.seconds_left - demand.encoding_seconds
    return RemainingWork(turns, seconds, seconds_left, demand.weighted_pixels)
