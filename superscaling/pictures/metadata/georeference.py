"""The tags of a GeoTIFF, which say where a picture lies on the earth. (OGC GeoTIFF 1.1; GDAL's own tags)"""

import struct

from superscaling.pictures.metadata.resizing import Resizing
from superscaling.recognition.directories import DOUBLE, SHORT

PIXEL_SCALE, TIE_POINTS, TRANSFORMATION, KEYS, DOUBLES, LETTERS = 33550, 33922, 34264, 34735, 34736, 34737
# Camera model; Intergraph's matrix: not carried.
CAMERA, INTERGRAPH = 50844, 33920
GDAL_METADATA, NO_DATA = 42112, 42113
PLACING = (PIXEL_SCALE, TIE_POINTS, TRANSFORMATION)
CARRIED = (*PLACING, KEYS, DOUBLES, LETTERS, GDAL_METADATA, NO_DATA)
TAGS = (*CARRIED, CAMERA, INTERGRAPH)
# The key that says what a raster coordinate is: the corner of a pixel (1), or its centre (2).
RASTER_TYPE, IS_POINT = 1025, 2
# A tag's number, its type and its data in little-endian order.
Tag = tuple[int, int, bytes]
MAX_KEYS = 1000


def resize(tags: tuple[Tag, ...], resizing: Resizing) -> tuple[Tag, ...] | None:
    """The tags of the result; None if they make no sense.

    Args:
        tags: of the picture.
        resizing: from it to the result.
    """
    scales = (float(resizing.across), float(resizing.down))
    corner = (resizing.crop.left, resizing.crop.top)
    # The centre of the first pixel lies at 0, and after scaling by s at (s - 1) / 2.
    shifts = tuple((scale - 1) / 2 for scale in scales) if _counts_centres(tags) else (0.0, 0.0)
    changed = list[Tag]()
    for number, kind, data in tags:
        if number not in PLACING:
            changed.append((number, kind, data))
            continue
        if kind != DOUBLE or len(data) % 8:
            return None
        values = list(struct.unpack(f"<{len(data) // 8}d", data))
        if number == PIXEL_SCALE and len(values) == 3:
            values[:2] = [value / scale for value, scale in zip(values, scales, strict=False)]
        elif number == TIE_POINTS and values and len(values) % 6 == 0:
            for index in range(0, len(values), 6):
                values[index] = (values[index] - corner[0]) * scales[0] + shifts[0]
                values[index + 1] = (values[index + 1] - corner[1]) * scales[1] + shifts[1]
        elif number == TRANSFORMATION and len(values) == 16:
            for row in range(0, 12, 4):
                values[row + 3] += values[row] * corner[0] + values[row + 1] * corner[1]
                values[row] /= scales[0]
                values[row + 1] /= scales[1]
                values[row + 3] -= values[row] * shifts[0] + values[row + 1] * shifts[1]
        else:
            return None
        changed.append((number, kind, struct.pack(f"<{len(values)}d", *values)))
    return tuple(changed)


def _counts_centres(tags: tuple[Tag, ...]) -> bool:
    for number, kind, data in tags:
        if number == KEYS and kind == SHORT:
            values = struct.unpack(f"<{len(data) // 2}H", data)
            keys = [values[at : at + 4] for at in range(4, min(len(values) - 3, 4 * MAX_KEYS), 4)]
            return any(key[0] == RASTER_TYPE and key[1] == 0 and key[3] == IS_POINT for key in keys)
    return False
