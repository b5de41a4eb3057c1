"""The answer of `POST /upscale`."""

import binascii
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from image_codec import FormatName


class UpscaleOutput(BaseModel):
    """The enlarged image file; its format and size, and what of the input is not in it, go into the headers."""

    model_config = ConfigDict(frozen=True)

    image: Annotated[
        bytes,
        PlainSerializer(lambda data: binascii.b2a_base64(data, newline=False).decode("ascii"), when_used="json"),
        WithJsonSchema({"type": "string", "contentEncoding": "base64", "contentMediaType": "image/*"}),
    ] = Field(serialization_alias="imageBase64", description="the enlarged image file in base64")
    format: FormatName = Field(exclude=True)
    width: int = Field(exclude=True)
    height: int = Field(exclude=True)
    notes: tuple[str, ...] = Field((), exclude=True)

    def to_json(self) -> str:
        """`{"imageBase64": "..."}` and nothing else."""
        return self.model_dump_json(by_alias=True)
