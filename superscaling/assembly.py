"""The composition root of everything that knows no HTTP: the service and the command line both start here."""

import functools
from dataclasses import dataclass

from superscaling.engines import Engine, available_cpus, open_engine, precision_of
from superscaling.enlarging import PictureUpscaler, Upscaler
from superscaling.isolation import Decoders
from superscaling.models import ModelFiles, directory_of, read_model_files, weight_file_of, weights_of
from superscaling.pictures import Limits, limit_pillow
from superscaling.scheduling import Admission, FairLock
from superscaling.settings import Settings


@dataclass(frozen=True)
class Assembly:
    """`sha256`: of the model's weights; `decoders`: to be closed at the end."""

    upscaler: Upscaler
    picture_upscaler: PictureUpscaler
    admission: Admission
    limits: Limits
    decoders: Decoders
    sha256: str


def assemble(settings: Settings) -> Assembly:
    """Open the settings' model, which must have been prepared, and build what enlarges with it.

    Sets Pillow's limits, and starts a decoder process.

    Raises:
        StartError: the model is not what `prepare` left, a setting can't be met, or no process can be started.
    """
    limit_pillow()
    decoders = Decoders(settings.decode_timeout)
    decoders.prepare()  # meanwhile the engine loads
    model = read_model_files(directory_of(settings))
    engine = open_engine(
        settings.engine,
        model,
        functools.partial(weight_file_of, settings),
        precision_of(settings.engine, settings.precision, model),
        settings.threads or available_cpus(),
    )
    upscaler = build_upscaler(engine, model, settings)
    decoders.start()
    return Assembly(
        upscaler=upscaler,
        picture_upscaler=PictureUpscaler(upscaler),
        admission=Admission(settings.queue_pixels, upscaler.seconds_for, upscaler.measure_speed),
        limits=Limits(settings.max_pixels, settings.max_frames, max(settings.max_pixels, settings.queue_pixels)),
        decoders=decoders,
        sha256=weights_of(settings).sha256,
    )


def build_upscaler(engine: Engine, model: ModelFiles, settings: Settings) -> Upscaler:
    """Build an upscaler around an engine that runs `model`."""
    known_answer = model.known_answer(engine.facts.precision)
    return Upscaler(engine, FairLock(), settings.tile, known_answer, settings.self_ensemble)
