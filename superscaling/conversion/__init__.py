"""Converts weight files, offline.

`from_keras` needs TensorFlow, `from_torch` PyTorch, `quantisation` NNCF, and those that handle networks OpenVINO: they
are imported by name, in a process for the conversion.
"""

from superscaling.conversion.calibration import CALIBRATION_COLOURS, calibration_squares
from superscaling.conversion.halo import HALO_LIMIT, ROUNDING_LIMIT
from superscaling.conversion.network_size import parameters
from superscaling.conversion.quantisation_loss import gradients, measure_acceptance
from superscaling.conversion.similarity import MAX_LEVEL, check_shapes, psnr

__all__ = [
    "CALIBRATION_COLOURS",
    "HALO_LIMIT",
    "MAX_LEVEL",
    "ROUNDING_LIMIT",
    "calibration_squares",
    "check_shapes",
    "gradients",
    "measure_acceptance",
    "parameters",
    "psnr",
]
