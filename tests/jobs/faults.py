"""Ways to break a cluster."""

import contextlib
import random
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cluster import WORKERS, Cluster
from fleet import Worker

# Longer than the broker waits for a heartbeat, see `RabbitMQ`.
STOPPED_SECONDS = 10.0


class Faults:
    """Each way returns how many blocks may have to be made once more for it, at most."""

    KINDS = ("child", "worker", "all_workers", "service", "broker", "both", "frozen", "full", "gone")

    def __init__(self, cluster: Cluster, seed: int) -> None:
        self._cluster, self._chance = cluster, random.Random(seed)
        self.killed_key = f"{seed}-killed"  # of the request that is in progress when `service` kills that

    def child(self) -> int:
        self._any().kill_child()
        return 1

    def worker(self) -> int:
        worker = self._any()
        worker.kill()
        worker.start()
        return 1

    def all_workers(self) -> int:
        for worker in self._cluster.workers:
            worker.kill()
        for worker in self._cluster.workers:
            worker.start()
        return WORKERS

    def service(self) -> int:
        """While it takes a job; the test hands that in again."""
        service, picture = self._cluster.services[0], self._cluster.pictures[0]
        service.wait()
        with ThreadPoolExecutor() as pool:
            pool.submit(service.submit, self.killed_key, picture)
            time.sleep(self._chance.uniform(0, 0.1))
            service.kill()
        service.start()
        return 1

    def broker(self) -> int:
        self._cluster.broker.kill()
        time.sleep(self._chance.uniform(0, 1))
        self._cluster.broker.start()
        return WORKERS

    def both(self) -> int:
        worker = self._any()
        worker.kill()
        self._cluster.broker.kill()
        worker.start()
        self._cluster.broker.start()
        return WORKERS + 1

    def frozen(self) -> int:
        """For longer than the broker waits: others are given its block meanwhile."""
        worker = self._any()
        worker.signal(signal.SIGSTOP)
        time.sleep(STOPPED_SECONDS)
        worker.signal(signal.SIGCONT)
        return 2

    def full(self) -> int:
        """The store's file system is full for a while; where none may be mounted, the store is gone once more."""
        if not self._cluster.is_mounted:
            return self.gone()
        filler = self._cluster.volume / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 20))
        time.sleep(self._chance.uniform(1, 3))
        filler.unlink()
        return WORKERS

    def gone(self) -> int:
        """The store's file system is not there for a while. (What starts meanwhile would take an empty one.)"""
        self._cluster.wait()
        store = Path(self._cluster.settings.jobs_store)
        store.rename(away := store.with_name("away"))
        time.sleep(self._chance.uniform(0.5, 2))
        if store.exists():
            shutil.rmtree(store)
        away.rename(store)
        return WORKERS

    def _any(self) -> Worker:
        return self._chance.choice(self._cluster.workers)
