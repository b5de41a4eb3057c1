"""Requests to a service that may be restarted meanwhile."""

import time
from collections.abc import Callable
from typing import TypeVar

from upscale.errors import Broken, NoService

Answer = TypeVar("Answer")
MAX_ABSENCE = 600.0  # s for which a service that is away is asked again
MAX_PAUSE = 30.0  # s between two attempts


class Patience:
    """Repeats requests whose connection breaks.

    Args:
        say: prints a line about each repetition.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._was_there = False

    def ask(self, request: Callable[[], Answer]) -> Answer:
        """Make a request, again and again while the service is away; at once in vain if it was never there.

        Raises:
            Broken, NoService: it stays away.
        """
        start, pause = time.monotonic(), 1.0
        while True:
            try:
                answer = request()
            except (Broken, NoService) as exc:
                self._was_there |= isinstance(exc, Broken)
                if not self._was_there or time.monotonic() - start > MAX_ABSENCE:
                    raise
                self._say(f"{exc}: trying again in {pause:.0f} s")
                time.sleep(pause)
                pause = min(2 * pause, MAX_PAUSE)
            except Exception:
                self._was_there = True
                raise
            else:
                self._was_there = True
                return answer
