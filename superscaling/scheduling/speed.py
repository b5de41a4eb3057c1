"""The measured speed of the network on this machine, for estimates."""

# A tile of this area, in px, has full weight; smaller ones have less, as their fixed costs make the network look slow.
FULL_WEIGHT_AREA = 256 * 256
# Weight of a full tile in the moving average.
WEIGHT = 0.2


class Speed:
    """A moving average of seconds per pixel. Written by one thread at a time (the holder of the lock), read by any.

    Args:
        seconds_per_pixel: the first value; 0 if unknown.
    """

    def __init__(self, seconds_per_pixel: float = 0.0) -> None:
        self._seconds_per_pixel = seconds_per_pixel

    def learn(self, area: int, seconds: float) -> None:
        """Add a measurement: `area` px took `seconds`."""
        measured = seconds / area
        if not self._seconds_per_pixel:
            self._seconds_per_pixel = measured
        else:
            # A tile that was held up, by a frozen container or a busy neighbour, says little about the next.
            measured = min(measured, 2 * self._seconds_per_pixel)
            weight = WEIGHT * min(1.0, area / FULL_WEIGHT_AREA)
            self._seconds_per_pixel += weight * (measured - self._seconds_per_pixel)

    def seconds_for(self, area: float) -> float:
        """Estimated seconds for `area` px; 0 while the speed is unknown."""
        return area * self._seconds_per_pixel
