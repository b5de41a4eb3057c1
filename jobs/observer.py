"""What can be learnt while jobs are taken, done and ended: for metrics."""

from enum import StrEnum
from typing import Protocol

from message_protocol import JobState


class BlockOutcome(StrEnum):
    """What became of a block that was begun.

    `MADE`; `AGAIN`: made after a try that ended with its process; `FAILED`: by an error, after which it is tried again
    or the job has failed; `GIVEN_UP`: it ended its process too often.
    """

    MADE = "made"
    AGAIN = "again"
    FAILED = "failed"
    GIVEN_UP = "given_up"


class WebhookOutcome(StrEnum):
    """What became of an attempt to report the end of a job. `GIVEN_UP`: it failed, and was the last one."""

    DELIVERED = "delivered"
    FAILED = "failed"
    GIVEN_UP = "given_up"


class JobObserver(Protocol):
    """Told by the ledger, the steps and the webhooks of this process, from any thread. Nothing may fail here."""

    def job_added(self, job_id: str) -> None:
        """A job was written down here, and is among the open ones."""

    def job_ended(self, job_id: str, state: JobState) -> None:
        """This process has ended a job."""

    def block(self, outcome: BlockOutcome, seconds: float) -> None:
        """A block was begun and is over, after so many seconds."""

    def store_failed(self) -> None:
        """The store could not be used."""

    def webhook(self, outcome: WebhookOutcome) -> None:
        """The end of a job was reported, or not."""


class NoObserver:
    """Where nobody asks for metrics, as in workers."""

    def job_added(self, job_id: str) -> None:
        """Do nothing."""

    def job_ended(self, job_id: str, state: JobState) -> None:
        """Do nothing."""

    def block(self, outcome: BlockOutcome, seconds: float) -> None:
        """Do nothing."""

    def store_failed(self) -> None:
        """Do nothing."""

    def webhook(self, outcome: WebhookOutcome) -> None:
        """Do nothing."""


NO_OBSERVER = NoObserver()
