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
from superscaling.models.weights import Architecture, Kind

DESCRIPTION = "model.json"
IR = "fp32.xml"
IR_WEIGHTS = "fp32.bin"
INT8_IR = "int8.xml"
INT8_IR_WEIGHTS = "int8.bin"
KNOWN_ANSWER = "known_answer.npz"
# Characters of a description that an error message repeats.
MAX_ECHOED = 100


@dataclass(frozen=True)
class ModelFiles:
    """A model's directory and the content of its `model.json`.

    `scale`: factor of both sides; `halo`: px of context that a tile needs; `kind`: what its results are meant to be;
    `licence`: of the weights, an SPDX identifier or words; `weights_sha256`: of the file that it was made of;
    `tolerances`: precision -> largest difference from the known answer in 8-bit levels; `sha256`: file name -> hash;
    `acceptance`: of int8, None if there is no int8; `multiple`, `least`: the network takes sides that are multiples of
    `multiple` px and at least `least`; tiles are cut there, too; `seam`: largest difference in 8-bit levels that was
    seen between a tile and the whole picture; `work`: multiplications per px of a picture, 0 if unknown;
    `architecture`: of an RDN, which ISR can load; `milder`: the name of the model that strength 0 gives, None if the
    model has no strength.
    """

    name: str
    directory: Path
    scale: int
    halo: int
    kind: Kind
    licence: str
    weights_sha256: str
    tolerances: dict[str, float]
    sha256: dict[str, str]
    acceptance: Acceptance | None = None
    multiple: int = 1
    least: int = 1
    seam: float = 0.0
    work: int = 0
    architecture: Architecture | None = None
    milder: str | None = None

    @classmethod
    def unmeasured(
        cls, name: str, directory: Path, architecture: Architecture, acceptance: Acceptance | None = None
    ) -> "ModelFiles":
        """An RDN whose directory has no `model.json`: the halo is its receptive field, which is large enough."""
        return cls(
            name=name,
            directory=directory,
            scale=architecture.scale,
            halo=architecture.receptive_field,
            kind=Kind.FAITHFUL,
            licence="unknown",
            weights_sha256="",
            tolerances={},
            sha256={},
            acceptance=acceptance,
            architecture=architecture,
        )

    def ir(self, precision: str) -> Path:
        """OpenVINO's IR (.xml) for this precision; its weights (.bin) are beside it."""
        return self.directory / (INT8_IR if precision == "int8" else IR)

    def known_answer(self, precision: str) -> KnownAnswer:
        """What an engine in this precision must reproduce."""
        with np.load(self.directory / KNOWN_ANSWER) as arrays:
            # fp16 has three more binary digits than bf16.
            tolerance = self.tolerances["bf16" if precision == "fp16" else precision]
            return KnownAnswer(arrays["pixels"], arrays["expected"], tolerance)


def read_milder(directory: Path) -> str | None:
    """The name of the model's milder sibling, without verifying files; None: it has none.

    Raises:
        ModelUnavailable: `model.json` is missing or can't be read, or this is no name.
    """
    try:
        milder = _milder_in(json.loads((directory / DESCRIPTION).read_text()), directory)
    except (OSError, ValueError, AttributeError) as exc:  # AttributeError: it is no object
        raise ModelUnavailable(f"{directory} holds no complete model: {exc!r}") from exc
    return milder


def read_model_files(directory: Path) -> ModelFiles:
    """Read `model.json` and verify the files that it names.

    Raises:
        ModelUnavailable: a file is missing or can't be read, or `milder` is no name.
        WeightsRefused: a file has another hash.
    """
    try:
        description: dict[str, Any] = json.loads((directory / DESCRIPTION).read_text())
        model = ModelFiles(
            name=description["name"],
            directory=directory,
            scale=description["scale"],
            halo=description["halo"],
            kind=Kind(description["kind"]),
            licence=description["licence"],
            weights_sha256=description["weights_sha256"],
            tolerances=description["tolerances"],
            sha256=description["sha256"],
            acceptance=Acceptance(**accepted["int8"]) if (accepted := description["acceptance"]) else None,
            multiple=description["multiple"],
            least=description["least"],
            seam=description["seam"],
            work=description["work"],
            architecture=Architecture(**rdn) if (rdn := description["architecture"]) else None,
            milder=_milder_in(description, directory),
        )
        for file, sha256 in model.sha256.items():
            verify(directory / file, sha256)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ModelUnavailable(f"{directory} holds no complete model: {exc!r}") from exc
    return model


def _milder_in(description: dict[str, Any], directory: Path) -> str | None:
    milder = description.get("milder")  # earlier conversions have none
    if milder is None or (isinstance(milder, str) and milder):
        return milder
    raise ModelUnavailable(
        f"{directory / DESCRIPTION}: milder must be the name of a model or null, not {json.dumps(milder)[:MAX_ECHOED]}"
    )
