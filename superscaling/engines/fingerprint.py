"""What two machines must have in common to make the same pixels."""

import hashlib

from superscaling.engines.engine import EngineFacts
from superscaling.models import ModelFiles
from superscaling.settings import Settings


def fingerprint_of(settings: Settings, model: ModelFiles, precision: str, device: str) -> str:
    """A fingerprint of all that decides about the pixels of a model: its network, and how it is shown a picture.

    That is every file of the model, the engine, the device, the precision, the number of views, and the edge of a tile.
    The number of threads and the version of the service are not in it. Neither is the processor: in fp32 and bf16,
    kernels for different instruction sets round differently, by less than a level.

    Args:
        settings: of the model.
        model: its files.
        precision: from `precision_of`.
        device: from `device_of`.
    """
    facts = EngineFacts.of(model, settings.engine, precision, threads=0, device=device)
    decisive = (facts, settings.self_ensemble, facts.tile_edge(settings.tile), sorted(model.sha256.items()))
    return hashlib.sha256(repr((decisive, model.weights_sha256)).encode()).hexdigest()
