"""The table of models."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """What a model's results are meant to be."""

    FAITHFUL = "faithful"  # as near to the original as can be known: trained for PSNR
    PERCEPTUAL = "perceptual"  # plausible: details are invented
    LINE_ART = "line-art"  # drawings with clean lines and flat colours


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
class Weights:
    """A row of the table: a network and the file with its trained weights. `bytes`, `sha256`, `url`: of the file."""

    name: str
    architecture: Architecture
    file: str
    bytes: int
    sha256: str
    url: str | None
    kind: Kind = Kind.FAITHFUL
    licence: str = "Apache-2.0"


# idealo's three files, at the URLs of `ISR.models.rdn.WEIGHTS_URLS`. Sizes and hashes are from the Git LFS pointers of
# idealo/image-super-resolution.
IDEALO = "https://public-asai-dl-models.s3.eu-central-1.amazonaws.com/ISR"
LARGE = Architecture(c=6, d=20, g=64, g0=64, scale=2, upscaling="ups")
SMALL = Architecture(c=3, d=10, g=64, g0=64, scale=2, upscaling="ups")
# The project's own.
LITE = Architecture(c=3, d=6, g=32, g0=32, scale=2, upscaling="shuffle")
OWN_SMALL = replace(SMALL, upscaling="shuffle")

TABLE = {
    weights.name: weights
    for weights in (
        Weights(
            name="noise-cancel-lite",
            architecture=LITE,
            file="noise-cancel-lite.weights.h5",
            bytes=2_013_152,
            sha256="ae0bf1ed85692e989e53901d1ff0ff6224c7ad73c3612c7f41da880a6704c5be",
            url=None,
        ),
        Weights(
            name="noise-cancel-small",
            architecture=OWN_SMALL,
            file="noise-cancel-small.weights.h5",
            bytes=10_764_872,
            sha256="5437f16c21e1651a713b1ecde9631f80bb71efb82583f8b6e0dd960f953e903b",
            url=None,
        ),
        Weights(
            name="noise-cancel",
            architecture=LARGE,
            file="rdn-C6-D20-G64-G064-x2_ArtefactCancelling_epoch219.hdf5",
            bytes=66_071_288,
            sha256="a361e56e2efd1096dbd149aa5e053db61c6f4815140c4686c6a1b0b94b6b137a",
            url=f"{IDEALO}/rdn-C6-D20-G64-G064-x2/ArtefactCancelling",
        ),
        Weights(
            name="psnr-large",
            architecture=LARGE,
            file="rdn-C6-D20-G64-G064-x2_PSNR_epoch086.hdf5",
            bytes=66_071_288,
            sha256="1816f1d37bbdbc724e5ab3429b402d00f78194a1b08628a1e44df6a3fcb5161b",
            url=f"{IDEALO}/rdn-C6-D20-G64-G064-x2/PSNR-driven",
        ),
        Weights(
            name="psnr-small",
            architecture=SMALL,
            file="rdn-C3-D10-G64-G064-x2_PSNR_epoch134.hdf5",
            bytes=10_694_096,
            sha256="b76993189e63fb34dd46d1d40b40498fdb1e298c04185575a1c634e11c86cffd",
            url=f"{IDEALO}/rdn-C3-D10-G64-G064-x2/PSNR-driven",
        ),
    )
}
