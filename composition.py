"""What the service and the command line are both built of."""

import functools
from dataclasses import dataclass

from image_codec import Limits, limit_pillow
from picture_upscaler import PictureUpscaler
from prepare import directory_of, weight_file_of
from resource_upscale import ResourceUpscale
from settings import Settings
from super_resolution.backlog import Backlog
from super_resolution.cpus import available_cpus
from super_resolution.engine import Engine
from super_resolution.lane import Lane
from super_resolution.model_files import ModelFiles, read_model_files
from super_resolution.opening import open_engine, precision_of
from super_resolution.upscaler import Upscaler


@dataclass(frozen=True)
class Composition:
    """`upscale`, and what it is made of."""

    upscaler: Upscaler
    enlarge: PictureUpscaler
    backlog: Backlog
    limits: Limits
    upscale: ResourceUpscale


def compose(settings: Settings) -> Composition:
    """Open the settings' model, which must have been prepared, and build what enlarges with it. Sets Pillow's limits.

    Raises:
        StartError: the model is not what `prepare` left, or the settings can't be met.
    """
    limit_pillow()
    model = read_model_files(directory_of(settings))
    engine = open_engine(
        settings.engine,
        model,
        functools.partial(weight_file_of, settings),
        precision_of(settings.engine, settings.precision, model),
        settings.threads or available_cpus(),
    )
    upscaler = build_upscaler(engine, model, settings)
    enlarge = PictureUpscaler(upscaler)
    backlog = Backlog(settings.queue_pixels, upscaler.seconds_for)
    limits = Limits(settings.max_pixels, settings.max_frames)
    return Composition(upscaler, enlarge, backlog, limits, ResourceUpscale(enlarge, backlog, limits, settings.quality))


def build_upscaler(engine: Engine, model: ModelFiles, settings: Settings) -> Upscaler:
    """Build what enlarges pixels with an engine that runs `model`, as the settings have it."""
    known_answer = model.known_answer(engine.facts.precision)
    return Upscaler(engine, Lane(), settings.tile, known_answer, settings.self_ensemble)
