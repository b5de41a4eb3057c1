"""The networks that are measured: with random weights, on which neither time nor memory depends."""

from pathlib import Path
from typing import Any

import numpy as np

from super_resolution.engine_openvino import save_ir
from super_resolution.gate import Gate
from super_resolution.model_files import INT8_IR, IR, ModelFiles
from super_resolution.weights import LARGE, LITE, SMALL, Architecture

ARCHITECTURES = {"noise-cancel-lite": LITE, "psnr-small": SMALL, "noise-cancel, psnr-large": LARGE}


def write_random(architecture: Architecture, directory: Path) -> Any:
    """Write a network's IR, in fp32 and int8, into `directory`; returns ISR's own object of it."""
    # TensorFlow and NNCF: not for who only reads.
    from super_resolution.engine_tensorflow import build_isr, export_isr
    from super_resolution.quantisation import quantise

    isr = build_isr(architecture)
    export_isr(isr, directory / "network.pb")
    save_ir(directory / "network.pb", directory / IR)
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    quantise(directory / IR, directory / INT8_IR, [noise])
    return isr


def random_model(architecture: Architecture, directory: Path) -> ModelFiles:
    """What `write_random` wrote, as an engine wants it."""
    return ModelFiles("random", directory, architecture, 0, {}, {}, Gate(0, 0))
