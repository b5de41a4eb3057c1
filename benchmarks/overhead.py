"""Overhead of HTTP, base64 and codecs: whole requests against the bare network, in turns.

One client, one request at a time. The bare network is the service's upscaler (same model, precision and tiles) in this
process. Only one of the two computes at a time.
"""

import base64
import io
import statistics
import time
from collections.abc import Callable

import numpy as np
from PIL import Image

from benchmarks.inputs import as_file, as_message, photograph
from benchmarks.measuring import Target, say, table, target_list
from benchmarks.networks import DEFAULT
from benchmarks.results import COMPARED
from benchmarks.service import Service, post, running_service, spans
from evaluation.enlargers import of_model
from superscaling.settings import Settings

ROUNDS = 30
FORMS = ("image file", "JSON with base64")
MAX_MILLISECONDS, MAX_SHARE = 10.0, 0.05  # allowed overhead: this, plus this share of the network's time


def measure() -> str:
    """The section in Markdown."""
    file = as_file(photograph(*COMPARED))
    pixels = np.asarray(Image.open(io.BytesIO(file)))
    bare = of_model(DEFAULT, ["openvino"])[-1]
    spent: dict[str, list[float]] = {}
    with running_service() as service:
        calls: dict[str, Callable[[], object]] = {
            bare.name: lambda: bare.enlarge(pixels),
            FORMS[0]: lambda: _post_file(service, file, spent),
            FORMS[1]: lambda: _post_message(service, file),
        }
        times = _take_turns(calls)
    network = times.pop(bare.name)
    limit = MAX_MILLISECONDS + MAX_SHARE * network
    rows = [(name, f"{each:.1f}", f"{network:.1f}", f"{each - network:.1f}") for name, each in times.items()]
    inside = ", ".join(f"{name} {statistics.median(each):.1f}" for name, each in spent.items())
    return (
        f"A JPEG of {COMPARED[1]} x {COMPARED[0]} px, answered as JPEG of quality {Settings().quality};"
        f" medians of {ROUNDS}, in ms.\n\n"
        + table(("request", "total", f"bare {bare.name}", "overhead"), rows)
        + f"\nWithin the service (Server-Timing): {inside}.\n\n"
        + target_list(Target(f"overhead, {name}", each - network, limit, "ms") for name, each in times.items())
    )


def _take_turns(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median time of each call in ms; the first round is a warm-up."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(ROUNDS + 1):
        if turn % 10 == 0:
            say(f"requests and bare network, round {turn} of {ROUNDS}")
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if turn:
                times[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(each) for name, each in times.items()}


def _post_message(service: Service, file: bytes) -> None:
    """Send JSON; encoding and decoding base64 count, as a client has to do both."""
    response = post(service.client, as_message(file), "application/json").raise_for_status()
    base64.b64decode(response.json()["imageBase64"])


def _post_file(service: Service, file: bytes, spent: dict[str, list[float]]) -> None:
    response = post(service.client, file).raise_for_status()
    for name, milliseconds in spans(response).items():
        spent.setdefault(name, []).append(milliseconds)
