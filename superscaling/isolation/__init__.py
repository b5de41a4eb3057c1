"""Decoding and encoding in processes that may crash, hang or run out of memory without harm to the service."""

from superscaling.isolation.decoders import Decoder, Decoders, Inspected, InThisProcess
from superscaling.isolation.handover import Handover
from superscaling.isolation.vips_process import run_isolated
from superscaling.isolation.worker import EncodeCall

__all__ = ["Decoder", "Decoders", "EncodeCall", "Handover", "InThisProcess", "Inspected", "run_isolated"]
