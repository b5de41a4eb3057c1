"""What messages share: options that come as text, and what is wrong with a message, in words."""

import re
from collections.abc import Mapping, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from superscaling.errors import MalformedMessage

# The most characters of a client's own text in an answer.
MAX_ECHOED = 100
TRUTHS = {"true": True, "false": False}


def typed(options: Mapping[str, str]) -> dict[str, str | int | bool]:
    """Query parameters are text: digits become numbers, `true` and `false` truths."""
    return {
        name: int(text) if re.fullmatch(r"[0-9]{1,9}", text) else TRUTHS.get(text, text)
        for name, text in options.items()
    }


def problem_of(exc: ValidationError, known: Sequence[str]) -> MalformedMessage:
    """The first thing that is wrong, without a copy of the input."""
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
