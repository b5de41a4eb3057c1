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
from nncf.quantization.range_estimator import RangeEstimatorParametersSet

from super_resolution.engine import Pixels
from super_resolution.engine_openvino import keep_last_in_fp32

# Convolutions that keep their precision, counted in the network's order: F_m1, whose input is the picture itself, and
# GFF_1, GFF_2, UPN1, UPN2, UPN3, SR. With all in int8 the default model loses 9 dB, and no less with F_m1 alone in it;
# with UPN1 too, consistency falls from 45 to 40 dB. The 1x1 convolutions (LFF of each block) stay as well: they write
# the sums that run through the whole network. Without them and GFF gradients are 5.9 levels off, with them 3.8.
FIRST_KEPT = 1
LAST_KEPT = 6


def quantise(ir: Path, target: Path, pictures: Sequence[Pixels]) -> None:
    """Write the int8 IR of a network.

    Args:
        ir: the network in fp32 (.xml).
        target: where to write (.xml); the weights go beside it (.bin).
        pictures: (h, w, 3) uint8, any sizes: what the ranges of the activations are measured on.
    """
    nncf.set_log_level(logging.ERROR)
    model = openvino.Core().read_model(ir)
    convolutions = [op for op in model.get_ordered_ops() if op.get_type_name() == "Convolution"]
    kept = [op for op in convolutions if list(op.input(1).get_shape())[2:] == [1, 1]]
    kept += convolutions[:FIRST_KEPT] + convolutions[-LAST_KEPT:]
    batches = [pixels[np.newaxis].astype(np.float32) / np.float32(255) for pixels in pictures]
    quantised = nncf.quantize(
        model,
        nncf.Dataset(batches),
        subset_size=len(batches),
        ignored_scope=nncf.IgnoredScope(names=sorted({op.get_friendly_name() for op in kept})),
        # Activations that may be negative get a zero point of their own: 0.02 dB.
        preset=nncf.QuantizationPreset.MIXED,
        # The whole range that was seen. NNCF's default (means of extremes) is 0.09 dB better on photographs and cuts
        # saturated colours off: by 28 levels.
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX
        ),
    )
    openvino.save_model(quantised, target, compress_to_fp16=False)
    keep_last_in_fp32(target)  # NNCF drops the mark
