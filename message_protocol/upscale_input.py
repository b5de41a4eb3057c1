"""The request of `POST /upscale`, from JSON or from plain bytes with query parameters."""

import binascii
import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from message_protocol.reading import problem_of, typed
from superscaling.errors import MalformedMessage
from superscaling.format_name import FormatName

IMAGE = "imageBase64"
DATA_URL = re.compile(r"data:image/[\w.+-]+;base64,", re.ASCII | re.IGNORECASE)
WHITESPACE = b" \t\r\n\f\v"
# The most commas in a message: it has three members and base64 has none. Millions of members would be parsed, and
# listed as unknown, for half a minute in which nothing else of this process runs.
MAX_COMMAS = 100


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
    tiles: bool = Field(False, strict=True, description="whether a stream of events shall have the finished tiles, too")

    @classmethod
    def from_json(cls, body: bytes) -> Self:
        """Read the JSON message.

        Raises:
            MalformedMessage: naming the field and what is wrong with it.
        """
        if body.count(b",") > MAX_COMMAS:
            raise MalformedMessage(f"the message has far more members than {', '.join(NAMES)}")
        try:
            return cls.model_validate_json(body)
        except ValidationError as exc:
            raise problem_of(exc, NAMES) from exc

    @classmethod
    def from_bytes(cls, image: bytes, options: Mapping[str, str]) -> Self:
        """Make the message of an image file and query parameters.

        Raises:
            MalformedMessage: as `from_json`.
        """
        if IMAGE in options:
            raise MalformedMessage(f"{IMAGE!r} is unknown as an option")
        try:
            return cls.model_validate({**typed(options), IMAGE: image})
        except ValidationError as exc:
            raise problem_of(exc, NAMES[1:]) from exc


NAMES = [field.alias or name for name, field in UpscaleInput.model_fields.items()]
