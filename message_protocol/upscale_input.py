"""The request of `POST /upscale`, from JSON or from plain bytes with query parameters."""

import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails

from errors import MalformedMessage
from image_codec import FormatName

IMAGE = "imageBase64"
DATA_URL = re.compile(r"data:image/[\w.+-]+;base64,", re.ASCII | re.IGNORECASE)
WHITESPACE = b" \t\r\n\f\v"
# The most commas in a message: it has three members and base64 has none. Millions of members would be parsed, and
# listed as unknown, for half a minute in which nothing else of this process runs.
MOST_COMMAS = 100
# The most characters of a client's own text in an answer.
MOST_ECHOED = 100


def _decode_base64(text: Any) -> Any:
    """Base64 with its padding, strictly; a data URL's prefix and ASCII whitespace are taken away first."""
    if not isinstance(text, str):
        return text
    if prefix := DATA_URL.match(text):
        text = text[prefix.end() :]
    try:
        # Encoded strictly as well: a character outside ASCII is foreign to base64.
        return binascii.a2b_base64(text.encode("ascii").translate(None, WHITESPACE), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as exc:
        reason = "it has a character outside ASCII" if isinstance(exc, UnicodeEncodeError) else str(exc)
        raise ValueError(f"is not base64: {reason}") from exc


class UpscaleInput(BaseModel):
    """What to enlarge, and how to answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: Annotated[
        bytes,
        BeforeValidator(_decode_base64),
        WithJsonSchema({"type": "string", "contentEncoding": "base64", "contentMediaType": "image/*", "minLength": 1}),
    ] = Field(
        alias=IMAGE,
        min_length=1,
        strict=True,
        description="the image file in base64; a data URL's prefix and ASCII whitespace are accepted",
    )
    format: FormatName | None = Field(None, description="format of the answer; default: the input's own")
    quality: int | None = Field(
        None, ge=1, le=100, strict=True, description="quality of a JPEG or WebP answer; default: UPSCALER_QUALITY"
    )

    @classmethod
    def from_json(cls, body: bytes) -> Self:
        """Read the JSON message.

        Raises:
            MalformedMessage: naming the field and what is wrong with it.
        """
        if body.count(b",") > MOST_COMMAS:
            raise MalformedMessage(f"the message has far more members than {', '.join(NAMES)}")
        try:
            return cls.model_validate_json(body)
        except ValidationError as exc:
            raise MalformedMessage(_sentence(exc, NAMES)) from exc

    @classmethod
    def from_bytes(cls, image: bytes, options: Mapping[str, str]) -> Self:
        """Make the message of an image file and query parameters.

        Raises:
            MalformedMessage: as `from_json`.
        """
        try:
            return cls.model_validate({**_numbers(options), IMAGE: image})
        except ValidationError as exc:
            raise MalformedMessage(_sentence(exc, NAMES[1:])) from exc


def _numbers(options: Mapping[str, str]) -> dict[str, str | int]:
    """Query parameters are text: digits become numbers. The image can't be one of them."""
    if IMAGE in options:
        raise MalformedMessage(f"{IMAGE!r} is unknown as an option")
    return {name: int(text) if re.fullmatch(r"[0-9]{1,9}", text) else text for name, text in options.items()}


def _sentence(exc: ValidationError, known: Sequence[str]) -> str:
    """The first thing that is wrong, without a copy of the input."""
    error: ErrorDetails = exc.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in error["loc"])[:MOST_ECHOED]
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


NAMES = [field.alias or name for name, field in UpscaleInput.model_fields.items()]
