"""Webhooks: the end of a job is told to an address that its client names, as Standard Webhooks says.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import chain, islice, takewhile, zip_longest
from pathlib import Path

from standardwebhooks import Webhook

from jobs.indices import DueWebhook, due_webhooks
from jobs.ledger import Ledger, Status
from jobs.observer import WebhookOutcome
from jobs.store import NotStored
from message_protocol import JobOutput
from outbound.hosts import HostList
from outbound.location import MAX_URL, Location, parse_location
from outbound.outlet import Outlet
from outbound.patience import Patience
from outbound.refused import Refused
from superscaling.errors import JobUnknown, StoreUnavailable, WebhookNotAllowed
from superscaling.webhook_secret import read_webhook_secret

log = logging.getLogger("jobs")

# Seconds from one attempt to the next, as the specification advises; after the last it is given up.
BACKOFF = (5, 60, 300, 1_800, 7_200, 18_000, 36_000)
TIMEOUT = 15.0  # s, for an attempt, connecting included
MAX_PARALLEL = 4
MAX_BATCH = 16  # of a round
# After an attempt without an answer, a host is left alone for so many seconds: what is due for it waits.
REST_SECONDS = 60.0
# In a round, so many names of what is due are looked at, and so many jobs are read to find out their hosts.
MAX_LOOKED_AT, MAX_READ = 10_000, 200
# An attempt that was begun so many seconds ago, and is still the one that is due, has ended with its process.
LOST_SECONDS = 60.0
GONE = 410  # the address wants no more


def check_webhook(url: str, hosts: HostList) -> Location:
    """Make sure that webhooks may be sent to an address. Returns it.

    Args:
        url: as the client sent it.
        hosts: that are allowed. Which addresses they have is only looked up for an attempt.

    Raises:
        WebhookNotAllowed: the operator allows none there, or it is no such address.
    """
    try:
        location = parse_location(url)
    except Refused as exc:
        raise WebhookNotAllowed(
            "webhook must be an address such as https://example.com/hook: http or https, without a user name or a"
            f" fragment, at most {MAX_URL} characters"
        ) from exc
    if not hosts.allows(location):
        raise WebhookNotAllowed(
            "webhooks to this host are not allowed: send the job without webhook, and ask for its state",
            setting=hosts.setting,
        )
    return location


class Webhooks:
    """Delivers what is due. Several processes may do so: each attempt is made by one of them.

    Args:
        ledger: knows what is due.
        outlet: sends to the hosts that are allowed now.
        secret_file: with the secret, read anew for each round.
        describe: what `GET /jobs/<id>` answers.
    """

    def __init__(
        self, ledger: Ledger, outlet: Outlet, secret_file: Path | None, describe: Callable[[Status], JobOutput]
    ) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._outlet = outlet
        self._secret_file = secret_file
        self._describe = describe
        self._host_of = dict[str, str]()  # by job, of what is due
        self._resting = dict[str, float]()  # hosts, and until when
        self._waiting_for = ""  # why the secret can't be used

    def deliver(self) -> None:
        """Make attempts that are due, a limited number, and return when they are made.

        Raises:
            StoreUnavailable: they stay due.
        """
        if not self._outlet.hosts:
            return
        due = self._fair(self._due())
        signer = self._signer() if due else None
        if signer is None:
            return
        lock = threading.Lock()

        def work() -> None:
            while True:
                with lock:
                    if not due:
                        return
                    each = due.pop(0)
                if not self._is_resting(each):
                    self._attempt(each, signer)

        threads = [threading.Thread(target=work, daemon=True) for _ in range(min(MAX_PARALLEL, len(due)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _due(self) -> Sequence[DueWebhook]:
        """What is due now, of hosts that are not left alone, the most urgent first."""
        now, read = time.time(), 0
        found, hosts = list[DueWebhook](), dict[str, str]()
        for each in islice(takewhile(lambda each: each.due <= now, due_webhooks(self._store)), MAX_LOOKED_AT):
            host = self._host_of.get(each.job_id)
            if host is None:
                if read == MAX_READ:
                    break
                read += 1
                host = self._find_host(each.job_id)
            hosts[each.job_id] = host
            found.append(each)
        self._host_of = hosts
        return [each for each in found if not self._is_resting(each)]

    def _find_host(self, job_id: str) -> str:
        """To which an end is told; empty: to none."""
        try:
            return parse_location(self._ledger.job(job_id).webhook or "").authority
        except (JobUnknown, Refused):
            return ""

    def _is_resting(self, due: DueWebhook) -> bool:
        return time.monotonic() < self._resting.get(self._host_of.get(due.job_id, ""), 0.0)

    def _fair(self, due: Sequence[DueWebhook]) -> list[DueWebhook]:
        """Choose those of a round: of each host in turn."""
        by_host = dict[str, list[DueWebhook]]()
        for each in due:
            by_host.setdefault(self._host_of[each.job_id], []).append(each)
        turns = chain.from_iterable(zip_longest(*by_host.values()))
        return list(islice((each for each in turns if each is not None), MAX_BATCH))

    def _signer(self) -> Webhook | None:
        """None: the operator has to mend the file. What is due waits for that; each reason is logged once."""
        reason, signer = "no file is named", None
        if self._secret_file is not None:
            try:
                reason, signer = "", Webhook(read_webhook_secret(self._secret_file))
            except ValueError as exc:
                reason = str(exc)
        if reason != self._waiting_for:
            self._waiting_for = reason
            if reason:
                log.error("webhooks wait until their secret can be read", extra={"reason": reason})
            else:
                log.info("the secret of webhooks can be read again")
        return signer

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
        key, now = f"jobs/{due.job_id}/webhook/{due.attempt}", time.time()
        if not self._store.create(key, str(now).encode()):
            begun = self._begun(key)
            if begun is not None and begun + LOST_SECONDS < now:
                self._advance(due, begun)
            return
        following = self._advance(due, now)
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

    def _begun(self, key: str) -> float | None:
        """When an attempt was begun; None: its job was forgotten meanwhile."""
        try:
            return float(self._store.get(key))
        except NotStored:
            return None

    def _advance(self, due: DueWebhook, begun: float) -> DueWebhook | None:
        """Write the next attempt down instead of this one, which was begun then. Returns it; None: this is the last.

        Whoever does so gives it the same name.
        """
        following = None
        if due.attempt <= len(BACKOFF):
            following = DueWebhook(due.job_id, begun + BACKOFF[due.attempt - 1], due.attempt + 1)
            self._store.put(following.key, b"")
        self._store.delete(due.key)
        return following

    def _send(self, status: Status, signer: Webhook) -> str:
        """Make an attempt. Returns why there is no need for another, empty: there is."""
        url = status.job.webhook
        if url is None or status.end is None:
            return "nothing to report"
        try:
            location = check_webhook(url, self._outlet.hosts)
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
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signer.sign(message_id, now, body),
        }
        answer = self._post(location, body.encode(), headers)
        if answer is None:
            self._resting[location.authority] = time.monotonic() + REST_SECONDS
        if answer == GONE:
            return "refused for good"
        return "delivered" if answer is not None and 200 <= answer < 300 else ""

    def _post(self, location: Location, body: bytes, headers: dict[str, str]) -> int | None:
        """Send a POST. Returns the status of its answer; None: there was none in time, or none that is HTTP."""
        try:
            with self._outlet.answer(location, Patience(TIMEOUT), "POST", headers, body) as answer:
                return answer.status
        except Refused as exc:
            fields = {"host": location.authority, "reason": str(exc)}
            log.warning("a webhook was not answered", extra=fields)
            return None
