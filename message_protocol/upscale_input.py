"""The request of `POST /upscale`, from JSON or from an image file with query parameters."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from message_protocol.base64_bytes import IMAGE_FIELD, URL_FIELD, decode_base64
from message_protocol.json_text import as_utf_8, check_escapes, check_unique
from message_protocol.validation import ModelName, Scale, Side, Strength, as_fraction, malformed_message
from superscaling.errors import MalformedMessage
from superscaling.format_name import FormatName
from superscaling.metadata_choice import MetadataChoice
from superscaling.option_texts import typed
from superscaling.size_choice import Fit, SizeChoice
from superscaling.upscale_options import UpscaleOptions

# The most commas in a JSON message: base64 has none, and the message has only a few fields. A message with millions of
# fields would block this process for half a minute while they are parsed and reported as unknown.
MAX_COMMAS = 100
# Where an image belongs, for clients that send it elsewhere.
IN_JSON = f"{IMAGE_FIELD!r}, in base64"
IN_BODY = "the body, or in the part 'image' of a form"


def needs_image(schema: dict[str, Any]) -> None:
    """Say in a schema that a message has an image, or its address."""
    schema["anyOf"] = [{"required": [IMAGE_FIELD]}, {"required": [URL_FIELD]}]


class OnError(StrEnum):
    """What the answer is if the image can't be enlarged: why, or the image as it was sent."""

    PROBLEM = "problem"
    ORIGINAL = "original"


class UpscaleInput(BaseModel):
    """The image to enlarge and the options for its answer."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=needs_image)

    image: Annotated[
        bytes,
        BeforeValidator(decode_base64),
        WithJsonSchema({"type": "string", "contentEncoding": "base64", "contentMediaType": "image/*", "minLength": 1}),
    ] = Field(
        default_factory=bytes,
        alias=IMAGE_FIELD,
        min_length=1,
        strict=True,
        description="the image file in base64; a data URL and ASCII whitespace are accepted",
    )
    image_url: Annotated[str | None, Field(strict=True, min_length=1)] = Field(
        None,
        alias=URL_FIELD,
        description="instead of the image file: its address, if the operator allows its host",
    )
    format: FormatName | None = Field(
        None,
        description="format of the answer; default: the input's format, for HEIC JPEG, or PNG if it is transparent",
    )
    scale: Scale = Field(
        None,
        description="factor of both sides of the answer, rounded to whole px; 1 removes JPEG artefacts, if the model"
        " does; default: 2, or 1 with a model that does not enlarge",
    )
    width: Side = Field(
        None,
        description="instead of scale: width of the answer in px; alone it keeps the ratio",
    )
    height: Side = Field(
        None,
        description="instead of scale: height of the answer in px; alone it keeps the ratio",
    )
    fit: Fit | None = Field(
        None,
        description="how width and height together are meant: as large as fits (inside), cut to fill them (cover), or"
        " stretched to fill them (fill)",
    )
    model: ModelName = None
    strength: Strength = 1.0
    quality: int | None = Field(
        None,
        ge=1,
        le=100,
        strict=True,
        description="quality of a JPEG, WebP or AVIF answer; default: 92, unless the operator sets another",
    )
    metadata: MetadataChoice = Field(
        MetadataChoice.KEEP,
        description="what describes the image is kept as far as the format can hold it (keep), left out (strip),"
        " or reduced to what its colours mean, such as an ICC profile (colour)",
    )
    on_error: OnError = Field(
        OnError.PROBLEM,
        alias="onError",
        description="what the answer of /upscale is if the image can't be enlarged: a problem document (problem), or"
        " the image file as it was sent, with status 200 (original)",
    )
    tiles: bool = Field(False, strict=True, description="whether a stream of events includes the finished tiles")

    @property
    def size(self) -> SizeChoice:
        """What the message says about the size of the answer."""
        return SizeChoice(as_fraction(self.scale), self.width, self.height, self.fit)

    @property
    def asked(self) -> UpscaleOptions:
        """What the message asks for."""
        return UpscaleOptions(self.size, self.format, self.model, self.strength, self.quality, self.metadata)

    @property
    def sha256(self) -> str:
        """SHA-256 of the image file, or of its address: two requests with the same one ask for the same."""
        return hashlib.sha256(self.image if self.image_url is None else self.image_url.encode()).hexdigest()

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, message: Any) -> Any:
        """JSON's null means that an option is not given, nor the image if its address is."""
        if not isinstance(message, dict):
            return message
        options = cls.options()
        if message.get(URL_FIELD) is not None:
            options.append(IMAGE_FIELD)
        return {name: value for name, value in message.items() if value is not None or name not in options}

    @classmethod
    def options(cls) -> list[str]:
        """The names of the members beside the image."""
        return [field.alias or name for name, field in cls.model_fields.items() if name != "image"]

    @classmethod
    def from_json(cls, body: bytes) -> Self:
        """Read a JSON message.

        Raises:
            MalformedMessage: it is not JSON, or a field is missing, unknown, invalid or given twice.
        """
        names = [IMAGE_FIELD, *cls.options()]
        if body.count(b",") > MAX_COMMAS:
            raise MalformedMessage(f"the message has too many members; known are {', '.join(names)}")
        body = as_utf_8(body)
        check_escapes(body)
        try:
            message = cls.model_validate_json(body)
        except ValidationError as exc:
            raise malformed_message(exc, cls, names, IN_JSON) from exc
        check_unique(body, names)
        message.check()
        return message

    @classmethod
    def from_bytes(cls, image: bytes, options: Mapping[str, str]) -> Self:
        """Combine an image file, empty if an option says where it is, and query parameters.

        Raises:
            MalformedMessage: a parameter is unknown or invalid, or there is no file, or a file and its address.
        """
        if IMAGE_FIELD in options:
            raise MalformedMessage(f"{IMAGE_FIELD!r} is unknown as an option: the image file belongs in {IN_BODY}")
        try:
            file = {IMAGE_FIELD: image} if image or URL_FIELD not in options else {}
            message = cls.model_validate({**typed(options), **file})
        except ValidationError as exc:
            raise malformed_message(exc, cls, cls.options(), IN_BODY) from exc
        message.check()
        return message

    def check(self) -> None:
        """Check what belongs together.

        Raises:
            MalformedMessage: there is no image, or also its address; or the size is said in two ways.
        """
        if self.image and self.image_url is not None:
            raise MalformedMessage(f"the image and its address ({URL_FIELD}) are given: send one of them")
        if not self.image and self.image_url is None:
            raise MalformedMessage(f"{IMAGE_FIELD} is missing: send the image file, or its address as {URL_FIELD}")
        self.size.check()
