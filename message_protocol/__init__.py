"""The messages of the API: field names, base64, validation."""

from message_protocol.base64_bytes import IMAGE_FIELD, URL_FIELD
from message_protocol.estimate import EstimateInput, EstimateOutput
from message_protocol.images_upscale import ImagesUpscaleInput, ImagesUpscaleOutput
from message_protocol.jobs import ArchiveInput, JobInput, JobOutput, JobsInput, JobsOutput, ResultInput
from message_protocol.json_text import starts_like_json
from message_protocol.media_types import BYTES, EVENTS, FORM, JSON, PROBLEM
from message_protocol.models_output import ModelOutput, ModelsOutput
from message_protocol.ping_output import PingOutput
from message_protocol.problem import Problem
from message_protocol.ready_output import ReadyOutput
from message_protocol.stream_events import Accepted, Event, Kept, Notes, Preview, Progress, Tile, event_text
from message_protocol.upscale_input import OnError, UpscaleInput
from message_protocol.upscale_output import UpscaleOutput
from superscaling.job_state import JobState
from superscaling.option_texts import MAX_ECHOED

__all__ = [
    "BYTES",
    "EVENTS",
    "FORM",
    "IMAGE_FIELD",
    "JSON",
    "MAX_ECHOED",
    "PROBLEM",
    "URL_FIELD",
    "Accepted",
    "ArchiveInput",
    "EstimateInput",
    "EstimateOutput",
    "Event",
    "ImagesUpscaleInput",
    "ImagesUpscaleOutput",
    "JobInput",
    "JobOutput",
    "JobState",
    "JobsInput",
    "JobsOutput",
    "Kept",
    "ModelOutput",
    "ModelsOutput",
    "Notes",
    "OnError",
    "PingOutput",
    "Preview",
    "Problem",
    "Progress",
    "ReadyOutput",
    "ResultInput",
    "Tile",
    "UpscaleInput",
    "UpscaleOutput",
    "event_text",
    "starts_like_json",
]
