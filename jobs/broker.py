"""What Celery and RabbitMQ are told: queues, settings, messages."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import amqp
import kombu
from celery import Celery
from kombu.exceptions import OperationalError

from jobs.queues import whole_queue
from jobs.step_time import STEP_SECONDS
from superscaling.errors import BrokerUnavailable
from superscaling.settings import Settings

# The tasks: `plan(job_id, store)`, `block(job_id, chain, number, store)`, `join(job_id, chain, store)`. Plan and join
# need a whole picture; `chain` is the id of the plan's message; `store` is the id of the store that the job is in.
PLAN, BLOCK, JOIN = "jobs.plan", "jobs.block", "jobs.join"

# RabbitMQ 4 drops a message after 20 deliveries. Here the store counts what ended a worker: a message may come back
# whenever a broker or a worker is restarted, for years. (RabbitMQ 3.10 knows no -1, which means "no limit" in 4.)
DELIVERY_LIMIT = 1_000_000_000
# Seconds: to connect, and to wait for the broker's word that it has a message. Two attempts of both take a POST 5 s.
CONNECT_TIMEOUT = 1.0
CONFIRM_TIMEOUT = 2.0
# Seconds between signs of life: a broker that sees none of a worker for twice as long gives its messages to others.
HEARTBEAT = 10


class BrokerRefused(Exception):
    """The broker is there, but does not let us work: a wrong password, no rights, a queue of another kind."""


def configuration(settings: Settings) -> dict[str, Any]:
    """Celery's settings, for workers as for the process that takes jobs.

    Celery acknowledges failed tasks, so tasks raise `Reject` instead, and what Celery itself calls a failure (a lost
    child, a time limit) goes back into the queue.
    """
    return {
        "broker_url": settings.broker,
        # Of a broker with TLS, the certificate must be valid for the host in the address.
        "broker_use_ssl": {"server_hostname": None} if settings.broker.startswith("amqps:") else False,
        "broker_connection_timeout": CONNECT_TIMEOUT,
        "broker_connection_retry": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_heartbeat": HEARTBEAT,
        "broker_transport_options": {"confirm_publish": True},
        "task_publish_retry": True,
        "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2},
        "task_create_missing_queues": False,  # they would be classic ones
        "task_default_queue_type": "quorum",
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_acks_on_timeout": False,
        "task_time_limit": max(STEP_SECONDS, 10 * settings.jobs_block_seconds),
        "worker_consumer": "jobs.worker:Consumer",
        "worker_pool": "prefork",
        "worker_concurrency": 1,
        "worker_prefetch_multiplier": 1,
        # A block that runs when the connection is lost is finished; whoever gets it again finds it done.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_send_task_events": False,
        "worker_enable_remote_control": False,
        "worker_redirect_stdouts": False,
        "worker_hijack_root_logger": False,
    }


def queues_of(queue: str) -> Sequence[kombu.Queue]:
    """The queue of a model's blocks, and that of its plans and joins."""
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT}
    return [
        kombu.Queue(name, exchange=None, routing_key=name, durable=True, queue_arguments=arguments)
        for name in (queue, whole_queue(queue))
    ]


def declare(app: Celery, queues: Sequence[str]) -> None:
    """Make sure that the broker is there and has the queues of these models.

    Raises:
        BrokerUnavailable: it can't be reached.
        BrokerRefused: it does not let us.
    """
    with _failures(), app.connection_for_write() as connection:
        connection.connect()
        for queue in queues:
            for each in queues_of(queue):
                each(connection.default_channel).declare()


def send(app: Celery, task: str, queue: str, *arguments: object) -> None:
    """Publish a message, and wait until the broker has it on its disk.

    Args:
        app: of `configuration`.
        task: `PLAN`, `BLOCK` or `JOIN`.
        queue: of the model's blocks, as `queue_of` names it.
        arguments: of the task, as JSON has them.

    Raises:
        BrokerUnavailable: it can't be reached, or did not say so within some seconds.
    """
    blocks, whole = queues_of(queue)
    with _failures():
        app.send_task(
            task,
            arguments,
            queue=blocks if task == BLOCK else whole,
            confirm_timeout=CONFIRM_TIMEOUT,
            argsrepr="",
            kwargsrepr="",
        )


def count_workers(app: Celery, queue: str) -> int:
    """How many workers take blocks from a queue.

    Raises:
        BrokerUnavailable: it can't be reached.
    """
    with _failures(), app.connection_for_write() as connection:
        declared = connection.default_channel.queue_declare(queue, passive=True)
        return int(declared.consumer_count)


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (amqp.AccessRefused, amqp.NotAllowed, amqp.PreconditionFailed, amqp.AMQPNotImplementedError) as exc:
        raise BrokerRefused(str(exc)) from exc
    except (OperationalError, amqp.AMQPError, OSError) as exc:
        raise BrokerUnavailable("jobs can't be handed over at the moment: try again later", retry_after=10) from exc
