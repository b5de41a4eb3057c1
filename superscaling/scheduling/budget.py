"""How many pixels somebody may still have enlarged."""

import contextlib
from collections.abc import Iterator

from superscaling.errors import ClientGone


class Budget:
    """A budget without an end; a subclass sets limits."""

    def take(self, pixels: int) -> None:
        """Take the pixels of an image, of all its frames.

        Raises:
            ServiceError: so many are not left; none were taken.
        """

    def give_back(self, pixels: int) -> None:
        """Give back what was taken."""

    @contextlib.contextmanager
    def charged(self, pixels: int) -> Iterator[None]:
        """Take the pixels of an image, and give them back if its work inside fails, for whatever reason.

        They are gone if the client has hung up: it would have work done for nothing otherwise.

        Raises:
            ServiceError: as `take`.
        """
        self.take(pixels)
        try:
            yield
        except ClientGone:
            raise
        except Exception:
            self.give_back(pixels)
            raise


# Takes any image.
NO_BUDGET = Budget()
