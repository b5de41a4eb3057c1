"""A prepared model: a directory with `model.json`, the IR and a known answer."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from superscaling.errors import ModelUnavailable
from superscaling.models.acceptance import Acceptance
from superscaling.models.known_answer import KnownAnswer
from superscaling.models.sources import verify
from superscaling.models.table import Architecture

DESCRIPTION = "model.json"
IR = "fp32.xml"
IR_WEIGHTS = "fp32.bin"
INT8_IR = "int8.xml"
INT8_IR_WEIGHTS = "int8.bin"
KNOWN_ANSWER = "known_answer.npz"


@dataclass(frozen=True)
class ModelFiles:
    """A model's directory and the content of its `model.json`.

    `halo`: px of context that a tile needs; `tolerances`: precision -> largest difference from the known answer in
    8-bit levels; `sha256`: file name -> hash; `acceptance`: of int8.
    """

    name: str
    directory: Path
    architecture: Architecture
    halo: int
    tolerances: dict[str, float]
    sha256: dict[str, str]
    acceptance: Acceptance

    def ir(self, precision: str) -> Path:
        """OpenVINO's IR (.xml) for this precision; its weights (.bin) are beside it."""
        return self.directory / (INT8_IR if precision == "int8" else IR)

    def known_answer(self, precision: str) -> KnownAnswer:
        """What an engine in this precision must reproduce."""
        with np.load(self.directory / KNOWN_ANSWER) as arrays:
            return KnownAnswer(arrays["pixels"], arrays["expected"], self.tolerances[precision])


def read_model_files(directory: Path) -> ModelFiles:
    """Read `model.json` and verify the files that it names.

    Raises:
        ModelUnavailable: a file is missing or can't be read.
        WeightsRefused: a file has another hash.
    """
    try:
        description: dict[str, Any] = json.loads((directory / DESCRIPTION).read_text())
        model = ModelFiles(
            name=description["name"],
            directory=directory,
            architecture=Architecture(**description["architecture"]),
            halo=description["halo"],
            tolerances=description["tolerances"],
            sha256=description["sha256"],
            acceptance=Acceptance(**description["acceptance"]["int8"]),
        )
        for file, sha256 in model.sha256.items():
            verify(directory / file, sha256)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ModelUnavailable(f"{directory} holds no complete model: {exc!r}") from exc
    return model
