"""Probes a service from a process of its own: what the tests' process does can't slow it down."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic, sleep

PATHS = ("livez", "ping", "readyz", "metrics")
# Until its input ends, which it looks at between two rounds.
SCRIPT = """
import http.client, select, sys, time
port, *paths = sys.argv[1:]
print("begun", flush=True)
while not select.select([sys.stdin], [], [], 0.01)[0]:
    for path in paths:
        start = time.monotonic()
        try:
            client = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
            client.request("GET", f"/{path}")
            answer = client.getresponse()
            answer.read()
            client.close()
            status = answer.status
        except OSError:
            status = 0
        print(status, time.monotonic() - start)
"""


@dataclass
class Probes:
    """The statuses of all probes, 0 for none, and their seconds, in ascending order."""

    statuses: set[int] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)

    def check(self) -> None:
        """All were answered, most within 100 ms on a machine that is up to five times as slow as it should be."""
        assert self.statuses == {200}
        assert self.seconds[len(self.seconds) // 2] < 5 * 0.1, self.seconds
        assert self.seconds[-1] < 5, self.seconds


@contextlib.contextmanager
def probing(port: int, paths: Sequence[str] = PATHS) -> Iterator[Probes]:
    """Probe meanwhile, from the first probe on; the probes are there at the end."""
    probes = Probes()
    command = [sys.executable, "-c", SCRIPT, str(port), *paths]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline()  # it has begun
        yield probes
        output, _ = process.communicate("end", timeout=100)
    lines = [line.split() for line in output.splitlines()]
    probes.statuses = {int(status) for status, _ in lines}
    probes.seconds = sorted(float(seconds) for _, seconds in lines)


def probe(port: int, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> Probes:
    """Probe for so many seconds; `meanwhile` is called once in that time."""
    with probing(port) as probes:
        end = monotonic() + seconds
        meanwhile()
        sleep(max(0.0, end - monotonic()))
    return probes
