"""Read members of JSON objects that a service has sent. Members that are unknown here are ignored."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

Value = TypeVar("Value")
Object = dict[str, Any]


def parse(text: bytes) -> Any:
    """Parse JSON.

    Raises:
        ValueError: it is none.
    """
    try:
        return json.loads(text)
    except RecursionError as exc:
        raise ValueError("it is nested too deeply") from exc


def as_object(value: object) -> Object:
    """Make sure that a value is an object.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    return value


def text(members: Object, name: str) -> str:
    """A member that must be a string.

    Raises:
        ValueError: it is missing or something else, as for all functions of this file.
    """
    return str(_member(members, name, "string", lambda value: isinstance(value, str)))


def number(members: Object, name: str) -> float:
    """A member that must be a number."""
    return float(_member(members, name, "number", _is_number))


def whole(members: Object, name: str) -> int:
    """A member that must be a whole number."""
    return int(_member(members, name, "whole number", lambda value: type(value) is int))


def flag(members: Object, name: str) -> bool:
    """A member that must be true or false."""
    return bool(_member(members, name, "boolean", lambda value: isinstance(value, bool)))


def texts(members: Object, name: str) -> tuple[str, ...]:
    """A member that must be a list of strings."""
    return tuple(_member(members, name, "list of strings", _is_list_of_strings))


def optional(read: Callable[[Object, str], Value], members: Object, name: str) -> Value | None:
    """A member that may be missing or null."""
    return None if members.get(name) is None else read(members, name)


def _member(members: Object, name: str, kind: str, is_one: Callable[[object], bool]) -> Any:
    value = members.get(name)
    if not is_one(value):
        raise ValueError(f"there is no {kind} {name}")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_list_of_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
