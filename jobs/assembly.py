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


def open_ledger(settings: Settings) -> Ledger:
    """Open the ledger in the settings' store.

    Raises:
        StoreUnavailable: the store can't be opened.
    """
    return Ledger(open_store(settings), settings.jobs_queue_pixels)


def build_steps(settings: Settings, parts: Assembly, ledger: Ledger) -> Steps:
    """Build what does the steps of jobs."""
    files = FileUpscaler(parts.models, parts.limits, settings.quality, parts.decoders)
    return Steps(ledger, files, settings.jobs_block_seconds)


def assemble_jobs(settings: Settings, parts: Assembly) -> Jobs | None:
    """Build what does jobs, unless the settings turn them off. Nothing runs yet."""
    if not settings.jobs_store:
        return None
    ledger = open_ledger(settings)
    if settings.broker:
        from jobs.engine_celery import CeleryEngine  # late: Celery is loaded only where there is a broker

        return Jobs(ledger, CeleryEngine(settings))
    return Jobs(ledger, EmbeddedEngine(ledger, build_steps(settings, parts, ledger)))
