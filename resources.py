"""The composition root: everything is built here, once, when this module is imported."""

import functools

from image_codec import Limits, limit_pillow
from picture_upscaler import PictureUpscaler
from prepare import directory_of, weight_file_of
from resource_estimate import ResourceEstimate
from resource_ping import ResourcePing
from resource_ready import ResourceReady
from resource_upscale import ResourceUpscale
from settings import read_settings
from super_resolution.backlog import Backlog
from super_resolution.cpus import available_cpus
from super_resolution.lane import Lane
from super_resolution.model_files import read_model_files
from super_resolution.opening import open_engine, precision_of
from super_resolution.upscaler import Upscaler

settings = read_settings()
limit_pillow()

model = read_model_files(directory_of(settings))
engine = open_engine(
    settings.engine,
    model,
    functools.partial(weight_file_of, settings),
    precision_of(settings.engine, settings.precision),
    settings.threads or available_cpus(),
)
facts = engine.facts
upscaler = Upscaler(engine, Lane(), settings.tile, model.known_answer(facts.precision))
backlog = Backlog(settings.queue_pixels, upscaler.seconds_for)
enlarge = PictureUpscaler(upscaler)
limits = Limits(settings.max_pixels, settings.max_frames)

ping = ResourcePing()
ready = ResourceReady(upscaler)
upscale = ResourceUpscale(enlarge, backlog, limits, settings.quality)
estimate = ResourceEstimate(enlarge, backlog, limits, settings.timeout, settings.stream_timeout)
