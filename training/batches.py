"""Batches of training patches, made in parallel to the training.

Child processes (`training.examples`) make examples. A thread collects them in a pool and cuts patches out of it at
random places. Each example serves for several patches, because degrading costs more than cutting.
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
READY = 4  # calls of `take` for which batches are kept ready
QUEUED = 32  # examples per process in the queue before the pool
TIMEOUT = 60  # s that `take` waits for a batch


@dataclass(frozen=True)
class BatchOptions:
    """Sizes of batches and of the pool."""

    together: int  # batches per call of `take`
    size: int  # patches per batch
    edge: int  # edge of a low-resolution patch in px, at most LOW_EDGE
    pool: int  # examples in the pool (138 kB each for x2)
    reuse: int  # patches cut from an example, on average
    workers: int  # processes


class Batches:
    """An endless supply of batches, until it is closed.

    Not reproducible: the seed decides what each process makes, but not the order in which the processes deliver.

    Args:
        patches_file: photograph patches (n, LOW_EDGE * scale, LOW_EDGE * scale, 3), uint8, written by `numpy.save`.
        examples: how examples are made. Each process has its own seed, derived from this one.
        options: sizes.
    """

    def __init__(self, patches_file: Path, examples: ExampleOptions, options: BatchOptions) -> None:
        self._options, self._scale = options, examples.scale
        self._random = np.random.default_rng(examples.seed)
        self._low = np.empty((options.pool, LOW_EDGE, LOW_EDGE, 3), np.uint8)
        self._high = np.empty((options.pool, LOW_EDGE * self._scale, LOW_EDGE * self._scale, 3), np.uint8)
        self._arrivals: queue.Queue[bytes] = queue.Queue(QUEUED * options.workers)
        self._batches: queue.Queue[tuple[Pixels, Pixels]] = queue.Queue(READY)
        self._closed = False
        self._starting = threading.Lock()  # held while a process starts, so that `close` does not miss it
        self._processes = list[subprocess.Popen[bytes]]()
        for seed in np.random.SeedSequence(examples.seed).generate_state(options.workers).tolist():
            threading.Thread(target=self._receive, args=(patches_file, examples, seed), daemon=True).start()
        threading.Thread(target=self._cut_batches, daemon=True).start()

    def take(self) -> tuple[Pixels, Pixels]:
        """Return the next batches, uint8.

        Returns:
            Low-resolution patches (together, size, edge, edge, 3) and their originals, with edge * scale for edge.

        Raises:
            TrainingError: there was no batch within `TIMEOUT` s.
        """
        try:
            return self._batches.get(timeout=TIMEOUT)
        except queue.Empty:
            ended = [process.returncode for process in self._processes if process.poll() is not None]
            raise TrainingError(f"no batch within {TIMEOUT} s; exit statuses of ended processes: {ended}") from None

    def close(self) -> None:
        """Stop the processes."""
        with self._starting:
            self._closed = True
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait()

    def _receive(self, patches_file: Path, examples: ExampleOptions, seed: int) -> None:
        """Queue the examples of one process. If its stream is corrupt, replace it by one with the next seed."""
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
                return  # the process ended; `take` reports it
            process.kill()
            seed += 1

    def _cut_batches(self) -> None:
        """Fill the pool and cut batches out of it, in a thread."""
        options, filled, due = self._options, 0, 0.0
        while not self._closed:
            due += options.together * options.size / options.reuse
            # A pool that is not full takes whatever has arrived.
            while due >= 1 or filled < options.pool:
                try:
                    # Wait only until there are enough examples to begin. Later, slow processes must not hold up the
                    # training: examples are reused more often instead.
                    data = self._arrivals.get(block=filled < options.size, timeout=1)
                except queue.Empty:
                    if self._closed or filled >= options.size:
                        break
                    continue
                # A full pool replaces its oldest example.
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
        """Cut batches for one call of `take` out of the first `examples` of the pool."""
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
