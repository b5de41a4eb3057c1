"""Converts weight files, offline.

`from_keras` needs TensorFlow, `from_torch` PyTorch, `quantisation` NNCF, and those that handle networks OpenVINO: they
are imported by name, in a process for the conversion.
"""

from superscaling.conversion.calibration import CALIBRATION_COLOURS, calibration_squares
from superscaling.conversion.halo import HALO_LIMIT, ROUNDING_LIMIT
from superscaling.conversion.ncnn.param_file import read_layers
from superscaling.conversion.ncnn.weight_file import WeightFile
from superscaling.conversion.network_size import parameters, work_per_pixel
from superscaling.conversion.quantisation_loss import gradients, measure_acceptance
from superscaling.conversion.similarity import MAX_LEVEL, check_shapes, psnr

__all__ = [
    "CALIBRATION_COLOURS",
    "HALO_LIMIT",
    "MAX_LEVEL",
    "ROUNDING_LIMIT",
    "WeightFile",
    "calibration_squares",
    "check_shapes",
    "gradients",
    "measure_acceptance",
    "parameters",
    "psnr",
    "read_layers",
    "work_per_pixel",
]
