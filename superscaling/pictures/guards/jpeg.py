"""Checks the outline of a JPEG before a decoder reads it: small files can cost a decoder hours.

Neither the pixel limit nor a deadline helps: a progressive JPEG can pass over the whole picture in each of a million
scans, and a decoder can't be interrupted.
"""

from superscaling.pictures.containers.jpeg import JpegOutline, outline_jpeg
from superscaling.pictures.limits import MAX_EXIF, check_parts


def check_jpeg(data: bytes) -> JpegOutline:
    """The outline of a JPEG that has no more parts than real pictures have. What follows its picture does not count.

    Raises:
        ImageTooComplex: it has more.
    """
    outline = outline_jpeg(data)
    check_parts("bytes of EXIF", outline.exif, MAX_EXIF)
    return outline
