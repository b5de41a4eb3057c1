"""Accuracy of `Retry-After`: how long a rejected client really waits until it is admitted.

All request slots are filled; one more client polls until it is admitted. Rejections cost next to nothing.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from benchmarks.children import NICE, child
from benchmarks.inputs import as_file, photograph
from benchmarks.measuring import say, table
from benchmarks.service import post, running_service, upscale

SLOTS = 4
EDGES = (800, 1200, 1600)  # px: of the images that fill the slots, one round each
SMALL = 64  # px: of the polling client's image
HEAD_START = 0.5  # s: by then all slots are taken
PAUSE = 0.1  # s between two polls
MAX_WAIT = 120.0  # s


def measure() -> str:
    """The section in Markdown."""
    small = as_file(photograph(SMALL, SMALL))
    rows = []
    with running_service(UPSCALER_MAX_REQUESTS=str(SLOTS)) as service, child(NICE) as process:
        for _ in range(3):
            upscale(service.client, as_file(photograph(EDGES[0], EDGES[0])))  # the service learns its speed
        for edge in EDGES:
            say(f"{SLOTS} images of {edge} x {edge} px")
            files = [as_file(photograph(edge, edge, seed)) for seed in range(SLOTS)]
            figures = process.submit(_try_again, service.url, files, small).result()
            rows.append((f"{edge} x {edge}", *_cells(figures)))
    return f"{SLOTS} images fill all {SLOTS} request slots at once; another client polls every {PAUSE} s.\n\n" + table(
        ("images, px", "Retry-After, s", "admitted after, s", "Retry-After / wait"), rows
    )


def _cells(figures: tuple[int, float] | None) -> tuple[str, str, str]:
    if figures is None:
        return "never rejected", "-", "-"
    promised, waited = figures
    return str(promised), f"{waited:.1f}", f"{promised / waited:.2f}"


def _try_again(url: str, files: Sequence[bytes], small: bytes) -> tuple[int, float] | None:
    """Return the first Retry-After and the wait from then until admission, in s; None if never rejected."""
    with ThreadPoolExecutor(len(files)) as threads, httpx.Client(base_url=url, timeout=300) as client:
        filling = [threads.submit(upscale, client, file) for file in files]
        time.sleep(HEAD_START)
        rejection = None
        begin = time.monotonic()
        while time.monotonic() < begin + MAX_WAIT:
            asked = time.monotonic()
            response = post(client, small)
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                rejection = rejection or (int(response.headers["Retry-After"]), asked)
            elif rejection is not None or all(each.done() for each in filling):
                break
            time.sleep(PAUSE)
    if rejection is None:
        return None
    promised, since = rejection
    return promised, asked - since
