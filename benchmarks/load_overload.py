"""A minute at twice the capacity: the service keeps its full throughput and rejects the excess with 429 at once.

An open load: requests start at fixed times, however slow the responses are. Half are image files, half JSON. The
capacity is measured before and after, because the speed of the machine may change.
"""

import statistics
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection

import numpy as np
from numpy.typing import NDArray

from benchmarks.children import NICE, child
from benchmarks.growth import growth_per_thousand
from benchmarks.inputs import as_file, as_message, photograph
from benchmarks.measuring import Target, say, table, target_list
from benchmarks.results import COMPARED
from benchmarks.service import BYTES, Service, running_service

MINUTE = 60.0  # s
CAPACITY_SECONDS, CAPACITY_CLIENTS = 15.0, 4  # of each measurement of the capacity
FACTOR = 2  # offered load / capacity
THREADS = 64  # client threads: more than the service has request slots, so that every request starts on time
MIN_GOODPUT = 90.0  # percent of the capacity
MAX_GROWTH = 10.0  # MB in the minute
SETTLED = 10.0  # s: earlier memory samples are ignored

JSON = "application/json"
Body = tuple[bytes, str]  # content, content type


@dataclass(frozen=True)
class Capacity:
    """Requests answered in a closed loop: each of a few clients sends one request at a time."""

    answers: int
    seconds: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds


@dataclass(frozen=True)
class Answer:
    """The outcome of a request. `begun`: value of `time.monotonic()` when it was sent; `seconds`: its duration."""

    media_type: str
    status: int
    begun: float
    seconds: float


def measure() -> str:
    """The section in Markdown."""
    file = as_file(photograph(*COMPARED))
    bodies = [(file, BYTES), (as_message(file), JSON)]
    with running_service() as service, child(NICE) as process:
        say("the capacity")
        process.submit(_serve_all, service.url, bodies, 2.0).result()  # warm-up
        spent = [service.processor_seconds]
        before = process.submit(_serve_all, service.url, bodies, CAPACITY_SECONDS).result()
        spent.append(service.processor_seconds)
        say(f"{FACTOR} times {before.rate:.1f} requests per second")
        with _MemoryWatch(service) as memory:
            answers = process.submit(_offer, service.url, bodies, FACTOR * before.rate, MINUTE).result()
        spent.append(service.processor_seconds)
        say("the capacity again")
        after = process.submit(_serve_all, service.url, bodies, CAPACITY_SECONDS).result()
        spent.append(service.processor_seconds)
    growth = growth_per_thousand([each for each in memory.samples if each[0] >= SETTLED]) * MINUTE / 1000
    return _section((before, after), answers, np.diff(spent), growth)


def _section(
    capacities: tuple[Capacity, Capacity], answers: Sequence[Answer], spent: NDArray[np.float64], growth: float
) -> str:
    """Format the section. `spent`: processor time of the service in s, for capacity, minute and second capacity."""
    capacity = statistics.mean(each.rate for each in capacities)
    offered = FACTOR * capacities[0].rate
    begin = answers[0].begun
    late = max(each.begun - begin - number / offered for number, each in enumerate(answers))
    served = [answer for answer in answers if answer.status == HTTPStatus.OK]
    rejected = [answer for answer in answers if answer.status == HTTPStatus.TOO_MANY_REQUESTS]
    ends = [answer.begun + answer.seconds - begin for answer in served]
    in_the_minute = sum(end <= MINUTE for end in ends) / MINUTE
    # Until the first 429 the slots fill up, and work on unfinished requests is not visible in the answers. After it the
    # amount of unfinished work stays the same.
    full = min([MINUTE / 2, *(answer.begun - begin for answer in rejected)])
    goodput = sum(full < end <= MINUTE for end in ends) / (MINUTE - full)
    rows = [
        (
            f"capacity ({CAPACITY_CLIENTS} clients, each one request at a time), before and after",
            " and ".join(f"{each.rate:.2f}" for each in capacities) + " requests/s",
        ),
        ("offered", f"{offered:.2f} requests/s, each at most {late * 1000:.0f} ms late"),
        ("answered 200", f"{len(served)}, median {_median(served) * 1000:.0f} ms"),
        (f"answered 200 in the {MINUTE:.0f} s, per second", f"{100 * in_the_minute / capacity:.1f} % of the capacity"),
        ("rejected with 429", str(len(rejected))),
        (
            "processor time of the service per 200, at capacity and in the minute",
            f"{1000 * (spent[0] + spent[2]) / sum(each.answers for each in capacities):.0f}"
            f" and {1000 * spent[1] / max(1, len(served)):.0f} ms",
        ),
    ]
    for name, media_type in (("image files", BYTES), ("JSON", JSON)):
        times = [answer.seconds * 1000 for answer in rejected if answer.media_type == media_type]
        if times:
            text = f"median {np.median(times):.0f}, 95th percentile {np.percentile(times, 95):.0f} ms"
            rows.append((f"time to a 429, {name}", text))
    return (
        f"JPEGs of {COMPARED[1]} x {COMPARED[0]} px for {MINUTE:.0f} s, half of them in JSON.\n\n"
        + table(("what", "figure"), rows)
        + "\n"
        + target_list(
            (
                Target(
                    f"goodput, from the first 429 on ({full:.0f} s)",
                    100 * goodput / capacity,
                    MIN_GOODPUT,
                    "% of the capacity",
                    at_least=True,
                ),
                Target("neither 200 nor 429", len(answers) - len(served) - len(rejected), 0, "answers"),
                Target(f"memory growth in {MINUTE:.0f} s", growth, MAX_GROWTH, "MB"),
            )
        )
    )


def _median(answers: Sequence[Answer]) -> float:
    return statistics.median(answer.seconds for answer in answers) if answers else float("nan")


def _serve_all(url: str, bodies: Sequence[Body], seconds: float) -> Capacity:
    """Measure the capacity for `seconds`."""
    end = time.monotonic() + seconds

    def send_on(number: int) -> int:
        count = 0
        clients = _Clients(url)
        while time.monotonic() < end:
            count += clients.send(bodies[(number + count) % len(bodies)]).status == HTTPStatus.OK
        return count

    begin = time.monotonic()
    with ThreadPoolExecutor(CAPACITY_CLIENTS) as threads:
        count = sum(threads.map(send_on, range(CAPACITY_CLIENTS)))
    return Capacity(count, time.monotonic() - begin)


def _offer(url: str, bodies: Sequence[Body], rate: float, seconds: float) -> list[Answer]:
    """Send `rate` requests per second at fixed times."""
    begin = time.monotonic()
    clients = _Clients(url)
    with ThreadPoolExecutor(THREADS) as threads:
        sent = []
        for number in range(int(rate * seconds)):
            time.sleep(max(0.0, begin + number / rate - time.monotonic()))
            sent.append(threads.submit(clients.send, bodies[number % len(bodies)]))
        return [each.result() for each in sent]


class _Clients(threading.local):
    """One connection per thread. `http.client`, because HTTPX would take more processor time from the service."""

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(url.removeprefix("http://"), timeout=300)

    def send(self, body: Body) -> Answer:
        content, media_type = body
        begun = time.monotonic()
        self._connection.request("POST", "/upscale", content, {"Content-Type": media_type})
        response = self._connection.getresponse()
        response.read()
        return Answer(media_type, response.status, begun, time.monotonic() - begun)


class _MemoryWatch:
    """Samples the memory of a service twice a second within a `with` block. `samples`: (s since the start, MB)."""

    def __init__(self, service: Service) -> None:
        self.samples: list[tuple[float, float]] = []
        self._service = service
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "_MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        begin = time.monotonic()
        while not self._over.wait(0.5):
            self.samples.append((time.monotonic() - begin, self._service.resident))
