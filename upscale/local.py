"""Enlarge in this process."""

import logging
import sys
from collections.abc import Mapping

from message_protocol import UpscaleInput, UpscaleOutput
from resource_upscale import ResourceUpscale
from superscaling.errors import ServiceError, StartError, StrengthNotOffered
from superscaling.geometry import Box
from superscaling.models import TABLE
from superscaling.pictures import Samples
from superscaling.scheduling import Deadline, Plan, Timings
from superscaling.settings import Settings, environment_variable
from upscale.console import Progress
from upscale.errors import Failed, FatalError
from upscale.interrupts import ended_at_once

# Models that can be named wherever this is installed.
WITH_STRENGTH = [name for name, weights in TABLE.items() if weights.milder is not None]


class Local:
    """Enlarges with the settings' model."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._upscale: ResourceUpscale | None = None

    def get_ready(self) -> None:
        """Prepare and load the model, once.

        Raises:
            FatalError: it is not available, or not with these settings.
        """
        self._ready()

    def enlarge(self, image: bytes, options: Mapping[str, str], progress: Progress) -> UpscaleOutput:
        """Enlarge one image file.

        Args:
            image: the file.
            options: what is asked for, as in the query of a request.
            progress: learns of every tile.

        Raises:
            Failed: this image can't be enlarged.
            FatalError: the model is not available, or not with these settings and options.
        """
        upscale = self._ready()
        try:
            return upscale.main(UpscaleInput.from_bytes(image, options), Deadline(), Timings(), _ProgressBar(progress))
        except StrengthNotOffered as exc:
            raise FatalError(f"{exc.detail}, or choose --model {' or '.join(WITH_STRENGTH)}, which has") from exc
        except ServiceError as exc:
            hint = "" if exc.setting is None else f" (raise {environment_variable(exc.setting)})"
            raise Failed(exc.detail + hint) from exc

    def _ready(self) -> ResourceUpscale:
        if self._upscale is None:
            self._upscale = _open(self._settings)
        return self._upscale


class _ProgressBar:
    """Shows tiles on the console's bar."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def accepted(self, plan: Plan) -> None:
        self._progress.expect(plan.tiles)

    def begin_pass(self, frame: int | None) -> None:
        pass

    def part_done(self, box: Box, pixels: Samples) -> None:
        pass

    def tile_done(self, timings: Timings) -> None:
        self._progress.reach(timings.tiles_done)


def _open(settings: Settings) -> ResourceUpscale:
    # Imported late: the engine takes half a second, which a wrong file name should not wait for.
    # openvino's metadata asks for a package that sends usage statistics; if it is missing, openvino has stubs.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None blocks an import
    with ended_at_once():
        from superscaling.assembly import assemble
        from superscaling.commands.prepare import prepare_model

    logging.getLogger().setLevel(settings.log_level.upper())
    try:
        prepare_model(settings)
        with ended_at_once():  # this imports the engine
            parts = assemble(settings)
    except StartError as exc:
        raise FatalError(str(exc)) from exc
    return ResourceUpscale(parts.models, parts.admission, parts.limits, settings.quality, parts.decoders)
