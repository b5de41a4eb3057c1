"""The request of `POST /upscale`, from JSON or from an image file with query parameters."""

import binascii
import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from message_protocol.base64_bytes import IMAGE_FIELD
from message_protocol.validation import malformed_message, typed
from superscaling.errors import MalformedMessage
from superscaling.format_name import FormatName
from superscaling.metadata_choice import MetadataChoice

DATA_URL = re.compile(r"data:image/[\w.+-]+;base64,", re.ASCII | re.IGNORECASE)
WHITESPACE = b" \t\r\n\f\v"
# The most commas in a JSON message: base64 has none, and the message has only a few fields. A message with millions of
# fields would block this process for half a minute while they are parsed and reported as unknown.
MAX_COMMAS = 100


def _decode_base64(text: Any) -> Any:
    """Decode strict, padded base64, without the prefix of a data URL and without ASCII whitespace."""
    if not isinstance(text, str):
        return text
    if prefix := DATA_URL.match(text):
        text = text[prefix.end() :]
    try:
        # Encoding to ASCII is strict, too: no other character is part of base64.
        return binascii.a2b_base64(text.encode("ascii").translate(None, WHITESPACE), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as exc:
        reason = "it has a character outside ASCII" if isinstance(exc, UnicodeEncodeError) else str(exc)
        raise ValueError(f"is not base64: {reason}") from exc


class UpscaleInput(BaseModel):
    """The image to enlarge and the options for its answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: Annotated[
        bytes,
        BeforeValidator(_decode_base64),
        WithJsonSchema({"type": "string", "contentEncoding": "base64", "contentMediaType": "image/*", "minLength": 1}),
    ] = Field(
        alias=IMAGE_FIELD,
        min_length=1,
        strict=True,
        description="the image file in base64; a data URL's prefix and ASCII whitespace are accepted",
    )
    format: FormatName | None = Field(None, description="format of the answer; default: the input's format")
    quality: int | None = Field(
        None, ge=1, le=100, strict=True, description="quality of a JPEG or WebP answer; default: UPSCALER_QUALITY"
    )
    metadata: MetadataChoice = Field(
        MetadataChoice.KEEP,
        description="what describes the image is kept as far as the format can hold it (keep), left out (strip),"
        " or reduced to what its colours mean, such as an ICC profile (colour)",
    )
    tiles: bool = Field(False, strict=True, description="whether a stream of events includes the finished tiles")

    @classmethod
    def from_json(cls, body: bytes) -> Self:
        """Read a JSON message.

        Raises:
            MalformedMessage: it is not JSON, or a field is missing, unknown or invalid.
        """
        if body.count(b",") > MAX_COMMAS:
            raise MalformedMessage(f"the message has too many members; known are {', '.join(NAMES)}")
        try:
            return cls.model_validate_json(body)
        except ValidationError as exc:
            raise malformed_message(exc, NAMES) from exc

    @classmethod
    def from_bytes(cls, image: bytes, options: Mapping[str, str]) -> Self:
        """Combine an image file and query parameters.

        Raises:
            MalformedMessage: a parameter is unknown or invalid, or the file is empty.
        """
        if IMAGE_FIELD in options:
            raise MalformedMessage(f"{IMAGE_FIELD!r} is unknown as an option")
        try:
            return cls.model_validate({**typed(options), IMAGE_FIELD: image})
        except ValidationError as exc:
            raise malformed_message(exc, NAMES[1:]) from exc


NAMES = [field.alias or name for name, field in UpscaleInput.model_fields.items()]
