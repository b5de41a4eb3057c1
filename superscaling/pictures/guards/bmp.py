"""Bounds the runs of a compressed BMP by its pixels. (Windows GDI, "Bitmap Compression")

Pillow reads them in Python, two bytes at a time, and goes on as long as they add no pixel.
"""

import struct

# Where the header says where the pixels begin, and what they are: length of the second header, width, height, planes,
# bits, compression.
START, KIND = struct.Struct("<I"), struct.Struct("<IiiHHI")
START_AT, KIND_AT = 10, 14
LEAST_HEADER = 40  # bytes of a second header that names a compression
RUNS = (1, 2)  # compressions: of 8 and of 4 bits
# The longest code for one pixel moves to the next. Each row ends with a code, and the picture.
BYTES_OF_PIXEL, BYTES_OF_ROW = 4, 2


def without_surplus_runs(data: bytes) -> bytes:
    """The file without what lies behind the longest runs that its pixels can need; the file itself if that is nothing.

    A file that is cut by this has codes that add no pixel, or a picture that ends before.
    """
    if len(data) < KIND_AT + KIND.size:
        return data
    (start,) = START.unpack_from(data, START_AT)
    length, width, height, _, _, compression = KIND.unpack_from(data, KIND_AT)
    if length < LEAST_HEADER or compression not in RUNS:
        return data
    end = start + BYTES_OF_PIXEL * abs(width * height) + BYTES_OF_ROW * (abs(height) + 1)
    return data if end >= len(data) else data[:end]
