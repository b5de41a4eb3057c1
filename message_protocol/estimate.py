"""`GET /estimate`: what it is asked, and its answer."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from message_protocol.reading import problem_of, typed
from superscaling.format_name import FormatName


class EstimateInput(BaseModel):
    """The picture that would be sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(ge=1, strict=True, description="of the picture in px")
    height: int = Field(ge=1, strict=True, description="of the picture in px")
    frames: int = Field(1, ge=1, strict=True, description="of the animation, or pages")
    format: FormatName | None = Field(
        None, description="format of the answer; default: the one that takes the most memory"
    )

    @classmethod
    def from_query(cls, options: Mapping[str, str]) -> Self:
        """Read the query parameters.

        Raises:
            MalformedMessage: naming the parameter and what is wrong with it.
        """
        try:
            return cls.model_validate(typed(options))
        except ValidationError as exc:
            raise problem_of(exc, list(cls.model_fields)) from exc


class EstimateOutput(BaseModel):
    """What would be made of it, and when."""

    model_config = ConfigDict(populate_by_name=True)

    width: int = Field(description="of the answer in px")
    height: int = Field(description="of the answer in px")
    tiles: int = Field(description="pieces that the network works on one after the other")
    seconds: float = Field(description="that the network needs, alone")
    queue_seconds: float = Field(alias="queueSeconds", description="that others would take of its time")
    ahead: int = Field(description="pictures that are worked on now")
    plain: bool = Field(description="whether it would be accepted now, answered in one piece")
    stream: bool = Field(description="whether it would be accepted now, answered as a stream of events")
