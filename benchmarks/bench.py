"""Measure speed, memory and behaviour under load, into benchmarks/RESULTS.md.

    make bench                               # everything except load: about half an hour
    make bench OPTIONS="network overhead"    # selected parts
    make load                                # the load parts: about three minutes
    make scale                               # jobs over workers: about eight minutes; needs RabbitMQ, and root

Run it on an idle machine. Each result records the load average at its start.
"""

import argparse
import importlib
import sys
from dataclasses import dataclass

from benchmarks.machine import describe_machine, describe_run
from benchmarks.measuring import say
from benchmarks.results import RESULTS, TIMES, replace_section
from evaluation.errors import MeasurementError
from superscaling.errors import StartError


@dataclass(frozen=True)
class Part:
    """One measurement. `measure()` in `module` returns the Markdown below the heading `title`."""

    title: str
    module: str


MACHINE = "Machine"
SPEED_PARTS = {
    "network": Part(TIMES, "network_time"),
    "overhead": Part("HTTP, base64 and codecs", "overhead"),
    "poster": Part("Twelve megapixels through HTTP", "poster"),
    "comics": Part("A chapter of a comic", "comics"),
    "isolation": Part("Decoding in another process", "isolation"),
    "start": Part("Start", "start"),
    "memory": Part("Memory", "memory"),
    "growth": Part("Memory over many sizes", "growth"),
    "sizes": Part("Memory and time of larger results", "size_memory"),
    "gigantic": Part("Gigantic pictures", "gigantic"),
}
LOAD_PARTS = {
    "pictures": Part("Load: 64 clients", "load_pictures"),
    "thumbnail": Part("Load: a thumbnail beside a poster", "load_thumbnail"),
    "retry": Part("Load: Retry-After", "load_retry"),
    "overload": Part("Load: twice the capacity", "load_overload"),
}
SCALE_PARTS = {"scale": Part("Jobs: one picture over many workers", "scale")}
PARTS = {**SPEED_PARTS, **LOAD_PARTS, **SCALE_PARTS}
PLOT = "plot"  # the table of speeds and docs/speed.png, from the results of `network`


def main(arguments: list[str] | None = None) -> int:
    """Run the parts named on the command line and return the exit status."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure speed, memory and behaviour under load.")
    parser.add_argument(
        "parts",
        nargs="*",
        help=f"any of {', '.join([*PARTS, PLOT])} (default: {', '.join([*SPEED_PARTS, PLOT])})",
    )
    wanted = parser.parse_args(arguments).parts or [*SPEED_PARTS, PLOT]
    if unknown := [name for name in wanted if name not in (*PARTS, PLOT)]:
        parser.error(f"there is no part {unknown[0]}")
    try:
        for name in wanted:
            if name == PLOT:
                importlib.import_module("docs_pictures.speed_table").write()
            else:
                _measure(PARTS[name])
    except (MeasurementError, StartError) as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 1
    return 0


def _measure(part: Part) -> None:
    """Measure one part and write its section. Imports it late: unused modules would distort memory and times."""
    say(part.title)
    run = describe_run()
    body = f"{run}\n\n{importlib.import_module(f'benchmarks.{part.module}').measure()}"
    print(f"## {part.title}\n\n{body}", flush=True)
    titles = [MACHINE, *(each.title for each in PARTS.values())]
    text = RESULTS.read_text() if RESULTS.is_file() else ""
    for title, content in ((MACHINE, describe_machine()), (part.title, body)):
        text = replace_section(text, title, content, titles)
    RESULTS.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
