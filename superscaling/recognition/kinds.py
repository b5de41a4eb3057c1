"""What kind of file somebody has, and what a picture can be answered as, by its first bytes."""

import struct

from superscaling.errors import ServiceError
from superscaling.format_name import FormatName, ReadOnlyName
from superscaling.recognition.bmff import HeifFile, read_heif
from superscaling.recognition.foreign import RAW, RAW_ADVICE, name_foreign
from superscaling.recognition.formats import READABLE, sniff
from superscaling.recognition.raw import name_raw

# Bytes: no image is smaller.
SMALLEST = 14


def answer_format(data: bytes) -> FormatName | None:
    """The format of the answer to an image file unless another is asked for; None: the file is not supported.

    Args:
        data: the beginning of the file, or all. (`inspect` knows it for a whole file.)
    """
    name = sniff(data)
    if not isinstance(name, ReadOnlyName):
        return name
    try:
        return answer_to_heic(read_heif(data))
    except (ServiceError, IndexError, KeyError, ValueError, struct.error):  # whoever decodes it says what is wrong
        return FormatName.JPEG


def describe_unsupported(data: bytes) -> str:
    """What a file that is not supported is, and what to send instead, in one sentence.

    Args:
        data: the file, or its beginning.
    """
    return describe(data, name_raw(data) if sniff(data) is FormatName.TIFF else None)


def describe(data: bytes, raw: str | None) -> str:
    """The same; `raw`: the kind of raw file that a TIFF is."""
    supported = f"{', '.join(READABLE[:-1])} or {READABLE[-1]}"
    if len(data) < SMALLEST:
        size = f"has only {len(data)} {'byte' if len(data) == 1 else 'bytes'}" if data else "is empty"
        return f"the file {size}: send {supported}"
    named = (f"{RAW} ({raw})", RAW_ADVICE) if raw else name_foreign(data)
    if named is None:
        return f"the file is not an image in a supported format ({', '.join(READABLE)})"
    name, advice = named
    return f"the file is {name}, which is not supported: send {supported}{f' ({advice})' if advice else ''}"


def answer_to_heic(file: HeifFile) -> FormatName:
    """The format of the answer unless another is asked for: HEIC is not written, and JPEG has no transparency."""
    return FormatName.PNG if file.alpha else FormatName.JPEG
