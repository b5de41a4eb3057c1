"""Enlarge in this process."""

import logging
import math
import sys
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from message_protocol import UpscaleInput, UpscaleOutput
from resource_upscale import ResourceUpscale, UpscaleWork
from superscaling.errors import ServiceError, StartError
from superscaling.geometry import Box
from superscaling.settings import Settings
from upscale.console import Progress
from upscale.errors import Failed, FatalError


class Local:
    """Enlarges with the settings' model, which is prepared and loaded for the first image."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._upscale: ResourceUpscale | None = None

    def enlarge(self, image: bytes, options: Mapping[str, str], progress: Progress) -> UpscaleOutput:
        """Enlarge one image file.

        Args:
            image: the file.
            options: `format` and `quality`, if requested.
            progress: learns of every tile.

        Raises:
            Failed: this image can't be enlarged.
            FatalError: the model is not available, or not with these settings.
        """
        if self._upscale is None:
            self._upscale = _open(self._settings)
        try:
            return self._upscale.main(UpscaleInput.from_bytes(image, options), _FileWork(progress))
        except ServiceError as exc:
            raise Failed(exc.detail) from exc


class _FileWork(UpscaleWork):
    """Work without a deadline: the user can interrupt it."""

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
    # Imported late: the engine takes half a second, which a wrong file name should not wait for.
    # openvino's metadata asks for a package that sends usage statistics; if it is missing, openvino has stubs.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    from superscaling.assembly import assemble
    from superscaling.commands.prepare import prepare_model

    logging.getLogger().setLevel(settings.log_level.upper())
    try:
        prepare_model(settings)
        parts = assemble(settings)
    except StartError as exc:
        raise FatalError(str(exc)) from exc
    return ResourceUpscale(parts.picture_upscaler, parts.admission, parts.limits, settings.quality)
