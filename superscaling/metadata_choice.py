"""Which metadata a result keeps."""

from enum import StrEnum


class MetadataChoice(StrEnum):
    """The choices, by their names in the API."""

    KEEP = "keep"  # whatever the format can hold
    STRIP = "strip"  # nothing
    COLOUR = "colour"  # what the colours mean: the ICC profile and the PNG chunks in its place
