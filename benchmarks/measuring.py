"""Output of every measurement: progress, targets, Markdown."""

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

START = time.monotonic()


@dataclass(frozen=True)
class Target:
    """A figure with its upper limit, or its lower limit if `at_least`."""

    what: str
    figure: float
    limit: float
    unit: str
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the figure is within the limit; NaN never is."""
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit

    def __str__(self) -> str:
        verdict = "met" if self.met else "**missed**"
        bound = "at least" if self.at_least else "at most"
        return f"- {verdict}: {self.what}: {_short(self.figure)} {self.unit} ({bound} {_short(self.limit)})"


def _short(figure: float) -> str:
    return f"{figure:.0f}" if abs(figure) >= 1000 else f"{figure:.3g}"


def say(text: str) -> None:
    """Print progress to standard error, with the time since the start."""
    seconds = int(time.monotonic() - START)
    print(f"[{seconds // 60:2}:{seconds % 60:02}] {text}", file=sys.stderr, flush=True)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def target_list(targets: Iterable[Target]) -> str:
    """Format a Markdown list."""
    return "".join(f"{target}\n" for target in targets)
