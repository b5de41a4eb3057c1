"""The networks that are measured: with random weights, on which neither time nor memory depends."""

import contextlib
from pathlib import Path
from typing import Any

import numpy as np

from errors import SettingInvalid
from super_resolution.engine import Engine, KnownAnswer, infer_levels
from super_resolution.engine_openvino import PRECISIONS, EngineOpenVino, choose_precision, save_ir
from super_resolution.lane import Lane
from super_resolution.model_files import IR, ModelFiles
from super_resolution.upscaler import Upscaler
from super_resolution.weights import LARGE, LITE, SMALL, Architecture

ARCHITECTURES = {"noise-cancel-lite": LITE, "psnr-small": SMALL, "noise-cancel, psnr-large": LARGE}
DEFAULT, LARGEST = "noise-cancel-lite", "noise-cancel, psnr-large"
HALO = 16  # px, the default model's


def precisions_here() -> list[str]:
    """What this processor has, from the most exact to the fastest."""
    here = []
    for name in PRECISIONS:
        with contextlib.suppress(SettingInvalid):
            here.append(choose_precision(name))
    return here


def write_random(architecture: Architecture, directory: Path) -> Any:
    """Write a network's IR into `directory`; returns ISR's own object of it."""
    from super_resolution.engine_tensorflow import build_isr, export_isr  # TensorFlow: not for who only reads

    isr = build_isr(architecture)
    export_isr(isr, directory / "network.pb")
    save_ir(directory / "network.pb", directory / IR)
    return isr


def open_random(architecture: Architecture, directory: Path, precision: str, threads: int) -> Engine:
    """Open what `write_random` wrote."""
    return EngineOpenVino(ModelFiles("random", directory, architecture, HALO, {}, {}), precision, threads)


def upscaler_of(engine: Engine, tile: int) -> Upscaler:
    """An upscaler that trusts an engine with random weights. `tile`: px, see `Upscaler`."""
    pixels = np.zeros((8, 8, 3), np.uint8)
    return Upscaler(engine, Lane(), tile, KnownAnswer(pixels, infer_levels(engine, pixels), tolerance=1.0))
