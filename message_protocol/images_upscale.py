"""`POST /v1/images/upscale`: the same request with more options, and the answer in the form of OpenAI's images API.

LocalAI has this route (core/http/endpoints/openai/upscale.go in mudler/LocalAI, pull request 10227).
"""

import base64
from typing import Literal, Self

from pydantic import BaseModel, Field, field_validator

from message_protocol.upscale_input import UpscaleInput
from message_protocol.upscale_output import UpscaleOutput


class ImagesUpscaleInput(UpscaleInput):
    """The image to enlarge and the options for its answer."""

    n: int | None = Field(
        None, ge=1, strict=True, description="how many images to answer with: 1, which OpenAI's clients send"
    )
    user: str | None = Field(None, strict=True, description="ignored; OpenAI's clients may send it")
    response_format: Literal["b64_json", "url"] = Field(
        "b64_json", description="the member of the answer that has the image: base64, or a data URL"
    )

    @field_validator("n")
    @classmethod
    def _one(cls, number: int | None) -> int | None:
        if number not in (None, 1):
            raise ValueError("must be 1: one image is answered by one")
        return number


class ImageData(BaseModel):
    """An image, in one of two members."""

    b64_json: str | None = Field(None, description="the enlarged image file in base64")
    url: str | None = Field(None, description="the enlarged image file as a data URL")


class ImagesUpscaleOutput(BaseModel):
    """The enlarged image as OpenAI's images API answers."""

    created: int = Field(description="when, in seconds since 1970")
    data: list[ImageData] = Field(description="one image", min_length=1, max_length=1)
    output_format: str = Field(description="the image's format")
    size: str = Field(description="the image's width and height in px, such as 800x600")

    @classmethod
    def of(cls, output: UpscaleOutput, media_type: str, created: int, response_format: str) -> Self:
        """The answer with the image of `output`, in the member `response_format`."""
        text = base64.b64encode(output.image).decode("ascii")
        if response_format == "url":
            text = f"data:{media_type};base64,{text}"
        return cls(
            created=created,
            data=[ImageData(**{response_format: text})],
            output_format=output.format,
            size=f"{output.width}x{output.height}",
        )

    def to_json(self) -> str:
        """Serialise the answer without the member that has no image."""
        return self.model_dump_json(exclude_none=True)
