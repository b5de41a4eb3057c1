"""Engines, which run networks.

Importing this package loads no framework: `selection` imports the engines (`openvino`, `tensorflow`) late.
"""

from superscaling.engines.cpus import available_cpus, instruction_sets
from superscaling.engines.engine import CPU, Engine, EngineFacts, Pixels, infer_levels
from superscaling.engines.fingerprint import fingerprint_of
from superscaling.engines.padding import padded
from superscaling.engines.selection import device_of, open_engine, precision_of, require_precision

__all__ = [
    "CPU",
    "Engine",
    "EngineFacts",
    "Pixels",
    "available_cpus",
    "device_of",
    "fingerprint_of",
    "infer_levels",
    "instruction_sets",
    "open_engine",
    "padded",
    "precision_of",
    "require_precision",
]
