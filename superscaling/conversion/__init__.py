"""Converts weight files, offline.

`from_keras` needs TensorFlow and `quantisation` NNCF: they are imported by name, in a process for the conversion.
"""

from superscaling.conversion.quantisation_loss import gradients, measure_acceptance
from superscaling.conversion.similarity import MAX_LEVEL, check_shapes, psnr

__all__ = [
    "MAX_LEVEL",
    "check_shapes",
    "gradients",
    "measure_acceptance",
    "psnr",
]
