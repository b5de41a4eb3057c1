"""Perceptual measures of pairs of pictures, by kept implementations on PyTorch.

Runs in its own environment (requirements-bench.txt) as a child of `evaluation.perceptual`. Its first output line is the
JSON list of the measures' names. Then each input line is the path of an .npz file with two pictures, `one` and, as
the original, `other`, (h, w, 3) uint8 RGB, and each output line the JSON list of their values.
"""

import contextlib
import io
import json
import sys
import warnings
from typing import Any

import numpy as np
import piq
import torch
from PIL import Image
from ssimulacra2 import compute_ssimulacra2
from stlpips_pytorch import stlpips


def main() -> None:
    """Answer until the input ends. The only argument is the number of threads."""
    torch.set_num_threads(int(sys.argv[1]))
    with warnings.catch_warnings(action="ignore"), contextlib.redirect_stdout(sys.stderr):
        distance: Any = stlpips.LPIPS(net="alex", variant="shift_tolerant", verbose=False)
    measures: dict[str, Any] = {
        "ST-LPIPS": lambda one, other: distance(one, other, normalize=True),
        "HaarPSI": lambda one, other: piq.haarpsi(one, other, data_range=1.0),
        "SSIMULACRA2": lambda one, other: compute_ssimulacra2(_as_file(other), _as_file(one)),  # the original first
    }
    print(json.dumps([*measures]), flush=True)
    with torch.inference_mode():
        for line in sys.stdin:
            with np.load(line.strip()) as pictures:
                pair = [_as_batch(pictures[name]) for name in ("one", "other")]
            print(json.dumps([float(measure(*pair)) for measure in measures.values()]), flush=True)


def _as_batch(pixels: np.ndarray) -> torch.Tensor:
    """(h, w, 3) uint8 to (1, 3, h, w) in [0, 1]."""
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


def _as_file(batch: torch.Tensor) -> io.BytesIO:
    """The opposite of `_as_batch`, as a PNG."""
    file = io.BytesIO()
    Image.fromarray((batch[0].permute(1, 2, 0) * 255).round().byte().numpy()).save(file, "PNG", compress_level=1)
    file.seek(0)
    return file


if __name__ == "__main__":
    main()
