"""Which metadata a result keeps."""

from enum import StrEnum
from typing import Self


class MetadataChoice(StrEnum):
    """Which metadata a result keeps."""

    KEEP = "keep"  # whatever the format can hold
    STRIP = "strip"  # nothing
    COLOUR = "colour"  # what the colours mean: the ICC profile and the PNG chunks in its place

    # As Americans write it.
    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls("colour") if value == "color" else None
