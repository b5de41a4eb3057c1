"""A look at a file's outline before a decoder sees it: small files can cost a decoder hours.

Neither the pixel limit nor a deadline helps: a progressive JPEG may pass over the whole picture in each of a million
scans, and a decoder can't be interrupted.
"""

from errors import ImageTooComplex

# Real JPEGs have about ten scans in a picture and a few pictures in a file (previews); libjpeg-turbo's own advice is to
# distrust more than 500. Segments before the first scan: profiles and extended XMP take up to a few hundred.
MOST_SCANS = 500
MOST_SEGMENTS = 1000
# A JPEG's one segment of EXIF holds 64 KiB, bytes; some writers use a second one.
MOST_EXIF = 1 << 17
# A PNG of 33 MB in the smallest usual chunks, of 4 KiB, has about 8,000.
MOST_CHUNKS = 20_000

JPEG_START = b"\xff\xd8"
JPEG_SCAN = b"\xff\xda"
PNG_START = b"\x89PNG\r\n\x1a\n"


def check_structure(data: bytes) -> None:
    """Make sure that a file has no more parts than real pictures have. (Its format is told by its first bytes.)

    Raises:
        ImageTooComplex: it has.
    """
    if data.startswith(JPEG_START):
        # In coded pixels 0xFF is followed by 0 or a restart marker, so that this finds scans (and few others).
        _check("scans", data.count(JPEG_SCAN), MOST_SCANS)
        segments, exif = _count_segments(data)
        _check("segments", segments, MOST_SEGMENTS)
        _check("bytes of EXIF", exif, MOST_EXIF)
    elif data.startswith(PNG_START):
        _check("chunks", _count_chunks(data), MOST_CHUNKS)


def is_lossless_webp(data: bytes) -> bool:
    """Whether a WebP's pixels are in a chunk of the lossless kind. (RFC 9649)"""
    place = 12  # behind "RIFF", the size and "WEBP"
    while data[:4] == b"RIFF" and data[8:12] == b"WEBP" and place < len(data):
        name, length = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        if name in (b"VP8 ", b"VP8L"):
            return name == b"VP8L"
        place += 8 + length + length % 2
    return False


def _count_segments(data: bytes) -> tuple[int, int]:
    """Segments of a JPEG before its first scan, and how many bytes of them are EXIF; counting ends above the limit."""
    place, count, exif = len(JPEG_START), 0, 0
    while count <= MOST_SEGMENTS and data[place : place + 1] == b"\xff" and data[place : place + 2] != JPEG_SCAN:
        length = int.from_bytes(data[place + 2 : place + 4])
        if data[place + 4 : place + 8] == b"Exif":
            exif += length
        place += 2 + length
        count += 1
    return count, exif


def _count_chunks(data: bytes) -> int:
    """Chunks of a PNG; counting ends above the limit."""
    place, count = len(PNG_START), 0
    while count <= MOST_CHUNKS and place < len(data):
        place += 12 + int.from_bytes(data[place : place + 4])  # length, name, content, checksum
        count += 1
    return count


def _check(what: str, count: int, most: int) -> None:
    if count > most:
        raise ImageTooComplex(f"the image has more than {most} {what}, which no real picture has", limit=most)
