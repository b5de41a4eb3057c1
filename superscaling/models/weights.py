"""What is known of a model before it is converted: where its weights are, and what they are weights of."""

import json
import re
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from superscaling.errors import ModelUnavailable


class Kind(StrEnum):
    """What a model's results are meant to be."""

    FAITHFUL = "faithful"  # as near to the original as can be known: trained for PSNR
    PERCEPTUAL = "perceptual"  # plausible: details are invented
    LINE_ART = "line-art"  # drawings with clean lines and flat colours


class FileFormat(StrEnum):
    """Of weight files."""

    KERAS = "keras"
    NCNN = "ncnn"
    ONNX = "onnx"
    PLAIN = "plain"  # the project's own: `superscaling/conversion/from_plain.py`
    TORCH = "torch"


# Ending of a weight file -> its format. (An ncnn model is two files: layers in `.param`, their weights in `.bin`.)
FORMATS = {
    ".h5": FileFormat.KERAS,
    ".hdf5": FileFormat.KERAS,
    ".bin": FileFormat.NCNN,
    ".param": FileFormat.NCNN,
    ".onnx": FileFormat.ONNX,
    ".npz": FileFormat.PLAIN,
    ".pth": FileFormat.TORCH,
    ".pt": FileFormat.TORCH,
    ".ckpt": FileFormat.TORCH,
    ".safetensors": FileFormat.TORCH,
}

# The factor in the names of models of packages.
SCALE_IN_NAME = re.compile(r"-x([1-8])")


@dataclass(frozen=True)
class Architecture:
    """A residual dense network (RDN, arXiv:1802.08797) as `ISR.models.RDN` builds it.

    `c`: convolutions per residual dense block; `d`: blocks; `g`: channels that each convolution adds; `g0`: channels
    between blocks; `scale`: of the enlargement; `upscaling`: ISR's `ups` or `shuffle`.
    """

    c: int
    d: int
    g: int
    g0: int
    scale: int
    upscaling: str

    @property
    def arch_params(self) -> dict[str, int]:
        """ISR's dictionary of the architecture."""
        return {"C": self.c, "D": self.d, "G": self.g, "G0": self.g0, "x": self.scale}

    @property
    def receptive_field(self) -> int:
        """Its radius in input px: with this halo, tiled and untiled results are equal.

        1 px for each 3x3 convolution (c * d in the blocks, F_m1, F_0, GFF_2, UPN2, UPN3), 2 for the 5x5 UPN1, and 1 for
        SR, which works on the enlarged picture.
        """
        return self.c * self.d + 8


@dataclass(frozen=True)
class Package:
    """An installed package that has weights among its data; none of its code is run.

    `name`: of the distribution; `folder`: of the weights, below site-packages; `requirements`: the file that locks it.
    """

    name: str
    folder: str
    requirements: str = "requirements-models.txt"


@dataclass(frozen=True)
class Weights:
    """A network and the file with its trained weights.

    `file`: its name; `bytes`, `sha256`: of that file; `param_sha256`: of ncnn's file of layers, which lies beside it
    and ends in `.param`; `external_sha256`: of the files, named relative to the folder, in which an ONNX file keeps its
    weights, if not in itself; `rdn`: the architecture, if it is an RDN that ISR builds, in Keras' format; all other
    files say themselves what they are; `licence`: an SPDX identifier or words; `milder`: the name of a model of the
    same factor that strength 0 gives; None: the model has no strength.

    At most one of these says where it is; without any, it is the project's own and lies in its directory of models:
    `url`: of the folder that it is downloaded from; `package`: that it is part of; `directory`: the operator's.
    """

    name: str
    file: str
    bytes: int
    sha256: str
    param_sha256: str = ""
    external_sha256: dict[str, str] = field(default_factory=dict)
    rdn: Architecture | None = None
    url: str | None = None
    package: Package | None = None
    directory: Path | None = None
    kind: Kind = Kind.FAITHFUL
    licence: str = "Apache-2.0"
    milder: str | None = None

    @property
    def architecture(self) -> Architecture:
        """Of an RDN.

        Raises:
            ModelUnavailable: it is none.
        """
        if self.rdn is None:
            raise ModelUnavailable(f"{self.name} is no RDN, which is all that ISR loads")
        return self.rdn

    @property
    def stated_scale(self) -> int | None:
        """The factor, as far as the architecture or the name of a row of the table says it."""
        if self.rdn is not None:
            return self.rdn.scale
        named = SCALE_IN_NAME.search(self.name) if self.package is not None else None
        return None if named is None else int(named[1])

    @property
    def is_own(self) -> bool:
        """Whether it is the project's."""
        return self.url is None and self.package is None and self.directory is None

    @property
    def file_format(self) -> FileFormat:
        """By the file's name."""
        return FORMATS[Path(self.file).suffix.lower()]

    @property
    def hashes(self) -> dict[str, str]:
        """Name -> SHA-256 of all files that are needed; the first is `file`."""
        beside = {str(Path(self.file).with_suffix(".param")): self.param_sha256} if self.param_sha256 else {}
        return {self.file: self.sha256} | beside | self.external_sha256

    def to_json(self) -> str:
        """For `from_json`; without what says where the file is."""
        return json.dumps(asdict(replace(self, url=None, package=None, directory=None)))

    @classmethod
    def from_json(cls, text: str) -> "Weights":
        """From `to_json`."""
        values = json.loads(text)
        rdn = Architecture(**values["rdn"]) if values["rdn"] else None
        return cls(**values | {"rdn": rdn, "kind": Kind(values["kind"])})
