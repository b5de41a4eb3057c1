"""Probes a service from a process of its own: what the tests' process does can't slow it down."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

PATHS = ("livez", "ping", "readyz", "metrics")
SCRIPT = """
import http.client, sys, time
port, seconds, *paths = sys.argv[1:]
end = time.monotonic() + float(seconds)
while time.monotonic() < end:
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
    time.sleep(0.01)
"""


@dataclass(frozen=True)
class Probes:
    """The statuses of all probes, 0 for none, and their seconds, in ascending order."""

    statuses: set[int]
    seconds: list[float]

    def check(self) -> None:
        """All were answered, most within 100 ms on a machine that is up to five times as slow as it should be."""
        assert self.statuses == {200}
        assert self.seconds[len(self.seconds) // 2] < 5 * 0.1, self.seconds
        assert self.seconds[-1] < 5, self.seconds


def probe(port: int, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> Probes:
    """Probe for so many seconds; `meanwhile` is called once in that time."""
    command = [sys.executable, "-c", SCRIPT, str(port), str(seconds), *PATHS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        meanwhile()
        output, _ = process.communicate(timeout=60)
    lines = [line.split() for line in output.splitlines()]
    return Probes({int(status) for status, _ in lines}, sorted(float(seconds) for _, seconds in lines))
