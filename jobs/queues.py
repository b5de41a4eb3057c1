"""The names of queues: who takes a block from one must make the same pixels as all others who do."""

import hashlib

from superscaling.enlarging import LoadedModels
from superscaling.upscale_options import UpscaleOptions


def queue_of(models: LoadedModels, options: UpscaleOptions) -> str:
    """The queue of a picture: model, precision, and a fingerprint of all else that decides about its pixels.

    Raises:
        UnknownModel: the model is not loaded.
    """
    model = models.named(options.model)
    parts = [model.sha256, str(model.facts), str(model.upscaler.tile)]
    if model.milder is not None:
        parts += [str(model.milder.facts), str(model.milder.tile)]
    fingerprint = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
    return f"{model.name}.{model.facts.precision}.{fingerprint}"
