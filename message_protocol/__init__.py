"""The messages on the wire: their JSON names, base64 and validation."""

from message_protocol.estimate import EstimateInput, EstimateOutput
from message_protocol.ping_output import PingOutput
from message_protocol.problem import Problem
from message_protocol.reading import MAX_ECHOED
from message_protocol.ready_output import ReadyOutput
from message_protocol.stream_events import Accepted, Event, Notes, Preview, Progress, Tile, event_text
from message_protocol.upscale_input import UpscaleInput
from message_protocol.upscale_output import UpscaleOutput

__all__ = [
    "MAX_ECHOED",
    "Accepted",
    "EstimateInput",
    "EstimateOutput",
    "Event",
    "Notes",
    "PingOutput",
    "Preview",
    "Problem",
    "Progress",
    "ReadyOutput",
    "Tile",
    "UpscaleInput",
    "UpscaleOutput",
    "event_text",
]
