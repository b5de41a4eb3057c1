"""Weight files to what the service loads, offline.

`from_keras` needs TensorFlow and `quantisation` NNCF: who converts imports them from there, in a process of its own.
"""

from superscaling.conversion.quantisation_loss import gradients, measure_acceptance

__all__ = [
    "gradients",
    "measure_acceptance",
]
