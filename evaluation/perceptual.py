"""How alike two pictures look to people, by measures that were fitted to their judgements.

ST-LPIPS (arXiv:2207.13686): LPIPS with networks that small shifts don't disturb, trained on the same judgements; the
package stlpips-pytorch carries its weights. 0: equal. The networks behind LPIPS itself and DISTS are VGG and AlexNet
trained on ImageNet, which no registry carries. HaarPSI (arXiv:1607.06140, by piq) compares wavelets, without a network.
1: equal. SSIMULACRA2 (by the author of JPEG XL's encoder; the package of this name) compares structure and edges in six
sizes, fitted to judgements of compressed pictures. 100: equal; 90: no difference is seen; 30: low quality; may be
negative.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.child_process import running_child
from evaluation.metrics import Pixels
from evaluation.torch_environment import PYTHON, require


@dataclass(frozen=True)
class Perceptual:
    """`names`: of the measures; `of`: their values for a result and the original, both (h, w, 3) uint8."""

    names: tuple[str, ...]
    of: Callable[[Pixels, Pixels], list[float]]


@contextlib.contextmanager
def perceptual_measures(threads: int) -> Iterator[Perceptual]:
    """Start the process that measures; it ends with the block.

    Raises:
        MeasurementError: the environment is missing, or the process ended.
    """
    require("make compare")
    command = [str(PYTHON), "-m", "evaluation.perceptual_process", str(threads)]
    with tempfile.TemporaryDirectory() as scratch, running_child(command, "the perceptual measures") as child:
        names = tuple(child.read())

        def measure(one: Pixels, other: Pixels) -> list[float]:
            path = Path(scratch) / "pair.npz"
            np.savez(path, one=one, other=other)
            return [float(value) for value in child.ask(path)]

        yield Perceptual(names, measure)
