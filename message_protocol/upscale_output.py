"""The answer of `POST /upscale`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from message_protocol.base64_bytes import as_base64
from superscaling.format_name import FormatName


class UpscaleOutput(BaseModel):
    """The enlarged image file; its format and size, and what of the input is not in it, go into the headers."""

    model_config = ConfigDict(frozen=True)

    image: Annotated[
        bytes,
        as_base64,
        WithJsonSchema({"type": "string", "contentEncoding": "base64", "contentMediaType": "image/*"}),
    ] = Field(serialization_alias="imageBase64", description="the enlarged image file in base64")
    format: FormatName = Field(exclude=True)
    width: int = Field(exclude=True)
    height: int = Field(exclude=True)
    notes: tuple[str, ...] = Field((), exclude=True)

    def to_json(self) -> str:
        """`{"imageBase64": "..."}` and nothing else."""
        return self.model_dump_json(by_alias=True)
