"""Validation shared by the messages: typed query parameters, and error messages for clients in plain words."""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from message_protocol.base64_bytes import URL_FIELD
from superscaling.errors import MalformedMessage
from superscaling.option_texts import MAX_ECHOED, echoed, typed, typed_text
from superscaling.size_choice import MAX_SCALE, MAX_SIDE

# Options that several messages have.
Scale = Annotated[float | None, Field(ge=1, le=MAX_SCALE, strict=True, allow_inf_nan=False)]
Side = Annotated[int | None, Field(ge=1, le=MAX_SIDE, strict=True)]
ModelName = Annotated[
    str | None,
    Field(min_length=1, strict=True, description="one of the loaded models (GET /models); default: the first"),
]
# Of a strength. To round it to so many moves a sample by less than 0.2 of 255 levels.
STRENGTH_DECIMALS = 3
Strength = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        strict=True,
        allow_inf_nan=False,
        description="the model's share of the answer, from 0 to 1: the rest is what its milder sibling makes of the"
        f" image, rounded to {STRENGTH_DECIMALS} decimals; for models that have strength (GET /models)",
    ),
    AfterValidator(lambda strength: round(strength, STRENGTH_DECIMALS) + 0.0),  # -0.0 becomes 0.0
]
# What clients of other services call an image, in lower case without separators; and what is in a name of a URL.
IMAGE_NAME = re.compile(
    "(input|init|source|base64|b64)*(image|img|picture|photo|file|data|content|body|bytes|base64|b64)"
    "(s|64|data|file|bytes|base64|b64|json)*"
)
URL_NAME = re.compile(r"ur[il]|href|link|src")


Message = TypeVar("Message", bound=BaseModel)


def from_query(message: type[Message], options: Mapping[str, str]) -> Message:
    """Read query parameters as a message.

    Raises:
        MalformedMessage: a parameter is missing, unknown or invalid.
    """
    try:
        return message.model_validate(typed(options))
    except ValidationError as exc:
        raise malformed_message(exc, message, list(message.model_fields)) from exc


def as_fraction(number: float | None) -> Fraction | None:
    """The decimal number that a client wrote, exactly: 1.1 is 11/10."""
    return None if number is None else Fraction(str(number))


def malformed_message(
    exc: ValidationError, message: type[BaseModel], known: Sequence[str], image: str | None = None
) -> MalformedMessage:
    """Describe a validation error in a sentence, with at most `MAX_ECHOED` characters of the input.

    Args:
        exc: raised by pydantic.
        message: the class that was to be validated.
        known: the names that the message may have.
        image: where the image belongs, in words, if the message may have one.
    """
    errors = exc.errors(include_url=False)
    # An unknown name first: it is likely the reason why a known one is missing.
    first = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
    if first["type"] == "extra_forbidden":
        return MalformedMessage(_unknown(_place(first), known, image))
    return MalformedMessage(_sentence(first, message))


def _unknown(name: str, known: Sequence[str], image: str | None) -> str:
    sentence = f"{name!r} is unknown"
    if image is not None:
        bare = re.sub("[^a-z0-9]", "", name.lower())
        if URL_NAME.search(bare):
            return f"{sentence}: the image's address is called {URL_FIELD!r}; the image file itself belongs in {image}"
        if IMAGE_NAME.fullmatch(bare):
            return f"{sentence}: the image belongs in {image}"
    meant = difflib.get_close_matches(name, known, n=1)
    hint = f" (did you mean {meant[0]!r}?)" if meant else ""
    return f"{sentence}; known are {', '.join(known)}{hint}"


def _sentence(error: ErrorDetails, message: type[BaseModel]) -> str:
    place = _place(error)
    match error["type"]:
        case "json_invalid":
            return f"the body is not JSON: {error['ctx']['error']}"
        case "model_type" | "dict_type":
            return 'the body must be a JSON object, such as {"imageBase64": "..."}'
        case "missing":
            return f"{place} is missing"
        case "bytes_type":
            return f"{place} must be a string, not {echoed(error['input'])}"
        case "bytes_too_short":
            return f"{place} is empty"
        case "value_error":
            return f"{place} {error['ctx']['error']}"
        case _:
            value = error["input"]
            quoted = isinstance(value, str) and typed_text(value) != value
            remedy = f": send {json.dumps(typed_text(value))} without quotes" if quoted else ""
            return f"{place} must be {_allowed(place, message)}, not {echoed(value)}{remedy}"


def _place(error: ErrorDetails) -> str:
    """The field; what follows in the location are the kinds of value that it may have."""
    return "".join(str(part)[:MAX_ECHOED] for part in error["loc"][:1])


def _allowed(name: str, message: type[BaseModel]) -> str:
    """What a field takes, in words, from the schema of the message."""
    schemas = message.model_json_schema()
    schema = schemas["properties"][name]
    kinds = [each for each in schema.get("anyOf", [schema]) if each != {"type": "null"}]
    return " or ".join(_in_words(_resolved(each, schemas)) for each in kinds)


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    return schemas["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _in_words(schema: dict[str, Any]) -> str:
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        *others, last = schema["enum"]
        return f"{', '.join(others)} or {last}"
    if schema["type"] == "integer":
        most = f" to {schema['maximum']}" if "maximum" in schema else ""
        return f"a whole number from {schema['minimum']}{most}"
    if schema["type"] == "number":
        return f"a number from {schema['minimum']:g} to {schema['maximum']:g}"
    return {"boolean": "true or false"}.get(schema["type"], f"a {schema['type']}")
