"""Convert one model's weights into what the service loads. Needs TensorFlow, so it has a process of its own.

    python -m convert NAME [WEIGHTS TARGET]

WEIGHTS and TARGET default to the model's own directory below models/ (`make models`).
"""

import os
import sys
from pathlib import Path

from image_codec import decode
from settings import ROOT
from super_resolution.weights import TABLE, verify

# The sample pictures that the halo is measured on.
PHOTOGRAPHS = ("coffee-artefacts.jpg", "face.jpg", "fur-texture.png", "rocket.webp")


def main(name: str, weights_file: Path, target: Path) -> None:
    """Convert `weights_file` into the directory `target`, which appears only when it is complete."""
    from super_resolution.conversion import convert  # TensorFlow: not before the arguments are understood

    weights = TABLE[name]
    verify(weights_file, weights.sha256)
    photographs = [
        decode((ROOT / "sample-images" / file).read_bytes(), max_pixels=1_000_000).frames[0].colour
        for file in PHOTOGRAPHS
    ]
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.part")
    convert(weights, weights_file, unfinished, photographs)
    if not target.exists():
        unfinished.rename(target)
        return
    for file in unfinished.iterdir():
        file.replace(target / file.name)
    unfinished.rmdir()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 4) or sys.argv[1] not in TABLE:
        sys.exit(f"usage: python -m convert NAME [WEIGHTS TARGET], NAME one of {', '.join(TABLE)}")
    own = ROOT / "models" / sys.argv[1]
    weights_argument, target_argument = sys.argv[2:] or (own / TABLE[sys.argv[1]].file, own)
    main(sys.argv[1], Path(weights_argument), Path(target_argument))
