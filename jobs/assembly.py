"""The composition root of jobs."""

from dataclasses import dataclass
from pathlib import Path

from jobs.directory_store import DirectoryStore
from jobs.engine import JobEngine
from jobs.engine_embedded import EmbeddedEngine
from jobs.ledger import Ledger
from jobs.steps import Steps
from jobs.store import Store
from superscaling.assembly import Assembly
from superscaling.enlarging import FileUpscaler
from superscaling.settings import Settings


@dataclass(frozen=True)
class Jobs:
    """What the service needs to take jobs."""

    ledger: Ledger
    engine: JobEngine


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
    return Jobs(ledger, EmbeddedEngine(ledger, assemble_steps(settings, parts, ledger)))


def assemble_steps(settings: Settings, parts: Assembly, ledger: Ledger) -> Steps:
    """Build what does the steps of jobs, one at a time, in this process."""
    files = FileUpscaler(parts.models, parts.limits, settings.quality, parts.decoders)
    return Steps(ledger, files, settings.jobs_block_seconds, parts.admission)
