"""Where a request's time went, and how far it is."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

# The spans of an upscale request, in order; the keys of `Timings.seconds`.
SPANS = ("queue", "decode", "infer", "encode")


@dataclass
class Timings:
    """The measurements of one request.

    `seconds`: per span; `periods`: first begin and latest end of each span, by `time.perf_counter`; `pixels`: of all
    frames, 0 until the picture is admitted; `tiles`, `tiles_done`: of all frames and passes; `tile_seconds`: inference
    time of the latest tile.
    """

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    periods: dict[str, tuple[float, float]] = field(default_factory=dict)
    pixels: int = 0
    tiles: int = 0
    tiles_done: int = 0
    tile_seconds: float = 0.0
    _inferred: float = 0.0  # seconds of inference up to the latest tile

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Add the time spent inside to `seconds[name]`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            end = time.perf_counter()
            self.seconds[name] += end - start
            self.periods[name] = (self.periods.get(name, (start, end))[0], end)

    def finish_tile(self) -> None:
        """Count a tile. Its inference is everything that was added to the span "infer" since the previous one."""
        self.tiles_done += 1
        self.tile_seconds = self.seconds["infer"] - self._inferred
        self._inferred = self.seconds["infer"]
