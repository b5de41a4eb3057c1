"""Enlarges as a request does: `ResourceUpscale` with the settings' models, from a file to a file."""

import contextlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from evaluation.errors import MeasurementError
from evaluation.metrics import Pixels
from evaluation.pictures import Enlarge
from message_protocol import UpscaleInput
from resource_upscale import ResourceUpscale
from superscaling.assembly import Assembly, assemble
from superscaling.commands.prepare import prepare_model
from superscaling.errors import ServiceError
from superscaling.scheduling import Deadline, Timings
from superscaling.settings import read_settings


class Service:
    """The models of an assembly, behind `ResourceUpscale`."""

    def __init__(self, assembly: Assembly, quality: int) -> None:
        self.models = {model.name: model.facts for model in assembly.models}
        self._resource = ResourceUpscale(
            assembly.models, assembly.admission, assembly.limits, quality, assembly.decoders
        )

    def enlarge(self, pixels: Pixels, model: str, **size: str) -> tuple[Pixels, float]:
        """Enlarge a picture, as PNG to PNG.

        Args:
            pixels: (h, w, 3), RGB, uint8.
            model: the name of a model.
            size: options of a request, such as `scale="3"`.

        Returns:
            The enlarged pixels, and the seconds of inference.

        Raises:
            MeasurementError: the request is refused, or fails.
        """
        file, timings = io.BytesIO(), Timings()
        Image.fromarray(pixels).save(file, "PNG")
        try:
            message = UpscaleInput.from_bytes(file.getvalue(), {"model": model, **size})
            output = self._resource.main(message, Deadline(), timings)
        except ServiceError as exc:
            raise MeasurementError(f"{model}: {exc}") from exc
        with Image.open(io.BytesIO(output.image)) as image:
            return np.asarray(image.convert("RGB")), timings.seconds["infer"]

    def enlarger(self, model: str, scale: int) -> Enlarge:
        """A function that enlarges a picture by `scale`, as `enlarge` does."""
        return lambda low: self.enlarge(low, model, scale=str(scale))[0]


@contextlib.contextmanager
def running(models: Sequence[str]) -> Iterator[Service]:
    """Prepare and open models; the first is the default.

    Raises:
        StartError: one can't be had.
    """
    first, *others = models
    settings = replace(read_settings(), model=first, models=tuple(others))
    for name in models:
        prepare_model(replace(settings, model=name, models=()))
    assembly = assemble(settings)
    try:
        for model in assembly.models:
            model.warm_up()
        yield Service(assembly, settings.quality)
    finally:
        assembly.decoders.close()
