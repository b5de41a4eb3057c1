"""Quantise a network's IR to int8, after training, with NNCF. The only file that imports nncf.

NNCF reports its use where `openvino-telemetry` is installed. It is not: the locks leave it out, and NNCF falls back to
a stub of its own.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nncf
import numpy as np
import openvino
from nncf.quantization.range_estimator import RangeEstimatorParametersSet

from superscaling.engines import Pixels
from superscaling.engines.openvino import LAST_IN_FP32, convolutions, keep_in_fp32, sums

# Convolutions that are not quantised, counted in the network's order: F_m1, whose input is the picture itself, and F_0
# (2 % of the work; half the error that would be left on gradients); GFF_1, GFF_2, UPN1, UPN2, UPN3 and SR, where the
# picture goes out. With all in int8 the default model loses 9 dB; with UPN1 consistency falls from 47 to 40 dB; with
# GFF_1, which joins the results of all blocks, some pictures lose 0.1 dB.
FIRST_KEPT = 2
LAST_KEPT = 6
# Of them GFF_1, GFF_2 and UPN1 compute in bf16 where there is bf16: they are most of what is left of the work.
IN_BF16 = slice(-LAST_KEPT, -LAST_IN_FP32)


def quantise(ir: Path, target: Path, pictures: Sequence[Pixels]) -> None:
    """Write the int8 IR of a network.

    Args:
        ir: the network in fp32 (.xml).
        target: where to write (.xml); the weights go beside it (.bin).
        pictures: (h, w, 3) uint8, any sizes: what the ranges of the activations are measured on.
    """
    nncf.set_log_level(logging.ERROR)
    model = openvino.Core().read_model(ir)
    names = convolutions(model)
    batches = [pixels[np.newaxis].astype(np.float32) / np.float32(255) for pixels in pictures]
    quantised = nncf.quantize(
        model,
        nncf.Dataset(batches),
        subset_size=len(batches),
        # Sums run through the whole network, each adding its error to those before: rounded, gradients are 4.8 levels
        # off instead of 2. What goes from them into a convolution is rounded there.
        ignored_scope=nncf.IgnoredScope(names=names[:FIRST_KEPT] + names[-LAST_KEPT:], types=["Add"]),
        # Activations that may be negative get a zero point of their own: 0.02 dB.
        preset=nncf.QuantizationPreset.MIXED,
        # The whole range that was seen. NNCF's default (means of extremes) is 0.09 dB better on photographs and cuts
        # saturated colours off: by 28 levels.
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX
        ),
    )
    _round_once(quantised)
    openvino.save_model(quantised, target, compress_to_fp16=False)
    # In fp32 whatever isn't quantised is in one layout, too: in bf16 a quarter of the time would go into reordering.
    keep_in_fp32(target, {*names, *sums(model)} - {*names[IN_BF16]})


def _round_once(model: Any) -> None:
    """Let all who use a tensor use one rounding of it, the widest.

    NNCF gives each of them its own, which OpenVINO then makes in turn: a tenth of the whole time.
    """
    roundings: dict[tuple[str, int], list[Any]] = {}
    for each in model.get_ordered_ops():
        if each.get_type_name() == "FakeQuantize":
            source = each.input(0).get_source_output()
            roundings.setdefault((source.get_node().get_friendly_name(), source.get_index()), []).append(each)
    for same in roundings.values():
        widest = max(same, key=_width)
        for other in same:
            for use in other.output(0).get_target_inputs():
                use.replace_source_output(widest.output(0))
    model.validate_nodes_and_infer_types()


def _width(rounding: Any) -> float:
    """Of the range that is kept, which is the same for all channels of an activation."""
    least, most = (rounding.input(number).get_source_output().get_node().get_data() for number in (1, 2))
    return float((most - least).max())
