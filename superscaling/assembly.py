"""The composition root of everything that knows no HTTP: the service and the command line both start here."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from superscaling.engines import Engine, available_cpus, device_of, fingerprint_of, open_engine, precision_of
from superscaling.enlarging import FileUpscaler, LoadedModel, LoadedModels, PictureUpscaler, Upscaler
from superscaling.isolation import Decoders
from superscaling.models import ModelFiles, model_of, settings_of_models, weight_file_of, with_milder
from superscaling.pictures import Limits, limit_pillow
from superscaling.resident_memory import resident_bytes
from superscaling.scheduling import Admission, FairLock
from superscaling.settings import Settings


@dataclass(frozen=True)
class Assembly:
    """`files`: enlarges whole files with the others; `decoders`: to be closed at the end."""

    models: LoadedModels
    admission: Admission
    limits: Limits
    decoders: Decoders
    files: FileUpscaler


def assemble(settings: Settings) -> Assembly:
    """Open the settings' models, which must have been prepared, and build what enlarges with them.

    Sets Pillow's limits, and starts a decoder process.

    Raises:
        StartError: a model is not what `prepare` left, a setting can't be met, or no process can be started.
    """
    limit_pillow()
    decoders = Decoders(settings.decode_timeout)
    decoders.prepare()  # meanwhile the engine loads
    lock = FairLock()
    models = LoadedModels(_load_all(settings_of_models(settings), lock))
    decoders.start()
    limits = Limits(
        settings.max_pixels,
        settings.max_frames,
        max(settings.max_pixels, settings.queue_pixels),
        settings.max_result_pixels,
    )
    files = FileUpscaler(models, limits, settings.quality, decoders)
    return Assembly(models, Admission(settings.queue_pixels), limits, decoders, files)


@dataclass(frozen=True)
class ModelIdentity:
    """What decides about the pixels of a model: the fields of the `LoadedModel` that `assemble` would make."""

    name: str
    precision: str
    fingerprint: str
    milder_fingerprint: str


def identify_models(settings: Settings) -> Sequence[ModelIdentity]:
    """The identities of the settings' models, without loading them. (It loads OpenVINO, which starts threads.)

    Raises:
        StartError: a model is not what `prepare` left, or a setting can't be met.
    """
    identities = []
    for each in settings_of_models(settings):
        (name, precision, fingerprint), *milder = map(_identity, with_milder(each))
        identities.append(ModelIdentity(name, precision, fingerprint, milder[0][2] if milder else ""))
    return identities


def _identity(settings: Settings) -> tuple[str, str, str]:
    """Name, precision and fingerprint of the settings' model alone."""
    model = model_of(settings)
    device = device_of(settings.engine, settings.device)
    precision = precision_of(settings.engine, settings.precision, model, device)
    return model.name, precision, fingerprint_of(settings, model, precision, device)


def build_upscaler(engine: Engine, model: ModelFiles, settings: Settings, lock: FairLock) -> Upscaler:
    """Build an upscaler around an engine that runs `model`; all that share the processor share the lock."""
    known_answer = model.known_answer(engine.facts.precision)
    return Upscaler(engine, lock, engine.facts.tile_edge(settings.tile), known_answer, settings.self_ensemble)


def _load_all(chosen: Sequence[Settings], lock: FairLock) -> Sequence[LoadedModel]:
    """Load models with their milder siblings, each once. A sibling that is not chosen belongs to its first model."""
    models = {each.model: _load(each, lock) for each in chosen}
    siblings = dict[str, LoadedModel]()
    for model, each in zip(models.values(), chosen, strict=True):
        for milder in with_milder(each)[1:]:
            if milder.model not in models | siblings:
                siblings[milder.model] = _load(milder, lock)
                model.memory += siblings[milder.model].memory
                model.owns_milder = True
            sibling = (models | siblings)[milder.model]
            model.milder, model.milder_fingerprint = sibling.upscaler, sibling.fingerprint
    return list(models.values())


def _load(settings: Settings, lock: FairLock) -> LoadedModel:
    model = model_of(settings)
    device = device_of(settings.engine, settings.device)
    # Loads OpenVINO, which counts for no model.
    precision = precision_of(settings.engine, settings.precision, model, device)
    before = resident_bytes()
    engine = open_engine(
        settings.engine,
        model,
        functools.partial(weight_file_of, settings),
        precision,
        settings.threads or available_cpus(),
        device,
    )
    upscaler = build_upscaler(engine, model, settings, lock)
    memory = max(0, resident_bytes() - before)
    return LoadedModel(
        upscaler,
        PictureUpscaler(upscaler),
        model.weights_sha256,
        model.licence,
        memory,
        fingerprint=fingerprint_of(settings, model, precision, device),
    )
