"""The request of `POST /upscale`, from JSON or from an image file with query parameters."""

from collections.abc import Mapping
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

from message_protocol.base64_bytes import IMAGE_FIELD, decode_base64
from message_protocol.json_text import as_utf_8, check_unique
from message_protocol.validation import ModelName, Scale, Side, Strength, as_fraction, malformed_message, typed
from superscaling.errors import MalformedMessage
from superscaling.format_name import FormatName
from superscaling.metadata_choice import MetadataChoice
from superscaling.size_choice import Fit, SizeChoice
from superscaling.upscale_options import UpscaleOptions

# The most commas in a JSON message: base64 has none, and the message has only a few fields. A message with millions of
# fields would block this process for half a minute while they are parsed and reported as unknown.
MAX_COMMAS = 100
# Where an image belongs, for clients that send it elsewhere.
IN_JSON = f"{IMAGE_FIELD!r}, in base64"
IN_BODY = "the body, or in the part 'image' of a form"


class UpscaleInput(BaseModel):
    """The image to enlarge and the options for its answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: Annotated[
        bytes,
        BeforeValidator(decode_base64),
        WithJsonSchema({"type": "string", "contentEncoding": "base64", "contentMediaType": "image/*", "minLength": 1}),
    ] = Field(
        alias=IMAGE_FIELD,
        min_length=1,
        strict=True,
        description="the image file in base64; a data URL and ASCII whitespace are accepted",
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
    tiles: bool = Field(False, strict=True, description="whether a stream of events includes the finished tiles")

    @property
    def size(self) -> SizeChoice:
        """What the message says about the size of the answer."""
        return SizeChoice(as_fraction(self.scale), self.width, self.height, self.fit)

    @property
    def asked(self) -> UpscaleOptions:
        """What the message asks for."""
        return UpscaleOptions(self.size, self.format, self.model, self.strength, self.quality, self.metadata)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, message: Any) -> Any:
        """JSON's null means that an option is not given."""
        if not isinstance(message, dict):
            return message
        options = cls.options()
        return {name: value for name, value in message.items() if value is not None or name not in options}

    @classmethod
    def options(cls) -> list[str]:
        """The names of the members beside the image."""
        return [name for name in cls.model_fields if name != "image"]

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
        try:
            message = cls.model_validate_json(body)
        except ValidationError as exc:
            raise malformed_message(exc, cls, names, IN_JSON) from exc
        check_unique(body, names)
        message.size.check()
        return message

    @classmethod
    def from_bytes(cls, image: bytes, options: Mapping[str, str]) -> Self:
        """Combine an image file and query parameters.

        Raises:
            MalformedMessage: a parameter is unknown or invalid, or the file is empty.
        """
        if IMAGE_FIELD in options:
            raise MalformedMessage(f"{IMAGE_FIELD!r} is unknown as an option: the image file belongs in {IN_BODY}")
        try:
            message = cls.model_validate({**typed(options), IMAGE_FIELD: image})
        except ValidationError as exc:
            raise malformed_message(exc, cls, cls.options(), IN_BODY) from exc
        message.size.check()
        return message
