"""A chapter of a comic through HTTP, as a reader sends it: each page as a form, by one address for all.

The bare network is the service's upscaler (same model, precision and tiles) in this process, and takes turns with the
requests, page by page. Only one of the two computes at a time.
"""

import io
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import numpy as np
from PIL import Image

from benchmarks.children import NICE, child
from benchmarks.comic_pages import HEIGHT, WIDTH, draw_page
from benchmarks.inputs import as_file
from benchmarks.measuring import Target, say, table, target_list
from benchmarks.networks import ANIME_VIDEO, OWN, served_network, upscaler_of
from benchmarks.service import Service, running_service
from evaluation.errors import MeasurementError
from superscaling.enlarging import Upscaler
from superscaling.scheduling import Deadline, Timings
from superscaling.settings import Settings

PAGES = 20
MODELS = (ANIME_VIDEO, OWN[0])
AT_ONCE = 2  # pages that a reader loads side by side
READER_SECONDS = 30.0  # for which a reader waits for a page


@dataclass(frozen=True)
class Reading:
    """A chapter that was read. `pages`: seconds for each; `chapter`: for all of them."""

    pages: Sequence[float]
    chapter: float


def measure() -> str:
    """The section in Markdown."""
    say(f"drawing {PAGES} pages")
    files = [as_file(draw_page(number)) for number in range(PAGES)]
    networks = {name: served_network(name) for name in MODELS}
    rows, targets = [], []
    settings = {"UPSCALER_MODEL": MODELS[0], "UPSCALER_MODELS": ",".join(MODELS[1:]), "UPSCALER_TIMEOUT": "600"}
    with running_service(**settings) as service:
        for name, network in networks.items():
            engine = network.open(network.served or network.precisions[0])
            bare, single = _in_turns(service, name, upscaler_of(engine, engine.facts.tile_edge(Settings().tile)), files)
            say(f"{name}, {AT_ONCE} pages at once")
            with child(NICE) as process:
                several = process.submit(_read_chapter, service.url, name, files).result()
            alone = sum(bare)
            for way, reading in (("one after the other", single), (f"{AT_ONCE} at once", several)):
                cells = (statistics.median(reading.pages), max(reading.pages), reading.chapter, alone)
                ratio = reading.chapter / alone
                rows.append((name, engine.facts.precision, way, *(f"{each:.2f}" for each in cells), f"{ratio:.2f}"))
                targets.append(Target(f"slowest page by {name}, {way}", max(reading.pages), READER_SECONDS, "s"))
    head = ("model", "precision", "sent", "page, s", "slowest, s", "chapter, s", "bare network, s", "ratio")
    return (
        f"{PAGES} pages of {WIDTH} x {HEIGHT} px with line art, screentone and lettering, as JPEGs; each is sent as a"
        " form and answered as a JPEG of twice its width and height. Page: the median. The bare network enlarges the"
        " same pages; the ratio is the chapter's time to its.\n\n" + table(head, rows) + "\n" + target_list(targets)
    )


def _in_turns(service: Service, model: str, upscaler: Upscaler, files: Sequence[bytes]) -> tuple[list[float], Reading]:
    """Seconds of the bare network for each page, and the pages sent one after the other; a first turn warms up."""
    bare, pages = [], []
    for number, file in enumerate((files[0], *files)):
        if number % 5 == 0:
            say(f"{model}, page {number} of {len(files)}")
        pixels = np.asarray(Image.open(io.BytesIO(file)))
        start = time.perf_counter()
        upscaler.enlarge(pixels, Deadline(), Timings())
        bare.append(time.perf_counter() - start)
        pages.append(_read_page(service.client, model, file))
    return bare[1:], Reading(pages[1:], sum(pages[1:]))


def _read_chapter(url: str, model: str, files: Sequence[bytes]) -> Reading:
    """Send `AT_ONCE` pages at a time."""
    with httpx.Client(base_url=url, timeout=600) as client, ThreadPoolExecutor(AT_ONCE) as threads:
        begin = time.perf_counter()
        pages = list(threads.map(lambda file: _read_page(client, model, file), files))
        return Reading(pages, time.perf_counter() - begin)


def _read_page(client: httpx.Client, model: str, file: bytes) -> float:
    """Send a page as Suwayomi does; returns the seconds until all of its answer is there.

    Raises:
        MeasurementError: the page came back as it was.
    """
    target = f"/upscale?onError=original&model={model}"
    start = time.perf_counter()
    response = client.post(target, files={"image": ("page.jpg", file, "image/jpeg")}).raise_for_status()
    seconds = time.perf_counter() - start
    if "X-Result-Width" not in response.headers:
        raise MeasurementError(f"a page was not enlarged: {response.headers.get('X-Upscaler-Notes')}")
    return seconds
