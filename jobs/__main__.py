"""What operators do with the jobs in a store. The settings are those of the service.

    python -m jobs list         the jobs that have not ended
    python -m jobs cancel ID    end a job
    python -m jobs expire       delete what is no longer kept, and mend the indices, as the service does by itself
    python -m jobs requeue      hand all open jobs over to the workers again, after the broker has lost its queues

All may be repeated, and do no harm beside a running service. A failure prints one line; the exit status is 1.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from jobs.assembly import open_ledger
from jobs.engine import JobEngine
from jobs.housekeeping import Housekeeping
from jobs.indices import OpenJob, open_jobs
from jobs.ledger import Ledger, Status
from superscaling.errors import JobUnknown, ServiceError, StartError
from superscaling.settings import Settings, environment_variable, invalid, read_settings

# Jobs that are read at the same time: a bucket takes some requests for each.
READERS = 16
HEADER = ("id", "state", "tiles", "pixels", "age", "group")


def open_statuses(ledger: Ledger) -> Iterator[Status]:
    """Where the jobs are that were accepted and have not ended, the oldest first."""

    def find(each: OpenJob) -> Status | None:
        try:
            if ledger.is_accepted(each.job_id) and not (status := ledger.status(each.job_id)).state.is_end:
                return status
        except JobUnknown as exc:  # deleted meanwhile, or damaged
            print(f"{each.job_id}: {exc.detail}", file=sys.stderr)
        return None

    with ThreadPoolExecutor(READERS) as pool:
        yield from filter(None, pool.map(find, open_jobs(ledger.store)))


def table(statuses: Sequence[Status]) -> str:
    """Write jobs as lines of columns."""
    rows = [HEADER]
    for each in statuses:
        age = _duration(time.time() - each.job.created)
        tiles = f"{each.done}/{each.total or '?'}"
        rows.append((each.job.id, each.state.value, tiles, str(each.job.pixels), age, each.job.group or ""))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines)


def requeue(ledger: Ledger, engine: JobEngine) -> int:
    """Hand all open jobs over again. Returns how many they are.

    Raises:
        StoreUnavailable, BrokerUnavailable: not all are; it may be called again.
    """
    count = 0
    for status in open_statuses(ledger):
        engine.submit(status.job)
        count += 1
    return count


def run(arguments: argparse.Namespace, settings: Settings) -> str:
    """Do what is asked; returns what is to be printed.

    Raises:
        ServiceError, StartError: it can't be done.
    """
    if not settings.jobs_store:
        raise invalid("jobs_store", "", "names no store, so there are no jobs")
    ledger = open_ledger(settings)
    match arguments.command:
        case "list":
            return table(list(open_statuses(ledger)))
        case "cancel":
            ended = ledger.cancel(arguments.id)
            return f"{arguments.id} is cancelled" if ended else f"{arguments.id} had ended before"
        case "expire":
            Housekeeping(ledger, settings.jobs_keep * 3600).tick()
            return "the store is in order"
        case _:
            if not settings.broker:
                variable = environment_variable("broker")
                return f"nothing to be done: without {variable}, the service goes on with all open jobs at its start"
            from jobs.engine_celery import CeleryEngine  # late, as Celery is large

            engine: JobEngine = CeleryEngine(settings, ledger)
            try:
                return f"jobs that were handed over: {requeue(ledger, engine)}"
            finally:
                engine.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m jobs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in ("list", "expire", "requeue"):
        commands.add_parser(name)
    commands.add_parser("cancel").add_argument("id", metavar="ID")
    parsed = parser.parse_args(arguments)
    try:
        print(run(parsed, read_settings()))
    except ServiceError as exc:
        print(exc.detail, file=sys.stderr)
        return 1
    except StartError as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


if __name__ == "__main__":
    sys.exit(main())
