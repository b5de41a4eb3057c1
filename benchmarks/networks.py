"""The networks that are measured: with random weights, on which neither time nor memory depends."""

from pathlib import Path
from typing import Any

from super_resolution.engine_openvino import PRECISIONS, choose_precision, save_ir
from super_resolution.model_files import IR, ModelFiles
from super_resolution.weights import LARGE, LITE, SMALL, Architecture

ARCHITECTURES = {"noise-cancel-lite": LITE, "psnr-small": SMALL, "noise-cancel, psnr-large": LARGE}


def precisions_here() -> list[str]:
    """fp32, and what this processor would be used with."""
    return [name for name in PRECISIONS if name in ("fp32", choose_precision("auto"))]


def write_random(architecture: Architecture, directory: Path) -> Any:
    """Write a network's IR into `directory`; returns ISR's own object of it."""
    from super_resolution.engine_tensorflow import build_isr, export_isr  # TensorFlow: not for who only reads

    isr = build_isr(architecture)
    export_isr(isr, directory / "network.pb")
    save_ir(directory / "network.pb", directory / IR)
    return isr


def random_model(architecture: Architecture, directory: Path) -> ModelFiles:
    """What `write_random` wrote, as an engine wants it."""
    return ModelFiles("random", directory, architecture, 0, {}, {})
