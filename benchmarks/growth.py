"""Whether memory grows with the number of image sizes that the service has processed."""

import itertools
import statistics
from collections.abc import Sequence

import numpy as np

from benchmarks.inputs import as_file, photograph
from benchmarks.measuring import Target, say, table, target_list
from benchmarks.service import running_service, upscale

REQUESTS, SIZES = 6000, 500
WARM_UP = 2000  # uncounted requests: until then, it rises by some MB, and then no more
EVERY, STEP = 10, 1000  # requests between two memory samples, and between two rows of the table
EDGES = range(16, 80)  # px
MAX_SLOPE = 1.0  # MB per 1,000 requests: within the noise of the allocator


def measure() -> str:
    """The section in Markdown."""
    rng = np.random.default_rng(0)
    sizes = rng.permutation([*itertools.product(EDGES, EDGES)])[:SIZES]
    files = [as_file(photograph(height, width)) for height, width in sizes]
    samples = []  # requests so far, MB
    with running_service() as service:
        for count in range(1, REQUESTS + 1):
            upscale(service.client, files[count % SIZES])
            if count % EVERY == 0:
                samples.append((count, service.resident))
            if count % STEP == 0:
                say(f"{count} of {REQUESTS} requests, {service.resident:.0f} MB")
    slope = growth_per_thousand([each for each in samples if each[0] >= WARM_UP])
    return (
        f"{REQUESTS} JPEGs in {SIZES} sizes, one at a time.\n\n"
        + table(("requests", "MB"), [(str(count), f"{held:.0f}") for count, held in samples if count % STEP == 0])
        + "\n"
        + target_list([Target(f"growth after {WARM_UP} requests", slope, MAX_SLOPE, "MB per 1,000 requests")])
    )


def growth_per_thousand(samples: Sequence[tuple[float, float]]) -> float:
    """Slope of the regression line through (requests or seconds, MB), in MB per 1,000 requests or seconds."""
    return 1000 * statistics.linear_regression(*zip(*samples, strict=True)).slope
