"""Enlarge in this process."""

import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace

from image_super_scaling import Result
from message_protocol import UpscaleInput
from resource_upscale import ResourceUpscale
from superscaling.errors import ServiceError, SettingInvalid, StartError, StrengthNotOffered
from superscaling.geometry import Box
from superscaling.models import TABLE, directory_of
from superscaling.pictures import Samples
from superscaling.scheduling import Deadline, Plan, Timings
from superscaling.settings import Settings, describe_unknown, environment_variable, read_settings, unknown_variables
from upscale.console import Progress
from upscale.errors import Failed, FatalError, UsageError
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

    def enlarge(self, image: bytes, options: Mapping[str, str], progress: Progress) -> Result:
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
            message = UpscaleInput.from_bytes(image, options)
            output = upscale.main(message, Deadline(), Timings(), _ProgressBar(progress))
        except StrengthNotOffered as exc:
            raise FatalError(f"{exc.detail}, or choose --model {' or '.join(WITH_STRENGTH)}, which has") from exc
        except ServiceError as exc:
            hint = "" if exc.setting is None else f" (raise {environment_variable(exc.setting)})"
            raise Failed(exc.detail + hint) from exc
        return Result(output.image, output.format, output.width, output.height, output.notes)

    def close(self) -> None:
        """Nothing is to be done."""

    def _ready(self) -> ResourceUpscale:
        if self._upscale is None:
            self._upscale = _open(self._settings)
        return self._upscale


def local_enlarger(model: str | None, complain: Callable[[str], None]) -> Local:
    """Read the settings, of which a model on the command line replaces that of the environment.

    Args:
        model: its name or path; None: that of the settings.
        complain: prints a line about a variable that is no setting.

    Raises:
        SettingInvalid: a setting is.
        UsageError: there is no such model.
    """
    settings = read_settings()
    for variable in unknown_variables():
        complain(describe_unknown(variable))
    settings = replace(settings, models=())  # one is enough
    return Local(settings if model is None else _with_model(settings, model))


def _with_model(settings: Settings, model: str) -> Settings:
    chosen = replace(settings, model=model)
    try:
        directory_of(chosen)
    except SettingInvalid as exc:
        raise UsageError(str(exc).replace(f"{environment_variable('model')}=", "--model ", 1)) from exc
    return chosen


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
