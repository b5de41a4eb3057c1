"""The events of an upscale request that is answered as a stream (server-sent events, HTML standard 9.2)."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from message_protocol.base64_bytes import IMAGE_FIELD, as_base64


class Event(BaseModel):
    """An event. `event` is its name; its fields are sent as one line of JSON."""

    model_config = ConfigDict(populate_by_name=True, frozen=True)
    event: ClassVar[str]

    def to_text(self) -> str:
        """Serialise the event as it is sent."""
        return event_text(self.event, self.model_dump_json(by_alias=True))


def event_text(name: str, line: str) -> str:
    """Serialise an event whose data is `line`, which must have no line break."""
    return f"event: {name}\ndata: {line}\n\n"


class Accepted(Event):
    """The image was admitted and decoded; inference has not started."""

    event = "accepted"

    request_id: str = Field(alias="requestId")
    format: str = Field(description="format of the result")
    media_type: str = Field(alias="mediaType", description="media type of the result")
    width: int = Field(description="width of the result in px")
    height: int = Field(description="height of the result in px")
    frames: int
    tiles: int = Field(description="number of tiles, which the network processes one at a time")
    seconds: float = Field(description="estimated time until the result, including other images in progress")
    ahead: int = Field(description="number of other images in progress")


class Preview(Event):
    """What the result shows of the first frame, resized bicubically, to show in the place of the whole result."""

    event = "preview"

    width: int = Field(description="width of this preview in px")
    height: int = Field(description="height of this preview in px")
    media_type: str = Field(alias="mediaType")
    image: Annotated[bytes, as_base64] = Field(alias=IMAGE_FIELD)


class Tile(Event):
    """A finished part of the result, and its position there in px."""

    event = "tile"

    frame: int = Field(description="index from 0")
    left: int
    top: int
    width: int
    height: int
    media_type: str = Field(alias="mediaType")
    image: Annotated[bytes, as_base64] = Field(alias=IMAGE_FIELD)


class Progress(Event):
    """A tile is finished."""

    event = "progress"

    done: int
    total: int
    seconds_left: float = Field(alias="secondsLeft")


class Kept(Event):
    """The result is kept, to be had in other formats; sent before the result, if the request has asked for that."""

    event = "kept"

    id: str = Field(description="of the job as which it is kept")
    seconds: int = Field(description="for how long; less if others need the room")


class Notes(Event):
    """What could not be kept of the image; sent before the result, if there is anything."""

    event = "notes"

    notes: tuple[str, ...]
