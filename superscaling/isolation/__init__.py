"""Decoding in processes of its own, which may crash, hang or run out of memory without harm to the service."""

from superscaling.isolation.decoders import Decoder, Decoders, Inspected, InThisProcess
from superscaling.isolation.vips_process import run_isolated

__all__ = ["Decoder", "Decoders", "InThisProcess", "Inspected", "run_isolated"]
