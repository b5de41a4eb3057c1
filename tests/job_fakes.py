"""A store with jobs, and workers of a fake network, whose tiles tests can watch, hold up and let fail."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from conftest import encoded
from fakes import models_with, noise, patience, upscaler_with
from numpy.typing import NDArray

from jobs.acceptance import accept, add
from jobs.directory_store import DirectoryStore
from jobs.ids import new_id
from jobs.ledger import Ledger
from jobs.records import End, Job
from jobs.steps import Steps
from jobs.store import Store
from message_protocol import UpscaleInput
from resource_upscale import ResourceUpscale
from superscaling.enlarging import FileUpscaler
from superscaling.format_name import FormatName
from superscaling.geometry import Cost
from superscaling.isolation import InThisProcess
from superscaling.pictures import Limits
from superscaling.scheduling import Admission, Speed

LIMITS = Limits(10**6, 10)
IMAGE = encoded(noise(40, 52))
# So long a tile of the fake engine takes, as if it had been measured.
TILE_SECONDS = 1.0
TILE_WORK = Cost.of_window(18, 18).work


class KnownSpeed(Speed):
    """Is the same on every machine."""

    def learn(self, window: Cost, seconds: float, is_new_shape: bool) -> None:
        """It is known."""


class Fleet:
    """A store with jobs, and any number of workers that run steps."""

    def __init__(self, root: Path) -> None:
        self.ledger = Ledger(DirectoryStore(root), 10**9)
        self.failure: BaseException | None = None
        self.tiles = 0
        self.before_tile: Callable[[], None] = lambda: None
        self.admission = Admission(10**6)

    def worker(self, block_seconds: float = 3 * TILE_SECONDS) -> Steps:
        """A process with nothing in its memory."""
        upscaler = upscaler_with(self._before_tile, tile=16)
        upscaler._trusted = True
        upscaler._speed = KnownSpeed(TILE_SECONDS / TILE_WORK)
        self.models = models_with(upscaler)
        files = FileUpscaler(self.models, LIMITS, 92, InThisProcess())
        return Steps(self.ledger, files, block_seconds, self.admission)

    def submit(self, image: bytes = IMAGE, *, is_accepted: bool = True) -> str:
        options = UpscaleInput.from_bytes(image, {}).asked
        job = Job(new_id(), "", 0.0, options, "queue", FormatName.PNG, 1, request_id="from-the-client")
        add(self.ledger, job, image)
        if is_accepted:
            accept(self.ledger, job.id)
        return job.id

    def expected(self, image: bytes = IMAGE) -> bytes:
        resource = ResourceUpscale(self.models, Admission(10**6), LIMITS, 92, InThisProcess())
        return resource.main(UpscaleInput.from_bytes(image, {}), *patience()).image

    def end(self, job_id: str) -> End:
        end = self.ledger.end(job_id)
        assert end is not None
        return end

    def result(self, job_id: str) -> bytes:
        return self.ledger.store.get(f"jobs/{job_id}/result")

    def _before_tile(self, batch: NDArray[np.float32]) -> None:
        self.tiles += 1
        self.before_tile()
        if self.failure is not None:
            raise self.failure


def count_requests(store: Store) -> list[str]:
    """The requests that a store gets from now on."""
    requests = list[str]()

    def counted(name: str, method: Callable[..., object]) -> Callable[..., object]:
        def request(*args: object, **keywords: object) -> object:
            requests.append(f"{name} {args[0]}")
            return method(*args, **keywords)

        return request

    for name in ("put", "create", "get", "read", "size", "fetch", "keys", "delete"):
        setattr(store, name, counted(name, getattr(store, name)))
    return requests
