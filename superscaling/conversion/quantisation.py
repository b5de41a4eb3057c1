"""Quantises the IR of a network to int8 with NNCF, after training. The only module that imports nncf.

NNCF would report its use through `openvino-telemetry`, which the locks leave out; it falls back to a stub.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nncf
import numpy as np
import openvino
from nncf.quantization.advanced_parameters import OverflowFix
from nncf.quantization.range_estimator import RangeEstimatorParametersSet

from superscaling.conversion.ir import Ends, convolutions, keep_in_fp32, sums
from superscaling.engines import Pixels


def quantise(ir: Path, target: Path, pictures: Sequence[Pixels], ends: Ends) -> None:
    """Write the int8 IR of a network.

    Args:
        ir: the network in fp32 (.xml).
        target: where to write (.xml); the weights go beside it (.bin).
        pictures: (h, w, 3) uint8, any sizes, for the ranges of the activations.
        ends: the convolutions that are not quantised.

    Raises:
        ValueError: it has no convolutions but those that are kept.
    """
    nncf.set_log_level(logging.ERROR)
    model = openvino.Core().read_model(ir)
    names = convolutions(model)
    if set(names) <= set(ends.in_float):
        raise ValueError(f"with {len(names)} convolutions there is nothing to quantise")
    batches = [pixels[np.newaxis].astype(np.float32) / np.float32(255) for pixels in pictures]
    quantised = nncf.quantize(
        model,
        nncf.Dataset(batches),
        subset_size=len(batches),
        # Sums run through the whole network, so their errors add up. What goes from them into a convolution is
        # quantised there.
        ignored_scope=nncf.IgnoredScope(
            names=list(ends.in_float),
            types=["Add"],
            validate=False,  # a network without sums is fine
        ),
        # Asymmetric ranges for activations that may be negative.
        preset=nncf.QuantizationPreset.MIXED,
        # The whole range that was seen: NNCF's default, means of extremes, clips saturated colours by 28 levels.
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
            # Eight bits for the first layer, too. By default it gets seven, which keeps it from overflowing on
            # processors without VNNI, where `auto` does not choose int8.
            overflow_fix=OverflowFix.DISABLE,
        ),
    )
    _round_once(quantised)
    openvino.save_model(quantised, target, compress_to_fp16=False)
    # The rest in fp32, which has the layout of int8: in bf16 a quarter of the time would be spent on reordering.
    in_bf16 = {*ends.in_float} - {*ends.in_fp32}
    keep_in_fp32(target, {*names, *sums(model)} - in_bf16)


def _round_once(model: Any) -> None:
    """Quantise each tensor once, with the widest range, for all operations that use it.

    NNCF inserts one quantisation per use, which would take a tenth of the whole time.
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
    """The width of its range, which is the same for all channels of an activation."""
    least, most = (rounding.input(number).get_source_output().get_node().get_data() for number in (1, 2))
    return float((most - least).max())
