"""The measured speed of the network on this machine, for estimates."""

# A tile of this many px tells as much as all that is known already; a smaller one tells less (its fixed
# costs would make the network look slow). In px.
FULL_WEIGHT_AREA = 256 * 256
# The share of a full tile in the moving average.
WEIGHT = 0.2


class Speed:
    """A moving average of seconds per pixel.

    Written by one thread at a time (who holds the lock), read by any.

    Args:
        seconds_per_pixel: what was measured before; 0 for nothing.
    """

    def __init__(self, seconds_per_pixel: float = 0.0) -> None:
        self._seconds_per_pixel = seconds_per_pixel

    def learn(self, area: int, seconds: float) -> None:
        """Learn that `area` px took `seconds`."""
        measured = seconds / area
        if not self._seconds_per_pixel:
            self._seconds_per_pixel = measured
        else:
            # One tile that was held up (by a frozen container, a noisy neighbour) says little about the next.
            measured = min(measured, 2 * self._seconds_per_pixel)
            weight = WEIGHT * min(1.0, area / FULL_WEIGHT_AREA)
            self._seconds_per_pixel += weight * (measured - self._seconds_per_pixel)

    def seconds_for(self, area: float) -> float:
        """Seconds that `area` px will take; 0 before anything was learnt."""
        return area * self._seconds_per_pixel
