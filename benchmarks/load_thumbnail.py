"""Latency of a small image while a large one is enlarged: requests take turns tile by tile."""

import time
from concurrent.futures import Executor, Future

import httpx
import numpy as np

from benchmarks.children import NICE, child
from benchmarks.inputs import POSTER, as_file, photograph
from benchmarks.measuring import Target, say, table, target_list
from benchmarks.service import post, running_service, spans, upscale
from superscaling.settings import Settings

EDGE = 96  # px
ALONE = 40  # requests
MAX_TILES = 3  # tiles of the large image that a thumbnail may have to wait for
MAX_REQUESTS = 2000
PERCENTILE = 95


def measure() -> str:
    """The section in Markdown."""
    small, poster = as_file(photograph(EDGE, EDGE)), as_file(photograph(*POSTER))
    tile = as_file(photograph(Settings().tile, Settings().tile))
    with running_service(UPSCALER_TIMEOUT="600") as service, child(NICE) as one, child(NICE) as other:
        say("alone")
        for file in (small, tile):
            upscale(service.client, file)  # warm-up
        alone = _percentile([upscale(service.client, small)[1] for _ in range(ALONE)])
        a_tile = float(np.median([spans(post(service.client, tile).raise_for_status())["infer"] for _ in range(5)]))
        say("beside an image of 12 megapixels")
        beside, seconds = _beside(one, other, service.url, small, poster)
    limit = alone + MAX_TILES * a_tile
    figure = _percentile(beside)
    rows = [
        (f"{EDGE} x {EDGE} px alone, {PERCENTILE}th percentile", f"{alone:.0f} ms"),
        (f"one tile of {Settings().tile} px", f"{a_tile:.0f} ms"),
        (f"{EDGE} x {EDGE} px beside 12 megapixels, median", f"{np.median(beside):.0f} ms"),
        (f"the same, {PERCENTILE}th percentile of {len(beside)}", f"{figure:.0f} ms"),
        ("the 12 megapixels beside them", f"{seconds:.1f} s"),
    ]
    return (
        table(("what", "time"), rows)
        + "\n"
        + target_list([Target(f"beside 12 megapixels, {PERCENTILE}th percentile", figure, limit, "ms")])
    )


def _beside(one: Executor, other: Executor, url: str, small: bytes, poster: bytes) -> tuple[list[float], float]:
    """Return the times of the small images while the large one is processed (ms), and that of the large one (s)."""
    large: Future[float] = one.submit(_send, url, poster)
    time.sleep(1)  # until it is decoded
    beside: list[float] = []
    while not large.done() and len(beside) < MAX_REQUESTS:
        beside += other.submit(_send_some, url, small, 5).result()
    # The large image may have finished during the last batch.
    return beside[:-5] or beside, large.result() / 1000


def _send(url: str, file: bytes) -> float:
    with httpx.Client(base_url=url, timeout=600) as client:
        return upscale(client, file)[1]


def _send_some(url: str, file: bytes, count: int) -> list[float]:
    with httpx.Client(base_url=url, timeout=600) as client:
        return [upscale(client, file)[1] for _ in range(count)]


def _percentile(milliseconds: list[float]) -> float:
    return float(np.percentile(milliseconds, PERCENTILE))
