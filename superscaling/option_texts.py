"""Options as texts: of a query, and of the command line."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

# The most characters of a client's own text that an error message repeats.
MAX_ECHOED = 100
BOOLEANS = {"true": True, "false": False}
# A number that need not be whole.
NUMBER = re.compile(
    rf"-?([0-9]{{1,{MAX_ECHOED}}}|[0-9]{{0,{MAX_ECHOED}}}\.[0-9]{{1,{MAX_ECHOED}}})([eE][+-]?[0-9]{{1,3}})?"
)
# Options that are text, whatever they look like.
TEXTS = {"model", "user", "group", "webhook", "cursor", "imageUrl"}
GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def typed(options: Mapping[str, str]) -> dict[str, str | int | float | bool]:
    """Convert the texts of query parameters: numbers as in JSON, or .5, to numbers; `true` and `false` to booleans."""
    return {name: text if name in TEXTS else typed_text(text) for name, text in options.items()}


def typed_text(text: str) -> str | int | float | bool:
    """The number or boolean that a text stands for; the text itself, if it is neither."""
    if re.fullmatch(f"-?[0-9]{{1,{MAX_ECHOED}}}", text):  # any number that an error message can repeat
        return int(text)
    if NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return BOOLEANS.get(text.lower(), text)


def echoed(value: Any) -> str:
    """A value of the input as JSON, shortened."""
    if isinstance(value, dict | list | bytes):
        return {dict: "an object", list: "a list", bytes: "bytes"}[type(value)]
    if isinstance(value, str) and len(value) > MAX_ECHOED:
        value = f"{value[: MAX_ECHOED - 1]}…"
    return json.dumps(value, ensure_ascii=False)[: 2 * MAX_ECHOED]


def check_group(name: str) -> str:
    """The name of a group of jobs, if it is one.

    Raises:
        ValueError: it is none.
    """
    if not GROUP.fullmatch(name):
        raise ValueError(
            "must be 1 to 200 letters, digits, dots, dashes or underscores, and begin with a letter or digit,"
            f" not {name[:MAX_ECHOED]!a}"
        )
    return name
