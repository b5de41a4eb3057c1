"""The messages on the wire: their JSON names, base64 and validation."""

from message_protocol.ping_output import PingOutput
from message_protocol.problem import Problem
from message_protocol.ready_output import ReadyOutput
from message_protocol.upscale_input import MOST_ECHOED, UpscaleInput
from message_protocol.upscale_output import UpscaleOutput

__all__ = ["MOST_ECHOED", "PingOutput", "Problem", "ReadyOutput", "UpscaleInput", "UpscaleOutput"]
