"""Imported once, by the fork server: what decoders need is loaded before a process is forked for it."""

from superscaling.isolation import worker
from superscaling.pictures import limit_pillow

__all__ = ["worker"]

limit_pillow()
