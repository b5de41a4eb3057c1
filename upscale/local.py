"""Enlarges in this process."""

import logging
import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from message_protocol import UpscaleInput, UpscaleOutput
from resource_upscale import ResourceUpscale, UpscaleWork
from superscaling.errors import ServiceError, StartError
from superscaling.geometry import Box
from superscaling.settings import Settings, variable_of
from upscale.console import Progress
from upscale.errors import Failed, FatalError


class Local:
    """Enlarges with the settings' model, which is prepared and loaded when the first picture comes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._upscale: ResourceUpscale | None = None

    def enlarge(self, image: bytes, options: Mapping[str, str], progress: Progress) -> UpscaleOutput:
        """Enlarge one image file.

        Args:
            image: the file.
            options: `format` and `quality`, where they are asked for.
            progress: is told of every tile.

        Raises:
            Failed: this picture can't be enlarged.
            FatalError: the model can't be had, or not as the settings want it.
        """
        if self._upscale is None:
            self._upscale = _open(self._settings)
        try:
            return self._upscale.main(UpscaleInput.from_bytes(image, options), _FileWork(progress))
        except ServiceError as exc:
            hint = f" (raise {variable_of(exc.setting)})" if exc.setting in Settings.__dataclass_fields__ else ""
            raise Failed(exc.detail + hint) from exc


class _FileWork(UpscaleWork):
    """Work without a deadline: who waits for it can interrupt it."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(math.inf, "", is_client_gone=lambda: False)
        self._progress = progress

    def expect(self, tiles: int) -> None:
        super().expect(tiles)
        self._progress.expect(tiles)

    def tile_done(self, box: Box, pixels: NDArray[np.uint8 | np.uint16]) -> None:
        super().tile_done(box, pixels)
        self._progress.reach(self.tiles_done)


def _open(settings: Settings) -> ResourceUpscale:
    # Here: the engine takes half a second to import, and `--help` or a wrong name shall not wait for it.
    from superscaling.assembly import assemble
    from superscaling.commands.prepare import prepare_model

    logging.getLogger().setLevel(settings.log_level.upper())
    try:
        prepare_model(settings)
        parts = assemble(settings)
    except StartError as exc:
        raise FatalError(str(exc)) from exc
    return ResourceUpscale(parts.picture_upscaler, parts.admission, parts.limits, settings.quality)
