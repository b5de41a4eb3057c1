"""The size that the code of a picture in AVIF and HEIC announces, which may exceed the size in the file's directory.

Decoders allocate and decode by the code, and scale or cut the result afterwards.
"""

from collections.abc import Iterator

from superscaling.errors import ImageCorrupt
from superscaling.recognition.limits import check_parts

# AV1's kind of unit with the size (AV1, 5.3.2); HEVC's kind of unit with the size (ISO/IEC 23008-2, 7.4.2.2).
AV1_SEQUENCE, HEVC_SEQUENCE = 1, 33
# Units in one coded picture. Real ones have a few, or one for each slice.
MAX_UNITS = 2000
# Bytes of a unit that are looked at: the size is among the first.
HEAD = 200


class _Bits:
    """Bits from the most significant one on."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data), 8 * len(data)

    def take(self, count: int) -> int:
        """The next `count` bits as a number."""
        self._left -= count
        if self._left < 0:
            raise ImageCorrupt("a coded picture ends within its header")
        return self._value >> self._left & (1 << count) - 1

    def golomb(self) -> int:
        """The next number in exponential Golomb code. (ISO/IEC 23008-2, 9.2)"""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


def av1_sizes(code: bytes) -> Iterator[int]:
    """The px of the frames of an AV1 picture, for each header in it."""
    for kind, content in _av1_units(code):
        if kind == AV1_SEQUENCE:
            yield _av1_size(_Bits(content[:HEAD]))


def hevc_sizes(configuration: bytes, code: bytes) -> Iterator[int]:
    """The px of the frames of an HEVC picture, for each header beside it and in it.

    Args:
        configuration: content of the box hvcC. (ISO/IEC 14496-15, 8.3.3.1)
        code: of the picture.
    """
    place = 23
    for _ in range(configuration[22]):
        count, place = int.from_bytes(configuration[place + 1 : place + 3]), place + 3
        for unit, end in _hevc_units(configuration, place, 2, count):
            yield from _hevc_size(unit)
            place = end
    for unit, _ in _hevc_units(code, 0, (configuration[21] & 3) + 1, MAX_UNITS + 1):
        yield from _hevc_size(unit)


def _av1_units(code: bytes) -> Iterator[tuple[int, bytes]]:
    place, count = 0, 0
    while place < len(code):
        check_parts("units in a coded picture", count := count + 1, MAX_UNITS)
        head = code[place]
        place += 2 if head & 4 else 1
        size, shift = 0, 0
        while head & 2 and place < len(code) and shift < 56:  # LEB128
            byte, place = code[place], place + 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        end = place + size if head & 2 else len(code)
        yield head >> 3 & 15, code[place : min(end, place + HEAD)]
        place = end


def _av1_size(bits: _Bits) -> int:
    """AV1, 5.5.1."""
    bits.take(3 + 1)
    if bits.take(1):  # reduced header of a still picture
        bits.take(5)
    else:
        delay_size = 0
        if bits.take(1):  # timing
            bits.take(64)
            if bits.take(1):
                bits.golomb()
            if bits.take(1):  # decoder model
                delay_size = bits.take(5) + 1
                bits.take(32 + 5 + 5)
        has_delays = bits.take(1)
        for _ in range(bits.take(5) + 1):
            bits.take(12)
            if bits.take(5) > 7:
                bits.take(1)
            if delay_size and bits.take(1):
                bits.take(2 * delay_size + 1)
            if has_delays and bits.take(1):
                bits.take(4)
    width_size, height_size = bits.take(4) + 1, bits.take(4) + 1
    return (bits.take(width_size) + 1) * (bits.take(height_size) + 1)


def _hevc_units(data: bytes, place: int, length_size: int, most: int) -> Iterator[tuple[bytes, int]]:
    """The beginnings and the ends of the next units, each after its length."""
    count = 0
    while place + length_size <= len(data) and count < most:
        check_parts("units in a coded picture", count := count + 1, MAX_UNITS)
        start = place + length_size
        place = start + int.from_bytes(data[place:start])
        yield data[start : min(place, start + HEAD)], place


def _hevc_size(unit: bytes) -> Iterator[int]:
    """ISO/IEC 23008-2, 7.3.2.2."""
    if len(unit) < 2 or unit[0] >> 1 & 63 != HEVC_SEQUENCE:
        return
    bits = _Bits(unit[2:].replace(b"\0\0\3", b"\0\0"))
    bits.take(4)
    layers = bits.take(3)
    bits.take(1 + 88 + 8)
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for has_profile, has_level in present:
        bits.take(88 * has_profile + 8 * has_level)
    bits.golomb()
    if bits.golomb() == 3:  # 4:4:4
        bits.take(1)
    yield bits.golomb() * bits.golomb()
