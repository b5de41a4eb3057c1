"""Validation shared by the messages: typed query parameters, and error messages for clients."""

import re
from collections.abc import Mapping, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from superscaling.errors import MalformedMessage

# The most characters of a client's own text that an error message repeats.
MAX_ECHOED = 100
BOOLEANS = {"true": True, "false": False}


def typed(options: Mapping[str, str]) -> dict[str, str | int | bool]:
    """Convert the texts of query parameters: digits to numbers, `true` and `false` to booleans."""
    return {
        name: int(text) if re.fullmatch(r"[0-9]{1,9}", text) else BOOLEANS.get(text, text)
        for name, text in options.items()
    }


def malformed_message(exc: ValidationError, known: Sequence[str]) -> MalformedMessage:
    """Describe the first validation error, without a copy of the input.

    Args:
        exc: raised by pydantic.
        known: the names that the message may have.
    """
    return MalformedMessage(_sentence(exc.errors(include_url=False, include_input=False)[0], known))


def _sentence(error: ErrorDetails, known: Sequence[str]) -> str:
    place = ".".join(str(part) for part in error["loc"])[:MAX_ECHOED]
    match error["type"]:
        case "json_invalid":
            return f"the body is not JSON: {error['ctx']['error']}"
        case "model_type":
            return 'the body must be a JSON object, such as {"imageBase64": "..."}'
        case "missing":
            return f"{place} is missing"
        case "extra_forbidden":
            return f"{place!r} is unknown; known are {', '.join(known)}"
        case "bytes_type":
            return f"{place} must be a string"
        case "bytes_too_short":
            return f"{place} is empty"
        case "value_error":
            return f"{place} {error['ctx']['error']}"
        case _:
            return f"{place}: {error['msg'][0].lower()}{error['msg'][1:]}"
