"""Reduces a CMYK profile to its tables before LittleCMS reads it. (ICC.1:2010)

A profile may contain programs of any length (multiProcessElements), which LittleCMS would run for every pixel.
"""

import struct

# Usual CMYK profiles have 0.5 to 3 MB and some dozen tags.
MAX_BYTES = 4 << 20
MAX_TAGS = 100
HEADER = 128
# Tables from device to profile connection space: perceptual, colorimetric, saturation.
TABLES = (b"A2B0", b"A2B1", b"A2B2")
# Types of tables with a fixed number of steps.
KINDS = (b"mft1", b"mft2", b"mAB ")
# Other tags that a conversion needs.
KEPT = (b"wtpt", b"bkpt", b"chad")


def only_table(icc: bytes) -> bytes | None:
    """The CMYK profile with only its tables; None if it has none, or is no CMYK profile."""
    if not HEADER + 4 <= len(icc) <= MAX_BYTES or icc[16:20] != b"CMYK" or icc[36:40] != b"acsp":
        return None
    (count,) = struct.unpack_from(">I", icc, HEADER)
    contents = dict[bytes, bytes]()
    for index in range(min(count, MAX_TAGS, (len(icc) - HEADER - 4) // 12)):
        name, start, length = struct.unpack_from(">4sII", icc, HEADER + 4 + 12 * index)
        content = icc[start : start + length]
        if name in KEPT or (name in TABLES and content[:4] in KINDS):
            contents[name] = content
    if TABLES[0] not in contents:
        return None
    place = HEADER + 4 + 12 * len(contents)
    entries, blocks = b"", b""
    for name, content in contents.items():
        entries += struct.pack(">4sII", name, place + len(blocks), len(content))
        blocks += content.ljust((len(content) + 3) // 4 * 4, b"\0")
    body = struct.pack(">I", len(contents)) + entries + blocks
    return struct.pack(">I", HEADER + len(body)) + icc[4:HEADER] + body
