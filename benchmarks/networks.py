"""The measured networks: this project's, idealo's and Real-ESRGAN's."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from superscaling.commands.prepare import prepare_model
from superscaling.engines import Engine, available_cpus, infer_levels
from superscaling.engines.openvino import EngineOpenVino, choose_precision, supported_precisions
from superscaling.enlarging import Upscaler
from superscaling.models import KnownAnswer, ModelFiles, model_of
from superscaling.scheduling import FairLock
from superscaling.settings import Settings, read_settings

DEFAULT = Settings().model
# The project's own, the fastest first.
OWN = ("noise-cancel-fast", "noise-cancel-plain", "noise-cancel-best", "noise-cancel-lite", "noise-cancel-small")
# Real-ESRGAN's with their released weights (`make weights`): the fastest, and the one for photographs.
ANIME_VIDEO, X4PLUS = "realesr-animevideov3-x2", "realesrgan-x4plus"
REAL_ESRGAN = (ANIME_VIDEO, X4PLUS)


@dataclass(frozen=True)
class Network:
    """A network and how it runs in OpenVINO.

    `precisions`: those that it has on this processor, from the most exact to the fastest; `served`: the one that the
    service chooses, None if the service has no such model.
    """

    files: ModelFiles
    precisions: Sequence[str]
    served: str | None = None

    @property
    def flop(self) -> int:
        """Floating-point operations per pixel of the picture; a multiply-add counts as two, nothing else counts."""
        return 2 * self.files.work

    def open(self, precision: str) -> Engine:
        """The engine in one of its precisions."""
        return EngineOpenVino(self.files, precision, available_cpus())


def served_network(name: str) -> Network:
    """A model of the table as the service has it: in the precisions that it was accepted in.

    Raises:
        StartError: it can't be had.
    """
    settings = replace(read_settings(), model=name, models=())
    prepare_model(settings)
    files = model_of(settings)
    good_in_bf16 = "bf16" in files.tolerances
    accepted = {"fp32", *["bf16"] * good_in_bf16, *["int8"] * bool(files.acceptance and files.acceptance.passed)}
    precisions = [precision for precision in supported_precisions() if precision in accepted]
    return Network(files, precisions, choose_precision("auto", files.acceptance, good_in_bf16))


def upscaler_of(engine: Engine, tile: int) -> Upscaler:
    """An upscaler whose known answer is the engine's own, for any weights. `tile`: edge in px, without the halo."""
    pixels = np.zeros((8, 8, 3), np.uint8)
    return Upscaler(engine, FairLock(), tile, KnownAnswer(pixels, infer_levels(engine, pixels), tolerance=1.0))
