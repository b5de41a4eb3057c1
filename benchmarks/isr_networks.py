"""Networks of ISR, which run by its `predict` and, converted, in OpenVINO.

idealo's `psnr-small` and `gans` have their published weights. Those of `noise-cancel` and `psnr-large` can't be
downloaded any more: their architecture, C6 D20, has random weights. Times don't depend on weights, except for a few per
cent in int8: signed activations take longer to quantise than unsigned ones.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.networks import Network
from evaluation.idealo import GANS, PSNR_SMALL, load_gans, load_psnr_small
from superscaling.conversion import work_per_pixel
from superscaling.conversion.ir import ends_of, read_graph, save_ir
from superscaling.engines.openvino import supported_precisions
from superscaling.models import INT8_IR, IR, LARGE, Kind, ModelFiles

C6_D20 = "noise-cancel, psnr-large"
HALO = 16  # px: enough for these weights or not, a tile takes as long as one of the default model's


def _build_largest() -> Any:
    from superscaling.engines.tensorflow import build_isr  # late: it loads TensorFlow

    return build_isr(LARGE)


# How to make ISR's object.
ISR_NETWORKS: Mapping[str, Callable[[], Any]] = {
    PSNR_SMALL: load_psnr_small,
    GANS: load_gans,
    C6_D20: _build_largest,
}


def write_isr_network(name: str, isr: Any, directory: Path) -> Network:
    """Convert a network for OpenVINO into `directory`, in fp32 and int8.

    int8 is calibrated on noise and not checked for acceptance: it is for times only.
    """
    # Late: these load TensorFlow and NNCF.
    from superscaling.conversion.quantisation import quantise
    from superscaling.engines.tensorflow import export_isr

    export_isr(isr, directory / "network.pb")
    network = read_graph(directory / "network.pb")
    ends = ends_of(network)
    save_ir(network, directory / IR, ends)
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    quantise(directory / IR, directory / INT8_IR, [noise], ends)
    files = ModelFiles(
        name=name,
        directory=directory,
        scale=isr.scale,
        halo=HALO,
        kind=Kind.PERCEPTUAL if name == GANS else Kind.FAITHFUL,
        licence="",
        weights_sha256="",
        tolerances={},
        sha256={},
        work=work_per_pixel(network),
    )
    return Network(files, supported_precisions())
