"""Time from the start of the service to readiness and to the first answer."""

import statistics
import time

from benchmarks.inputs import as_file, photograph
from benchmarks.measuring import say, table
from benchmarks.networks import DEFAULT
from benchmarks.service import running_service, upscale

RUNS = 3
EDGE = 96  # px


def measure() -> str:
    """The section in Markdown."""
    file = as_file(photograph(EDGE, EDGE))
    ready, answered = [], []
    for run in range(RUNS):
        say(f"start {run + 1} of {RUNS}")
        with running_service() as service:
            ready.append(time.perf_counter() - service.started)
            upscale(service.client, file)
            answered.append(time.perf_counter() - service.started)
    return (
        f"`run.sh` with {DEFAULT}; the first request is a JPEG of {EDGE} x {EDGE} px. Medians of {RUNS}, in s.\n\n"
        + table(
            ("until", "s"),
            [
                (what, f"{statistics.median(times):.2f}")
                for what, times in (("ready", ready), ("the first answer", answered))
            ],
        )
    )
