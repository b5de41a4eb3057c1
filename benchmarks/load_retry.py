"""Whether `Retry-After` tells the truth: how long a refused client has to wait until it is let in.

The places are filled with pictures; one client asks again and again until it is let in. Refusals cost next to nothing.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from benchmarks.children import NICE, child
from benchmarks.inputs import as_file, photograph
from benchmarks.measuring import say, table
from benchmarks.service import post, running_service, upscale

PLACES = 4
EDGES = (400, 600, 800)  # px: of the pictures that fill the places, in one round each
SMALL = 64  # px
HEAD_START = 0.5  # s that the pictures have to take their places
PAUSE = 0.1  # s between two tries
LONGEST = 120.0  # s


def measure() -> str:
    """The section in Markdown."""
    small = as_file(photograph(SMALL, SMALL))
    rows = []
    with running_service(UPSCALER_MAX_REQUESTS=str(PLACES)) as service, child(NICE) as process:
        for _ in range(3):
            upscale(service.client, as_file(photograph(EDGES[0], EDGES[0])))  # so that it knows what one takes
        for edge in EDGES:
            say(f"{PLACES} pictures of {edge} x {edge} px")
            files = [as_file(photograph(edge, edge, seed)) for seed in range(PLACES)]
            figures = process.submit(_try_again, service.url, files, small).result()
            rows.append((f"{edge} x {edge}", *_cells(figures)))
    return (
        f"{PLACES} places are filled with pictures at the same moment; a further client comes back every {PAUSE} s.\n\n"
        + table(("pictures, px", "Retry-After, s", "let in after, s", "Retry-After / wait"), rows)
    )


def _cells(figures: tuple[int, float] | None) -> tuple[str, str, str]:
    if figures is None:
        return "never refused", "-", "-"
    promised, waited = figures
    return str(promised), f"{waited:.1f}", f"{promised / waited:.2f}"


def _try_again(url: str, files: Sequence[bytes], small: bytes) -> tuple[int, float] | None:
    """The first Retry-After, and the seconds from then until the client was let in; None: it never was refused."""
    with ThreadPoolExecutor(len(files)) as threads, httpx.Client(base_url=url, timeout=300) as client:
        filling = [threads.submit(upscale, client, file) for file in files]
        time.sleep(HEAD_START)
        refusal = None
        begin = time.monotonic()
        while time.monotonic() < begin + LONGEST:
            asked = time.monotonic()
            response = post(client, small)
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                refusal = refusal or (int(response.headers["Retry-After"]), asked)
            elif refusal is not None or all(each.done() for each in filling):
                break
            time.sleep(PAUSE)
    if refusal is None:
        return None
    promised, since = refusal
    return promised, asked - since
