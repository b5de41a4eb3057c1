"""Webhooks: the end of a job is told to an address that its client names, as Standard Webhooks says.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice, takewhile
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from standardwebhooks import Webhook

from jobs.indices import DueWebhook, due_webhooks
from jobs.ledger import Ledger, Status
from jobs.observer import WebhookOutcome
from jobs.posting import PORTS, post
from message_protocol import JobOutput
from superscaling.errors import JobUnknown, StoreUnavailable, WebhookNotAllowed

log = logging.getLogger("jobs")

# Seconds from one attempt to the next, as the specification advises; after the last it is given up.
BACKOFF = (5, 60, 300, 1_800, 7_200, 18_000, 36_000)
MAX_URL = 2_000
# At a time: one that does not answer delays few others.
MAX_PARALLEL = 4
MAX_BATCH = 16  # of a round
# An attempt that was begun and left no trace for so many seconds has ended with its process.
LOST_SECONDS = 60.0
GONE = 410  # the address wants no more
# All that RFC 3986 allows in a URL, without the user's name and without a fragment.
URL = re.compile(
    r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:[/?][A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]*)?",
    re.IGNORECASE,
)


def check_webhook(url: str, hosts: Sequence[str]) -> SplitResult:
    """Make sure that webhooks may be sent to an address. Returns its parts.

    Args:
        url: as the client sent it.
        hosts: that are allowed, as `name` (with the port that is usual for the scheme) or `name:port`.

    Raises:
        WebhookNotAllowed: the operator allows none there, or it is no such address.
    """
    if len(url) > MAX_URL or not URL.fullmatch(url):
        raise WebhookNotAllowed(
            "webhook must be an address such as https://example.com/hook: http or https, without a user name or a"
            f" fragment, at most {MAX_URL} characters"
        )
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    except ValueError:
        name, port = "", 0
    name = f"[{name}]" if ":" in name else name
    allowed = {host.lower() for host in hosts}
    if f"{name}:{port}" not in allowed and (name not in allowed or port != PORTS[parts.scheme]):
        raise WebhookNotAllowed(
            "webhooks to this host are not allowed: send the job without webhook, and ask for its state",
            setting="webhook_hosts",
        )
    return parts


class Webhooks:
    """Delivers what is due. Several processes may do so: each attempt is made by one of them.

    Args:
        ledger: knows what is due.
        hosts: that are allowed now.
        secret_file: with the secret, read anew for each round.
        describe: what `GET /jobs/<id>` answers.
    """

    def __init__(
        self, ledger: Ledger, hosts: Sequence[str], secret_file: Path | None, describe: Callable[[Status], JobOutput]
    ) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._hosts = hosts
        self._secret_file = secret_file
        self._describe = describe

    def deliver(self) -> None:
        """Make attempts that are due, a limited number, and return when they are made.

        Raises:
            StoreUnavailable: they stay due.
        """
        if not self._hosts:
            return
        now = time.time()
        due = list(islice(takewhile(lambda each: each.due <= now, due_webhooks(self._store)), MAX_BATCH))
        signer = self._signer() if due else None
        if signer is None:
            return
        while due:
            batch = [
                threading.Thread(target=self._attempt, args=(each, signer), daemon=True) for each in due[:MAX_PARALLEL]
            ]
            del due[:MAX_PARALLEL]
            for thread in batch:
                thread.start()
            for thread in batch:
                thread.join()

    def _signer(self) -> Webhook | None:
        """None: the operator has to mend the file. What is due waits for that."""
        try:
            return Webhook(self._secret_file.read_text().strip() if self._secret_file else "")
        except Exception as exc:  # standardwebhooks has no common class: binascii.Error, RuntimeError, its own
            reason = exc.strerror if isinstance(exc, OSError) else type(exc).__name__  # never the secret
            log.error("webhooks wait, as their secret can't be read", extra={"reason": reason})
            return None

    def _attempt(self, due: DueWebhook, signer: Webhook) -> None:
        try:
            self._claim_and_send(due, signer)
        except StoreUnavailable as exc:
            log.warning("a webhook waits for the store", extra={"job": due.job_id, "reason": exc.detail})
        except Exception:
            log.exception("a webhook could not be sent", extra={"job": due.job_id})

    def _claim_and_send(self, due: DueWebhook, signer: Webhook) -> None:
        """The next attempt is written down before this one is made, so that a process may be killed at any time."""
        over = f"jobs/{due.job_id}/webhook/over"
        try:
            status = self._ledger.status(due.job_id)
        except JobUnknown:
            self._store.delete(due.key)
            return
        if self._store.has(over):
            self._store.delete(due.key)
            return
        if not self._store.create(f"jobs/{due.job_id}/webhook/{due.attempt}", b""):
            if due.due + LOST_SECONDS < time.time():
                self._advance(due)
            return
        following = self._advance(due)
        outcome = self._send(status, signer)
        if outcome or following is None:
            self._store.put(over, b"")
            if following is not None:
                self._store.delete(following.key)
        fields = {"job": due.job_id, "attempt": due.attempt, "outcome": outcome or "no success"}
        if outcome == "delivered":
            self._ledger.observer.webhook(WebhookOutcome.DELIVERED)
            log.info("a webhook was delivered", extra=fields)
        else:
            is_last = bool(outcome) or following is None
            self._ledger.observer.webhook(WebhookOutcome.GIVEN_UP if is_last else WebhookOutcome.FAILED)
            log.warning("a webhook was not delivered", extra=fields | {"is_last": is_last})

    def _advance(self, due: DueWebhook) -> DueWebhook | None:
        """Write the next attempt down instead of this one. Returns it; None: this is the last."""
        following = None
        if due.attempt <= len(BACKOFF):
            following = DueWebhook(due.job_id, time.time() + BACKOFF[due.attempt - 1], due.attempt + 1)
            self._store.put(following.key, b"")
        self._store.delete(due.key)
        return following

    def _send(self, status: Status, signer: Webhook) -> str:
        """Make an attempt. Returns why there is no need for another, empty: there is."""
        url = status.job.webhook
        if url is None or status.end is None:
            return "nothing to report"
        try:
            parts = check_webhook(url, self._hosts)
        except WebhookNotAllowed:
            return "no longer allowed"
        now = datetime.now(UTC)
        body = json.dumps(
            {
                "type": f"job.{status.state.value}",
                "timestamp": datetime.fromtimestamp(status.end.ended, UTC).isoformat(timespec="milliseconds"),
                "data": json.loads(self._describe(status).to_json()),
            }
        )
        message_id = f"msg_{status.job.id}"  # the same for all attempts: receivers tell repetitions by it
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "image-super-scaling-service",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signer.sign(message_id, now, body),
        }
        answer = post(parts, body.encode(), headers)
        if answer == GONE:
            return "refused for good"
        return "delivered" if answer is not None and 200 <= answer < 300 else ""
