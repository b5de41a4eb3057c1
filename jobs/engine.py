"""What does jobs: this process, or workers on many machines."""

from collections.abc import Collection
from typing import Protocol

from jobs.records import Job


class JobEngine(Protocol):
    """`EmbeddedEngine`, or `CeleryEngine`."""

    def start(self) -> None:
        """Begin to work, on jobs of earlier processes as well. Called once, in the process that serves."""

    def submit(self, job: Job) -> None:
        """Take a job that is in the ledger; called again for the same job after a failure.

        Raises:
            BrokerUnavailable: it can't be handed over at the moment.
        """

    def cancelled(self, job_id: str) -> None:
        """The ledger says that a job was cancelled: stop what can be stopped."""

    def tiles_in_progress(self, job_id: str, finished: Collection[int]) -> int:
        """Tiles of a job that are done in other blocks than those of these numbers, as far as this process knows."""

    def stop(self) -> None:
        """The process ends: give up what is being done, so that it can be resumed."""
