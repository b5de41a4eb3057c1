"""The composition root of jobs."""

from dataclasses import dataclass
from pathlib import Path

from jobs.directory_store import DirectoryStore
from jobs.engine import JobEngine
from jobs.engine_embedded import EmbeddedEngine
from jobs.gigantic import GiganticSteps
from jobs.gigantic_files import GiganticFiles, GiganticLimits
from jobs.ledger import Ledger
from jobs.steps import Steps
from jobs.store import Store
from superscaling.assembly import Assembly
from superscaling.enlarging import FileUpscaler
from superscaling.settings import Settings


@dataclass(frozen=True)
class Jobs:
    """What the service needs to take jobs. `gigantic`: inspects pictures that are not done in memory."""

    ledger: Ledger
    engine: JobEngine
    gigantic: GiganticFiles


def open_store(settings: Settings) -> Store:
    """Open the store that the settings name, which is not empty.

    Raises:
        StoreUnavailable: it can't be.
    """
    return DirectoryStore(Path(settings.jobs_store))


def assemble_jobs(settings: Settings, parts: Assembly) -> Jobs | None:
    """Build what does jobs, unless the settings turn them off. Nothing runs yet."""
    if not settings.jobs_store:
        return None
    ledger = Ledger(open_store(settings), settings.jobs_queue_pixels)
    files = FileUpscaler(parts.models, parts.limits, settings.quality, parts.decoders)
    limits = GiganticLimits(settings.jobs_max_pixels, settings.jobs_max_result_pixels, settings.max_pixels)
    gigantic = GiganticFiles(parts.models, limits)
    seconds = settings.jobs_block_seconds
    steps = Steps(ledger, files, seconds, GiganticSteps(ledger, gigantic, settings.quality, seconds))
    return Jobs(ledger, EmbeddedEngine(ledger, steps), gigantic)
