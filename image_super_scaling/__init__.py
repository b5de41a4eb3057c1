"""A client of the image super-scaling service: `UpscaleClient`, and `AsyncUpscaleClient` for asyncio."""

from image_super_scaling.async_client import AsyncUpscaleClient
from image_super_scaling.async_jobs import AsyncJobsClient
from image_super_scaling.client import UpscaleClient
from image_super_scaling.downloads import Download
from image_super_scaling.errors import (
    Broken,
    Busy,
    Expired,
    Forbidden,
    Malformed,
    NoResult,
    NotFound,
    NotTheService,
    RateExceeded,
    Rejected,
    Unauthorized,
    Unavailable,
    Unreachable,
    UpscaleError,
)
from image_super_scaling.events import Accepted, Event, Notes, Preview, Progress, Tile
from image_super_scaling.jobs import JobsClient
from image_super_scaling.messages import Estimate, Job, Model, Result, Saved
from image_super_scaling.options import ConversionOptions, EstimateOptions, JobOptions, Options, StreamOptions
from image_super_scaling.settings import ClientSettings, Retry
from superscaling.job_state import JobState

__all__ = [
    "Accepted",
    "AsyncJobsClient",
    "AsyncUpscaleClient",
    "Broken",
    "Busy",
    "ClientSettings",
    "ConversionOptions",
    "Download",
    "Estimate",
    "EstimateOptions",
    "Event",
    "Expired",
    "Forbidden",
    "Job",
    "JobOptions",
    "JobState",
    "JobsClient",
    "Malformed",
    "Model",
    "NoResult",
    "NotFound",
    "NotTheService",
    "Notes",
    "Options",
    "Preview",
    "Progress",
    "RateExceeded",
    "Rejected",
    "Result",
    "Retry",
    "Saved",
    "StreamOptions",
    "Tile",
    "Unauthorized",
    "Unavailable",
    "Unreachable",
    "UpscaleClient",
    "UpscaleError",
]
