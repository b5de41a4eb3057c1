"""Tells the tasks' messages from whatever else is in a queue, which must not end a worker, or come back for ever."""

import inspect
import re
from collections.abc import Mapping
from typing import Any

from jobs.ids import is_id

# Strings of a message become parts of keys in the store.
NAME = re.compile("[0-9A-Za-z-]{0,64}")


class Malformed(Exception):
    """No message of a task."""


def check(tasks: Mapping[str, Any], message: Any) -> None:
    """Make sure that a message is one as `broker.send` publishes it; remove all headers but the task and its id.

    What is left can have a step run, and nothing else. Celery would obey a time limit, a callback, and calls of its own
    tasks.

    Args:
        tasks: by their names.
        message: kombu's.

    Raises:
        Malformed: it is not.
    """
    headers = message.headers or {}
    name, chain = headers.get("task"), headers.get("id")
    if not isinstance(name, str) or not name.startswith("jobs.") or name not in tasks:
        raise Malformed("no task of a job")
    if not isinstance(chain, str) or not NAME.fullmatch(chain):
        raise Malformed("no id of a message")
    try:
        arguments, keywords, embedded = message.payload
    except Exception as exc:  # whatever decoders make of any bytes
        raise Malformed(f"no body of a task: {exc!r:.200}") from exc
    if keywords != {} or not isinstance(embedded, dict) or any(embedded.values()):
        raise Malformed("more than arguments")
    _check_arguments(tasks[name], arguments)
    message.headers = {"task": name, "id": chain}


def _check_arguments(task: Any, arguments: object) -> None:
    signature = inspect.signature(task.run)
    try:
        bound = signature.bind(*arguments).arguments if isinstance(arguments, list) else None
    except TypeError:
        bound = None
    if bound is None:
        raise Malformed("too few arguments, or too many")
    for name, value in bound.items():
        if type(value) is not signature.parameters[name].annotation:  # a bool is no number
            raise Malformed(f"{name} is no {signature.parameters[name].annotation.__name__}")
        if isinstance(value, str) and not NAME.fullmatch(value):
            raise Malformed(f"{name} is no name")
    if not is_id(bound["job_id"]):
        raise Malformed("job_id is no id")
