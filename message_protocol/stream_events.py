"""The events of an upscale request that is answered as a stream (server-sent events, HTML standard 9.2)."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from message_protocol.base64_bytes import as_base64


class Event(BaseModel):
    """One event: its name, and its members as a line of JSON."""

    model_config = ConfigDict(populate_by_name=True, frozen=True)
    event: ClassVar[str]

    def to_text(self) -> str:
        """As it is sent."""
        return event_text(self.event, self.model_dump_json(by_alias=True))


def event_text(name: str, line: str) -> str:
    """An event as it is sent; `line` is its data, without a line break."""
    return f"event: {name}\ndata: {line}\n\n"


class Accepted(Event):
    """The picture was admitted and decoded; nothing was worked on yet."""

    event = "accepted"

    request_id: str = Field(alias="requestId")
    format: str = Field(description="of the result")
    media_type: str = Field(alias="mediaType", description="of the result")
    width: int = Field(description="of the result in px")
    height: int = Field(description="of the result in px")
    frames: int
    tiles: int = Field(description="pieces that the network works on one after the other")
    seconds: float = Field(description="estimate until the result, beside all others that are worked on")
    ahead: int = Field(description="other pictures that are worked on")


class Preview(Event):
    """The first frame, small, enlarged or reduced bicubically: to be shown in the whole result's place."""

    event = "preview"

    width: int = Field(description="of this preview in px")
    height: int = Field(description="of this preview in px")
    media_type: str = Field(alias="mediaType")
    image: Annotated[bytes, as_base64] = Field(alias="imageBase64")


class Tile(Event):
    """A finished piece of the result, and where it lies there, in px."""

    event = "tile"

    frame: int = Field(description="index from 0")
    left: int
    top: int
    width: int
    height: int
    media_type: str = Field(alias="mediaType")
    image: Annotated[bytes, as_base64] = Field(alias="imageBase64")


class Progress(Event):
    """A tile is done."""

    event = "progress"

    done: int
    total: int
    seconds_left: float = Field(alias="secondsLeft")


class Notes(Event):
    """What of the picture is not in the result; sent before it, if there is something."""

    event = "notes"

    notes: tuple[str, ...]
