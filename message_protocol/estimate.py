"""`GET /estimate`: query parameters and answer."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from message_protocol.validation import ModelName, Scale, Side, Strength, as_fraction, malformed_message
from superscaling.format_name import FormatName
from superscaling.metadata_choice import MetadataChoice
from superscaling.option_texts import typed
from superscaling.size_choice import MAX_SIDE, Fit, SizeChoice


class EstimateInput(BaseModel):
    """The size of an image, and what is to become of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(ge=1, le=MAX_SIDE, strict=True, description="width of the image in px")
    height: int = Field(ge=1, le=MAX_SIDE, strict=True, description="height of the image in px")
    frames: int = Field(1, ge=1, strict=True, description="number of frames of an animation, or of pages")
    format: FormatName | None = Field(
        None, description="format of the answer; default: the one that takes the most memory"
    )
    scale: Scale = Field(
        None,
        description="factor of both sides of the answer, as for /upscale; default: 2",
    )
    target_width: Side = Field(
        None,
        alias="targetWidth",
        description="what /upscale calls width: of the answer in px",
    )
    target_height: Side = Field(
        None,
        alias="targetHeight",
        description="what /upscale calls height: of the answer in px",
    )
    fit: Fit | None = Field(None, description="as for /upscale")
    model: ModelName = None
    strength: Strength = 1.0
    metadata: MetadataChoice = Field(
        MetadataChoice.KEEP, description="as for /upscale; changes nothing in the estimate"
    )

    @property
    def size(self) -> SizeChoice:
        """What the question says about the size of the answer."""
        return SizeChoice(as_fraction(self.scale), self.target_width, self.target_height, self.fit)

    @classmethod
    def from_query(cls, options: Mapping[str, str]) -> Self:
        """Read the query parameters.

        Raises:
            MalformedMessage: a parameter is missing, unknown or invalid.
        """
        try:
            message = cls.model_validate(typed(options))
        except ValidationError as exc:
            names = [field.alias or name for name, field in cls.model_fields.items()]
            raise malformed_message(exc, cls, names) from exc
        message.size.check("targetWidth", "targetHeight")
        return message


class EstimateOutput(BaseModel):
    """The size of the result, the time it takes, and whether the image would be admitted now."""

    model_config = ConfigDict(populate_by_name=True)

    width: int = Field(description="width of the result in px")
    height: int = Field(description="height of the result in px")
    tiles: int = Field(description="number of tiles, which the network processes one at a time")
    seconds: float = Field(description="inference time without other load")
    queue_seconds: float = Field(alias="queueSeconds", description="additional time because of the images in progress")
    ahead: int = Field(description="number of images in progress")
    plain: bool = Field(description="whether a request with a plain answer would be admitted now")
    stream: bool = Field(description="whether a request answered by a stream of events would be admitted now")
    job: bool = Field(
        description="whether it would be taken as a job now, which may take any time; of images beyond the limits of a"
        " request, only POST /jobs tells"
    )
