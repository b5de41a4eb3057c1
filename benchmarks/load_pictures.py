"""Many concurrent clients with distinct images: every response must have the right pixels, and none is rejected."""

import io
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import numpy as np
from PIL import Image

from benchmarks.children import NICE, child
from benchmarks.inputs import as_file, photograph
from benchmarks.measuring import Target, say, table, target_list
from benchmarks.networks import DEFAULT
from benchmarks.service import post, running_service
from evaluation.enlargers import of_model
from evaluation.metrics import Pixels

CLIENTS = 64
ROUNDS = 3
HEIGHT, WIDTH = 100, 180  # px of the first image; each has a different size

Answer = tuple[int, int, float]  # status, number of wrong values (-1: wrong size or no image), seconds


def measure() -> str:
    """The section in Markdown."""
    say("expected results")
    enlarge = of_model(DEFAULT, ["openvino"])[-1].enlarge
    pictures = [photograph(HEIGHT + number, WIDTH - number, seed=number) for number in range(CLIENTS)]
    files = [as_file(pixels, "PNG") for pixels in pictures]
    expected = [enlarge(pixels) for pixels in pictures]
    say(f"{CLIENTS} clients")
    with running_service(UPSCALER_MAX_REQUESTS=str(CLIENTS), UPSCALER_QUEUE_PIXELS="100000000") as service:
        with child(NICE) as process:
            answers = process.submit(_send_all, service.url, files, expected).result()
        peak = service.peak_resident
    failed = sum(status != httpx.codes.OK for status, _, _ in answers)
    wrong = sum(status == httpx.codes.OK and differing != 0 for status, differing, _ in answers)
    rows = [
        ("answers", str(len(answers))),
        ("median time, s", f"{np.median([seconds for *_, seconds in answers]):.2f}"),
        ("longest time, s", f"{max(seconds for *_, seconds in answers):.2f}"),
        ("peak memory of the service, MB", f"{peak:.0f}"),
    ]
    return (
        f"{CLIENTS} concurrent clients with distinct PNGs of about {WIDTH} x {HEIGHT} px, {ROUNDS} requests each."
        " Every answer is compared with the result of the bare network.\n\n"
        + table(("what", "figure"), rows)
        + "\n"
        + target_list(
            (
                Target("answers with wrong pixels", wrong, 0, "answers"),
                Target("requests without a 200", failed, 0, "requests"),
            )
        )
    )


def _send_all(url: str, files: Sequence[bytes], expected: Sequence[Pixels]) -> list[Answer]:
    """Run one thread per client; all start together."""
    barrier = Barrier(len(files), timeout=60)

    def send(file: bytes, wanted: Pixels) -> list[Answer]:
        with httpx.Client(base_url=url, timeout=300) as client:
            barrier.wait()
            return [_send(client, file, wanted) for _ in range(ROUNDS)]

    with ThreadPoolExecutor(len(files)) as threads:
        return [answer for of_one in threads.map(send, files, expected) for answer in of_one]


def _send(client: httpx.Client, file: bytes, wanted: Pixels) -> Answer:
    start = time.perf_counter()
    response = post(client, file)
    seconds = time.perf_counter() - start
    return response.status_code, differing_values(response.content, wanted) if response.is_success else -1, seconds


def differing_values(file: bytes, wanted: Pixels) -> int:
    """Count the values of an image file that differ from `wanted`; -1 if the size differs."""
    pixels = np.asarray(Image.open(io.BytesIO(file)))
    return int((pixels != wanted).sum()) if pixels.shape == wanted.shape else -1
