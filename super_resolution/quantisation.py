"""Quantise a network's IR to int8, after training, with NNCF. The only file that imports nncf.

NNCF reports its use where `openvino-telemetry` is installed. It is not: the locks leave it out, and NNCF falls back to
a stub of its own.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import nncf
import numpy as np
import openvino

from super_resolution.engine import Pixels
from super_resolution.engine_openvino import keep_last_in_fp32

# Convolutions that keep their precision, counted in the network's order: F_m1, and UPN1, UPN2, UPN3, SR. With all of
# them in int8 the default model loses 9 dB, and no less with the first alone, whose input is the picture itself; with
# UPN1 too, consistency falls from 45 to 40 dB. More (GFF_1, GFF_2, every LFF) gain nothing one can measure.
FIRST_KEPT = 1
LAST_KEPT = 4


def quantise(ir: Path, target: Path, pictures: Sequence[Pixels]) -> None:
    """Write the int8 IR of a network.

    Args:
        ir: the network in fp32 (.xml).
        target: where to write (.xml); the weights go beside it (.bin).
        pictures: (h, w, 3) uint8, any sizes: what the ranges of the activations are measured on.
    """
    nncf.set_log_level(logging.ERROR)
    model = openvino.Core().read_model(ir)
    convolutions = [op.get_friendly_name() for op in model.get_ordered_ops() if op.get_type_name() == "Convolution"]
    batches = [pixels[np.newaxis].astype(np.float32) / np.float32(255) for pixels in pictures]
    quantised = nncf.quantize(
        model,
        nncf.Dataset(batches),
        subset_size=len(batches),
        # Activations that may be negative get a zero point of their own: 0.02 dB, and no slower.
        preset=nncf.QuantizationPreset.MIXED,
        ignored_scope=nncf.IgnoredScope(names=convolutions[:FIRST_KEPT] + convolutions[-LAST_KEPT:]),
    )
    openvino.save_model(quantised, target, compress_to_fp16=False)
    keep_last_in_fp32(target)  # NNCF drops the mark
