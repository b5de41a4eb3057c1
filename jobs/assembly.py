"""The composition root of jobs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jobs.directory_store import DirectoryStore
from jobs.engine import JobEngine
from jobs.engine_embedded import EmbeddedEngine
from jobs.gigantic import GiganticSteps
from jobs.gigantic_files import GiganticFiles, GiganticLimits
from jobs.housekeeping import Housekeeping
from jobs.keeping import Keeping
from jobs.ledger import Ledger, Status
from jobs.steps import Steps
from jobs.store import Store
from jobs.webhooks import Webhooks
from message_protocol import JobOutput
from outbound.hosts import HostList
from outbound.outlet import Outlet
from superscaling.assembly import Assembly
from superscaling.settings import Settings, invalid


@dataclass(frozen=True)
class Jobs:
    """What the service needs to take jobs. `gigantic`: inspects pictures that are not done in memory."""

    ledger: Ledger
    engine: JobEngine
    gigantic: GiganticFiles


def open_store(settings: Settings) -> Store:
    """The store that the settings name, which is not empty. One that can't be reached is logged, and tried later."""
    if settings.jobs_store.startswith("s3://"):
        from jobs.s3_store import S3Store  # late: obstore is large, and not to be taken through a fork

        return S3Store(settings.jobs_store)
    return DirectoryStore(Path(settings.jobs_store))


def assemble_housekeeping(settings: Settings, ledger: Ledger, describe: Callable[[Status], JobOutput]) -> Housekeeping:
    """Build what keeps the store in order, and delivers webhooks.

    Args:
        settings: how long, and where to.
        ledger: of the store.
        describe: what a webhook says of a job.

    Raises:
        SettingInvalid: webhooks are allowed, but there is no secret to sign them with; or a host can be none.
    """
    if settings.webhook_hosts and settings.webhook_secret_file is None:
        raise invalid("webhook_secret_file", "", "must name a file, as webhooks are allowed, and have to be signed")
    outlet = Outlet(HostList("webhook_hosts", settings.webhook_hosts), settings.private_networks)
    webhooks = Webhooks(ledger, outlet, settings.webhook_secret_file, describe)
    return Housekeeping(ledger, settings.jobs_keep * 3600, webhooks)


def open_ledger(settings: Settings) -> Ledger:
    """The ledger in the settings' store."""
    return Ledger(open_store(settings), settings.jobs_queue_pixels)


def assemble_keeping(settings: Settings, ledger: Ledger) -> Keeping | None:
    """Build what keeps results of requests, unless the settings turn that off."""
    if not settings.keep_minutes:
        return None
    return Keeping(ledger, settings.keep_minutes * 60, settings.keep_bytes)


def build_steps(settings: Settings, parts: Assembly, ledger: Ledger) -> Steps:
    """Build what does the steps of jobs, one at a time, in this process."""
    seconds = settings.jobs_block_seconds
    gigantic = GiganticSteps(ledger, assemble_gigantic(settings, parts), settings.quality, seconds)
    return Steps(ledger, parts.files, seconds, parts.admission, gigantic)


def assemble_jobs(settings: Settings, parts: Assembly) -> Jobs | None:
    """Build what does jobs, unless the settings turn them off. Nothing runs yet."""
    if not settings.jobs_store:
        return None
    ledger = open_ledger(settings)
    gigantic = assemble_gigantic(settings, parts)
    if settings.broker:
        from jobs.engine_celery import CeleryEngine  # late: Celery is loaded only where there is a broker

        return Jobs(ledger, CeleryEngine(settings, ledger), gigantic)
    return Jobs(ledger, EmbeddedEngine(ledger, build_steps(settings, parts, ledger)), gigantic)


def assemble_gigantic(settings: Settings, parts: Assembly) -> GiganticFiles:
    """Build what inspects pictures that are not done in memory."""
    limits = GiganticLimits(settings.jobs_max_pixels, settings.jobs_max_result_pixels, settings.max_pixels)
    return GiganticFiles(parts.models, limits)
