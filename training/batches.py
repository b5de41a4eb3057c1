"""Batches of training patches, made beside the training.

Processes make examples (`examples`); a thread collects them in a pool and cuts small patches out of it at random
places. An example serves for several patches before a new one takes its place: degrading is dearer than cutting.
"""

import queue
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, cast

import numpy as np

from training.degradation import Pixels
from training.errors import TrainingError
from training.examples import CHECKSUM, LOW_EDGE, ExampleOptions, unpacked

ROOT = Path(__file__).resolve().parent.parent
READY = 4  # takes that wait
WAITING = 32  # examples per process that wait to come into the pool
PATIENCE = 60  # s until no batch means that something has failed


@dataclass(frozen=True)
class BatchOptions:
    """Dimensions of a batch and of what it is cut from."""

    together: int  # batches that are taken at a time
    size: int  # patches per batch
    edge: int  # px of a small patch, at most LOW_EDGE
    pool: int  # examples in the pool (138 kB each for x2)
    reuse: int  # patches that an example serves for on average
    workers: int  # processes


class Batches:
    """An endless supply of batches, until it is closed.

    The first examples of a run depend on the seed only; in which order the processes deliver does not, so that two runs
    of the same seed are alike, not equal.

    Args:
        patches_file: photographs' patches, as `numpy.save` writes them; see `make_examples`.
        examples: what the examples are like; each process has a seed of its own.
        options: dimensions.
    """

    def __init__(self, patches_file: Path, examples: ExampleOptions, options: BatchOptions) -> None:
        self._options, self._scale = options, examples.scale
        self._random = np.random.default_rng(examples.seed)
        self._low = np.empty((options.pool, LOW_EDGE, LOW_EDGE, 3), np.uint8)
        self._high = np.empty((options.pool, LOW_EDGE * self._scale, LOW_EDGE * self._scale, 3), np.uint8)
        self._arrivals: queue.Queue[bytes] = queue.Queue(WAITING * options.workers)
        self._batches: queue.Queue[tuple[Pixels, Pixels]] = queue.Queue(READY)
        self._closed = False
        self._starting = threading.Lock()  # of processes, which `close` must not miss
        self._processes = list[subprocess.Popen[bytes]]()
        for seed in np.random.SeedSequence(examples.seed).generate_state(options.workers).tolist():
            threading.Thread(target=self._receive, args=(patches_file, examples, seed), daemon=True).start()
        threading.Thread(target=self._cut_batches, daemon=True).start()

    def take(self) -> tuple[Pixels, Pixels]:
        """The next batches: small patches (together, size, edge, edge, 3) and sharp ones, with edge * scale for edge.

        Raises:
            TrainingError: the processes make no more examples.
        """
        try:
            return self._batches.get(timeout=PATIENCE)
        except queue.Empty:
            ended = [process.returncode for process in self._processes if process.poll() is not None]
            raise TrainingError(f"no example came in {PATIENCE} s; processes ended with {ended}") from None

    def close(self) -> None:
        """End the processes."""
        with self._starting:
            self._closed = True
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait()

    def _receive(self, patches_file: Path, examples: ExampleOptions, seed: int) -> None:
        """Hand on what one process makes. Where its stream is broken, another one goes on with the next seed."""
        record = CHECKSUM + self._low[0].nbytes + self._high[0].nbytes
        while True:
            own = replace(examples, seed=seed).to_json()
            command = [sys.executable, "-m", "training.examples", str(patches_file.resolve()), own]
            with self._starting:
                if self._closed:
                    return
                process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
                self._processes.append(process)
            pipe = cast(IO[bytes], process.stdout)
            while len(data := pipe.read(record)) == record and (example := unpacked(data)) is not None:
                self._arrivals.put(example)
            if len(data) < record:
                return  # it ended: `take` says so, if nobody wanted it to
            process.kill()
            seed += 1

    def _cut_batches(self) -> None:
        """Fill the pool, and cut batches out of it."""
        options, filled, due = self._options, 0, 0.0
        while not self._closed:
            due += options.together * options.size / options.reuse
            # A pool that is not full takes whatever has come.
            while due >= 1 or filled < options.pool:
                try:
                    # Wait only while there is too little to begin with. Later, examples that are late must not hold
                    # up the training: the pool just serves a little longer.
                    data = self._arrivals.get(block=filled < options.size, timeout=1)
                except queue.Empty:
                    if self._closed or filled >= options.size:
                        break
                    continue
                # A full pool forgets its oldest.
                self._store(filled % options.pool, data)
                filled, due = filled + 1, max(due - 1, 0)
            batches = self._cut(min(filled, options.pool))
            while not self._closed:
                try:
                    self._batches.put(batches, timeout=1)
                    break
                except queue.Full:
                    continue

    def _store(self, place: int, data: bytes) -> None:
        """Put an example into the pool."""
        low = self._low[place]
        low[:] = np.frombuffer(data, np.uint8, low.size).reshape(low.shape)
        high = self._high[place]
        high[:] = np.frombuffer(data, np.uint8, high.size, low.size).reshape(high.shape)

    def _cut(self, examples: int) -> tuple[Pixels, Pixels]:
        """Cut what is taken at a time out of the pool's first `examples`."""
        together, edge, scale = self._options.together, self._options.edge, self._scale
        size = together * self._options.size
        low = np.empty((size, edge, edge, 3), np.uint8)
        high = np.empty((size, edge * scale, edge * scale, 3), np.uint8)
        chosen = self._random.integers(examples, size=size)
        for place, (example, (y, x)) in enumerate(
            zip(chosen, self._random.integers(LOW_EDGE - edge + 1, size=(size, 2)), strict=True)
        ):
            low[place] = self._low[example, y : y + edge, x : x + edge]
            high[place] = self._high[example, y * scale : (y + edge) * scale, x * scale : (x + edge) * scale]
        return low.reshape(together, -1, *low.shape[1:]), high.reshape(together, -1, *high.shape[1:])
