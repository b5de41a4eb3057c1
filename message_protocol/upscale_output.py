"""The answer of `POST /upscale`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from message_protocol.base64_bytes import IMAGE_FIELD, as_base64
from message_protocol.stream_events import Kept
from superscaling.format_name import FormatName


class UpscaleOutput(BaseModel):
    """The enlarged image file. Size, notes and `kept` are not part of the JSON; they are sent as headers."""

    model_config = ConfigDict(frozen=True)

    image: Annotated[
        bytes,
        as_base64,
        WithJsonSchema({"type": "string", "contentEncoding": "base64", "contentMediaType": "image/*"}),
    ] = Field(serialization_alias=IMAGE_FIELD, description="the enlarged image file in base64")
    format: FormatName = Field(exclude=True)
    width: int = Field(exclude=True)
    height: int = Field(exclude=True)
    notes: tuple[str, ...] = Field((), exclude=True)
    kept: Kept | None = Field(None, exclude=True)

    def to_json(self) -> str:
        """Serialise as `{"imageBase64": "..."}`."""
        return self.model_dump_json(by_alias=True)
